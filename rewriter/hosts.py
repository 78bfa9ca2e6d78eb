"""The hosts that register wasi-nn, as data, and what that means for a module.

Each profile names its source. A function that a host has had since some version only is listed
with that version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from rewriter.dialects import (
    MODULE_NAMES,
    WAMR,
    WASI_EPHEMERAL_NN,
    WASI_NN,
    WASMEDGE,
    WITX,
    Dialect,
    Encoding,
    TensorType,
)
from rewriter.inspect import ModuleInfo

__all__ = ["HOSTS", "Assessment", "Host", "Verdict", "assess"]


@dataclass(frozen=True)
class Host:
    """What one host registers.

    `functions` maps those that it has to the version since when, "" for as long as the profile
    covers. `encodings` and `tensor_types` map the numbers it takes to what it takes them for;
    a type that no dialect here has is None.
    """

    name: str
    title: str
    modules: tuple[str, ...]
    dialects: tuple[Dialect, ...]
    functions: Mapping[str, str]
    encodings: Mapping[int, Encoding]
    tensor_types: Mapping[int, TensorType | None]
    limits: tuple[str, ...]
    source: str


class Verdict(Enum):
    AS_IT_IS = "as it is"
    AFTER_RENAME = "after a rename"
    CANNOT = "no"


@dataclass(frozen=True)
class Assessment:
    """Whether a module runs on a host; `reasons` why not as it is, `caveats` what to look out for
    if it does."""

    verdict: Verdict
    reasons: tuple[str, ...]
    caveats: tuple[str, ...]


_WAMR_SOURCE = (
    "https://github.com/bytecodealliance/wasm-micro-runtime/tree/{}"
    "/core/iwasm/libraries/wasi-nn (src/wasi_nn.c, include/wasi_nn_types.h)"
)
_ALWAYS = ""


def _always(functions: Mapping[str, object]) -> dict[str, str]:
    return dict.fromkeys(functions, _ALWAYS)


_PROFILES = (
    Host(
        name="wasmtime",
        title="Wasmtime",
        modules=(WASI_EPHEMERAL_NN,),
        dialects=(WITX,),
        functions=MappingProxyType(_always(WITX.functions)),
        encodings=WITX.encodings,
        tensor_types=WITX.tensor_types,
        limits=(
            "the released command has the OpenVINO backend only",
            "a pointer outside the guest's memory aborts the whole process",
        ),
        source="https://github.com/bytecodealliance/wasmtime/tree/e6b33de/crates/wasi-nn",
    ),
    Host(
        name="wamr",
        title="WAMR since 2.4.0",
        modules=(WASI_EPHEMERAL_NN,),
        dialects=(WITX,),
        functions=MappingProxyType(
            {**_always(WITX.functions), "load_by_name_with_config": _ALWAYS}
        ),
        encodings=WAMR.encodings,
        tensor_types=WITX.tensor_types,
        limits=("ggml is encoding 5 and autodetect 6",),
        source=_WAMR_SOURCE.format("646b5a9"),
    ),
    Host(
        name="wamr-2.1",
        title="WAMR 2.1.1 to 2.3.x, built with WASI_EPHEMERAL_NN",
        modules=(WASI_EPHEMERAL_NN,),
        dialects=(WITX,),
        functions=MappingProxyType(
            {**_always(WITX.functions), "load_by_name_with_config": "2.2.0"}
        ),
        encodings=WAMR.encodings,
        tensor_types=MappingProxyType(
            {
                0: TensorType.F16,
                1: TensorType.F32,
                2: TensorType.F64,
                3: None,
                4: TensorType.U8,
                5: TensorType.I32,
                6: TensorType.I64,
            }
        ),
        limits=(
            "ggml is encoding 5 and autodetect 6",
            "tensors of u8, i32 and i64 are taken for bf16, u8 and i32",
        ),
        source=_WAMR_SOURCE.format("WAMR-2.3.1"),
    ),
    Host(
        name="wamr-legacy",
        title="WAMR built without WASI_EPHEMERAL_NN, the default until 2.3.x",
        modules=(WASI_NN,),
        dialects=(WAMR,),
        functions=MappingProxyType({**_always(WAMR.functions), "load_by_name": "2.4.0"}),
        encodings=WAMR.encodings,
        tensor_types=WAMR.tensor_types,
        limits=(
            "only its TensorFlow Lite backend builds this way, which takes 32-bit floats only",
            "an output is copied only if the buffer is declared four times as large as it is",
        ),
        source=_WAMR_SOURCE.format("646b5a9"),
    ),
    Host(
        name="wasmedge",
        title="WasmEdge's wasi_nn plugin",
        modules=(WASI_EPHEMERAL_NN,),
        dialects=(WITX, WASMEDGE),
        functions=MappingProxyType(_always(WASMEDGE.functions)),
        encodings=WASMEDGE.encodings,
        tensor_types=WASMEDGE.tensor_types,
        limits=("a tensor's type is read as 32 bits",),
        source="https://github.com/WasmEdge/WasmEdge/tree/d516c5d/plugins/wasi_nn",
    ),
    Host(
        name="nnshim",
        title="`nnshim run`",
        modules=MODULE_NAMES,
        dialects=(WITX, WAMR, WASMEDGE),
        functions=MappingProxyType(_always(WASMEDGE.functions)),
        encodings=WASMEDGE.encodings,
        tensor_types=WITX.tensor_types,
        limits=("the ONNX backend on the CPU only", "nothing streams"),
        source="runtime_shim",
    ),
)

HOSTS: Mapping[str, Host] = MappingProxyType({host.name: host for host in _PROFILES})


def assess(info: ModuleInfo, host: Host) -> Assessment:
    """Judge a module by its imports and exports: no more than those can be known of it."""
    obstacles: list[str] = []
    caveats: list[str] = []
    if info.abis and "memory" not in info.exported_memories:
        obstacles.append('it exports no memory named "memory"')
    for module, abi in info.abis.items():
        if abi.name is None:
            obstacles.append(f"what it imports from {module} is no known ABI")
            continue
        functions = [item.name for item in info.imports if item.module == module]
        unknown, late = _missing(functions, host)
        if abi.name not in _spoken(host):
            theirs = " or ".join(dialect.name for dialect in host.dialects)
            obstacles.append(f"its {module} is of the {abi.name} ABI, and the host speaks {theirs}")
        elif unknown:
            obstacles.append(f"the host does not have {', '.join(unknown)}")
        caveats += late
        if not abi.certain:
            caveats.append(f"that its {module} is of the {abi.name} ABI is a guess")
    if info.abis:
        caveats += host.limits
    if obstacles:
        return Assessment(Verdict.CANNOT, tuple(obstacles), tuple(caveats))
    foreign = [module for module in info.abis if module not in host.modules]
    reasons = tuple(f"it imports {m}, and the host registers {host.modules[0]}" for m in foreign)
    verdict = Verdict.AFTER_RENAME if foreign else Verdict.AS_IT_IS
    return Assessment(verdict, reasons, tuple(caveats))


def _spoken(host: Host) -> set[str]:
    """The ABIs that a host can be spoken to in: WasmEdge's layouts are those of witx, so that its
    extensions are a matter of which functions are there."""
    names = {dialect.name for dialect in host.dialects}
    return names | {WASMEDGE.name} if WITX.name in names else names


def _missing(functions: list[str], host: Host) -> tuple[list[str], list[str]]:
    unknown = [name for name in functions if name not in host.functions]
    late = [
        f"the host has {name} since {host.functions[name]}"
        for name in functions
        if host.functions.get(name)
    ]
    return unknown, late
