"""Lengths in frozen TensorFlow graphs from guests."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
import pytest

from rewriter.abi.dialects import Encoding
from runtime_shim.backends.checks.graphdef import check_lengths
from tests.support.refusals import accepted, refusal
from tests.support.tensorflow_models import (
    field,
    frozen,
    identity,
    node,
    placeholder,
    shape,
    two_layers,
)

FLOAT, DOUBLE, INT32, UINT8, STRING, COMPLEX64, INT64, BOOL, HALF = 1, 2, 3, 4, 7, 8, 9, 10, 19
"""DataType."""

CONTENT, FLOATS, DOUBLES, INTS, STRINGS, COMPLEXES, INT64S = 4, 5, 6, 7, 8, 9, 10
"""Fields of a tensor."""


def tensor(kind: int, dims: Sequence[int], number: int = CONTENT, value: bytes = b"") -> bytes:
    return field(1, kind) + field(2, shape(dims)) + (field(number, value) if value else b"")


def constant(value: bytes, kind: int = FLOAT) -> bytes:
    """Adds a constant to the input where it is of floats."""
    nodes = [
        placeholder("x", (1,)),
        node("w", "Const", dtype=field(6, kind), value=field(8, value)),
    ]
    if kind == FLOAT:
        nodes.append(node("y", "AddV2", ["w", "x"], T=field(6, FLOAT)))
    return frozen(*nodes)


TWO = struct.pack("<2f", 1, 2)

BIASES = [np.ones(3, "f4"), np.ones(2, "f4")]


def test_graphs_are_accepted() -> None:
    check_lengths(identity((1, 4)))
    check_lengths(two_layers([np.ones((4, 3), "f4"), np.ones((3, 2), "f4")], BIASES))
    assert accepted(Encoding.TENSORFLOW, constant(tensor(FLOAT, [2], CONTENT, TWO)))
    for number, value in ((FLOATS, TWO), (FLOATS, TWO[:4]), (FLOATS, b"")):
        assert accepted(Encoding.TENSORFLOW, constant(tensor(FLOAT, [2], number, value)))
    check_lengths(constant(tensor(STRING, [3], STRINGS, b"a"), STRING))
    check_lengths(constant(tensor(COMPLEX64, [1], COMPLEXES, TWO), COMPLEX64))


@pytest.mark.parametrize(
    ("kind", "dims", "number", "value"),
    [
        (FLOAT, [4096], CONTENT, TWO),
        (FLOAT, [1], CONTENT, TWO),
        (FLOAT, [2], CONTENT, TWO[:7]),
        (FLOAT, [0], CONTENT, TWO),
        (FLOAT, [-1], CONTENT, TWO),
        (FLOAT, [-2, -1], CONTENT, TWO),
        (FLOAT, [2**62, 4], CONTENT, b""),
        (FLOAT, [2**62, 4], FLOATS, TWO[:4]),
        (FLOAT, [2**61, 8, 2], CONTENT, TWO),
        (FLOAT, [1], FLOATS, TWO),
        (FLOAT, [2], FLOATS, TWO[:7]),
        (DOUBLE, [2], CONTENT, TWO),
        (DOUBLE, [1], DOUBLES, TWO * 2),
        (INT32, [99], CONTENT, TWO),
        (INT32, [2], INTS, b"\x01\x02\x03"),
        (INT32, [2], INTS, b"\x01\xff"),
        (INT64, [99], CONTENT, TWO),
        (INT64, [0], INT64S, b"\x01"),
        (UINT8, [99], CONTENT, TWO),
        (BOOL, [99], CONTENT, TWO),
        (HALF, [99], CONTENT, TWO),
        (COMPLEX64, [1], COMPLEXES, TWO * 2),
        (STRING, [8], CONTENT, TWO),
        (STRING, [0], STRINGS, b"a"),
        (9999, [2], CONTENT, TWO),
    ],
)
def test_a_tensor_has_as_many_elements_as_its_shape_says(
    kind: int, dims: list[int], number: int, value: bytes
) -> None:
    refusal(Encoding.TENSORFLOW, constant(tensor(kind, dims, number, value), kind))


SHORT = tensor(FLOAT, [4096], CONTENT, TWO)

CALL = field(10, field(2, field(1, "a") + field(2, field(8, SHORT))))


@pytest.mark.parametrize(
    "data",
    [
        node("w", "Const", value=field(1, field(8, SHORT))),
        node("w", "Call", f=CALL),
        node("w", "Call", f=field(1, field(9, field(2, field(2, field(8, SHORT)))))),
        field(2, field(1, node("w", "Const", value=field(8, SHORT)).replace(b"\n", b"\x1a", 1))),
        field(2, field(1, field(5, field(2, field(8, SHORT))))),
        field(2, field(1, field(7, field(2, field(1, field(2, field(8, SHORT))))))),
        field(2, field(1, field(1, field(4, field(3, field(8, SHORT)))))),
    ],
)
def test_tensors_are_looked_for_everywhere(data: bytes) -> None:
    graph = frozen(placeholder("x", (1,)), data)
    assert "4096 elements" in refusal(Encoding.TENSORFLOW, graph)


@pytest.mark.parametrize(
    "value",
    [
        field(8, tensor(FLOAT, [2], CONTENT, TWO)) * 2,
        field(8, tensor(FLOAT, [2], CONTENT, TWO) + field(2, shape([4]))),
        field(8, tensor(FLOAT, [2], CONTENT, TWO) + field(CONTENT, TWO)),
        field(8, tensor(FLOAT, [2], CONTENT, TWO) + field(FLOATS, TWO)),
    ],
)
def test_messages_that_would_be_merged_are_refused(value: bytes) -> None:
    graph = frozen(placeholder("x", (1,)), node("w", "Const", value=value))
    refusal(Encoding.TENSORFLOW, graph)
