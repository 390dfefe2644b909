//! oneDNN's linear layer with a weight that is laid out once for its kernels, and what follows the product (bias, activation,
//! sum) fused into it. libtorch has it as an operator of its compiler, `mkldnn::_linear_pointwise`, which tch does not
//! wrap; it is called through libtorch's stable C interface (`torch/csrc/inductor/aoti_torch/c/shim.h` and `shim_cpu.h`).

use std::ffi::{CStr, c_char};
use std::mem;
use std::ptr;
use tch::{TchError, Tensor};
use torch_sys::C_tensor;

/// What follows the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// Nothing.
    Nothing,
    /// Gelu by the error function.
    GeluErf,
    /// Gelu by tanh.
    GeluTanh,
    /// The larger of x and 0.
    Relu,
    /// x times its logistic function.
    Silu,
    /// Hyperbolic tangent.
    Tanh,
}

impl After {
    /// The operator's name of it and, for gelu, of the way to compute it.
    fn names(self) -> (&'static CStr, Option<&'static CStr>) {
        match self {
            Self::Nothing => (c"none", None),
            Self::GeluErf => (c"gelu", Some(c"none")),
            Self::GeluTanh => (c"gelu", Some(c"tanh")),
            Self::Relu => (c"relu", None),
            Self::Silu => (c"swish", None),
            Self::Tanh => (c"tanh", None),
        }
    }
}

/// A weight `[outputs, inputs]` in the layout of oneDNN's kernels; opaque to all other operations.
pub(crate) struct PackedWeight(Tensor);

impl PackedWeight {
    /// Lays a weight out. An error means that oneDNN does not do it on this processor or in this precision.
    pub fn new(weight: &Tensor) -> Result<Self, TchError> {
        // The operator's arguments: a tensor, which it takes over, and an optional batch size; then its result.
        let mut stack = [owned_handle(weight.shallow_clone()), 0];
        // SAFETY: both names are C strings, the stack has a slot for each argument of the operator's schema
        // `(Tensor self, int? batch_size=None) -> Tensor` in the encoding of StableIValue: an owned pointer, and 0 for None.
        // Errors come back as a code, no exception crosses.
        let code = unsafe {
            aoti_torch_call_dispatcher(
                c"mkldnn::_reorder_linear_weight".as_ptr(),
                c"".as_ptr(),
                stack.as_mut_ptr(),
            )
        };
        check(code, "oneDNN cannot lay the weight out")?;
        // SAFETY: after success the first slot holds the result, a tensor that is ours now.
        Ok(Self(unsafe { Tensor::from_ptr(stack[0] as *mut C_tensor) }))
    }

    /// `after(input · weightᵀ + bias)` for `[tokens, inputs]` in the weight's precision.
    pub fn linear(&self, input: &Tensor, bias: Option<&Tensor>, after: After) -> Result<Tensor, TchError> {
        let (name, algorithm) = after.names();
        let bias = bias.map(Tensor::as_ptr);
        let bias: *const *const C_tensor = bias.as_ref().map_or(ptr::null(), ptr::from_ref);
        let algorithm = algorithm.map(CStr::as_ptr);
        let algorithm: *const *const c_char = algorithm.as_ref().map_or(ptr::null(), ptr::from_ref);
        let mut output = ptr::null_mut();
        // SAFETY: the handles are pointers to live at::Tensor objects, as tch's are, and are only borrowed; optional
        // arguments are null or point to a handle or a string on this frame; `output` receives a new tensor.
        let code = unsafe {
            aoti_torch_cpu__linear_pointwise(
                input.as_ptr(),
                self.0.as_ptr(),
                bias,
                name.as_ptr(),
                ptr::null(),
                0,
                algorithm,
                &raw mut output,
            )
        };
        check(code, "the linear layer failed")?;
        // SAFETY: after success `output` is a tensor that is ours.
        Ok(unsafe { Tensor::from_ptr(output) })
    }

    /// `input · weightᵀ + bias + other`, where `other` has the shape of the result.
    pub fn linear_plus(
        &self,
        input: &Tensor,
        bias: Option<&Tensor>,
        other: &Tensor,
    ) -> Result<Tensor, TchError> {
        let bias = bias.map(Tensor::as_ptr);
        let bias: *const *const C_tensor = bias.as_ref().map_or(ptr::null(), ptr::from_ref);
        let mut output = ptr::null_mut();
        // SAFETY: as in `linear`.
        let code = unsafe {
            aoti_torch_cpu__linear_pointwise_binary(
                input.as_ptr(),
                other.as_ptr(),
                self.0.as_ptr(),
                bias,
                c"add".as_ptr(),
                &raw mut output,
            )
        };
        check(code, "the linear layer failed")?;
        // SAFETY: as in `linear`.
        Ok(unsafe { Tensor::from_ptr(output) })
    }
}

/// A tensor as an owned pointer, in the encoding of StableIValue.
fn owned_handle(tensor: Tensor) -> u64 {
    let pointer = tensor.as_ptr();
    mem::forget(tensor);
    pointer as u64
}

/// The interface answers with a code only and writes the reason to the standard error.
fn check(code: i32, what: &str) -> Result<(), TchError> {
    match code {
        0 => Ok(()),
        _ => Err(TchError::Torch(format!(
            "{what}; libtorch wrote the reason to the standard error"
        ))),
    }
}

// Part of libtorch_cpu, which torch-sys links. A handle is a pointer to an at::Tensor on the heap, as torch-sys' are.
unsafe extern "C" {
    fn aoti_torch_call_dispatcher(name: *const c_char, overload: *const c_char, stack: *mut u64) -> i32;
    fn aoti_torch_cpu__linear_pointwise(
        input: *const C_tensor,
        weight: *const C_tensor,
        bias: *const *const C_tensor,
        attribute: *const c_char,
        scalars: *const *const f64,
        scalars_len: i64,
        algorithm: *const *const c_char,
        output: *mut *mut C_tensor,
    ) -> i32;
    fn aoti_torch_cpu__linear_pointwise_binary(
        input: *const C_tensor,
        other: *const C_tensor,
        weight: *const C_tensor,
        bias: *const *const C_tensor,
        attribute: *const c_char,
        output: *mut *mut C_tensor,
    ) -> i32;
}
