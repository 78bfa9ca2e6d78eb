"""The hosts that register wasi-nn, as data; each profile names its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from rewriter.abi.dialects import (
    MODULE_NAMES,
    WAMR,
    WAMR_2_1,
    WAMR_EPHEMERAL,
    WASI_EPHEMERAL_NN,
    WASI_NN,
    WASMEDGE,
    WITX,
    Dialect,
)
from rewriter.abi.wasi import PREVIEW_0, PREVIEW_1, WASI, WASI_UNSTABLE
from rewriter.diagnostics import Diagnostic
from rewriter.errors import UsageError
from rewriter.wasm.types import FuncType

__all__ = ["HOSTS", "Host", "Proposal", "find_host"]


class Proposal(Enum):
    """Additions to WebAssembly that show in a module's imports and memories; values are what
    messages say that a module has."""

    THREADS = "a shared memory"
    PAGE_SIZES = "a memory with pages of its own size"
    EXACT_IMPORTS = "an exact function import"


_OFF_IN_WASMTIME = frozenset(Proposal)
"""https://docs.wasmtime.dev/api/wasmtime/struct.Config.html (shared_memory,
wasm_custom_page_sizes); exact imports are refused by the releases 49 and 50, too."""


@dataclass(frozen=True)
class Host:
    """What one host registers.

    `dialects` are those it can be spoken to in, the usual one first, under each name in `modules`.
    `since` has the functions that came later than the first version the profile covers, with that
    version. `others` are all functions that it defines beside wasi-nn, with their types, by module
    name, None where that is not known, because it depends on how the host was built. One that
    `tells_numbers` knows those of an adapted guest by its adapters, and those of tensor types by
    the tensors.

    One with `compact_imports` reads import sections that have a module name once for several
    imports. `lacks` are proposals that it has switched off by default. One that `initializes` calls
    `_initialize` where it is an exported function, without arguments, and takes no results. Of
    `entries` it calls the first that is an exported function, without arguments, and takes numbers
    as results; there are none where a user can give arguments. `without_memory` are WASI's
    functions that work without the guest's memory. These are set for the hosts of which `others`
    are known.
    """

    name: str
    title: str
    modules: tuple[str, ...]
    dialects: tuple[Dialect, ...]
    limits: tuple[Diagnostic, ...]
    source: str
    since: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, Mapping[str, FuncType]] | None = None
    tells_numbers: bool = False
    compact_imports: bool = False
    lacks: frozenset[Proposal] = frozenset()
    initializes: bool = False
    entries: tuple[str, ...] = ()
    without_memory: frozenset[str] = frozenset()


_WAMR_SOURCE = (
    "https://github.com/bytecodealliance/wasm-micro-runtime/tree/{}"
    "/core/iwasm/libraries/wasi-nn (src/wasi_nn.c, include/wasi_nn_types.h)"
)

_ENCODINGS = Diagnostic("NN233", "ggml is encoding 5 and autodetect 6")

_PROFILES = (
    Host(
        name="wasmtime",
        title="Wasmtime",
        modules=(WASI_EPHEMERAL_NN,),
        dialects=(WITX,),
        limits=(
            Diagnostic("NN231", "the released command has the OpenVINO backend only"),
            Diagnostic("NN232", "a pointer outside the guest's memory aborts the whole process"),
        ),
        source="https://github.com/bytecodealliance/wasmtime/tree/e6b33de/crates/wasi-nn",
        others={WASI: PREVIEW_1, WASI_UNSTABLE: PREVIEW_0},
        lacks=_OFF_IN_WASMTIME,
        initializes=True,
    ),
    Host(
        name="wamr",
        title="WAMR since 2.4.0",
        modules=(WASI_EPHEMERAL_NN,),
        dialects=(WAMR_EPHEMERAL,),
        limits=(_ENCODINGS,),
        source=_WAMR_SOURCE.format("646b5a9"),
    ),
    Host(
        name="wamr-2.1",
        title="WAMR 2.1.1 to 2.3.x, built with WASI_EPHEMERAL_NN",
        modules=(WASI_EPHEMERAL_NN,),
        dialects=(WAMR_2_1,),
        limits=(
            _ENCODINGS,
            Diagnostic("NN234", "tensors of u8, i32 and i64 have types 4, 5 and 6"),
        ),
        source=_WAMR_SOURCE.format("WAMR-2.3.1"),
        since={"load_by_name_with_config": "2.2.0"},
    ),
    Host(
        name="wamr-legacy",
        title="WAMR built without WASI_EPHEMERAL_NN, the default until 2.3.x",
        modules=(WASI_NN,),
        dialects=(WAMR,),
        limits=(
            Diagnostic(
                "NN235",
                "only its TensorFlow Lite backend builds this way, which takes 32-bit floats only",
            ),
            Diagnostic(
                "NN236",
                "an output is copied only if the buffer is declared four times as large as it is",
            ),
        ),
        source=_WAMR_SOURCE.format("646b5a9"),
        since={"load_by_name": "2.4.0"},
    ),
    Host(
        name="wasmedge",
        title="WasmEdge's wasi_nn plugin",
        modules=(WASI_EPHEMERAL_NN,),
        dialects=(WASMEDGE,),
        limits=(Diagnostic("NN237", "a tensor's type is read as 32 bits"),),
        source="https://github.com/WasmEdge/WasmEdge/tree/d516c5d/plugins/wasi_nn",
    ),
    Host(
        name="nnshim",
        title="`nnshim run`",
        modules=MODULE_NAMES,
        dialects=(WITX, WAMR, WASMEDGE),
        limits=(Diagnostic("NN238", "only language models (GGUF) stream"),),
        source="runtime_shim",
        others={WASI: PREVIEW_1},
        tells_numbers=True,
        lacks=_OFF_IN_WASMTIME,
        initializes=True,
        entries=("", "_start"),
        without_memory=frozenset(("proc_exit",)),
    ),
)

HOSTS: Mapping[str, Host] = MappingProxyType({host.name: host for host in _PROFILES})


def find_host(name: str) -> Host:
    """The profile of a host; raises UsageError for a name that is not known."""
    host = HOSTS.get(name)
    if host is None:
        raise UsageError(f"{name!r} is not a known host ({', '.join(HOSTS)})")
    return host
