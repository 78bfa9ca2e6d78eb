"""Which operators each runtime has, and for which types: found by trying, so that few are refused.

A model of an operator that is left out here is refused, or ends the process, as LiteRT does where
it adds or compares bytes, and OpenVINO where a loop of floats has no rounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.tools.differential.kinds import KINDS, Kind

__all__ = ["OPERATORS", "supports"]

OPERATORS = (
    *("identity", "abs", "neg", "relu", "add", "mul", "maximum", "greater", "not", "cast"),
    *("transpose", "concat", "reduce", "flatten", "shape", "nonzero", "gather", "split"),
    *("if", "loop", "sequence", "optional", "sequence_end", "optional_end"),
)

_ALL = tuple(KINDS)
_NUMBERS = tuple(name for name in KINDS if name != "bool")
_ANY = ("identity", "cast", "transpose", "flatten", "shape", "gather", "split", "concat")

_ONNX: Mapping[str, Sequence[str]] = {
    **dict.fromkeys((*_ANY, "if", "loop"), _ALL),
    **dict.fromkeys(("add", "mul", "maximum", "greater"), ("f16", "f32", "f64", "i32", "i64")),
    **dict.fromkeys(("sequence", "optional", "sequence_end", "optional_end"), _ALL[:-1]),
    "abs": ("f16", "f32", "f64", "u8", "i32", "i64", "i8"),
    "neg": ("f16", "f32", "f64", "i32", "i64", "i8"),
    "relu": ("f16", "f32", "f64", "i32", "i8"),
    "not": ("bool",),
    "reduce": ("f16", "f32", "f64", "i32", "i64"),
    "nonzero": ("f32", "u8", "i32", "i64", "bool"),
}

_OPENVINO: Mapping[str, Sequence[str]] = {
    **dict.fromkeys((*_ANY, "if", "nonzero"), _ALL),
    **dict.fromkeys(("abs", "neg", "relu", "add", "mul", "maximum", "greater"), _NUMBERS),
    "not": ("bool",),
    "reduce": ("f16", "f32", "f64", "i32", "i64", "bf16"),
    "loop": ("u8", "i32", "i64", "bool", "i8", "bf16"),
}

_LITERT: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(("identity", "cast", "transpose", "flatten", "shape"), _ALL),
    **dict.fromkeys(("concat", "gather"), ("f16", "f32", "u8", "i32", "i64", "bool", "i8", "bf16")),
    "abs": ("f32", "i32"),
    "neg": ("f32", "i32", "i64", "i8"),
    "relu": ("f32", "u8", "i8"),
    "add": ("f32", "i32", "i64"),
    "mul": ("f32", "i32", "i64"),
    "maximum": ("f32", "u8", "i32", "i64", "i8"),
    "greater": ("f32", "i32", "i64"),
    "not": ("bool",),
    "reduce": ("f32", "u8", "i32", "i64", "i8"),
    "nonzero": ("f32", "u8", "i32", "i64", "bool", "i8"),
    "split": ("f32", "u8", "i32", "i64", "i8"),
}
"""Without what only its XNNPACK delegate has, f16 and bf16: whether that takes part depends on the
shapes that an interpreter has had before."""

_TENSORFLOW: Mapping[str, Sequence[str]] = {
    **dict.fromkeys((*_ANY, "nonzero"), _ALL),
    **dict.fromkeys(("abs", "neg", "relu", "add", "mul", "maximum", "greater"), _NUMBERS),
    "not": ("bool",),
    "reduce": _NUMBERS,
}

_TORCH: Mapping[str, Sequence[str]] = {
    **dict.fromkeys((*_ANY, "nonzero"), _ALL),
    **dict.fromkeys(("abs", "neg", "relu", "add", "mul", "maximum", "greater"), _NUMBERS),
    "not": ("bool",),
    "reduce": ("f16", "f32", "f64", "i64", "bf16"),
}

_TABLES = {
    "onnx": _ONNX,
    "openvino": _OPENVINO,
    "litert": _LITERT,
    "tensorflow": _TENSORFLOW,
    "torch": _TORCH,
}


def supports(backends: Sequence[str], operator: str, kind: Kind) -> bool:
    """Whether all of them have it."""
    return all(kind.name in _TABLES[backend].get(operator, ()) for backend in backends)
