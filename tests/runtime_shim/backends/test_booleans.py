"""A boolean is 0 or 1: NN runtimes count set elements by adding them up, and give out as many."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from onnx import TensorProto, helper

from rewriter.abi.dialects import Encoding, Errno, Target, TensorType
from runtime_shim import HostError, NNHost
from tests.support import tflite_models
from tests.support.guest import Guest
from tests.support.models import F32, model
from tests.support.tflite_models import Operator, Tensor, schema

CODE, OPTIONS = schema.BuiltinOperator, schema.BuiltinOptions


def compress() -> bytes:
    """The elements of the first input that the second says."""
    node = helper.make_node("Compress", ["x", "c"], ["y"])
    ports = [("x", F32, (8,)), ("c", TensorProto.BOOL, (8,))]
    return model([node], ports, [("y", F32, (None,))])


def where(*made_by: Operator, first: str = "bool", constant: bytes | None = None) -> bytes:
    """Where a boolean is set, which is an input, a constant, or made of the input."""
    data = None if constant is None else np.frombuffer(constant, np.uint8).view(np.bool_)
    tensors = [
        Tensor(np.dtype(first), [8]),
        Tensor(np.bool_, [8], data),
        Tensor(np.int64, [-1, 1]),
    ]
    condition = 1 if made_by or constant is not None else 0
    operators = [*made_by, Operator(CODE.WHERE, [condition], [2])]
    return tflite_models.build(tensors, operators, [0], [2])


WAYS = {"plain": (True, False), "fast": (False, False), "isolated": (False, True)}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("encoding", "make", "index"),
    [
        (Encoding.ONNX, compress, 1),
        (Encoding.OPENVINO, compress, 1),
        (Encoding.TENSORFLOWLITE, where, 0),
    ],
)
def test_an_input_of_bool_takes_nothing_but_0_and_1(
    encoding: Encoding, make: Callable[[], bytes], index: int, way: str
) -> None:
    plain, isolate = WAYS[way]
    guest = Guest(NNHost(isolate=isolate), plain=plain)
    context = guest.context_for(make(), encoding)
    values = np.arange(1, 9, dtype=np.float32)
    for number in range(6):
        if index:
            assert guest.feed(context, 0, TensorType.F32, (8,), values.tobytes()) == 0
        set_ones = b"\1\0" * 4 if number % 2 else b"\0" * 7 + b"\1"
        assert guest.feed(context, index, TensorType.U8, (8,), set_ones) == Errno.SUCCESS
        for wrong in (b"\xff\0" * 4, b"\0" * 7 + b"\2", b"\1" * 7 + b"\x80"):
            assert guest.feed(context, index, TensorType.U8, (8,), wrong) == Errno.INVALID_ARGUMENT
        assert guest.compute(context) == Errno.SUCCESS
        size = 4 if index else 8
        assert len(guest.output(context, 0)) == size * set_ones.count(1)


def refused(made: bytes) -> bool:
    with NNHost().session() as session:
        try:
            session.load([made], Encoding.TENSORFLOWLITE, Target.CPU)
        except HostError as error:
            return error.errno is Errno.INVALID_ARGUMENT and "bool" in error.reason
    return False


def test_a_constant_of_bool_has_nothing_else_either() -> None:
    assert refused(where(constant=b"\1\0\1\0\1\0\1\xff"))
    assert not refused(where(constant=b"\1\0\1\0\1\0\1\1"))


def test_an_operator_that_passes_bytes_on_makes_no_booleans() -> None:
    bitcast = Operator(CODE.BITCAST, [0], [1])
    reshape = Operator(CODE.RESHAPE, [0], [1])
    cast = Operator(CODE.CAST, [0], [1], OPTIONS.CastOptions, schema.CastOptionsT())
    assert refused(where(bitcast, first="uint8"))
    assert refused(where(reshape, first="uint8"))
    assert not refused(where(cast, first="uint8"))
    assert not refused(where(Operator(CODE.LOGICAL_NOT, [0], [1])))
    assert not refused(where(Operator(CODE.GREATER, [0, 0], [1]), first="float32"))
