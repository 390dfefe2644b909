//! From the logits of a row to the scores of its classes, as transformers' TextClassificationPipeline does it.

use std::fmt;

/// The function between logits and scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Head {
    /// The classes exclude each other: their scores add up to 1.
    Softmax,
    /// Each class is a question of its own: each score lies between 0 and 1.
    Sigmoid,
    /// Regression: the outputs are the scores and no probabilities.
    Identity,
}

impl Head {
    /// Chooses as the pipeline does: `problem_type` of config.json first, the number of classes second. (The pipeline also
    /// knows a `function_to_apply` in config.json, but only for models without any class.) The error says what is wrong.
    pub fn choose(problem_type: Option<&str>, classes: usize) -> Result<Self, String> {
        if classes == 0 {
            return Err("the classifier has no output".to_owned());
        }
        match problem_type {
            Some("regression") => Ok(Self::Identity),
            Some("multi_label_classification") => Ok(Self::Sigmoid),
            None | Some("single_label_classification") if classes == 1 => Ok(Self::Sigmoid),
            None | Some("single_label_classification") => Ok(Self::Softmax),
            Some(other) => Err(format!(
                "problem_type {other:?} is unknown; single_label_classification, multi_label_classification and regression are \
                 known"
            )),
        }
    }

    /// The scores of finite logits, by class; finite themselves.
    pub fn probabilities(self, logits: &[f32]) -> Vec<f32> {
        match self {
            Self::Softmax => {
                // The largest becomes e⁰, so that nothing overflows.
                let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let powers: Vec<f32> = logits.iter().map(|logit| (logit - largest).exp()).collect();
                let sum: f32 = powers.iter().sum();
                powers.into_iter().map(|power| power / sum).collect()
            }
            // Where the power overflows to infinity, its inverse is the 0 that is meant.
            Self::Sigmoid => logits.iter().map(|logit| 1.0 / (1.0 + (-logit).exp())).collect(),
            Self::Identity => logits.to_vec(),
        }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Softmax => "softmax",
            Self::Sigmoid => "sigmoid",
            Self::Identity => "none",
        })
    }
}

/// The class with the highest score; the first of equals, as numpy's argmax.
pub(crate) fn winner(scores: &[f32]) -> usize {
    let mut class = 0;
    for (index, score) in scores.iter().enumerate() {
        if *score > scores[class] {
            class = index;
        }
    }
    class
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_function_is_chosen_as_transformers_does() {
        for (problem_type, classes, head) in [
            (None, 1, Head::Sigmoid),
            (None, 2, Head::Softmax),
            (Some("single_label_classification"), 1, Head::Sigmoid),
            (Some("single_label_classification"), 7, Head::Softmax),
            (Some("multi_label_classification"), 1, Head::Sigmoid),
            (Some("multi_label_classification"), 7, Head::Sigmoid),
            (Some("regression"), 1, Head::Identity),
            (Some("regression"), 7, Head::Identity),
        ] {
            assert_eq!(
                Head::choose(problem_type, classes),
                Ok(head),
                "{problem_type:?} {classes}"
            );
        }
        assert!(Head::choose(None, 0).is_err());
        assert!(Head::choose(Some("ranking"), 2).is_err_and(|reason| reason.contains("ranking")));
    }

    #[test]
    fn known_values() {
        assert_eq!(Head::Softmax.probabilities(&[2.0, 2.0]), [0.5, 0.5]);
        // By hand: 1 / (1 + e) and e / (1 + e).
        let halves = Head::Softmax.probabilities(&[0.0, 1.0]);
        assert!((halves[0] - 0.268_941_43).abs() < 1e-7 && (halves[1] - 0.731_058_6).abs() < 1e-7);
        let sigmoid = Head::Sigmoid.probabilities(&[0.0, 1.0, f32::MAX, f32::MIN]);
        assert!(sigmoid[0] == 0.5 && (sigmoid[1] - 0.731_058_6).abs() < 1e-7);
        assert_eq!(sigmoid[2..], [1.0, 0.0]);
        assert_eq!(Head::Identity.probabilities(&[-3.5, 9.0]), [-3.5, 9.0]);
        assert_eq!(winner(&[0.5, 0.5]), 0);
        assert_eq!(winner(&[0.1, 0.7, 0.2]), 1);
    }

    /// Finite floats of every size, the extremes among them.
    fn logit() -> impl Strategy<Value = f32> {
        prop_oneof![
            -20_f32..20.0,
            any::<f32>().prop_filter("finite", |number| number.is_finite()),
            Just(f32::MAX),
            Just(f32::MIN),
            Just(f32::MIN_POSITIVE),
            Just(-0.0_f32),
            Just(88.8_f32),
            Just(-103.9_f32),
        ]
    }

    proptest! {
        #[test]
        fn softmax_is_a_distribution_whose_winner_is_the_largest_logit(logits in prop::collection::vec(logit(), 1..40)) {
            let scores = Head::Softmax.probabilities(&logits);
            prop_assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)), "{scores:?}");
            prop_assert!((scores.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{scores:?}");
            let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let best = scores[winner(&scores)];
            let place = logits.iter().position(|logit| *logit == largest).unwrap_or(0);
            prop_assert_eq!(scores[place], best);
        }

        #[test]
        fn softmax_does_not_see_a_shift(logits in prop::collection::vec(-20_f32..20.0, 1..40), shift in -20_f32..20.0) {
            let moved: Vec<f32> = logits.iter().map(|logit| logit + shift).collect();
            let pairs = Head::Softmax.probabilities(&logits).into_iter().zip(Head::Softmax.probabilities(&moved));
            for (before, after) in pairs {
                prop_assert!((before - after).abs() < 1e-5);
            }
        }

        #[test]
        fn sigmoid_is_a_probability_that_grows_with_its_logit(first in logit(), second in logit()) {
            let scores = Head::Sigmoid.probabilities(&[first, second]);
            prop_assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)), "{scores:?}");
            prop_assert!(first > second || scores[0] <= scores[1]);
        }
    }
}
