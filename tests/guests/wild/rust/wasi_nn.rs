//! wasi-nn's imports and structures as the crate wasi-nn has them, whose tensor types were others
//! until its release 0.5 (`--cfg wasi_nn_0_5`).
#![allow(dead_code)]

use std::fmt;
use std::mem::MaybeUninit;

#[repr(transparent)]
#[derive(Copy, Clone, PartialEq, Eq)]
pub struct NnErrno(u16);

impl fmt::Debug for NnErrno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NnErrno").field("code", &self.0).finish()
    }
}

#[repr(transparent)]
#[derive(Copy, Clone)]
pub struct TensorType(u8);
pub const TENSOR_TYPE_F32: TensorType = TensorType(1);
#[cfg(wasi_nn_0_5)]
pub const TENSOR_TYPE_U8: TensorType = TensorType(2);
#[cfg(wasi_nn_0_5)]
pub const TENSOR_TYPE_I32: TensorType = TensorType(3);
#[cfg(not(wasi_nn_0_5))]
pub const TENSOR_TYPE_U8: TensorType = TensorType(3);
#[cfg(not(wasi_nn_0_5))]
pub const TENSOR_TYPE_I32: TensorType = TensorType(4);

pub type GraphBuilder<'a> = &'a [u8];

#[repr(C)]
#[derive(Copy, Clone)]
pub struct Tensor<'a> {
    pub dimensions: &'a [u32],
    pub type_: TensorType,
    pub data: &'a [u8],
}

pub const ENCODING_OPENVINO: i32 = 0;
pub const TARGET_CPU: i32 = 0;

fn ret<T>(rc: i32, value: MaybeUninit<T>) -> Result<T, NnErrno> {
    match rc {
        0 => Ok(unsafe { value.assume_init() }),
        _ => Err(NnErrno(rc as u16)),
    }
}

pub fn load(builder: &[GraphBuilder], encoding: i32, target: i32) -> Result<u32, NnErrno> {
    let mut rp0 = MaybeUninit::<u32>::uninit();
    let rc = unsafe {
        imported::load(
            builder.as_ptr() as i32,
            builder.len() as i32,
            encoding,
            target,
            rp0.as_mut_ptr() as i32,
        )
    };
    ret(rc, rp0)
}

pub fn load_by_name(name: &str) -> Result<u32, NnErrno> {
    let mut rp0 = MaybeUninit::<u32>::uninit();
    let rc = unsafe {
        imported::load_by_name(name.as_ptr() as i32, name.len() as i32, rp0.as_mut_ptr() as i32)
    };
    ret(rc, rp0)
}

pub fn init_execution_context(graph: u32) -> Result<u32, NnErrno> {
    let mut rp0 = MaybeUninit::<u32>::uninit();
    let rc = unsafe { imported::init_execution_context(graph as i32, rp0.as_mut_ptr() as i32) };
    ret(rc, rp0)
}

pub fn set_input(context: u32, index: u32, tensor: Tensor) -> Result<(), NnErrno> {
    let rc =
        unsafe { imported::set_input(context as i32, index as i32, &tensor as *const _ as i32) };
    ret(rc, MaybeUninit::new(()))
}

pub fn compute(context: u32) -> Result<(), NnErrno> {
    ret(unsafe { imported::compute(context as i32) }, MaybeUninit::new(()))
}

pub fn get_output<T>(context: u32, index: u32, buffer: &mut [T]) -> Result<usize, NnErrno> {
    let mut rp0 = MaybeUninit::<u32>::uninit();
    let rc = unsafe {
        imported::get_output(
            context as i32,
            index as i32,
            buffer.as_mut_ptr() as i32,
            std::mem::size_of_val(buffer) as i32,
            rp0.as_mut_ptr() as i32,
        )
    };
    ret(rc, rp0).map(|size| size as usize)
}

pub fn unload(graph: u32) -> Result<(), NnErrno> {
    ret(unsafe { imported::unload(graph as i32) }, MaybeUninit::new(()))
}

/// The bytes of a slice, as the crate gets them from its caller's numbers.
pub fn bytes_of<T>(data: &[T]) -> &[u8] {
    unsafe { std::slice::from_raw_parts(data.as_ptr() as *const u8, std::mem::size_of_val(data)) }
}

mod imported {
    #[link(wasm_import_module = "wasi_ephemeral_nn")]
    extern "C" {
        pub fn load(arg0: i32, arg1: i32, arg2: i32, arg3: i32, arg4: i32) -> i32;
        pub fn load_by_name(arg0: i32, arg1: i32, arg2: i32) -> i32;
        pub fn init_execution_context(arg0: i32, arg1: i32) -> i32;
        pub fn set_input(arg0: i32, arg1: i32, arg2: i32) -> i32;
        pub fn compute(arg0: i32) -> i32;
        pub fn get_output(arg0: i32, arg1: i32, arg2: i32, arg3: i32, arg4: i32) -> i32;
        pub fn unload(arg0: i32) -> i32;
    }
}
