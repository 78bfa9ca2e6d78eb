"""Operators that make one element of one, or of two, and those that add up along axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from tests.support.tflite_models import schema
from tests.tools.litert_operators.draft import (
    ALL,
    BOOL,
    C64,
    F16,
    F32,
    F64,
    FLOATS,
    I8,
    I16,
    I32,
    I64,
    NUMBERS,
    Q8,
    Q16,
    QU8,
    U8,
    U16,
    U32,
    Draft,
    Kind,
)  # fmt: skip

__all__ = ["RECIPES", "other_shape", "type_code"]

Recipe = Callable[[Draft], None]

PLAIN = (F32, F32, F32, F16, I32, I64)
CODES = {
    np.dtype(kind.dtype): code
    for kind, code in (
        (F32, schema.TensorType.FLOAT32), (F64, schema.TensorType.FLOAT64),
        (F16, schema.TensorType.FLOAT16), (I8, schema.TensorType.INT8),
        (U8, schema.TensorType.UINT8),
        (I16, schema.TensorType.INT16), (I32, schema.TensorType.INT32),
        (I64, schema.TensorType.INT64), (BOOL, schema.TensorType.BOOL),
        (C64, schema.TensorType.COMPLEX64), (U16, schema.TensorType.UINT16),
        (U32, schema.TensorType.UINT32),
    )
}  # fmt: skip


def type_code(kind: Kind) -> int:
    """Its number in TensorType, for options that name a type."""
    code: int = CODES.get(np.dtype(kind.dtype), schema.TensorType.UINT64)
    return code


def other_shape(draft: Draft, shape: Sequence[int]) -> list[int]:
    """A shape that goes together with one: the same, or less of it."""
    found = [1 if draft.chance(0.2) else length for length in shape]
    if draft.chance(0.2):
        found = found[draft.number(0, len(found)) :]
    return list(shape) if draft.chance(0.4) else found


def unary(name: str, kinds: Sequence[Kind], options: str, draft: Draft) -> None:
    kind, shape = draft.kind_of(kinds), draft.shape(0, 1, 2, 3, 4, 4, 5)
    fields: dict[str, object] = {}
    if name == "LEAKY_RELU":
        fields["alpha"] = 0.25
    elif name == "SOFTMAX":
        fields["beta"] = 1.0
    elif name == "GELU":
        fields["approximate"] = draft.chance(0.5)
    low, high = (1, 9) if name in ("RSQRT", "LOG", "SQRT") and draft.chance(0.8) else (None, None)
    result = kind
    if kind.scale and name in ("SOFTMAX", "LOGISTIC"):
        result = Kind(kind.dtype, 1 / 256, -128 if kind == Q8 else 0)
        if kind == Q16:
            result = Kind(kind.dtype, 1 / 32768, 0)
    elif kind.scale and name == "TANH":
        result = Kind(kind.dtype, 1 / (32768 if kind == Q16 else 128), 128 if kind == QU8 else 0)
    elif kind.scale and name == "LOG_SOFTMAX":
        result = Kind(kind.dtype, 16 / 256, 127 if kind == Q8 else 255)
    elif kind.scale and name == "L2_NORMALIZATION":
        result = Kind(kind.dtype, 1 / 128, 128 if kind == QU8 else 0)
    draft.add(name, [draft.given(kind, shape, low, high, constant=0.02)],
              [draft.made(result, shape)],
              options, **fields)  # fmt: skip


def binary(
    name: str, kinds: Sequence[Kind], options: str, result: Kind | None, draft: Draft
) -> None:
    kind, shape = draft.kind_of(kinds), draft.shape(0, 1, 2, 3, 4, 4, 5, 6)
    second = kind
    low = high = None
    if name in ("POW", "RIGHT_SHIFT", "STABLEHLO_SHIFT_LEFT", "STABLEHLO_POWER"):
        low, high = 0, 4
    operands = [
        draft.given(kind, shape),
        draft.given(second, other_shape(draft, shape), low, high),
    ]
    if draft.chance(0.3):
        operands.reverse()
    fields = {}
    if options in ("Add", "Sub", "Mul", "Div"):
        fields["fusedActivationFunction"] = draft.one_of((0, 0, 1, 2, 3))
    draft.add(name, operands, [draft.made(result or kind, shape)], options, **fields)


def reduction(name: str, kinds: Sequence[Kind], draft: Draft) -> None:
    kind, shape = draft.kind_of(kinds), draft.shape(0, 1, 2, 3, 4, 4, 5)
    keep = draft.chance(0.5)
    axes = [axis for axis in range(len(shape)) if draft.chance(0.5)]
    if axes and draft.chance(0.2):
        axes = [axis - len(shape) for axis in axes] + axes[:1]
    whole = {axis % len(shape) for axis in axes}
    left = [1 if a in whole else n for a, n in enumerate(shape) if keep or a not in whole]
    inputs = [draft.given(kind, shape, constant=0.02), draft.parameter(axes)]
    draft.add(name, inputs, [draft.made(kind, left)], "Reducer", keepDims=keep)


def cast(draft: Draft) -> None:
    kind, result, shape = draft.kind_of((*ALL, C64)), draft.one_of((*ALL, C64)), draft.shape()
    source, made = draft.given(kind, shape), draft.made(result, shape, shown=result != C64)
    options = ("Cast",) if draft.chance(0.5) else ()
    draft.add("CAST", [source], [made], *options)
    if result == C64:
        for name in ("REAL", "IMAG"):
            draft.add(name, [made], [draft.made(F32, shape)])


def bitcast(draft: Draft) -> None:
    kind, result, shape = draft.kind_of(ALL), draft.one_of(ALL), draft.shape()
    sizes = np.dtype(kind.dtype).itemsize, np.dtype(result.dtype).itemsize
    after = list(shape)
    if sizes[0] > sizes[1]:
        after.append(sizes[0] // sizes[1])
    elif sizes[0] < sizes[1]:
        after, shape = list(shape), [*shape, sizes[1] // sizes[0]]
    draft.add("BITCAST", [draft.given(kind, shape)], [draft.made(result, after)], "Bitcast")


def of_complex(name: str, draft: Draft) -> None:
    shape = draft.shape()
    source, number = draft.given(F32, shape), draft.made(C64, shape, shown=False)
    draft.add("CAST", [source], [number], "Cast")
    draft.add(name, [number], [draft.made(F32, shape)])


def quantize(draft: Draft) -> None:
    kind, result, shape = draft.kind_of((F32, Q8, QU8, Q16)), draft.one_of((Q8, QU8, Q16)), None
    shape = draft.shape(0, 1, 2, 4)
    draft.add("QUANTIZE", [draft.given(kind, shape)], [draft.made(result, shape)], "Quantize")


def dequantize(draft: Draft) -> None:
    kind, shape = draft.kind_of((Q8, QU8, Q16, F16)), draft.shape(0, 1, 2, 4)
    draft.add("DEQUANTIZE", [draft.given(kind, shape)], [draft.made(F32, shape)], "Dequantize")


def fake_quant(draft: Draft) -> None:
    shape = draft.shape()
    draft.add("FAKE_QUANT", [draft.given(F32, shape)], [draft.made(F32, shape)], "FakeQuant",
              min=-1.0, max=1.0, numBits=8)  # fmt: skip


def response(draft: Draft) -> None:
    shape = draft.shape(4)
    draft.add("LOCAL_RESPONSE_NORMALIZATION", [draft.given(F32, shape)], [draft.made(F32, shape)],
              "LocalResponseNormalization",
              radius=draft.number(0, 9), bias=1.0, alpha=0.5, beta=0.5)  # fmt: skip


def add_n(draft: Draft) -> None:
    kind, shape = draft.kind_of((F32, F32, I32)), draft.shape()
    inputs = [draft.given(kind, shape) for _ in range(draft.number(1, 5))]
    draft.add("ADD_N", inputs, [draft.made(kind, shape)], "AddN")


def prelu(draft: Draft) -> None:
    kind, shape = draft.kind_of((F32, Q8, QU8)), draft.shape(1, 2, 3, 4)
    inputs = [draft.given(kind, shape), draft.given(kind, other_shape(draft, shape), constant=0.5)]
    draft.add("PRELU", inputs, [draft.made(kind, shape)])


def select(name: str, draft: Draft) -> None:
    kind, shape = draft.kind_of((*ALL, Q8)), draft.shape(0, 1, 2, 3, 4)
    mask = shape[:1] if draft.chance(0.2) else shape
    shapes = [mask, shape, shape] if draft.chance(0.4) else [
        other_shape(draft, shape) for _ in range(3)
    ]  # fmt: skip
    inputs = [draft.given(k, s) for k, s in zip((BOOL, kind, kind), shapes, strict=True)]
    options = {"SELECT": "Select", "SELECT_V2": "SelectV2"}.get(name, "")
    draft.add(name, inputs, [draft.made(kind, shape)], options)


def of_shape(name: str, draft: Draft) -> None:
    kind, shape = draft.kind_of(ALL), draft.shape(0, 1, 2, 4)
    if name == "ZEROS_LIKE":
        kind = draft.kind_of((F32, I32, I64))
    source, result = draft.given(kind, shape), draft.one_of((I32, I64))
    if name == "SHAPE":
        draft.add(name, [source], [draft.made(result, [len(shape)])], "Shape",
                  outType=type_code(result))  # fmt: skip
    elif name == "RANK":
        draft.add(name, [source], [draft.made(I32, [])], "Rank")
    else:
        draft.add(name, [source], [draft.made(kind, shape)], "ZerosLike")


def cumsum(draft: Draft) -> None:
    kind, shape = draft.kind_of((F32, I32, I64)), draft.shape(1, 2, 3, 4)
    inputs = [draft.given(kind, shape), draft.parameter(draft.number(-len(shape), len(shape)))]
    draft.add("CUMSUM", inputs, [draft.made(kind, shape)], "Cumsum",
              exclusive=draft.chance(0.5), reverse=draft.chance(0.5))  # fmt: skip


UNARY = {
    "ABS": ((F32, I32, Q8, Q16, F16), "Abs"), "CEIL": (PLAIN, ""), "COS": ((F32,), "Cos"),
    "ELU": ((F32, Q8), ""), "EXP": ((F32, Q8, Q16), "Exp"), "FLOOR": (PLAIN, ""),
    "GELU": ((F32, Q8, QU8), "Gelu"), "HARD_SWISH": ((F32, Q8, QU8), "HardSwish"),
    "L2_NORMALIZATION": ((F32, Q8, QU8), "L2Norm"),
    "LEAKY_RELU": ((F32, Q8, QU8, Q16), "LeakyRelu"),
    "LOG": ((F32, F16, Q8), ""), "LOGICAL_NOT": ((BOOL,), "LogicalNot"),
    "LOGISTIC": (FLOATS, ""), "LOG_SOFTMAX": ((F32, Q8, QU8), "LogSoftmax"),
    "NEG": (PLAIN, "Neg"), "RELU": (FLOATS, ""), "RELU6": (FLOATS, ""), "RELU_0_TO_1": (FLOATS, ""),
    "RELU_N1_TO_1": (FLOATS, ""), "ROUND": (PLAIN, ""), "RSQRT": ((F32, F32, Q8, Q16), ""),
    "SIGN": ((F32, F64, I32), "Sign"), "SIN": ((F32,), ""), "SOFTMAX": (FLOATS, "Softmax"),
    "SQRT": (PLAIN, ""), "SQUARE": (PLAIN, "Square"), "TANH": (FLOATS, ""),
    **{
        f"STABLEHLO_{name}": (PLAIN, "")
        for name in (
            "ABS", "CBRT", "COSINE", "EXPONENTIAL", "FLOOR", "LOG", "LOGISTIC", "NEGATE", "RSQRT",
            "TANH", "CONVERT",
        )
    },
}  # fmt: skip

COMPARED = (*NUMBERS, BOOL)
BINARY = {
    "ADD": (NUMBERS, "Add", None), "SUB": (NUMBERS, "Sub", None), "MUL": (NUMBERS, "Mul", None),
    "DIV": ((F32, F32, I32, QU8), "Div", None), "MAXIMUM": (NUMBERS, "MaximumMinimum", None),
    "MINIMUM": (NUMBERS, "MaximumMinimum", None), "POW": ((F32, I32), "Pow", None),
    "SQUARED_DIFFERENCE": ((F32, I32, Q8), "SquaredDifference", None),
    "FLOOR_DIV": ((F32, I32, I8, I16), "FloorDiv", None),
    "FLOOR_MOD": ((F32, I32, I64, I8, I16), "FloorMod", None), "ATAN2": ((F32, F64), "ATan2", None),
    "BITWISE_XOR": ((I8, U8, I16, U16, I32, U32), "BitwiseXor", None),
    "RIGHT_SHIFT": ((I8, U8, I16, U16, I32, U32), "RightShift", None),
    "LOGICAL_AND": ((BOOL,), "LogicalAnd", BOOL), "LOGICAL_OR": ((BOOL,), "LogicalOr", BOOL),
    "EQUAL": (COMPARED, "Equal", BOOL), "NOT_EQUAL": (COMPARED, "NotEqual", BOOL),
    "LESS": (COMPARED, "Less", BOOL), "LESS_EQUAL": (COMPARED, "LessEqual", BOOL),
    "GREATER": (COMPARED, "Greater", BOOL), "GREATER_EQUAL": (COMPARED, "GreaterEqual", BOOL),
    **{
        f"STABLEHLO_{name}": ((F32, F32, I32, I64, I16, I8, F16), "", None)
        for name in (
            "ADD", "DIVIDE", "MAXIMUM", "MINIMUM", "MULTIPLY", "POWER", "REMAINDER", "SUBTRACT",
        )
    },
    "STABLEHLO_AND": ((BOOL, I32, I8), "", None), "STABLEHLO_OR": ((BOOL, I32, I8), "", None),
    "STABLEHLO_SHIFT_LEFT": ((I32, I16, I8), "StablehloShiftLeft", None),
    "STABLEHLO_COMPARE": (COMPARED, "StablehloCompare", BOOL),
}  # fmt: skip

RECIPES: dict[str, Recipe] = {
    **{name: partial(unary, name, *rest) for name, rest in UNARY.items()},
    **{name: partial(binary, name, *rest) for name, rest in BINARY.items()},
    **{
        name: partial(reduction, name, NUMBERS)
        for name in ("SUM", "MEAN", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD")
    },
    **{name: partial(reduction, name, (BOOL,)) for name in ("REDUCE_ANY", "REDUCE_ALL")},
    **{name: partial(of_shape, name) for name in ("SHAPE", "RANK", "ZEROS_LIKE")},
    **{name: partial(of_complex, name) for name in ("REAL", "IMAG", "COMPLEX_ABS")},
    **{name: partial(select, name) for name in ("SELECT", "SELECT_V2", "STABLEHLO_SELECT")},
    "CAST": cast, "BITCAST": bitcast, "QUANTIZE": quantize, "DEQUANTIZE": dequantize,
    "FAKE_QUANT": fake_quant, "LOCAL_RESPONSE_NORMALIZATION": response, "ADD_N": add_n,
    "PRELU": prelu, "CUMSUM": cumsum,
}  # fmt: skip
