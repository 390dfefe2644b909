//! Which words carry a label, with the bundled model on invented lines.

use crate::golden::bundled_model;
use turnstone_classifier::{
    ATTRIBUTED_SPANS_MAX, Engine, EngineOptions, LabelAttribution, LoadOptions, Normalise, ScoreCache,
};

fn engine(options: EngineOptions) -> Engine {
    Engine::start(&bundled_model(), LoadOptions::default(), options).unwrap()
}

async fn explained(engine: &Engine, text: &str) -> LabelAttribution {
    let attribution = engine.explain_label(text).await.unwrap();
    let mut end = 0;
    for word in &attribution.words {
        assert!(end <= word.range.start, "{text:?}: {:?}", word.range);
        assert!(
            text.get(word.range.clone()).is_some(),
            "{text:?}: {:?}",
            word.range
        );
        assert!((-1.0..=1.0).contains(&word.weight), "{text:?}: {}", word.weight);
        end = word.range.end;
    }
    attribution
}

/// Checks that two attributions are the same but for the last digits, which depend on how the model's threads share the rows.
fn assert_same(left: &LabelAttribution, right: &LabelAttribution) {
    assert_eq!(left.prediction.meaning, right.prediction.meaning);
    assert_eq!(left.words.len(), right.words.len());
    for (left, right) in left.words.iter().zip(&right.words) {
        assert_eq!(left.range, right.range);
        assert!(
            (left.weight - right.weight).abs() < 1e-6,
            "{left:?} is not {right:?}"
        );
    }
}

/// Words with their weights, the heaviest first.
fn heaviest<'a>(text: &'a str, attribution: &LabelAttribution) -> Vec<(&'a str, f64)> {
    let mut words: Vec<(&str, f64)> = attribution
        .words
        .iter()
        .map(|word| (&text[word.range.clone()], word.weight))
        .collect();
    words.sort_by(|left, right| right.1.total_cmp(&left.1));
    words
}

#[tokio::test]
async fn the_words_that_carry_a_label_weigh_most() {
    let engine = engine(EngineOptions::default());
    let cases = [
        (
            "Nov 22 10:00:00 gate sshd[42]: Failed password for invalid user oracle from 203.0.113.9 port 51122 ssh2",
            "SECURITY_ANOMALY",
            &["invalid", "password", "Failed"][..],
        ),
        (
            "Nov 22 10:00:00 store kernel: blk_update_request: critical medium error, dev sdb, sector 81920",
            "HARDWARE_ISSUE",
            &[
                "medium",
                "sector",
                "critical",
                "error",
                "blk_update_request",
                "dev",
                "sdb",
            ][..],
        ),
    ];
    for (text, label, carriers) in cases {
        let attribution = explained(&engine, text).await;
        assert_eq!(attribution.prediction.meaning.label.as_str(), label, "{text}");
        let heaviest = heaviest(text, &attribution);
        let of_carriers: f64 = heaviest
            .iter()
            .filter(|(word, _)| carriers.contains(word))
            .map(|(_, weight)| weight)
            .sum();
        let total: f64 = heaviest.iter().map(|(_, weight)| weight).sum();
        assert!(
            carriers.contains(&heaviest[0].0) && heaviest[0].1 > 0.1 && of_carriers > 0.5 * total,
            "{text}: {heaviest:?}"
        );
        // What the template drops is no reason for anything.
        assert_eq!(attribution.words[0].weight, 0.0, "{text}: {heaviest:?}");
        assert_eq!(attribution.left_out_words, 0);
    }
}

#[tokio::test]
async fn the_whole_line_has_its_answer_and_the_same_line_the_same_weights() {
    let cache = ScoreCache::new(1 << 20).unwrap();
    let engine = engine(EngineOptions {
        cache: Some(std::sync::Arc::clone(&cache)),
        ..EngineOptions::default()
    });
    let text = "connection to upstream 10.0.0.7:5432 refused after 3 attempts";
    let first = explained(&engine, text).await;
    assert_eq!(cache.entries(), 0, "made-up texts stay out of the cache");
    let scored = engine
        .classify(vec![text.to_owned()])
        .await
        .unwrap()
        .remove(0)
        .unwrap();
    assert_eq!(scored.meaning, first.prediction.meaning);
    assert!((scored.score - first.prediction.score).abs() < 1e-5);
    assert_eq!(cache.entries(), 1);
    assert_same(&explained(&engine, text).await, &first);
    // Beside other work too.
    let (busy, again) = tokio::join!(
        engine.classify((0..300).map(|n| format!("service {n} started")).collect()),
        explained(&engine, text)
    );
    assert_eq!(busy.unwrap().len(), 300);
    assert_same(&again, &first);
}

#[tokio::test]
async fn strange_lines_are_answered_too() {
    let engine = engine(EngineOptions::default());
    let empty = explained(&engine, "").await;
    assert!(empty.words.is_empty() && empty.left_out_words == 0);
    let one = explained(&engine, "segfault").await;
    assert_eq!(one.words.len(), 1);
    assert_eq!(one.words[0].range, 0..8);
    // It does not matter which of equal words is there, so each has about its share.
    let equal = explained(&engine, "error error error error").await;
    let total: f64 = equal.words.iter().map(|word| word.weight).sum();
    assert_eq!(equal.words.len(), 4);
    for word in &equal.words {
        assert!(
            (word.weight - total / 4.0).abs() <= 0.5 * total.abs(),
            "{equal:?}"
        );
    }
    for text in [
        "Größe überschritten: 磁盘已满 🔥 \u{202e}kcatta\u{1b}[31m",
        "\u{0}\u{7f}\u{feff}",
        "   ",
        "--- *** ---",
    ] {
        explained(&engine, text).await;
    }
    let long = format!("kernel: {}Out of memory: Killed process", "ok ".repeat(100_000));
    let attribution = explained(&engine, &long).await;
    assert!(attribution.words.len() <= ATTRIBUTED_SPANS_MAX);
    assert!(attribution.left_out_words > 99_000);
    assert!(attribution.words.iter().all(|word| word.range.end <= 4_096));
}

#[tokio::test]
async fn a_model_that_sees_lines_as_they_are_is_asked_about_all_words() {
    let load = LoadOptions {
        normalise: Some(Normalise::Raw),
        ..LoadOptions::default()
    };
    let engine = Engine::start(&bundled_model(), load, EngineOptions::default()).unwrap();
    let text = format!("{}sshd: Failed password for root", "x".repeat(600));
    let attribution = explained(&engine, &text).await;
    // The one long word is cut where the model stops reading.
    assert_eq!(attribution.words.len(), 1);
    assert_eq!(attribution.words[0].range, 0..512);
    assert_eq!(attribution.left_out_words, 4);
}
