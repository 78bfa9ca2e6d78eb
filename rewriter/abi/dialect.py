"""The types that describe an ABI: its layout, its functions, and the meaning of its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType

from rewriter.abi.numbers import Encoding, Errno, TensorType
from rewriter.abi.structures import WAMR_OUTPUT_UNIT
from rewriter.wasm.types import FuncType

__all__ = [
    "BY_NAME",
    "FINALIZE",
    "LAYOUTS",
    "MODULE_NAMES",
    "WAMR_LAYOUT",
    "WASI_EPHEMERAL_NN",
    "WASI_NN",
    "WASMEDGES",
    "WITH_CONFIG",
    "WITX_LAYOUT",
    "Dialect",
    "Layout",
    "functions_of",
]

WASI_EPHEMERAL_NN = "wasi_ephemeral_nn"
"""The import module of guests built from Rust, and of Wasmtime, WasmEdge and WAMR since 2.4.0."""

WASI_NN = "wasi_nn"
"""The import module of WAMR's older header, and of hosts built with it."""

MODULE_NAMES = (WASI_EPHEMERAL_NN, WASI_NN)


@dataclass(frozen=True, eq=False)
class Layout:
    """How the common functions pass their arguments: their signatures and structures.

    `module` is the import module that guests of this layout use by default. `load` and
    `get_output` are the parameters of these functions. `output_unit` is the unit in which
    `get_output` counts, in bytes.

    Each layout needs a file of its `name` that decodes it (runtime_shim/abi), one that passes
    tensors without calling the host (runtime_shim/engine/trampolines), and one that adapts it to
    each other layout (rewriter/adapters/bodies).
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

    - `layout`: the layout of its structures.
    - `functions`: the parameters of each function by its name. All parameters and results are i32.
    - `encodings`, `tensor_types`: the meanings of the numbers that a guest passes.
    - `errnos`: the meanings of the numbers that a guest gets back.
    - `implementation`: the module in runtime_shim.abi that implements its functions.
    - `wants_nul`: the host expects a NUL after each name and configuration.
    - `counts_floats`: the host counts the outputs of TensorFlow Lite models in floats, and all
      others in bytes.
    - `raw_types`: the short names of tensor types that no other ABI has, by their numbers. The
      host treats such a tensor as plain bytes.
    - `own_errnos`: the names of errnos that no other ABI has, by their numbers; `errnos` has their
      meanings.
    - `told`: the guest is known to use these numbers, because its adapters do or because the user
      said so. Imports show only the layout and the functions.
    - `assumed`: set if this ABI stands for several releases that number things differently and
      look the same by their imports. Its value is the ABI whose numbers are used if necessary.
    """

    name: str
    layout: Layout
    functions: Mapping[str, tuple[str, ...]]
    encodings: Mapping[int, Encoding]
    tensor_types: Mapping[int, TensorType]
    errnos: Mapping[int, Errno]
    implementation: str
    wants_nul: bool = False
    counts_floats: bool = False
    raw_types: Mapping[int, str] = field(default_factory=dict)
    own_errnos: Mapping[int, str] = field(default_factory=dict)
    told: bool = False
    assumed: Dialect | None = None

    @property
    def tensor_names(self) -> Mapping[int, str]:
        """The names of tensor types by their numbers, in lower case."""
        return {**_names(self.tensor_types), **self.raw_types}

    @property
    def encoding_names(self) -> Mapping[int, str]:
        """The names of encodings by their numbers, in lower case."""
        return _names(self.encodings)

    @property
    def errno_names(self) -> Mapping[int, str]:
        """The host's own name for each errno, in lower case."""
        return {**_names(self.errnos), **self.own_errnos}

    @property
    def errno_meanings(self) -> Mapping[int, str]:
        """What each errno means, in lower case: several can mean the same."""
        return _names(self.errnos)

    @property
    def errno_numbers(self) -> Mapping[Errno, int]:
        """The number of each errno, or the first if it has several."""
        return {meaning: number for number, meaning in reversed([*self.errnos.items()])}

    def signature(self, function: str) -> FuncType:
        """The type of a function of this ABI."""
        return FuncType(("i32",) * len(self.functions[function]), ("i32",))


def _names(meanings: Mapping[int, IntEnum]) -> dict[int, str]:
    return {number: meaning.name.lower() for number, meaning in meanings.items()}


_COMMON_FUNCTIONS = {
    "init_execution_context": ("graph", "context_out"),
    "set_input": ("context", "index", "tensor"),
    "compute": ("context",),
}
BY_NAME = {"load_by_name": ("name", "name_len", "graph_out")}
WITH_CONFIG = {
    "load_by_name_with_config": ("name", "name_len", "config", "config_len", "graph_out")
}
_OUTPUT_BUFFER = ("out_buffer", "out_buffer_max_size", "written_out")

WITX_LAYOUT = Layout(
    name="witx",
    module=WASI_EPHEMERAL_NN,
    load=("builders", "builders_len", "encoding", "target", "graph_out"),
    get_output=("context", "index", *_OUTPUT_BUFFER),
    output_unit=1,
)
WAMR_LAYOUT = Layout(
    name="wamr",
    module=WASI_NN,
    load=("builder_array", "encoding", "target", "graph_out"),
    get_output=("context", "index", "out_buffer", "size_inout"),
    output_unit=WAMR_OUTPUT_UNIT,
)

LAYOUTS = (WITX_LAYOUT, WAMR_LAYOUT)
"""All layouts. This is the only list of them."""


WASMEDGES = {
    "compute_single": ("context",),
    "get_output_single": ("context", "index", *_OUTPUT_BUFFER),
    "fini_single": ("context",),
    "unload": ("graph",),
}
FINALIZE = {"finalize_execution_context": ("context",)}


def functions_of(
    layout: Layout, *more: Mapping[str, tuple[str, ...]]
) -> Mapping[str, tuple[str, ...]]:
    """The functions common to all ABIs, and `more`, each with its parameters."""
    every = {**_COMMON_FUNCTIONS, "load": layout.load, "get_output": layout.get_output}
    return MappingProxyType(
        {name: parameters for some in (every, *more) for name, parameters in some.items()}
    )
