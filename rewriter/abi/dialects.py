"""The wasi-nn binary interfaces as data: names, signatures, structures and constants.

All integers are little-endian; every pointer and length is a 32-bit offset or count in the
guest's memory; every function returns one i32, the errno.

Sources:
- witx: https://github.com/WebAssembly/wasi-nn/blob/71320d9/wasi-nn.witx
- wamr: https://github.com/bytecodealliance/wasm-micro-runtime/tree/646b5a9 (in
  core/iwasm/libraries/wasi-nn: include/wasi_nn.h, include/wasi_nn_types.h, src/wasi_nn.c)
- wasmedge: https://github.com/WasmEdge/WasmEdge/tree/d516c5d/plugins/wasi_nn (wasinntypes.h,
  wasinnfunc.cpp)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType

from rewriter.abi.structures import WAMR_OUTPUT_UNIT
from rewriter.errors import UsageError
from rewriter.wasm.types import FuncType

__all__ = [
    "DIALECTS",
    "ELEMENT_SIZE",
    "LAYOUTS",
    "MODULE_NAMES",
    "WAMR",
    "WAMR_2_1",
    "WAMR_EPHEMERAL",
    "WASI_EPHEMERAL_NN",
    "WASI_NN",
    "WASMEDGE",
    "WITX",
    "WITX_2022",
    "Dialect",
    "Encoding",
    "Errno",
    "Layout",
    "Target",
    "TensorType",
    "find_dialect",
]

WASI_EPHEMERAL_NN = "wasi_ephemeral_nn"
"""The import module of guests built from Rust, and of Wasmtime, WasmEdge and WAMR since 2.4.0."""

WASI_NN = "wasi_nn"
"""The import module of WAMR's older header and of hosts built with it."""

MODULE_NAMES = (WASI_EPHEMERAL_NN, WASI_NN)


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
    """graph_encoding, with WasmEdge's values, which are witx's and more. WAMR has others: see
    Dialect.encodings."""

    OPENVINO = 0
    ONNX = 1
    TENSORFLOW = 2
    PYTORCH = 3
    TENSORFLOWLITE = 4
    AUTODETECT = 5
    GGML = 6
    NEURALSPEED = 7
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
    """tensor_type, with witx's values. WAMR has others: see Dialect.tensor_types."""

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


@dataclass(frozen=True, eq=False)
class Layout:
    """How the functions that all ABIs have pass what they pass: signatures and structures.

    `module` is the import module of guests that have it, by default; `load` and `get_output` are
    the parameters of these; `output_unit` are the bytes that `get_output` counts by. It takes a
    file of its `name` each to decode it (runtime_shim/abi), to pass tensors without the host
    (runtime_shim/engine/trampolines), and, with that of each other layout, to adapt it
    (rewriter/adapters/bodies).
    """

    name: str
    module: str
    load: tuple[str, ...]
    get_output: tuple[str, ...]
    output_unit: int

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False, kw_only=True)
class Dialect:
    """One ABI.

    `layout` is whose structures it has. `functions` maps a name to its parameters; all are i32, and
    so is the result. `encodings` and `tensor_types` map the numbers that a guest passes to what
    they mean. `implementation` is the module in runtime_shim.abi that makes its functions.
    `raw_types` are the numbers of tensor types that no other ABI has, by their short names: such a
    tensor is its elements' bytes. `told` says that a guest has these numbers for certain, because
    its adapters make them or somebody has said so; what the imports tell is the layout and the
    functions.
    """

    name: str
    layout: Layout
    functions: Mapping[str, tuple[str, ...]]
    encodings: Mapping[int, Encoding]
    tensor_types: Mapping[int, TensorType]
    implementation: str
    raw_types: Mapping[int, str] = field(default_factory=dict)
    told: bool = False

    def signature(self, function: str) -> FuncType:
        """The type of one of its functions."""
        return FuncType(("i32",) * len(self.functions[function]), ("i32",))


_COMMON_FUNCTIONS = {
    "load_by_name": ("name", "name_len", "graph_out"),
    "init_execution_context": ("graph", "context_out"),
    "set_input": ("context", "index", "tensor"),
    "compute": ("context",),
}
_COMMON_ENCODINGS = {
    encoding.value: encoding
    for encoding in (
        Encoding.OPENVINO,
        Encoding.ONNX,
        Encoding.TENSORFLOW,
        Encoding.PYTORCH,
        Encoding.TENSORFLOWLITE,
    )
}
_WITH_CONFIG = {
    "load_by_name_with_config": ("name", "name_len", "config", "config_len", "graph_out")
}
_OUTPUT_BUFFER = ("out_buffer", "out_buffer_max_size", "written_out")

