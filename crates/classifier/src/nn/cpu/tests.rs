//! The kernel against libtorch's attention.

use super::{attention, sum_norm};
use crate::layout::Run;
use tch::{Device, Kind, Tensor};

fn runs(shape: &[(i64, i64)]) -> Vec<Run> {
    let (mut first_row, mut first_token) = (0, 0);
    shape
        .iter()
        .map(|(rows, tokens)| {
            let run = Run {
                first_row,
                rows: *rows,
                first_token,
                tokens: *tokens,
                mask: None,
            };
            first_row += rows;
            first_token += rows * tokens;
            run
        })
        .collect()
}

fn reference(joined: &Tensor, run: &Run, heads: i64) -> Tensor {
    let width = joined.size()[1];
    let parts = run.of(joined).unwrap().to_kind(Kind::Float);
    let parts = parts
        .view([run.rows, run.tokens, 3, heads, width / 3 / heads])
        .permute([2, 0, 3, 1, 4]);
    let context = Tensor::scaled_dot_product_attention(
        &parts.get(0),
        &parts.get(1),
        &parts.get(2),
        None::<&Tensor>,
        0.0,
        false,
        None,
        false,
    );
    context
        .transpose(1, 2)
        .reshape([run.rows * run.tokens, width / 3])
}

#[test]
fn contexts_are_those_of_libtorch_at_any_length_and_head_size() {
    tch::manual_seed(7);
    for (heads, head_size) in [(1, 4), (12, 32), (3, 20), (2, 64), (1, 80)] {
        let runs = runs(&[
            (1, 1),
            (3, 2),
            (2, 15),
            (2, 16),
            (1, 17),
            (2, 63),
            (1, 65),
            (1, 300),
        ]);
        let tokens: i64 = runs.iter().map(|run| run.rows * run.tokens).sum();
        for (kind, spread, tolerance) in [
            (Kind::Float, 1.0, 2e-6),
            // Scores in the hundreds: one key takes all the weight.
            (Kind::Float, 30.0, 2e-3),
            (Kind::BFloat16, 1.0, 1e-2),
        ] {
            let joined = Tensor::randn([tokens, 3 * heads * head_size], (Kind::Float, Device::Cpu)) * spread;
            let joined = joined.to_kind(kind);
            let context = attention(&joined, &runs, heads).unwrap();
            let Some(context) = context else {
                // Only a processor without AVX2 is refused.
                #[cfg(target_arch = "x86_64")]
                assert!(!is_x86_feature_detected!("fma"), "the kernel refused {kind:?}");
                continue;
            };
            let expected: Vec<Tensor> = runs.iter().map(|run| reference(&joined, run, heads)).collect();
            let difference = (context.to_kind(Kind::Float) - Tensor::cat(&expected, 0))
                .abs()
                .max();
            let difference = difference.double_value(&[]);
            assert!(
                difference <= tolerance * spread,
                "{heads} heads of {head_size} in {kind:?}, spread {spread}: {difference}"
            );
        }
    }
}

#[test]
fn extreme_scores_stay_finite() {
    let runs = runs(&[(1, 5)]);
    let joined = Tensor::from_slice(&[1e18_f32, -1e18, 0.0]).repeat([5, 1]);
    if let Some(context) = attention(&joined, &runs, 1).unwrap() {
        assert!(bool::try_from(context.isfinite().all()).unwrap(), "{context:?}");
    }
}

#[test]
fn what_is_no_number_stays_none() {
    let runs = runs(&[(1, 3)]);
    for place in 0..3 {
        let mut numbers = [0.5_f32; 9];
        numbers[place] = f32::NAN;
        let joined = Tensor::from_slice(&numbers).view([3, 3]);
        if let Some(context) = attention(&joined, &runs, 1).unwrap() {
            let first = context.double_value(&[0, 0]);
            assert!(first.is_nan(), "place {place}: {first}");
        }
    }
}

#[test]
fn what_it_is_not_for_is_left_to_libtorch() {
    let half = Tensor::zeros([4, 6], (Kind::Half, Device::Cpu));
    assert!(attention(&half, &runs(&[(1, 4)]), 1).unwrap().is_none());
    let long = Tensor::zeros([600, 6], (Kind::Float, Device::Cpu));
    assert!(attention(&long, &runs(&[(1, 600)]), 1).unwrap().is_none());
    let odd = Tensor::zeros([4, 6], (Kind::Float, Device::Cpu));
    assert!(attention(&odd, &runs(&[(1, 3)]), 1).is_err());
}

#[test]
fn norms_of_sums_are_those_of_libtorch() {
    tch::manual_seed(8);
    let random = |shape: &[i64]| Tensor::randn(shape, (Kind::Float, Device::Cpu));
    for size in [1, 7, 16, 20, 384, 770] {
        let product = (random(&[5, size]) * 3).to_kind(Kind::BFloat16);
        let (residual, weight, bias) = (random(&[5, size]) + 2, random(&[size]), random(&[size]));
        let Some((exact, rounded)) = sum_norm(&product, &residual, &weight, &bias, 1e-5).unwrap() else {
            #[cfg(target_arch = "x86_64")]
            assert!(!is_x86_feature_detected!("fma"), "the kernel refused {size}");
            continue;
        };
        let sum = product.to_kind(Kind::Float) + &residual;
        let expected = sum.layer_norm([size], Some(&weight), Some(&bias), 1e-5, true);
        let difference = (&exact - &expected).abs().max().double_value(&[]);
        assert!(difference <= 2e-5, "{size}: {difference}");
        let agree = rounded.equal(&exact.to_kind(Kind::BFloat16));
        assert!(agree, "{size}: rounded otherwise than libtorch does");
    }
    let product = random(&[2, 4]);
    let (weight, bias) = (random(&[4]), random(&[4]));
    assert!(
        sum_norm(&product, &product, &weight, &bias, 1e-5)
            .unwrap()
            .is_none()
    );
}
