"""The wasi-nn binary interfaces as data: names, signatures, structures and constants.

All integers are little-endian; every pointer and length is a 32-bit offset or count in the
guest's memory; every function returns one i32, the errno.

Sources: https://github.com/WebAssembly/wasi-nn/blob/71320d9/wasi-nn.witx for witx, and
https://github.com/bytecodealliance/wasm-micro-runtime/tree/646b5a9/core/iwasm/libraries/wasi-nn
(include/wasi_nn.h, src/wasi_nn.c) for wamr.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

__all__ = [
    "BUILDER",
    "ELEMENT_SIZE",
    "MODULE_NAMES",
    "TENSOR",
    "WAMR",
    "WASI_EPHEMERAL_NN",
    "WASI_NN",
    "WITX",
    "Dialect",
    "Encoding",
    "Errno",
    "Target",
    "TensorType",
]

WASI_EPHEMERAL_NN = "wasi_ephemeral_nn"
"""The import module of guests built from Rust, and of Wasmtime, WasmEdge and WAMR since 2.4.0."""

WASI_NN = "wasi_nn"
"""The import module of WAMR's older header and of hosts built with it."""

MODULE_NAMES = (WASI_EPHEMERAL_NN, WASI_NN)


class Errno(IntEnum):
    """nn_errno."""

    SUCCESS = 0
    INVALID_ARGUMENT = 1
    INVALID_ENCODING = 2
    MISSING_MEMORY = 3
    BUSY = 4
    RUNTIME_ERROR = 5
    UNSUPPORTED_OPERATION = 6
    TOO_LARGE = 7
    NOT_FOUND = 8


class Encoding(IntEnum):
    """graph_encoding."""

    OPENVINO = 0
    ONNX = 1
    TENSORFLOW = 2
    PYTORCH = 3
    TENSORFLOWLITE = 4
    AUTODETECT = 5


class Target(IntEnum):
    """execution_target."""

    CPU = 0
    GPU = 1
    TPU = 2


class TensorType(IntEnum):
    """tensor_type."""

    F16 = 0
    F32 = 1
    F64 = 2
    U8 = 3
    I32 = 4
    I64 = 5


ELEMENT_SIZE: Mapping[TensorType, int] = MappingProxyType(
    {
        TensorType.F16: 2,
        TensorType.F32: 4,
        TensorType.F64: 8,
        TensorType.U8: 1,
        TensorType.I32: 4,
        TensorType.I64: 8,
    }
)
"""Bytes an element of each tensor type."""

BUILDER = struct.Struct("<II")
"""One graph_builder: pointer and length in bytes. `load` gets a pointer to a run of them."""

TENSOR = struct.Struct("<IIB3xII")
"""The tensor that `set_input` points to, 20 bytes: pointer to the dimensions (u32 each), how many
they are, the type in one byte (the three bytes after it are whatever the guest left there),
pointer to the data, length of the data in bytes."""


@dataclass(frozen=True)
class Dialect:
    """One ABI. `functions` maps a name to its parameters; all are i32, and so is the result."""

    name: str
    functions: Mapping[str, tuple[str, ...]]


WITX = Dialect(
    "witx",
    MappingProxyType(
        {
            "load": ("builders", "builders_len", "encoding", "target", "graph_out"),
            "load_by_name": ("name", "name_len", "graph_out"),
            "init_execution_context": ("graph", "context_out"),
            "set_input": ("context", "index", "tensor"),
            "compute": ("context",),
            "get_output": ("context", "index", "out_buffer", "out_buffer_max_size", "written_out"),
        }
    ),
)

WAMR = Dialect(
    "wamr",
    MappingProxyType(
        {
            "load": ("builder_array", "encoding", "target", "graph_out"),
            "load_by_name": ("name", "name_len", "graph_out"),
            "init_execution_context": ("graph", "context_out"),
            "set_input": ("context", "index", "tensor"),
            "compute": ("context",),
            "get_output": ("context", "index", "out_buffer", "size_inout"),
        }
    ),
)
