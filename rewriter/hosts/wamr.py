"""WAMR's releases, in both builds: with WASI_EPHEMERAL_NN, and without, its older one.

Source: https://github.com/bytecodealliance/wasm-micro-runtime, core/iwasm/libraries/wasi-nn
(src/wasi_nn.c, include/wasi_nn_types.h).
"""

from __future__ import annotations

from rewriter.abi.dialects import (
    WAMR,
    WAMR_1,
    WAMR_2_0,
    WAMR_2_1,
    WAMR_2_1_LEGACY,
    WAMR_2_2,
    WAMR_EPHEMERAL,
    WASI_EPHEMERAL_NN,
    WASI_NN,
    Dialect,
)
from rewriter.diagnostics import Diagnostic
from rewriter.hosts.host import Host

__all__ = ["DEFAULT", "EPHEMERAL", "LEGACY", "OLD_EPHEMERAL"]

_SOURCE = (
    "https://github.com/bytecodealliance/wasm-micro-runtime/tree/{}"
    "/core/iwasm/libraries/wasi-nn (src/wasi_nn.c, include/wasi_nn_types.h)"
)

_ENCODINGS = Diagnostic("NN233", "ggml is encoding 5 and autodetect 6")
_WIT_TYPES = Diagnostic("NN234", "tensors of u8, i32 and i64 have types 4, 5 and 6")
_TFLITE_ALONE = Diagnostic(
    "NN235",
    "only its TensorFlow Lite backend builds this way, which takes 32-bit floats only",
)
_FOUR_TIMES = Diagnostic(
    "NN236",
    "an output is copied only if the buffer is declared four times as large as it is",
)


def _legacy(first: str, last: str, dialect: Dialect, *limits: Diagnostic) -> Host:
    return Host(
        name="wamr-legacy",
        title="WAMR built without WASI_EPHEMERAL_NN, the default until 2.3.x",
        first=first,
        last=last,
        modules=(WASI_NN,),
        dialects=(dialect,),
        limits=limits,
        source=_SOURCE.format("646b5a9" if last == "main" else f"WAMR-{last}"),
    )


def _ephemeral(first: str, last: str, dialect: Dialect, *limits: Diagnostic) -> Host:
    return Host(
        name="wamr-ephemeral",
        title="WAMR built with WASI_EPHEMERAL_NN, the default since 2.4.0",
        first=first,
        last=last,
        modules=(WASI_EPHEMERAL_NN,),
        dialects=(dialect,),
        limits=limits,
        source=_SOURCE.format("646b5a9" if last == "main" else f"WAMR-{last}"),
    )


LEGACY = (
    _legacy("1.1.2", "2.1.0", WAMR_1),
    _legacy("2.1.1", "2.3.1", WAMR_2_1_LEGACY),
    _legacy("2.4.0", "2.4.5", WAMR, _TFLITE_ALONE, _FOUR_TIMES),
    _legacy("main", "main", WAMR, _TFLITE_ALONE, _FOUR_TIMES),
)

OLD_EPHEMERAL = (
    _ephemeral("2.1.1", "2.1.2", WAMR_2_1, _ENCODINGS, _WIT_TYPES),
    _ephemeral("2.2.0", "2.3.1", WAMR_2_2, _ENCODINGS, _WIT_TYPES),
)

EPHEMERAL = (
    _ephemeral("2.0.0", "2.1.0", WAMR_2_0),
    *OLD_EPHEMERAL,
    _ephemeral("2.4.0", "2.4.5", WAMR_EPHEMERAL, _ENCODINGS),
    _ephemeral("main", "main", WAMR_EPHEMERAL, _ENCODINGS),
)

DEFAULT = (
    *(row for row in LEGACY if row.first < "2.4"),
    *(row for row in EPHEMERAL if row.first >= "2.4"),
)
"""What a release builds by default."""
