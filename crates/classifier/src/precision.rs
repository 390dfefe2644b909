//! Chooses the precision of a model where `auto` is asked for, by what the device computes in itself and by the clock.

use crate::device::compute_alone;
use crate::error::LoadError;
use crate::nn::LinearWeights;
use crate::options::{CPU_BATCH_TOKENS, DeviceChoice, Dtype};
use std::time::{Duration, Instant};
use tch::{Device, Kind, TchError, Tensor};

/// Tokens of the timed product.
const TOKENS: i64 = CPU_BATCH_TOKENS as i64;
/// Products of which the fastest counts.
const PASSES: usize = 5;
/// How much faster bf16 must be to be worth its rounding.
const GAIN_MIN: f64 = 1.2;

/// The precision to use, never [`Dtype::Auto`], and why, in words; empty where it was named.
pub(crate) fn choose(device: DeviceChoice, dtype: Dtype, width: usize) -> Result<(Dtype, String), LoadError> {
    match (device, dtype) {
        (DeviceChoice::Cpu, Dtype::Auto) => on_cpu(width),
        (DeviceChoice::Cuda(index), Dtype::Auto) => Ok(on_gpu(index)),
        (DeviceChoice::Cpu, Dtype::Bf16) if !cpu_has_bf16() => {
            tracing::warn!(
                "this processor has no bf16 instructions: they are emulated, f32 is likely to be faster"
            );
            Ok((dtype, String::new()))
        }
        _ => Ok((dtype, String::new())),
    }
}

fn on_cpu(width: usize) -> Result<(Dtype, String), LoadError> {
    if !cpu_has_bf16() {
        let reason = "the processor has no bf16 instructions (avx512_bf16, amx_bf16)";
        return Ok((Dtype::F32, reason.to_owned()));
    }
    let (f32_time, bf16_time) = (
        time_product(width, Kind::Float)?,
        time_product(width, Kind::BFloat16)?,
    );
    let gain = f32_time.as_secs_f64() / bf16_time.as_secs_f64().max(1e-9);
    let dtype = if gain >= GAIN_MIN { Dtype::Bf16 } else { Dtype::F32 };
    let reason = format!(
        "the processor has bf16 instructions, and a product of {TOKENS} x {width} x {} takes {:.2} ms in f32 and {:.2} ms in bf16",
        4 * width,
        f32_time.as_secs_f64() * 1e3,
        bf16_time.as_secs_f64() * 1e3
    );
    Ok((dtype, reason))
}

fn on_gpu(index: usize) -> (Dtype, String) {
    match compute_capability(index) {
        Some((major, minor)) if major >= 8 => (
            Dtype::Bf16,
            format!("the GPU has compute capability {major}.{minor}, and bf16 is native from 8.0"),
        ),
        Some((major, minor)) => (
            Dtype::F16,
            format!("the GPU has compute capability {major}.{minor}, and bf16 is native from 8.0 only"),
        ),
        None => (
            Dtype::F16,
            "the GPU does not say what it can, and each one has f16".to_owned(),
        ),
    }
}

/// The fastest of some products as the model's widest layers do them.
fn time_product(width: usize, kind: Kind) -> Result<Duration, LoadError> {
    let _no_gradients = tch::no_grad_guard();
    // As a batch is computed.
    compute_alone();
    let width = width as i64;
    let ones = |rows: i64, columns: i64| -> Result<Tensor, TchError> {
        Tensor::f_ones([rows, columns], (kind, Device::Cpu))
    };
    let (input, weight) = (ones(TOKENS, width)?, ones(4 * width, width)?);
    let layer = LinearWeights { weight, bias: None }.ready()?;
    let mut fastest = Duration::MAX;
    for _ in 0..PASSES {
        let started = Instant::now();
        drop(layer.forward(&input)?);
        fastest = fastest.min(started.elapsed());
    }
    Ok(fastest)
}

/// Whether the processor has instructions for bf16.
#[cfg(target_arch = "x86_64")]
fn cpu_has_bf16() -> bool {
    // amx_bf16 comes with avx512_bf16 on every processor that there is.
    std::arch::is_x86_feature_detected!("avx512bf16")
}

/// Whether the processor has instructions for bf16.
#[cfg(target_arch = "aarch64")]
fn cpu_has_bf16() -> bool {
    std::arch::is_aarch64_feature_detected!("bf16")
}

/// Whether the processor has instructions for bf16.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn cpu_has_bf16() -> bool {
    false
}

/// The compute capability of a GPU, asked of the driver, which is loaded by now; `None` where it does not answer.
fn compute_capability(index: usize) -> Option<(i32, i32)> {
    // Numbers of CUdevice_attribute in cuda.h.
    const MAJOR: i32 = 75;
    const MINOR: i32 = 76;
    type Init = unsafe extern "C" fn(u32) -> i32;
    type Get = unsafe extern "C" fn(*mut i32, i32) -> i32;
    type Attribute = unsafe extern "C" fn(*mut i32, i32, i32) -> i32;
    // SAFETY: the names are C strings; the library stays loaded, so its functions stay valid; their types are those of cuda.h,
    // where CUresult, CUdevice and CUdevice_attribute are ints; each pointer is to an int on this frame. A symbol that is not
    // there is null, which makes `None` of the function pointer.
    unsafe {
        let library = libc::dlopen(c"libcuda.so.1".as_ptr(), libc::RTLD_NOW);
        if library.is_null() {
            return None;
        }
        let init: Option<Init> = std::mem::transmute(libc::dlsym(library, c"cuInit".as_ptr()));
        let get: Option<Get> = std::mem::transmute(libc::dlsym(library, c"cuDeviceGet".as_ptr()));
        let attribute: Option<Attribute> =
            std::mem::transmute(libc::dlsym(library, c"cuDeviceGetAttribute".as_ptr()));
        let (init, get, attribute) = (init?, get?, attribute?);
        let mut device = 0;
        if init(0) != 0 || get(&raw mut device, i32::try_from(index).ok()?) != 0 {
            return None;
        }
        let ask = |which| {
            let mut value = 0;
            (attribute(&raw mut value, which, device) == 0).then_some(value)
        };
        Some((ask(MAJOR)?, ask(MINOR)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_on_a_cpu_is_what_it_can_do_and_says_why() {
        let (dtype, reason) = choose(DeviceChoice::Cpu, Dtype::Auto, 64).expect("chosen");
        assert!(matches!(dtype, Dtype::F32 | Dtype::Bf16), "{dtype}");
        assert_eq!(reason.contains("no bf16"), !cpu_has_bf16(), "{reason}");
        if !cpu_has_bf16() {
            assert_eq!(dtype, Dtype::F32);
        }
    }

    #[test]
    fn what_is_named_is_taken() {
        for dtype in [Dtype::F32, Dtype::Bf16] {
            assert_eq!(
                choose(DeviceChoice::Cpu, dtype, 64).expect("chosen"),
                (dtype, String::new())
            );
        }
    }
}
