//! Has a named language model go on with a prompt: generate NAME OPTIONS PROMPT

mod wasi_nn;

use std::{env, process};

fn main() {
    let args: Vec<String> = env::args().collect();
    if args.len() != 4 {
        eprintln!("usage: generate NAME OPTIONS PROMPT");
        process::exit(2);
    }
    let graph = wasi_nn::load_by_name(&args[1]).unwrap();
    let context = wasi_nn::init_execution_context(graph).unwrap();
    for (index, text) in [(1, &args[2]), (0, &args[3])] {
        let dimensions = &[text.len() as u32];
        let (type_, data) = (wasi_nn::TENSOR_TYPE_U8, text.as_bytes());
        wasi_nn::set_input(context, index, wasi_nn::Tensor { dimensions, type_, data }).unwrap();
    }
    wasi_nn::compute(context).unwrap();
    let mut output = vec![0u8; 4096];
    let size = wasi_nn::get_output(context, 0, &mut output).unwrap();
    println!("{}", String::from_utf8_lossy(&output[..size]));
    wasi_nn::unload(graph).unwrap();
}
