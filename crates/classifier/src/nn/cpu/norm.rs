//! A sum and its layer norm in one pass over memory, with the result in f32 and, for the products that follow, in bf16.

use super::attend::Element;
use super::lanes::Lanes;
use std::arch::x86_64::{__m256, __m512};

/// The tensors of one call.
pub(super) struct SumNorm<'a, E> {
    /// What is added to the residual, `[tokens, size]`.
    pub product: *const E,
    /// `[tokens, size]`.
    pub residual: *const f32,
    /// Receives the result, `[tokens, size]`.
    pub exact: *mut f32,
    /// Receives the result, rounded, `[tokens, size]`.
    pub rounded: *mut E,
    /// `[size]`.
    pub weight: &'a [f32],
    /// `[size]`.
    pub bias: &'a [f32],
    pub tokens: usize,
    /// Added to the variance.
    pub eps: f32,
}

/// Computes it. False, with nothing done, where the processor lacks the instructions.
///
/// # Safety
///
/// The pointers are good for the shapes given, and what is written overlaps nothing else.
pub(super) unsafe fn sum_norm<E: Element>(call: &SumNorm<'_, E>) -> bool {
    assert_eq!(
        call.weight.len(),
        call.bias.len(),
        "weight and bias differ in length"
    );
    // SAFETY: the instructions are detected; the rest is the caller's word.
    unsafe {
        if is_x86_feature_detected!("avx512f") {
            sum_norm_avx512(call);
        } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            sum_norm_avx2(call);
        } else {
            return false;
        }
    }
    true
}

#[target_feature(enable = "avx512f")]
unsafe fn sum_norm_avx512<E: Element>(call: &SumNorm<'_, E>) {
    unsafe { rows::<__m512, E>(call) }
}

#[target_feature(enable = "avx2,fma")]
unsafe fn sum_norm_avx2<E: Element>(call: &SumNorm<'_, E>) {
    unsafe { rows::<__m256, E>(call) }
}

#[inline(always)]
unsafe fn rows<V: Lanes, E: Element>(call: &SumNorm<'_, E>) {
    let size = call.weight.len();
    let whole = size - size % V::LANES;
    for token in 0..call.tokens {
        // SAFETY: every offset is below `tokens * size`, and vectors end at or before `whole`.
        unsafe {
            let at = token * size;
            let (product, residual) = (call.product.add(at), call.residual.add(at));
            let (exact, rounded) = (call.exact.add(at), call.rounded.add(at));
            let mut total = 0.0;
            for place in 0..size {
                let sum = product.add(place).read().to_f32() + residual.add(place).read();
                exact.add(place).write(sum);
            }
            let mut sums = V::zero();
            for place in (0..whole).step_by(V::LANES) {
                sums = sums.add(V::load(exact.add(place)));
            }
            for place in whole..size {
                total += exact.add(place).read();
            }
            let mean = (total + sums.total()) / size as f32;
            // The variance from the distances to the mean, as torch does it; the row is in the first-level cache.
            let (mut squares, mut rest) = (V::zero(), 0.0);
            for place in (0..whole).step_by(V::LANES) {
                let distance = V::load(exact.add(place)).sub(V::splat(mean));
                squares = distance.mul_add(distance, squares);
            }
            for place in whole..size {
                let distance = exact.add(place).read() - mean;
                rest += distance * distance;
            }
            let variance = (rest + squares.total()) / size as f32;
            let scale = 1.0 / (variance + call.eps).sqrt();
            let (weight, bias) = (call.weight.as_ptr(), call.bias.as_ptr());
            for place in (0..whole).step_by(V::LANES) {
                let distance = V::load(exact.add(place)).sub(V::splat(mean)).mul(V::splat(scale));
                distance
                    .mul_add(V::load(weight.add(place)), V::load(bias.add(place)))
                    .store(exact.add(place));
            }
            for place in whole..size {
                let distance = (exact.add(place).read() - mean) * scale;
                exact
                    .add(place)
                    .write(distance * call.weight[place] + call.bias[place]);
            }
            for place in 0..size {
                rounded.add(place).write(E::from_f32(exact.add(place).read()));
            }
        }
    }
}
