//! Gets the process ready for a device: loads libtorch's CUDA half where it is wanted, and decides about threads.

use crate::error::LoadError;
use crate::options::{DeviceChoice, Dtype};
use std::cell::Cell;
use std::num::NonZero;
use std::thread;
use tch::{Device, Kind};

/// Makes the device usable and returns libtorch's names for it and for the precision.
pub(crate) fn prepare(choice: DeviceChoice, dtype: Dtype) -> Result<(Device, Kind), LoadError> {
    let refused = |reason: String| LoadError::Device {
        device: choice.to_string(),
        reason,
    };
    let kind = match dtype {
        // `auto` has been decided by now; f32 is always right.
        Dtype::F32 | Dtype::Auto => Kind::Float,
        Dtype::Bf16 => Kind::BFloat16,
        Dtype::F16 => Kind::Half,
    };
    let device = match choice {
        DeviceChoice::Cpu if dtype == Dtype::F16 => {
            return Err(refused(
                "f16 is for GPUs: processors emulate it and it overflows; use f32 or bf16".to_owned(),
            ));
        }
        DeviceChoice::Cpu => Device::Cpu,
        DeviceChoice::Cuda(index) => {
            open_cuda_library().map_err(refused)?;
            let devices = usize::try_from(tch::Cuda::device_count()).unwrap_or(0);
            match devices {
                0 => {
                    return Err(refused(
                        "no NVIDIA GPU is visible to this process; check nvidia-smi".to_owned(),
                    ));
                }
                _ if index >= devices => {
                    return Err(refused(format!("there are {devices} GPUs, numbered from 0")));
                }
                _ => Device::Cuda(index),
            }
        }
    };
    Ok((device, kind))
}

/// Loads libtorch_cuda.so, which registers itself with libtorch. Programs are not linked to it, so that they start, and
/// run on the CPU, where there is no CUDA; hence it must be loaded before libtorch is first asked for a GPU.
fn open_cuda_library() -> Result<(), String> {
    // SAFETY: the name is a C string; the library's initialisers only register kernels; the handle is kept open for good,
    // so no code or data of it can vanish. RTLD_GLOBAL: libraries that it loads later look symbols up in it. dlerror's
    // text is copied before any other dl call of this thread.
    unsafe {
        if !libc::dlopen(c"libtorch_cuda.so".as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL).is_null() {
            return Ok(());
        }
        let message = libc::dlerror();
        let reason = if message.is_null() {
            "no reason given".into()
        } else {
            std::ffi::CStr::from_ptr(message).to_string_lossy().into_owned()
        };
        Err(format!(
            "libtorch's CUDA part cannot be loaded ({reason}); let LD_LIBRARY_PATH name the lib folder of a libtorch 2.11.0 \
             with CUDA, or use cpu"
        ))
    }
}

thread_local! {
    static OPERATIONS_HAVE_ONE_THREAD: Cell<bool> = const { Cell::new(false) };
}

/// Lets this thread compute its libtorch operations alone. On a CPU batches run side by side, each on one thread: that needs no
/// hand-over between threads at every operation, which costs as much as the smaller operations themselves.
pub(crate) fn compute_alone() {
    OPERATIONS_HAVE_ONE_THREAD.with(|done| {
        if !done.replace(true) {
            tch::set_num_threads(1);
        }
    });
}

/// Batches that run at once: as many as asked for or as there are cores; one on a GPU, which is parallel inside.
pub(crate) fn threads(device: Device, wanted: Option<usize>) -> usize {
    let threads = match device {
        Device::Cpu => wanted.unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZero::get)),
        _ => 1,
    };
    threads.max(1)
}
