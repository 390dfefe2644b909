//! Vectors of f32 as the attention kernel needs them: AVX-512 with 16 lanes, AVX2 with 8. Every operation must be inlined
//! into a function that has the instructions enabled.

use std::arch::x86_64::{
    __m256, __m512, _mm256_add_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_max_ps, _mm256_mul_ps,
    _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps, _mm256_sub_ps, _mm512_add_ps, _mm512_fmadd_ps,
    _mm512_loadu_ps, _mm512_max_ps, _mm512_mul_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
    _mm512_sub_ps,
};
use std::arch::x86_64::{
    _mm256_add_epi32, _mm256_castps_si256, _mm256_castsi256_ps, _mm256_set1_epi32, _mm256_slli_epi32,
    _mm512_add_epi32, _mm512_castps_si512, _mm512_castsi512_ps, _mm512_set1_epi32, _mm512_slli_epi32,
};

/// A vector of f32.
///
/// # Safety
///
/// Methods may be called only where the processor has the implementation's instructions; pointers must be good for
/// `LANES` numbers, of any alignment.
pub(super) unsafe trait Lanes: Copy {
    /// Numbers in a vector.
    const LANES: usize;
    unsafe fn zero() -> Self;
    unsafe fn splat(number: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    /// The larger one; `other` where either is no number.
    unsafe fn max(self, other: Self) -> Self;
    /// `self * factor + term`, rounded once.
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self;
    /// Its numbers folded, from the first to the last.
    #[inline(always)]
    unsafe fn fold(self, fold: impl Fn(f32, f32) -> f32) -> f32 {
        let mut lanes = [0_f32; 16];
        // SAFETY: no vector is longer than 16 lanes.
        unsafe { self.store(lanes.as_mut_ptr()) };
        lanes[1..Self::LANES]
            .iter()
            .fold(lanes[0], |folded, lane| fold(folded, *lane))
    }
    /// The sum of its numbers.
    #[inline(always)]
    unsafe fn total(self) -> f32 {
        // SAFETY: as the caller vouches for the instructions.
        unsafe { self.fold(|left, right| left + right) }
    }
    /// 2 to the power of the whole number that `self` holds in the low bits of its significand (see [`exp`]).
    unsafe fn power_of_two(self) -> Self;
}

/// Added to a number of small magnitude, it leaves the nearest whole number in the low bits: 1.5 · 2²³.
const ROUND: f32 = 12_582_912.0;

/// eˣ for x ≤ 0, with a relative error below 2·10⁻⁷; x below -87 counts as -87.
///
/// x = n·ln 2 + r with |r| ≤ ln 2 / 2, eʳ by the polynomial of Cephes' `expf`, and 2ⁿ through the exponent's bits.
#[inline(always)]
pub(super) unsafe fn exp<V: Lanes>(x: V) -> V {
    // SAFETY: as the caller vouches for V's instructions.
    unsafe {
        // The second operand wins where one is no number, so that a broken score stays broken.
        let x = V::splat(-87.0).max(x);
        let shifted = x.mul_add(V::splat(std::f32::consts::LOG2_E), V::splat(ROUND));
        let n = shifted.sub(V::splat(ROUND));
        let r = n.mul_add(V::splat(-0.693_359_4), x);
        let r = n.mul_add(V::splat(2.121_944_4e-4), r);
        let mut sum = V::splat(1.987_569_2e-4);
        for term in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_6e-1, 0.5] {
            sum = sum.mul_add(r, V::splat(term));
        }
        let power = sum.mul_add(r.mul(r), r).add(V::splat(1.0));
        power.mul(shifted.power_of_two())
    }
}

// SAFETY: AVX-512F only.
unsafe impl Lanes for __m512 {
    const LANES: usize = 16;
    #[inline(always)]
    unsafe fn zero() -> Self {
        unsafe { _mm512_setzero_ps() }
    }
    #[inline(always)]
    unsafe fn splat(number: f32) -> Self {
        unsafe { _mm512_set1_ps(number) }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        unsafe { _mm512_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm512_storeu_ps(to, self) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        unsafe { _mm512_add_ps(self, other) }
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        unsafe { _mm512_sub_ps(self, other) }
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        unsafe { _mm512_mul_ps(self, other) }
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        unsafe { _mm512_max_ps(self, other) }
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        unsafe { _mm512_fmadd_ps(self, factor, term) }
    }
    #[inline(always)]
    unsafe fn power_of_two(self) -> Self {
        unsafe {
            let whole = _mm512_add_epi32(_mm512_castps_si512(self), _mm512_set1_epi32(127));
            _mm512_castsi512_ps(_mm512_slli_epi32::<23>(whole))
        }
    }
}

// SAFETY: AVX2 and FMA only.
unsafe impl Lanes for __m256 {
    const LANES: usize = 8;
    #[inline(always)]
    unsafe fn zero() -> Self {
        unsafe { _mm256_setzero_ps() }
    }
    #[inline(always)]
    unsafe fn splat(number: f32) -> Self {
        unsafe { _mm256_set1_ps(number) }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        unsafe { _mm256_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm256_storeu_ps(to, self) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        unsafe { _mm256_add_ps(self, other) }
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        unsafe { _mm256_sub_ps(self, other) }
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        unsafe { _mm256_mul_ps(self, other) }
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        unsafe { _mm256_max_ps(self, other) }
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        unsafe { _mm256_fmadd_ps(self, factor, term) }
    }
    #[inline(always)]
    unsafe fn power_of_two(self) -> Self {
        unsafe {
            let whole = _mm256_add_epi32(_mm256_castps_si256(self), _mm256_set1_epi32(127));
            _mm256_castsi256_ps(_mm256_slli_epi32::<23>(whole))
        }
    }
}