_WITX = Layout(
    name="witx",
    module=WASI_EPHEMERAL_NN,
    load=("builders", "builders_len", "encoding", "target", "graph_out"),
    get_output=("context", "index", *_OUTPUT_BUFFER),
    output_unit=1,
)
_WAMR = Layout(
    name="wamr",
    module=WASI_NN,
    load=("builder_array", "encoding", "target", "graph_out"),
    get_output=("context", "index", "out_buffer", "size_inout"),
    output_unit=WAMR_OUTPUT_UNIT,
)

LAYOUTS = (_WITX, _WAMR)
"""All of them; the only list."""


_WASMEDGES = {
    "compute_single": ("context",),
    "get_output_single": ("context", "index", *_OUTPUT_BUFFER),
    "fini_single": ("context",),
    "unload": ("graph",),
    "finalize_execution_context": ("context",),
}


def _functions(
    layout: Layout, *more: Mapping[str, tuple[str, ...]]
) -> Mapping[str, tuple[str, ...]]:
    every = {**_COMMON_FUNCTIONS, "load": layout.load, "get_output": layout.get_output}
    return MappingProxyType(
        {name: parameters for some in (every, *more) for name, parameters in some.items()}
    )


WITX = Dialect(
    name="witx",
    layout=_WITX,
    functions=_functions(_WITX),
    encodings=MappingProxyType({**_COMMON_ENCODINGS, 5: Encoding.AUTODETECT}),
    tensor_types=MappingProxyType({kind.value: kind for kind in TensorType}),
    implementation="witx",
)
"""The specification's."""

WASMEDGE = Dialect(
    name="wasmedge",
    layout=_WITX,
    functions=_functions(_WITX, _WITH_CONFIG, _WASMEDGES),
    encodings=MappingProxyType({encoding.value: encoding for encoding in Encoding}),
    tensor_types=WITX.tensor_types,
    implementation="wasmedge",
)
"""The specification's and more functions."""

WAMR = Dialect(
    name="wamr",
    layout=_WAMR,
    functions=_functions(_WAMR),
    encodings=MappingProxyType({**_COMMON_ENCODINGS, 5: Encoding.GGML, 6: Encoding.AUTODETECT}),
    tensor_types=MappingProxyType(
        {0: TensorType.F16, 1: TensorType.F32, 2: TensorType.U8, 3: TensorType.I32}
    ),
    implementation="wamr",
)
"""WAMR's older one, of its hosts that register `wasi_nn`."""

WAMR_EPHEMERAL = Dialect(
    name="wamr-ephemeral",
    layout=_WITX,
    functions=_functions(_WITX, _WITH_CONFIG),
    encodings=WAMR.encodings,
    tensor_types=WITX.tensor_types,
    implementation="wasmedge",
)
"""WAMR's, built with WASI_EPHEMERAL_NN, since 2.4.0: witx with other encodings."""

WAMR_2_1 = Dialect(
    name="wamr-2.1",
    layout=_WITX,
    functions=WAMR_EPHEMERAL.functions,
    encodings=WAMR.encodings,
    tensor_types=MappingProxyType(
        {
            0: TensorType.F16,
            1: TensorType.F32,
            2: TensorType.F64,
            4: TensorType.U8,
            5: TensorType.I32,
            6: TensorType.I64,
        }
    ),
    implementation="wasmedge",
    raw_types=MappingProxyType({3: "bf16"}),
)
"""The same in WAMR 2.1.1 to 2.3.x, with other tensor types. Adapters have nothing to put in the
place of bf16, and refuse it.

https://github.com/bytecodealliance/wasm-micro-runtime/tree/WAMR-2.3.1/core/iwasm/libraries/wasi-nn
(include/wasi_nn_types.h)
"""

WITX_2022 = Dialect(
    name="witx-2022",
    layout=_WITX,
    functions=WASMEDGE.functions,
    encodings=WITX.encodings,
    tensor_types=WAMR.tensor_types,
    implementation="wasmedge",
)
"""The specification's until August 2023, with other tensor types: that of guests built with crate
wasi-nn 0.2 to 0.5 or with AssemblyScript's bindings, and for Wasmtime up to 14, WAMR 2.0.0 and
2.1.0, and WasmEdge up to 0.14.1, which has more functions.

https://github.com/WebAssembly/wasi-nn/commit/747d8df
"""

_TABLE = {
    dialect.name: dialect for dialect in (WITX, WASMEDGE, WAMR, WAMR_EPHEMERAL, WAMR_2_1, WITX_2022)
}

DIALECTS: Mapping[str, Dialect] = MappingProxyType(_TABLE)
"""All ABIs, by their names; the only list of them. The imports of a module tell which layout and
functions it has, and take for its numbers those of WITX, WASMEDGE or WAMR; that it has those of
another one has to be said."""


def find_dialect(name: str) -> Dialect:
    """Raises UsageError for a name that is not known."""
    dialect = DIALECTS.get(name)
    if dialect is None:
        raise UsageError(f"{name!r} is not a known ABI ({', '.join(DIALECTS)})")
    return dialect
