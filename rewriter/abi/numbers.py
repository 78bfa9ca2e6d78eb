"""The numbers of wasi-nn's ABIs and their meanings, as data: errnos, encodings, targets and tensor
types, in every released numbering.

The enums list the meanings. Their values are those of the specification since August 2023, and
WasmEdge's for members that the specification does not have. Each table maps the numbers of one
release to their meanings; the end of its name says which release.

Sources:
- the specification: https://github.com/WebAssembly/wasi-nn at 71320d9, 747d8df (types), c1ff124
  (errno 6 to 8), e5e1a6c (errno and encodings of 2022), d681fa2 (encodings of 2021), f72b983
- WAMR: https://github.com/bytecodealliance/wasm-micro-runtime at its tags
  (core/iwasm/libraries/wasi-nn/include/wasi_nn_types.h)
- WasmEdge: https://github.com/WasmEdge/WasmEdge at its tags (plugins/wasi_nn: types.h, later
  wasinntypes.h)
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

__all__ = [
    "ELEMENT_SIZE",
    "ENCODINGS_2020",
    "ENCODINGS_2021",
    "ENCODINGS_2022",
    "ENCODINGS_WAMR",
    "ENCODINGS_WAMR_1_1",
    "ENCODINGS_WASMEDGE",
    "ENCODINGS_WASMEDGE_0_11_1",
    "ENCODINGS_WITX",
    "ERRNO_2020",
    "ERRNO_2022",
    "ERRNO_NAMES_WIT",
    "ERRNO_WASMEDGE",
    "ERRNO_WIT",
    "ERRNO_WITX",
    "ERROR_CODES",
    "TYPES_2020",
    "TYPES_WIT",
    "TYPES_WITX",
    "ComponentType",
    "Encoding",
    "Errno",
    "Target",
    "TensorType",
    "error_code",
]


class Errno(IntEnum):
    """nn_errno: what each function returns to the guest."""

    SUCCESS = 0
    INVALID_ARGUMENT = 1
    INVALID_ENCODING = 2
    MISSING_MEMORY = 3
    BUSY = 4
    RUNTIME_ERROR = 5
    UNSUPPORTED_OPERATION = 6
    TOO_LARGE = 7
    NOT_FOUND = 8

    # WasmEdge's own
    END_OF_SEQUENCE = 100
    CONTEXT_FULL = 101
    PROMPT_TOO_LONG = 102
    MODEL_NOT_FOUND = 103


class Encoding(IntEnum):
    """graph_encoding, with WasmEdge's values, which extend witx's. WAMR's values differ: see
    ENCODINGS_WAMR."""

    OPENVINO = 0
    ONNX = 1
    TENSORFLOW = 2
    PYTORCH = 3
    TENSORFLOWLITE = 4
    AUTODETECT = 5
    GGML = 6
    NEURALSPEED = 7
    BURN = 8
    WHISPER = 9
    MLX = 10
    PIPER = 11
    CHATTTS = 12
    OPENVINOGENAI = 13
    BITNET = 14


class Target(IntEnum):
    """execution_target."""

    CPU = 0
    GPU = 1
    TPU = 2


class TensorType(IntEnum):
    """tensor_type, with witx's values. WAMR's values differ: see TYPES_WIT."""

    F16 = 0
    F32 = 1
    F64 = 2
    U8 = 3
    I32 = 4
    I64 = 5


class ComponentType(IntEnum):
    """The enumeration tensor-type of wasi:nn, for components. Core modules have no BF16."""

    F16 = 0
    F32 = 1
    F64 = 2
    BF16 = 3
    U8 = 4
    I32 = 5
    I64 = 6


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
"""Bytes per element of each tensor type."""


TYPES_WITX: Mapping[int, TensorType] = MappingProxyType({kind.value: kind for kind in TensorType})
"""The specification since 2023-08-23."""

TYPES_2020: Mapping[int, TensorType] = MappingProxyType(
    {0: TensorType.F16, 1: TensorType.F32, 2: TensorType.U8, 3: TensorType.I32}
)
"""The specification before 2023-08-23, and WAMR's older ABI."""

TYPES_WIT: Mapping[int, TensorType] = MappingProxyType(
    {
        0: TensorType.F16,
        1: TensorType.F32,
        2: TensorType.F64,
        4: TensorType.U8,
        5: TensorType.I32,
        6: TensorType.I64,
    }
)
"""The types of wasi:nn, where 3 is bf16, which no other numbering has. WAMR 2.1.1 to 2.3.1 uses
them in its core ABI."""

_FIRST_FIVE = {
    encoding.value: encoding
    for encoding in (
        Encoding.OPENVINO,
        Encoding.ONNX,
        Encoding.TENSORFLOW,
        Encoding.PYTORCH,
        Encoding.TENSORFLOWLITE,
    )
}

ENCODINGS_2020: Mapping[int, Encoding] = MappingProxyType({0: Encoding.OPENVINO})
"""The specification until December 2021, and all hosts and crates until August 2022."""

ENCODINGS_2021: Mapping[int, Encoding] = MappingProxyType(
    {0: Encoding.OPENVINO, 1: Encoding.TENSORFLOW, 2: Encoding.ONNX}
)
"""The specification from December 2021 to August 2022. No host adopted it."""

