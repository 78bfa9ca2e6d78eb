"""Wasmtime's releases, as the command.

Source: https://github.com/bytecodealliance/wasmtime, crates/wasi-nn, and for WebAssembly features
crates/wasmtime/src/config.rs. The features were tested with most releases, and how the command
links imports and starts a module with the releases since 36: tests/heavy/engines.json.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rewriter.abi.dialects import (
    WASI_EPHEMERAL_NN,
    WITX,
    WITX_2020,
    WITX_2023,
    Dialect,
    Encoding,
)
from rewriter.abi.snapshots import AUGUST, JUNE, OCTOBER, RECORDS, RESOURCES, Components
from rewriter.abi.wasi import PREVIEW_0, PREVIEW_1, WASI, WASI_UNSTABLE
from rewriter.diagnostics import Diagnostic
from rewriter.functions.feature import READABLE
from rewriter.hosts.engines import parted
from rewriter.hosts.host import (
    CPU,
    CPU_GPU,
    EVERY_TARGET,
    GPU,
    Backend,
    Feature,
    Host,
    Quirk,
    Start,
    TooSmall,
)
from rewriter.hosts.parts import ONE, with_parts

__all__ = ["DIRECTORY", "FEATURES", "ROWS"]

_OPENVINO_ALONE = Diagnostic("NN231", "the released command has the OpenVINO backend only")
_ABORTS = Diagnostic("NN232", "a pointer outside the guest's memory aborts the whole process")
_ANY_ERROR_ABORTS = Diagnostic("NN239", "any error aborts the whole process")

_NONE: Mapping[Feature, bool] = dict.fromkeys(READABLE, False)
_UNTIL_12: Mapping[Feature, bool] = {
    **_NONE,
    Feature.BULK_MEMORY: True,
    Feature.REFERENCE_TYPES: True,
    Feature.SIMD: True,
    Feature.MANY_LOCALS: True,
    Feature.EQUAL_TYPES: True,
    Feature.MANY_OPERANDS: True,
    Feature.MANY_SLOTS: True,
    Feature.DEEP_BLOCKS: True,
    Feature.MANY_LABELS: True,
    Feature.NUL_IN_NAME: True,
    Feature.NAMELESS_SECTION: True,
}
_OF_13 = {**_UNTIL_12, Feature.OPEN_TYPES: True}
_OF_14 = {**_UNTIL_12, Feature.FINAL_TYPES: True}
_SINCE_15 = {
    **_OF_14,
    Feature.RELAXED_SIMD: True,
    Feature.ATOMICS: True,
    Feature.FENCE: True,
    Feature.THREADS: True,
    Feature.SHARED_IMPORT: True,
    Feature.MEMORIES: True,
}
_SINCE_22 = {**_SINCE_15, Feature.TAIL_CALLS: True}
_SINCE_25 = {**_SINCE_22, Feature.EXTENDED_CONST: True}
_SINCE_30 = {**_SINCE_25, Feature.MEMORY_64: True, Feature.TABLE_64: True}
_SINCE_40 = {**_SINCE_30, Feature.THREADS: False, Feature.SHARED_IMPORT: False}
_SINCE_47 = {
    **_SINCE_40,
    Feature.EXCEPTIONS: True,
    Feature.FUNCTION_REFERENCES: True,
    Feature.OPEN_TYPES: True,
    Feature.GC_TYPES: True,
    Feature.GC: True,
}
FEATURES: Mapping[Feature, bool] = {**_SINCE_47, Feature.WIDE_ARITHMETIC: True}
"""The features that releases 49 and 50 read."""

_ENGINES: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("1", {"features": _UNTIL_12}),
    ("13", {"features": _OF_13}),
    ("14", {"features": _OF_14}),
    ("15", {"features": _SINCE_15}),
    ("22", {"features": _SINCE_22}),
    ("25", {"features": _SINCE_25}),
    ("30", {"features": _SINCE_30}),
    ("40", {"features": _SINCE_40}),
    ("47", {"features": _SINCE_47}),
    ("49", {"features": FEATURES}),
)

_COMPONENTS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("1", {"takes_no_components": True}),
    ("13", {}),
    ("17", {"components": Components(RECORDS, "0.2.0", any_patch=False)}),
    ("19", {"components": Components(RECORDS, "0.2.0")}),
    ("23", {"components": Components(RESOURCES, "0.2.0")}),
    ("24", {"components": Components(JUNE, "0.2.0")}),
    ("25", {"components": Components(AUGUST, "0.2.1")}),
    ("35", {"components": Components(OCTOBER, "0.2.6")}),
    ("46", {"components": Components(OCTOBER, "0.2.12", may_have_wasi_3=True)}),
)
"""crates/wasi-nn/wit and crates/wasi/**/wit by tag. Releases 27 to 34 have 0.2.2 and 0.2.3 of WASI,
with the functions of 0.2.1. Names are looked up without the patch version since 19
(`alternate_lookups`). Releases 13 to 23 have wasi:nn without a version, in three forms: 13 and 14
FIVE_TYPES, 15 to 22 RECORDS, 23 RESOURCES (crates/wasi-nn/spec before 21). Releases 13 to 16 run
components of WASI before 0.2.0: `wasi:cli` without a version, then 0.2.0-rc-2023-10-18, -11-10 and
-12-05. All this is by source, not run. Releases since 46 also run some of WASI 0.3.0. The probe
measured the same of 36 and 42 to 49."""

DIRECTORY = "-S nn-graph=ENCODING::DIRECTORY names a graph as the last part of the path"
_DIRECTORY_13 = DIRECTORY.replace("-S nn-graph=", "--wasi-nn-graph ")

_GRAPHS = {
    DIRECTORY: ("-S", "nn-graph=ENCODING::FOLDER"),
    _DIRECTORY_13: ("--wasi-nn-graph", "ENCODING::FOLDER"),
}


def _row(
    first: str,
    last: str,
    commit: str,
    dialect: Dialect,
    *,
    graphs: str = DIRECTORY,
    aborts: bool = False,
    quirks: Iterable[Quirk] = (),
    extras: tuple[Backend, ...] = (),
) -> Host:
    too_small = TooSmall.ABORTS if aborts else TooSmall.REFUSED
    takes = frozenset(dialect.tensor_types.values())
    openvino = Backend(
        Encoding.OPENVINO,
        takes,
        too_small=too_small,
        library="OpenVINO's C library",
        gives=takes,
        quirks=frozenset(quirks),
        targets=CPU_GPU,  # a tpu ends the process
        devices=GPU,
    )
    flags = ("--wasi-modules", "experimental-wasi-nn") if int(first) < 14 else ("-S", "nn")
    return Host(
        name="wasmtime",
        title="Wasmtime",
        first=first,
        last=last,
        modules=(WASI_EPHEMERAL_NN,),
        dialects=(dialect,),
        limits=(_OPENVINO_ALONE, _ANY_ERROR_ABORTS if aborts else _ABORTS),
        backends=with_parts(
            (openvino, *(backend._replace(too_small=too_small) for backend in extras))
        ),
        graphs=graphs,
        needs=(" ".join(flags),),
        source=f"https://github.com/bytecodealliance/wasmtime/tree/{commit}/crates/wasi-nn",
        others={WASI: PREVIEW_1, WASI_UNSTABLE: PREVIEW_0},
        nn_in_shared=False,
        most_wide_pages=_MOST_WIDE_PAGES,
        initializes=True,
        entries=("", "_start"),
        gives_arguments=True,
        without_memory=frozenset(),
        start=Start(("wasmtime", "run", *flags), ("--dir", "."), _GRAPHS.get(graphs, ())),
    )


_MOST_WIDE_PAGES = 1 << 30
"""The most pages of a 64-bit memory that releases 36 and 49 create on Linux on x86-64. Twice as
many do not fit into the address space of a process."""

_FEATURE = "cargo build --release --features wasmtime-wasi-nn/{}"
_ONNX = Backend(
    Encoding.ONNX,
    built=_FEATURE.format("onnx"),
    extra=True,
    targets=EVERY_TARGET,
    parts=ONE,
)
_ONNX_20 = _ONNX._replace(built=f"{_ONNX.built}, since 20")
_TORCH = Backend(
    Encoding.PYTORCH, built=_FEATURE.format("pytorch"), extra=True, targets=CPU_GPU, devices=GPU
)
_TORCH_30 = _TORCH._replace(targets=CPU)  # since 31 also gpu
_TORCH_27 = _TORCH_30._replace(built=f"{_TORCH.built}, since 27")
"""crates/wasi-nn/Cargo.toml. Which types they take has not been looked up. The ONNX Runtime backend
falls back to the CPU for other targets, unless it is built with CUDA."""

_LAST = (Quirk.CHANNELS_LAST,)
_SINCE_23 = (Quirk.ONNX_TOO, Quirk.GIVES_BF16)

_ROWS = (
    _row(
        *("1", "12", "v12.0.0", WITX_2020),
        graphs="this host cannot load graphs by name",
        aborts=True,
        quirks=_LAST,
    ),
    _row(
        *("13", "13", "v13.0.0", WITX_2023),
        graphs=_DIRECTORY_13,
        aborts=True,
        quirks=_LAST,
    ),
    _row("14", "14", "v14.0.0", WITX_2023, aborts=True, quirks=_LAST),
    _row(
        *("15", "22", "v22.0.0", WITX),
        aborts=True,
        quirks=_LAST,
        extras=(_ONNX_20,),
    ),
    _row("23", "29", "v29.0.0", WITX, quirks=_SINCE_23, extras=(_ONNX, _TORCH_27)),
    _row(
        *("30", "46", "v46.0.0", WITX),
        quirks=_SINCE_23,
        extras=(_ONNX, _TORCH_30),
    ),
    _row(
        *("47", "49", "e6b33de", WITX),
        quirks=(Quirk.NO_SCALARS, *_SINCE_23),
        extras=(_ONNX, _TORCH),
    ),
)
_RELEASES = tuple(map(str, range(1, 50)))
ROWS = tuple(parted(parted(_ROWS, _RELEASES, _ENGINES), _RELEASES, _COMPONENTS))
