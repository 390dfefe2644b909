//! What libtorch does slowly on a CPU. Attention for short rows: its own kernel calls a general matrix product for every block of every head,
//! which for the 10 to 100 tokens of a log line costs more than the arithmetic; here a head's keys stay in the first-level
//! cache and its scores in registers. Numbers are f32 inside, whatever the tensors hold.
//!
//! And layer norms of a sum that is needed in f32 and in bf16, which would take it four passes over memory.
//!
//! This file checks what is asked, [`attend`] and [`norm`] choose the instructions and hold the arithmetic, [`lanes`] the vectors.

#[cfg(target_arch = "x86_64")]
mod attend;
#[cfg(target_arch = "x86_64")]
mod lanes;
#[cfg(target_arch = "x86_64")]
mod norm;

use crate::layout::Run;
use tch::{Device, Kind, TchError, Tensor};

/// Rows above this length go to libtorch, whose kernel is tiled for long ones.
const TOKENS_MAX: i64 = 512;

/// The context of every token of a batch, `[tokens, size]`, from query, key and value side by side, `[tokens, 3 * size]`;
/// `None` where this processor, precision or batch is not for this kernel.
///
/// Scores are scaled by one over the root of the head's size.
pub(crate) fn attention(joined: &Tensor, runs: &[Run], heads: i64) -> Result<Option<Tensor>, TchError> {
    let (tokens, width) = joined.size2()?;
    let fits = joined.device() == Device::Cpu
        && matches!(joined.kind(), Kind::Float | Kind::BFloat16)
        && joined.is_contiguous()
        && runs
            .iter()
            .all(|run| run.mask.is_none() && run.tokens <= TOKENS_MAX && run.tokens > 0);
    if !fits {
        return Ok(None);
    }
    let covered: i64 = runs.iter().map(|run| run.rows * run.tokens).sum();
    let size = width / 3;
    if covered != tokens || size * 3 != width || heads <= 0 || size % heads != 0 {
        return Err(TchError::Shape(format!(
            "attention over {covered} of {tokens} tokens, {width} wide, in {heads} heads"
        )));
    }
    run_kernel(joined, runs, size, heads)
}

#[cfg(target_arch = "x86_64")]
fn run_kernel(joined: &Tensor, runs: &[Run], size: i64, heads: i64) -> Result<Option<Tensor>, TchError> {
    let (tokens, _) = joined.size2()?;
    let context = Tensor::f_empty([tokens, size], (joined.kind(), Device::Cpu))?;
    let rows = runs
        .iter()
        .flat_map(|run| (0..run.rows).map(|row| (run.first_token + row * run.tokens, run.tokens)));
    let rows = rows.map(|(first, count)| (first as usize, count as usize));
    let shape = attend::Shape {
        tokens: tokens as usize,
        size: size as usize,
        heads: heads as usize,
    };
    let (input, output) = (joined.data_ptr(), context.data_ptr());
    // SAFETY: `joined` is a contiguous `[tokens, 3 * size]` and `context` a fresh contiguous `[tokens, size]` of the same
    // kind, both alive through the call and neither seen by another thread; `attend` checks rows against `tokens`.
    let done = unsafe {
        match joined.kind() {
            Kind::Float => attend::rows::<f32>(input.cast(), output.cast(), shape, rows),
            Kind::BFloat16 => attend::rows::<attend::Bf16>(input.cast(), output.cast(), shape, rows),
            _ => false,
        }
    };
    Ok(done.then_some(context))
}

#[cfg(not(target_arch = "x86_64"))]
fn run_kernel(_: &Tensor, _: &[Run], _: i64, _: i64) -> Result<Option<Tensor>, TchError> {
    Ok(None)
}

/// Layer norm of `product + residual` in f32 and rounded to bf16, which `product` has and `residual`, weight and bias (f32) do
/// not; `None` where this processor or these tensors are not for the kernel.
#[cfg(target_arch = "x86_64")]
pub(crate) fn sum_norm(
    product: &Tensor,
    residual: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    eps: f64,
) -> Result<Option<(Tensor, Tensor)>, TchError> {
    let (tokens, size) = product.size2()?;
    let in_f32 = [residual, weight, bias];
    let fits = product.kind() == Kind::BFloat16
        && in_f32.iter().all(|tensor| tensor.kind() == Kind::Float)
        && in_f32
            .iter()
            .chain([&product])
            .all(|tensor| tensor.device() == Device::Cpu && tensor.is_contiguous())
        && residual.size() == [tokens, size]
        && weight.size() == [size]
        && bias.size() == [size];
    if !fits {
        return Ok(None);
    }
    let exact = Tensor::f_empty([tokens, size], (Kind::Float, Device::Cpu))?;
    let rounded = Tensor::f_empty([tokens, size], (Kind::BFloat16, Device::Cpu))?;
    // SAFETY: shapes, kinds and contiguity are checked above; the results are fresh; all live through the call.
    let done = unsafe {
        let slice =
            |tensor: &Tensor| std::slice::from_raw_parts(tensor.data_ptr().cast::<f32>(), size as usize);
        norm::sum_norm(&norm::SumNorm::<attend::Bf16> {
            product: product.data_ptr().cast(),
            residual: residual.data_ptr().cast(),
            exact: exact.data_ptr().cast(),
            rounded: rounded.data_ptr().cast(),
            weight: slice(weight),
            bias: slice(bias),
            tokens: tokens as usize,
            eps: eps as f32,
        })
    };
    Ok(done.then_some((exact, rounded)))
}

#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn sum_norm(
    _: &Tensor,
    _: &Tensor,
    _: &Tensor,
    _: &Tensor,
    _: f64,
) -> Result<Option<(Tensor, Tensor)>, TchError> {
    Ok(None)
}

#[cfg(test)]
mod tests;