ENCODINGS_2022: Mapping[int, Encoding] = MappingProxyType({**_FIRST_FIVE})
"""The specification from October 2022 to August 2023. From August to October 2022 it was the same
without TensorFlow Lite."""

ENCODINGS_WITX: Mapping[int, Encoding] = MappingProxyType({**_FIRST_FIVE, 5: Encoding.AUTODETECT})
"""The specification since August 2023."""

ENCODINGS_WAMR: Mapping[int, Encoding] = MappingProxyType(
    {**_FIRST_FIVE, 5: Encoding.GGML, 6: Encoding.AUTODETECT}
)
"""WAMR since 2.1.1: the encodings of wasi:nn."""

ENCODINGS_WAMR_1_1: Mapping[int, Encoding] = MappingProxyType(
    {
        0: Encoding.OPENVINO,
        1: Encoding.ONNX,
        2: Encoding.TENSORFLOWLITE,
        3: Encoding.PYTORCH,
    }
)
"""WAMR 1.1. It calls 2 tensorflow, but loads TensorFlow Lite models under that number only."""

ENCODINGS_WASMEDGE_0_11_1: Mapping[int, Encoding] = MappingProxyType(
    {0: Encoding.OPENVINO, 1: Encoding.PYTORCH}
)
"""WasmEdge 0.11.1."""

ENCODINGS_WASMEDGE: Mapping[int, Encoding] = MappingProxyType(
    {encoding.value: encoding for encoding in Encoding}
)
"""WasmEdge since 0.11.2. Encodings were added one by one, and none has changed its number. 8 is
defined only in its crate, for a plugin of another project."""

ERRNO_2020: Mapping[int, Errno] = MappingProxyType(
    {0: Errno.SUCCESS, 1: Errno.INVALID_ARGUMENT, 2: Errno.MISSING_MEMORY, 3: Errno.BUSY}
)
"""The specification before August 2022."""

ERRNO_2022: Mapping[int, Errno] = MappingProxyType(
    {errno.value: errno for errno in Errno if errno <= Errno.RUNTIME_ERROR}
)
"""The specification from August 2022 to August 2023."""

ERRNO_WITX: Mapping[int, Errno] = MappingProxyType(
    {errno.value: errno for errno in Errno if errno <= Errno.NOT_FOUND}
)
"""The specification since August 2023."""

ERRNO_WASMEDGE: Mapping[int, Errno] = MappingProxyType({errno.value: errno for errno in Errno})
"""The specification's and WasmEdge's own: WasmEdge since 0.14.0, WAMR since 2.4.0."""

ERRNO_WIT: Mapping[int, Errno] = MappingProxyType(
    {
        0: Errno.SUCCESS,
        1: Errno.INVALID_ARGUMENT,
        2: Errno.INVALID_ENCODING,
        4: Errno.RUNTIME_ERROR,
        3: Errno.RUNTIME_ERROR,
        5: Errno.UNSUPPORTED_OPERATION,
        6: Errno.TOO_LARGE,
        7: Errno.NOT_FOUND,
        8: Errno.RUNTIME_ERROR,
        9: Errno.RUNTIME_ERROR,
        100: Errno.END_OF_SEQUENCE,
        101: Errno.CONTEXT_FULL,
        102: Errno.PROMPT_TOO_LONG,
        103: Errno.MODEL_NOT_FOUND,
    }
)
"""The errnos of wasi:nn, which WAMR 2.1.1 to 2.3.1 returns in both builds, since 2.2.0 together
with WasmEdge's own. Errors that other ABIs do not distinguish are a RUNTIME_ERROR; a guest gets
the first of its numbers, 4."""

ERRNO_NAMES_WIT: Mapping[int, str] = MappingProxyType({3: "timeout", 8: "security", 9: "unknown"})
"""What wasi:nn and WAMR 2.1.1 to 2.3.1 call the errnos that other ABIs call a runtime error.

https://github.com/bytecodealliance/wasm-micro-runtime/blob/WAMR-2.3.1/core/iwasm/libraries/wasi-nn/include/wasi_nn_types.h
"""

ERROR_CODES: Mapping[Errno, int] = MappingProxyType(
    {
        Errno.INVALID_ARGUMENT: 0,
        Errno.INVALID_ENCODING: 1,
        Errno.RUNTIME_ERROR: 3,
        Errno.UNSUPPORTED_OPERATION: 4,
        Errno.TOO_LARGE: 5,
        Errno.NOT_FOUND: 6,
        Errno.MODEL_NOT_FOUND: 6,
    }
)
"""Errors that the enumeration error-code of wasi:nn has, with their values.

https://github.com/WebAssembly/wasi-nn/blob/71320d9/wit/wasi-nn.wit (interface errors)
"""

_UNKNOWN = 8
"""`unknown` in error-code."""


def error_code(errno: Errno) -> int:
    """The value in error-code for an errno of a failed call; `unknown` for one that wasi:nn
    lacks."""
    return ERROR_CODES.get(errno, _UNKNOWN)
