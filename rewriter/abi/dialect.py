"""What an ABI is: a layout, functions, and what numbers mean."""

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
"""The import module of WAMR's older header and of hosts built with it."""

MODULE_NAMES = (WASI_EPHEMERAL_NN, WASI_NN)


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
    they mean, and `errnos` those that it gets. `implementation` is the module in runtime_shim.abi
    that makes its functions. A host that `wants_nul` takes a name, or a configuration, to end with
    a NUL that stands behind it; one that `counts_floats` counts the outputs of TensorFlow Lite
    models in floats, and all others in bytes. `raw_types` are the numbers of tensor types that no
    other ABI has, by their short names: such a tensor is its elements' bytes. `own_errnos` are the
    names of errnos that no other ABI has, by their numbers; `errnos` has their meanings. `told`
    says that a guest has these numbers for certain, because its adapters make them or somebody has
    said so; what the imports tell is the layout and the functions. One that takes the place of
    several releases with numbers of their own, which imports do not tell apart, has those of
    `assumed`, where it takes some.
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
        """The types of tensors by their numbers, in small letters."""
        return {**_names(self.tensor_types), **self.raw_types}

    @property
    def encoding_names(self) -> Mapping[int, str]:
        """The encodings by their numbers, in small letters."""
        return _names(self.encodings)

    @property
    def errno_names(self) -> Mapping[int, str]:
        """The host's own name for each errno, in small letters."""
        return {**_names(self.errnos), **self.own_errnos}

    @property
    def errno_meanings(self) -> Mapping[int, str]:
        """What each errno means, in small letters: several can mean the same."""
        return _names(self.errnos)

    @property
    def errno_numbers(self) -> Mapping[Errno, int]:
        """The number of each errno that it has; of several, the first."""
        return {meaning: number for number, meaning in reversed([*self.errnos.items()])}

    def signature(self, function: str) -> FuncType:
        """The type of one of its functions."""
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
"""All of them; the only list."""


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
    """The functions that all have, and more, with their parameters."""
    every = {**_COMMON_FUNCTIONS, "load": layout.load, "get_output": layout.get_output}
    return MappingProxyType(
        {name: parameters for some in (every, *more) for name, parameters in some.items()}
    )
