"""A guest as a program: one inference on twelve floats, written to standard output as it is."""

from __future__ import annotations

import struct

import numpy as np

from rewriter.abi.dialects import ELEMENT_SIZE, WAMR, Dialect, Encoding, TensorType
from rewriter.abi.structures import (
    BUILDER,
    TENSOR,
    WAMR_BUILDERS,
    WAMR_DIMENSIONS,
    WAMR_TENSOR,
)
from tests.support.wasm import assemble

__all__ = ["FLOATS", "program"]

FLOATS = np.arange(1, 13, dtype=np.float32).tobytes()

GRAPH, CONTEXT, COUNT, IOVEC, BUILDERS, ARRAY, TENSOR_AT, SHAPE_AT, DIMENSIONS = range(32, 320, 32)
DATA, OUTPUT, MODEL = 512, 1024, 8192
ROOM = 4096


def program(
    dialect: Dialect,
    module: str,
    encoding: Encoding,
    *,
    unit: int,
    tensor_type: TensorType = TensorType.F32,
    computes: bool = True,
) -> bytes:
    """In the structures and by the numbers of a dialect. It exits with the errno of a call that
    fails, and takes the output to be as many `unit` bytes as get_output says. The input has the
    bytes of FLOATS, as a tensor of another type too. One that does not compute asks for the output
    all the same."""
    shape, model = (1, 3, 4 // ELEMENT_SIZE[tensor_type], 4), b"model"
    number = next(n for n, meaning in dialect.encodings.items() if meaning is encoding)
    kind = next(n for n, meaning in dialect.tensor_types.items() if meaning is tensor_type)
    tensor = TENSOR.pack(SHAPE_AT, len(shape), kind, DATA, len(FLOATS))
    count = 2 if encoding is Encoding.OPENVINO else 1
    builders, room = f"(i32.const {BUILDERS}) (i32.const {count})", f"(i32.const {ROOM})"
    if dialect.layout is WAMR.layout:
        tensor, room = WAMR_TENSOR.pack(DIMENSIONS, kind, DATA), ""
        builders = f"(i32.const {ARRAY})"
    parts = {
        COUNT: struct.pack("<I", ROOM // 4),
        BUILDERS: BUILDER.pack(MODEL, len(model)) + bytes(BUILDER.size * (count - 1)),
        ARRAY: WAMR_BUILDERS.pack(BUILDERS, count),
        TENSOR_AT: tensor,
        SHAPE_AT: struct.pack("<4I", *shape),
        DIMENSIONS: WAMR_DIMENSIONS.pack(SHAPE_AT, len(shape)),
        DATA: FLOATS,
        MODEL: model,
    }
    segments = "\n".join(
        f'(data (i32.const {where}) "{_spelled(data)}")' for where, data in parts.items()
    )
    used = ("load", "init_execution_context", "set_input", "compute", "get_output")
    imports = "\n".join(
        f'(import "{module}" "{name}" (func ${name} {dialect.signature(name)}))' for name in used
    )
    context = f"(i32.load (i32.const {CONTEXT}))"
    compute = f"(call $check (call $compute {context}))" if computes else ""
    return assemble(
        f"""(module
        {imports}
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (import "wasi_snapshot_preview1" "fd_write"
          (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 2)
        {segments}
        (func $check (param i32)
          (if (local.get 0) (then (call $exit (local.get 0)))))
        (func (export "_start")
          (call $check (call $load {builders} (i32.const {number}) (i32.const 0)
            (i32.const {GRAPH})))
          (call $check (call $init_execution_context
            (i32.load (i32.const {GRAPH})) (i32.const {CONTEXT})))
          (call $check (call $set_input {context} (i32.const 0) (i32.const {TENSOR_AT})))
          {compute}
          (call $check (call $get_output {context} (i32.const 0) (i32.const {OUTPUT}) {room}
            (i32.const {COUNT})))
          (i32.store (i32.const {IOVEC}) (i32.const {OUTPUT}))
          (i32.store offset=4 (i32.const {IOVEC})
            (i32.mul (i32.load (i32.const {COUNT})) (i32.const {unit})))
          (drop (call $write (i32.const 1) (i32.const {IOVEC}) (i32.const 1)
            (i32.const {GRAPH})))))"""
    )


def _spelled(data: bytes) -> str:
    return "".join(f"\\{byte:02x}" for byte in data)
