//! The arithmetic of attention, row by row and head by head.

#![allow(
    clippy::needless_range_loop,
    reason = "counted loops are unrolled and keep their arrays in registers"
)]

use super::lanes::{Lanes, exp};
use std::arch::x86_64::{__m256, __m512};

/// Queries that go through the keys together, so that a key loaded once serves all of them.
const QUERIES: usize = 4;
/// Vectors of keys that do.
const KEY_VECTORS: usize = 4;

/// Sizes of the tensors.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// Tokens of all rows.
    pub tokens: usize,
    /// Width of query, of key and of value.
    pub size: usize,
    /// Heads that share the width.
    pub heads: usize,
}

/// A number as tensors store it.
pub(super) trait Element: Copy {
    fn to_f32(self) -> f32;
    fn from_f32(number: f32) -> Self;
}

impl Element for f32 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        self
    }
    #[inline(always)]
    fn from_f32(number: f32) -> Self {
        number
    }
}

/// The upper half of an f32.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Bf16(u16);

impl Element for Bf16 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }
    /// Rounds to the nearest, ties to even, as libtorch does. Finite numbers only, which weighted means of finite ones are.
    #[inline(always)]
    fn from_f32(number: f32) -> Self {
        let bits = number.to_bits();
        Self((bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16) as u16)
    }
}

/// Attends within each row, given as its first token and its number of tokens. False, with nothing done, where the processor
/// lacks the instructions.
///
/// # Safety
///
/// `input` is good for reading `tokens * 3 * size` numbers (of each token its query, key and value) and `output` for writing
/// `tokens * size`; they do not overlap.
pub(super) unsafe fn rows<E: Element>(
    input: *const E,
    output: *mut E,
    shape: Shape,
    rows: impl Iterator<Item = (usize, usize)>,
) -> bool {
    let wide = is_x86_feature_detected!("avx512f");
    let narrow = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    if !(wide || narrow) {
        return false;
    }
    let mut scratch = Scratch::default();
    let head_size = shape.size / shape.heads;
    for (first, count) in rows {
        assert!(first + count <= shape.tokens, "a row lies outside its batch");
        for head in 0..shape.heads {
            // SAFETY: the row lies inside the tensors and the head inside the width, so all offsets that the kernel reaches
            // (token below `count`, place below `head_size`) do; the instructions were just detected.
            unsafe {
                let input = input.add(first * 3 * shape.size + head * head_size);
                let output = output.add(first * shape.size + head * head_size);
                let one = OneHead {
                    input,
                    output,
                    size: shape.size,
                    head_size,
                    count,
                };
                if wide {
                    attend_avx512(&one, &mut scratch);
                } else {
                    attend_avx2(&one, &mut scratch);
                }
            }
        }
    }
    true
}

/// One head of one row.
struct OneHead<E> {
    /// The first token's query; its key and value are `size` and `2 * size` further, the next token `3 * size`.
    input: *const E,
    /// The first token's context; the next one's is `size` further.
    output: *mut E,
    size: usize,
    head_size: usize,
    /// Tokens of the row.
    count: usize,
}

/// Copies of one head as f32, reused from head to head.
#[derive(Default)]
struct Scratch {
    /// Scaled queries, `[count, head_size]`.
    queries: Vec<f32>,
    /// Keys, `[head_size, count]`, each line padded with zeros to whole blocks of vectors.
    keys: Vec<f32>,
    /// Values, `[count, head_size]`, each line padded with zeros to whole vectors.
    values: Vec<f32>,
    /// Scores and then weights, `[QUERIES, count]`, padded as the keys.
    scores: Vec<f32>,
    /// Contexts, `[QUERIES, head_size]`, padded as the values.
    contexts: Vec<f32>,
}

#[target_feature(enable = "avx512f")]
unsafe fn attend_avx512<E: Element>(one: &OneHead<E>, scratch: &mut Scratch) {
    unsafe { attend::<__m512, E>(one, scratch) }
}

#[target_feature(enable = "avx2,fma")]
unsafe fn attend_avx2<E: Element>(one: &OneHead<E>, scratch: &mut Scratch) {
    unsafe { attend::<__m256, E>(one, scratch) }
}

/// # Safety
///
/// As for [`rows`], and V's instructions must be there.
#[inline(always)]
unsafe fn attend<V: Lanes, E: Element>(one: &OneHead<E>, scratch: &mut Scratch) {
    let key_line = one.count.next_multiple_of(V::LANES);
    let value_line = one.head_size.next_multiple_of(V::LANES);
    // SAFETY: `one` reaches only what `rows` was vouched for.
    unsafe { scratch.fill(one, key_line, value_line) };
    let mut first = 0;
    while first < one.count {
        let queries = QUERIES.min(one.count - first);
        // SAFETY: `fill` sized every buffer for the reads and writes here: queries below `count` (and up to QUERIES - 1 more,
        // for which there is room), keys in whole vectors below `key_line`, values likewise below `value_line`.
        unsafe {
            let mut key = 0;
            let query = scratch.queries.as_ptr().add(first * one.head_size);
            while key + KEY_VECTORS * V::LANES <= key_line {
                score_block::<V, KEY_VECTORS>(scratch, query, one.head_size, key, key_line);
                key += KEY_VECTORS * V::LANES;
            }
            while key < key_line {
                score_block::<V, 1>(scratch, query, one.head_size, key, key_line);
                key += V::LANES;
            }
            for query in 0..queries {
                soften::<V>(&mut scratch.scores[query * key_line..][..key_line], one.count);
            }
            let mut place = 0;
            while place + 2 * V::LANES <= value_line {
                context_block::<V, 2>(scratch, one.count, key_line, place, value_line);
                place += 2 * V::LANES;
            }
            while place < value_line {
                context_block::<V, 1>(scratch, one.count, key_line, place, value_line);
                place += V::LANES;
            }
            for query in 0..queries {
                let to = one.output.add((first + query) * one.size);
                let context = &scratch.contexts[query * value_line..][..one.head_size];
                for (place, number) in context.iter().enumerate() {
                    to.add(place).write(E::from_f32(*number));
                }
            }
        }
        first += queries;
    }
}

