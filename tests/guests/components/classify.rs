//! Says which digit each image shows: classify FOLDER IMAGE...
//!
//! FOLDER has an OpenVINO model, which takes 64 brightnesses as f32 (0 to 1).

use std::{alloc, env, fs, process};

#[repr(C)]
struct List<T> {
    data: *mut T,
    len: usize,
}

#[repr(C)]
struct Named {
    name: List<u8>,
    tensor: i32,
}

/// The result area of `load` and `init-execution-context`.
#[repr(C)]
struct Made {
    failed: u8,
    handle: i32,
}

#[repr(C)]
struct Computed {
    failed: u8,
    outputs: List<Named>,
}

const OPENVINO: i32 = 0;
const CPU: i32 = 0;
const FP32: i32 = 1;

#[link(wasm_import_module = "wasi:nn/tensor@0.2.0-rc-2024-10-28")]
extern "C" {
    #[link_name = "[constructor]tensor"]
    fn tensor_new(dimensions: *const u32, rank: usize, ty: i32, data: *const f32, len: usize) -> i32;
    #[link_name = "[method]tensor.data"]
    fn tensor_data(tensor: i32, result: *mut List<f32>);
    #[link_name = "[resource-drop]tensor"]
    fn tensor_drop(tensor: i32);
}

#[link(wasm_import_module = "wasi:nn/graph@0.2.0-rc-2024-10-28")]
extern "C" {
    fn load(parts: *const List<u8>, len: usize, encoding: i32, target: i32, result: *mut Made);
    #[link_name = "[method]graph.init-execution-context"]
    fn init_execution_context(graph: i32, result: *mut Made);
}

#[link(wasm_import_module = "wasi:nn/inference@0.2.0-rc-2024-10-28")]
extern "C" {
    #[link_name = "[method]graph-execution-context.compute"]
    fn compute(context: i32, inputs: *const Named, len: usize, result: *mut Computed);
}

#[link(wasm_import_module = "wasi:nn/errors@0.2.0-rc-2024-10-28")]
extern "C" {
    #[link_name = "[method]error.code"]
    fn error_code(error: i32) -> i32;
}

extern "C" {
    /// Calling it keeps the linker from having each export call it, cabi_realloc too: it calls
    /// WASI, which a host does not allow while it makes a result.
    fn __wasm_call_ctors();
}

#[export_name = "cabi_realloc"]
unsafe extern "C" fn cabi_realloc(
    old: *mut u8,
    old_size: usize,
    align: usize,
    new_size: usize,
) -> *mut u8 {
    let layout = alloc::Layout::from_size_align_unchecked(old_size, align);
    let data = match (old_size, new_size) {
        (0, 0) => return align as *mut u8,
        (0, _) => alloc::alloc(alloc::Layout::from_size_align_unchecked(new_size, align)),
        _ => alloc::realloc(old, layout, new_size),
    };
    assert!(!data.is_null());
    data
}

fn empty<T>() -> List<T> {
    List { data: std::ptr::null_mut(), len: 0 }
}

fn list(bytes: &mut [u8]) -> List<u8> {
    List { data: bytes.as_mut_ptr(), len: bytes.len() }
}

fn made(call: unsafe extern "C" fn(i32, *mut Made), graph: i32) -> i32 {
    let mut result = Made { failed: 0, handle: 0 };
    unsafe { call(graph, &mut result) };
    handle_of(result)
}

fn handle_of(result: Made) -> i32 {
    if result.failed != 0 {
        eprintln!("error {}", unsafe { error_code(result.handle) });
        process::exit(1);
    }
    result.handle
}

fn load_model(folder: &str) -> i32 {
    let mut parts = ["model.xml", "model.bin"].map(|name| fs::read(format!("{folder}/{name}")).unwrap());
    let lists: Vec<List<u8>> = parts.iter_mut().map(|part| list(part)).collect();
    let mut result = Made { failed: 0, handle: 0 };
    unsafe { load(lists.as_ptr(), lists.len(), OPENVINO, CPU, &mut result) };
    handle_of(result)
}

fn classify(context: i32, image: &[u8]) -> Vec<f32> {
    let pixels: Vec<f32> = image.iter().map(|&byte| f32::from(byte) / 16.0).collect();
    let mut name = *b"pixels";
    unsafe {
        let tensor = tensor_new([1, 64].as_ptr(), 2, FP32, pixels.as_ptr(), 4 * pixels.len());
        let input = Named { name: list(&mut name), tensor };
        let mut result = Computed { failed: 0, outputs: empty() };
        compute(context, &input, 1, &mut result);
        assert_eq!(result.failed, 0);
        let outputs = Vec::from_raw_parts(result.outputs.data, result.outputs.len, result.outputs.len);
        let mut data = empty();
        tensor_data(outputs[0].tensor, &mut data);
        for output in &outputs {
            tensor_drop(output.tensor);
        }
        assert_eq!(data.len, 40);
        std::slice::from_raw_parts(data.data, 10).to_vec()
    }
}

fn main() {
    unsafe { __wasm_call_ctors() };
    let args: Vec<String> = env::args().collect();
    let context = made(init_execution_context, load_model(&args[1]));
    for path in &args[2..] {
        let output = classify(context, &fs::read(path).unwrap());
        let best = (0..10).fold(0, |best, i| if output[i] > output[best] { i } else { best });
        println!("{}: {} ({})", path, best, (1000.0 * output[best]) as i32);
    }
}
