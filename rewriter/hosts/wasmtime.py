"""Wasmtime's releases, as the command.

Source: https://github.com/bytecodealliance/wasmtime, crates/wasi-nn, and for what the engine reads
crates/wasmtime/src/config.rs.
"""

from __future__ import annotations

from collections.abc import Mapping

from rewriter.abi.dialects import (
    WASI_EPHEMERAL_NN,
    WITX,
    WITX_2020,
    WITX_2023,
    Dialect,
    Encoding,
)
from rewriter.abi.wasi import PREVIEW_0, PREVIEW_1, WASI, WASI_UNSTABLE
from rewriter.diagnostics import Diagnostic
from rewriter.hosts.host import Backend, Feature, Host, TooSmall

__all__ = ["DIRECTORY", "FEATURES", "ROWS"]

_OPENVINO_ALONE = Diagnostic("NN231", "the released command has the OpenVINO backend only")
_ABORTS = Diagnostic("NN232", "a pointer outside the guest's memory aborts the whole process")
_ANY_ERROR_ABORTS = Diagnostic("NN239", "an error of any call aborts the whole process")

FEATURES: Mapping[Feature, bool] = {
    Feature.THREADS: False,
    Feature.MEMORY_64: True,
    Feature.MEMORIES: True,
    Feature.PAGE_SIZES: False,
    Feature.GC: True,
    Feature.COMPACT_IMPORTS: False,
    Feature.EXACT_IMPORTS: False,
}
"""What releases 49 and 50 read, and switch on by default: tried with modules that have each. A
shared memory is valid since 15, and in none of them can wasi-nn use one."""

_SINCE_15 = {**FEATURES, Feature.GC: False, Feature.MEMORY_64: False}
_UNTIL_14 = {**_SINCE_15, Feature.MEMORIES: False}

DIRECTORY = "-S nn-graph=ENCODING::DIRECTORY names a graph as the last part of the path"
_DIRECTORY_13 = DIRECTORY.replace("-S nn-graph=", "--wasi-nn-graph ")


_FEATURE = "a build with the feature {} of wasmtime-wasi-nn{}"
_ONNX_20 = Backend(Encoding.ONNX, library=_FEATURE.format("onnx", ", since 20"))
_ONNX = Backend(Encoding.ONNX, library=_FEATURE.format("onnx", ""))
_TORCH_27 = Backend(Encoding.PYTORCH, library=_FEATURE.format("pytorch", ", since 27"))
_TORCH = Backend(Encoding.PYTORCH, library=_FEATURE.format("pytorch", ""))
"""What the released command has not. Of which the types have not been read."""


def _row(
    first: str,
    last: str,
    commit: str,
    dialect: Dialect,
    features: Mapping[Feature, bool],
    *,
    graphs: str = DIRECTORY,
    aborts: bool = False,
    buildable: tuple[Backend, ...] = (),
) -> Host:
    too_small = TooSmall.ABORTS if aborts else TooSmall.REFUSED
    takes = frozenset(dialect.tensor_types.values())
    return Host(
        name="wasmtime",
        title="Wasmtime",
        first=first,
        last=last,
        modules=(WASI_EPHEMERAL_NN,),
        dialects=(dialect,),
        limits=(_OPENVINO_ALONE, _ANY_ERROR_ABORTS if aborts else _ABORTS),
        backends=(
            Backend(Encoding.OPENVINO, takes, too_small=too_small, library="OpenVINO's C library"),
            *(backend._replace(too_small=too_small) for backend in buildable),
        ),
        graphs=graphs,
        needs=("--wasi-modules experimental-wasi-nn" if int(first) < 14 else "-S nn",),
        source=f"https://github.com/bytecodealliance/wasmtime/tree/{commit}/crates/wasi-nn",
        others={WASI: PREVIEW_1, WASI_UNSTABLE: PREVIEW_0},
        features=features,
        initializes=True,
        without_memory=frozenset(),
    )


ROWS = (
    _row("1", "12", "v12.0.0", WITX_2020, _UNTIL_14, graphs="no graph has a name", aborts=True),
    _row("13", "13", "v13.0.0", WITX_2023, _UNTIL_14, graphs=_DIRECTORY_13, aborts=True),
    _row("14", "14", "v14.0.0", WITX_2023, _UNTIL_14, aborts=True),
    _row("15", "22", "v22.0.0", WITX, _SINCE_15, aborts=True, buildable=(_ONNX_20,)),
    _row("23", "29", "v29.0.0", WITX, _SINCE_15, buildable=(_ONNX, _TORCH_27)),
    _row(
        *("30", "46", "v46.0.0", WITX),
        {**_SINCE_15, Feature.MEMORY_64: True},
        buildable=(_ONNX, _TORCH),
    ),
    _row("47", "49", "e6b33de", WITX, FEATURES, buildable=(_ONNX, _TORCH)),
)
