"""What was measured of hosts, and of one that has no number of any release."""

from __future__ import annotations

from collections.abc import Mapping

from rewriter.abi.dialects import DIALECTS, Encoding
from rewriter.hosts.host import Unit
from rewriter.hosts.profiles.profile import (
    REFUSED,
    Answer,
    BackendProfile,
    Entry,
    ModuleProfile,
    Names,
    Number,
    Profile,
    ProfiledHost,
)

__all__ = [
    "COMMON",
    "OTHER",
    "WAMR_2_0_LEGACY",
    "WAMR_2_3_LEGACY",
    "WAMR_2_4",
    "WASMEDGE_0_14",
    "WASMTIME_49",
    "found",
]

COMMON = frozenset(("load", "init_execution_context", "set_input", "compute", "get_output"))


def found(
    layout: str = "witx",
    more: tuple[str, ...] = (),
    *,
    types: Mapping[str, Number],
    encodings: Mapping[str, Number],
    faults: Mapping[str, Answer],
    names: Names | None = "length",
    unit: Unit = Unit.BYTES,
    backend: str = "openvino",
    calls: tuple[str, ...] = ("_start",),
) -> Profile:
    """What was measured of a host with one backend; other functions than `more` are missing."""
    every = {name for dialect in DIALECTS.values() for name in dialect.functions}
    functions = COMMON | {*more}
    module = "wasi_nn" if layout == "wamr" else "wasi_ephemeral_nn"
    return Profile(
        ProfiledHost("ours"),
        modules={module: ModuleProfile((layout,), functions, frozenset(every - functions))},
        encodings=encodings,
        faults={name: faults[name] for name in faults if name.startswith("load_")},
        names=names,
        type_bits=8,
        entry=Entry(calls=calls, names_function=""),
        backends=(BackendProfile(backend, types, unit=unit, faults=faults),),
    )


WAMRS = ("_start", "main", "__main_argc_argv", "_main")
"""What WAMR's command looks for."""

ALL_BUT_F32: Mapping[str, Number] = dict.fromkeys(("f16", "f64", "u8", "i32", "i64"), REFUSED)

WASMTIME_49 = found(
    more=("load_by_name",),
    types={"f16": 0, "f32": 1, "f64": 2, "u8": 3, "i32": 4, "i64": 5},
    encodings={"openvino": 0, "onnx": REFUSED, "autodetect": REFUSED},
    faults={"load_garbage": 5, "output_small": 7, "output_index": 5, "compute_context": 6},
    calls=("", "_start"),
)
WAMR_2_4 = found(
    more=("load_by_name", "load_by_name_with_config"),
    types={"f32": 1, **ALL_BUT_F32},
    encodings={"tensorflowlite": 4, "openvino": REFUSED},
    faults={"load_garbage": 7, "output_small": 7, "output_index": 5, "load_encoding": 2},
    names="nul needed",
    backend="tensorflowlite",
    calls=WAMRS,
)
WAMR_2_3_LEGACY = found(
    "wamr",
    types={},
    encodings={"tensorflowlite": 4},
    faults={"load_garbage": 6, "output_small": 6, "output_index": 4, "load_encoding": 2},
    unit=Unit.FLOATS,
    backend="tensorflowlite",
    calls=WAMRS,
)
WAMR_2_0_LEGACY = found(
    "wamr",
    types={},
    encodings={"tensorflowlite": 4},
    faults={"load_garbage": 3, "output_small": 3, "output_index": 5, "load_encoding": 2},
    unit=Unit.FLOATS,
    backend="tensorflowlite",
    calls=WAMRS,
)
WASMEDGE_0_14 = found(
    more=(
        *("load_by_name", "load_by_name_with_config", "unload"),
        *("compute_single", "get_output_single", "fini_single"),
    ),
    types={"f32": 1, "u8": 2},
    encodings={"tensorflowlite": 4, "autodetect": REFUSED},
    faults={"output_small": 1, "load_garbage": 1, "load_encoding": 2, "compute_first": 5},
    backend="tensorflowlite",
)


OTHER = found(
    more=("load_by_name",),
    types={**ALL_BUT_F32, "f32": 17, "u8": 0, "i32": 1},
    encodings={**{each.name.lower(): REFUSED for each in Encoding}, "onnx": 7, "openvino": 1},
    faults={"output_small": 42, "load_garbage": 9, "load_encoding": 43, "name_unknown": 42},
    names="nul needed",
    backend="onnx",
)
