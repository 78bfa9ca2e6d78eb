// wasi-nn as AssemblyScript's bindings have it, with the tensor types of before August 2023.

export const F32: u8 = 1;
export const U8: u8 = 2;
export const I32: u8 = 3;

export const OPENVINO: u32 = 0;
export const CPU: u32 = 0;

@external("wasi_ephemeral_nn", "load")
declare function _load(builders: usize, count: u32, encoding: u32, target: u32, graph: usize): u32;
@external("wasi_ephemeral_nn", "load_by_name")
declare function _load_by_name(name: usize, length: u32, graph: usize): u32;
@external("wasi_ephemeral_nn", "init_execution_context")
declare function _init_execution_context(graph: u32, context: usize): u32;
@external("wasi_ephemeral_nn", "set_input")
declare function _set_input(context: u32, index: u32, tensor: usize): u32;
@external("wasi_ephemeral_nn", "compute")
declare function _compute(context: u32): u32;
@external("wasi_ephemeral_nn", "get_output")
declare function _get_output(c: u32, i: u32, buffer: usize, size: u32, written: usize): u32;
@external("wasi_ephemeral_nn", "unload")
declare function _unload(graph: u32): u32;

@unmanaged
class Tensor {
  dimensions: usize;
  dimensionsLength: u32;
  type: u8;
  data: usize;
  dataLength: u32;
}

const handle = memory.data(4);

function check(call: string, errno: u32): void {
  if (errno) throw new Error(call + ": " + errno.toString());
}

function handleOf(call: string, errno: u32): u32 {
  check(call, errno);
  return load<u32>(handle);
}

export function loadModel(parts: ArrayBuffer[], encoding: u32, target: u32): u32 {
  const builders = new StaticArray<u32>(2 * parts.length);
  for (let i = 0; i < parts.length; i++) {
    builders[2 * i] = <u32>changetype<usize>(parts[i]);
    builders[2 * i + 1] = parts[i].byteLength;
  }
  const address = changetype<usize>(builders);
  return handleOf("load", _load(address, parts.length, encoding, target, handle));
}

export function loadByName(name: string): u32 {
  const text = String.UTF8.encode(name);
  const errno = _load_by_name(changetype<usize>(text), text.byteLength, handle);
  return handleOf("load_by_name", errno);
}

export function initExecutionContext(graph: u32): u32 {
  return handleOf("init_execution_context", _init_execution_context(graph, handle));
}

export function setInput(
  context: u32,
  index: u32,
  type: u8,
  dimensions: StaticArray<u32>,
  data: ArrayBuffer,
): void {
  const address = memory.data(offsetof<Tensor>());
  const tensor = changetype<Tensor>(address);
  tensor.dimensions = changetype<usize>(dimensions);
  tensor.dimensionsLength = dimensions.length;
  tensor.type = type;
  tensor.data = changetype<usize>(data);
  tensor.dataLength = data.byteLength;
  check("set_input", _set_input(context, index, address));
}

export function compute(context: u32): void {
  check("compute", _compute(context));
}

export function getOutput(context: u32, index: u32, room: i32): ArrayBuffer {
  const buffer = new ArrayBuffer(room);
  const address = changetype<usize>(buffer);
  const errno = _get_output(context, index, address, room, handle);
  return buffer.slice(0, handleOf("get_output", errno));
}

export function unload(graph: u32): void {
  check("unload", _unload(graph));
}
