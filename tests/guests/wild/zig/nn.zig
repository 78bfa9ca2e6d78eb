//! wasi-nn as Zig's programs declare it.

pub const TensorType = enum(u8) { f16, f32, f64, u8, i32, i64 };

pub const Builder = extern struct { data: [*]const u8, len: usize };

pub const Tensor = extern struct {
    dimensions: [*]const u32,
    dimensions_len: usize,
    type: TensorType,
    data: [*]const u8,
    data_len: usize,
};

pub const openvino: u32 = 0;
pub const cpu: u32 = 0;

pub extern "wasi_ephemeral_nn" fn load([*]const Builder, usize, u32, u32, *u32) u32;
pub extern "wasi_ephemeral_nn" fn load_by_name([*]const u8, usize, *u32) u32;
pub extern "wasi_ephemeral_nn" fn init_execution_context(u32, *u32) u32;
pub extern "wasi_ephemeral_nn" fn set_input(u32, u32, *const Tensor) u32;
pub extern "wasi_ephemeral_nn" fn compute(u32) u32;
pub extern "wasi_ephemeral_nn" fn get_output(u32, u32, [*]u8, usize, *u32) u32;
pub extern "wasi_ephemeral_nn" fn unload(u32) u32;

pub const Error = error{NeuralNetwork};

pub fn check(errno: u32) Error!void {
    if (errno != 0) return error.NeuralNetwork;
}
