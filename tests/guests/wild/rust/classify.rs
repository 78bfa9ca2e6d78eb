//! Says which digit each image shows: classify TYPE FOLDER IMAGE...
//!
//! FOLDER has an OpenVINO model, which takes 64 brightnesses as f32 (0 to 1), u8 or i32 (0 to 16).
//! With `--cfg baked`, wizer-initialize reads the model of the folder f32.

mod wasi_nn;

use std::{env, fs, process};
use wasi_nn::{bytes_of, Tensor};

static mut MODEL: Option<[Vec<u8>; 2]> = None;

fn read(folder: &str) -> [Vec<u8>; 2] {
    ["model.xml", "model.bin"].map(|name| fs::read(format!("{}/{}", folder, name)).unwrap())
}

#[cfg(baked)]
#[export_name = "wizer-initialize"]
pub extern "C" fn initialize() {
    unsafe { MODEL = Some(read("f32")) };
}

fn main() {
    let args: Vec<String> = env::args().collect();
    if args.len() < 4 {
        eprintln!("usage: classify TYPE FOLDER IMAGE...");
        process::exit(2);
    }
    let model = unsafe { MODEL.take() }.unwrap_or_else(|| read(&args[2]));
    let builders = [model[0].as_slice(), model[1].as_slice()];
    let graph =
        wasi_nn::load(&builders, wasi_nn::ENCODING_OPENVINO, wasi_nn::TARGET_CPU).unwrap();
    let context = wasi_nn::init_execution_context(graph).unwrap();
    for path in &args[3..] {
        let image = fs::read(path).unwrap();
        let floats: Vec<f32> = image.iter().map(|&byte| f32::from(byte) / 16.0).collect();
        let words: Vec<i32> = image.iter().map(|&byte| i32::from(byte)).collect();
        let (type_, data) = match args[1].as_str() {
            "u8" => (wasi_nn::TENSOR_TYPE_U8, image.as_slice()),
            "i32" => (wasi_nn::TENSOR_TYPE_I32, bytes_of(&words)),
            _ => (wasi_nn::TENSOR_TYPE_F32, bytes_of(&floats)),
        };
        wasi_nn::set_input(context, 0, Tensor { dimensions: &[1, 64], type_, data }).unwrap();
        wasi_nn::compute(context).unwrap();
        let mut output = [0f32; 10];
        let size = wasi_nn::get_output(context, 0, &mut output).unwrap();
        assert_eq!(size, 40);
        let best = (0..10).fold(0, |best, i| if output[i] > output[best] { i } else { best });
        println!("{}: {} ({})", path, best, (1000.0 * output[best]) as i32);
    }
}