impl Scratch {
    /// Copies a head.
    #[inline(always)]
    unsafe fn fill<E: Element>(&mut self, one: &OneHead<E>, key_line: usize, value_line: usize) {
        let scale = 1.0 / (one.head_size as f32).sqrt();
        let grow = |buffer: &mut Vec<f32>, length: usize| {
            if buffer.len() < length {
                buffer.resize(length, 0.0);
            }
        };
        grow(&mut self.queries, (one.count + QUERIES) * one.head_size);
        grow(&mut self.keys, one.head_size * key_line);
        grow(&mut self.values, one.count * value_line);
        grow(&mut self.scores, QUERIES * key_line);
        grow(&mut self.contexts, QUERIES * value_line);
        for token in 0..one.count {
            // SAFETY: the token is below `count`, places below `head_size`.
            unsafe {
                let query = one.input.add(token * 3 * one.size);
                let (key, value) = (query.add(one.size), query.add(2 * one.size));
                let queries = &mut self.queries[token * one.head_size..][..one.head_size];
                for (place, number) in queries.iter_mut().enumerate() {
                    *number = query.add(place).read().to_f32() * scale;
                }
                let values = &mut self.values[token * value_line..][..value_line];
                for (place, number) in values[..one.head_size].iter_mut().enumerate() {
                    *number = value.add(place).read().to_f32();
                }
                values[one.head_size..].fill(0.0);
                for place in 0..one.head_size {
                    self.keys[place * key_line + token] = key.add(place).read().to_f32();
                }
            }
        }
        for place in 0..one.head_size {
            self.keys[place * key_line + one.count..(place + 1) * key_line].fill(0.0);
        }
    }
}

/// Scores of [`QUERIES`] queries with `N` vectors of keys.
#[inline(always)]
unsafe fn score_block<V: Lanes, const N: usize>(
    scratch: &mut Scratch,
    query: *const f32,
    head_size: usize,
    key: usize,
    key_line: usize,
) {
    // SAFETY: as in `attend`.
    unsafe {
        let mut sums = [[V::zero(); N]; QUERIES];
        let keys = scratch.keys.as_ptr().add(key);
        for place in 0..head_size {
            let line = keys.add(place * key_line);
            let mut loaded = [V::zero(); N];
            for vector in 0..N {
                loaded[vector] = V::load(line.add(vector * V::LANES));
            }
            for query_index in 0..QUERIES {
                let number = V::splat(query.add(query_index * head_size + place).read());
                for vector in 0..N {
                    sums[query_index][vector] = number.mul_add(loaded[vector], sums[query_index][vector]);
                }
            }
        }
        let scores = scratch.scores.as_mut_ptr().add(key);
        for query_index in 0..QUERIES {
            for vector in 0..N {
                sums[query_index][vector].store(scores.add(query_index * key_line + vector * V::LANES));
            }
        }
    }
}

/// Softmax over the first `count` of a line; the padding behind becomes 0.
#[inline(always)]
unsafe fn soften<V: Lanes>(line: &mut [f32], count: usize) {
    line[count..].fill(f32::NEG_INFINITY);
    // SAFETY: the line is whole vectors long.
    unsafe {
        let numbers = line.as_mut_ptr();
        let mut largest = V::load(numbers);
        let mut at = V::LANES;
        while at < line.len() {
            largest = largest.max(V::load(numbers.add(at)));
            at += V::LANES;
        }
        let largest = V::splat(largest.fold(f32::max));
        let mut sum = V::zero();
        let mut at = 0;
        while at < line.len() {
            let power = exp(V::load(numbers.add(at)).sub(largest));
            power.store(numbers.add(at));
            sum = sum.add(power);
            at += V::LANES;
        }
        // The padding counted as e⁻⁸⁷, which is nothing beside the largest score's e⁰; it must still not reach a value.
        line[count..].fill(0.0);
        let share = V::splat(1.0 / sum.total());
        let mut at = 0;
        while at < line.len() {
            V::load(numbers.add(at)).mul(share).store(numbers.add(at));
            at += V::LANES;
        }
    }
}

/// Weighted sums of `N` vectors of the values, for [`QUERIES`] queries.
#[inline(always)]
unsafe fn context_block<V: Lanes, const N: usize>(
    scratch: &mut Scratch,
    count: usize,
    key_line: usize,
    place: usize,
    value_line: usize,
) {
    // SAFETY: as in `attend`.
    unsafe {
        let mut sums = [[V::zero(); N]; QUERIES];
        let weights = scratch.scores.as_ptr();
        let values = scratch.values.as_ptr().add(place);
        for token in 0..count {
            let line = values.add(token * value_line);
            let mut loaded = [V::zero(); N];
            for vector in 0..N {
                loaded[vector] = V::load(line.add(vector * V::LANES));
            }
            for query in 0..QUERIES {
                let weight = V::splat(weights.add(query * key_line + token).read());
                for vector in 0..N {
                    sums[query][vector] = weight.mul_add(loaded[vector], sums[query][vector]);
                }
            }
        }
        let contexts = scratch.contexts.as_mut_ptr().add(place);
        for query in 0..QUERIES {
            for vector in 0..N {
                sums[query][vector].store(contexts.add(query * value_line + vector * V::LANES));
            }
        }
    }
}
