"""Calls that need not leave WebAssembly answer as the host does."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from math import prod

import numpy as np
import pytest
from onnx import TensorProto, helper

from rewriter.abi.dialects import WAMR, WASMEDGE, Dialect, Encoding, Errno, TensorType
from rewriter.abi.structures import TENSOR, WAMR_BUILDERS, WAMR_DIMENSIONS, WAMR_TENSOR
from runtime_shim.abi.adapted import adapted
from tests.support.counted_calls import counted
from tests.support.guest import (
    BUILDERS,
    DATA,
    DIMS,
    HANDLE,
    MEMORY,
    OUTPUT,
    TENSOR_AT,
    WRITTEN,
    Guest,
)
from tests.support.models import F32, identity, model, sum_and_product

WAMR_DIMENSIONS_AT, WAMR_BUILDERS_AT = 200, 32
F32_NUMBER = 1  # in every dialect
U8 = TensorProto.UINT8

ENCODINGS = pytest.mark.parametrize("encoding", [Encoding.ONNX, Encoding.OPENVINO])
DIALECTS = pytest.mark.parametrize(
    "dialect", [WASMEDGE, WAMR, adapted(WAMR)], ids=lambda it: it.name
)


class Guests:
    """Guests that do the same: unless told otherwise two, of which one leaves every call to the
    host."""

    def __init__(self, dialect: Dialect, plain: Sequence[bool] = (True, False)) -> None:
        self.dialect = dialect
        self.u8 = next(n for n, kind in dialect.tensor_types.items() if kind is TensorType.U8)
        self.guests = [Guest(dialect=dialect, plain=each) for each in plain]

    def put(self, address: int, data: bytes) -> None:
        for guest in self.guests:
            guest.put(address, data)

    def call(self, name: str, *arguments: int) -> int:
        """The errno, after which all memories are the same."""
        errnos = {getattr(guest, name)(*arguments) for guest in self.guests}
        assert len(errnos) == 1, (name, arguments)
        memories = {guest.take(0, MEMORY) for guest in self.guests}
        assert len(memories) == 1, (name, arguments)
        return int(errnos.pop())

    def context(self, onnx: bytes, encoding: Encoding) -> int:
        self.put(DATA, onnx)
        self.put(BUILDERS, struct.pack("<II", DATA, len(onnx)))
        self.put(WAMR_BUILDERS_AT, WAMR_BUILDERS.pack(BUILDERS, 1))
        array = (WAMR_BUILDERS_AT,) if self.dialect.layout.name == "wamr" else (BUILDERS, 1)
        assert self.call("load", *array, encoding, 0, HANDLE) == 0
        assert self.call("init_execution_context", self.guests[0].u32(HANDLE), HANDLE) == 0
        return self.guests[0].u32(HANDLE)

    def describe(
        self,
        shape: tuple[int, ...],
        kind: int,
        data: int,
        size: int,
        dims: int = DIMS,
        dimensions: int = WAMR_DIMENSIONS_AT,
    ) -> None:
        """Put a tensor at TENSOR_AT, and its dimensions at DIMS, whatever the pointers say."""
        self.put(DIMS, struct.pack(f"<{len(shape)}I", *shape))
        if self.dialect.layout.name == "wamr":
            self.put(WAMR_DIMENSIONS_AT, WAMR_DIMENSIONS.pack(dims, len(shape)))
            self.put(TENSOR_AT, WAMR_TENSOR.pack(dimensions, kind, data))
        else:
            self.put(TENSOR_AT, TENSOR.pack(dims, len(shape), kind, data, size))

    def get_output(self, context: int, index: int, buffer: int, room: int, written: int) -> int:
        if self.dialect.layout.name == "wamr":
            unit = 4 if self.dialect is WAMR else 1
            if written <= MEMORY - 4:
                self.put(written, struct.pack("<I", room // unit))
            return self.call("get_output", context, index, buffer, written)
        return self.call("get_output", context, index, buffer, room, written)


def row_sums() -> bytes:
    node = helper.make_node("ReduceSum", ["x", "axes"], ["y"], keepdims=0)
    shapes = [("x", F32, ("a", "b", "c"))], [("y", F32, ("a", "b"))]
    return model([node], *shapes, {"axes": np.array([2], np.int64)})


@DIALECTS
@ENCODINGS
@pytest.mark.parametrize("seed", range(3))
def test_every_call_does_the_same_with_and_without_the_host(
    monkeypatch: pytest.MonkeyPatch, encoding: Encoding, dialect: Dialect, seed: int
) -> None:
    choose = random.Random(seed)
    guests = Guests(dialect)
    models = (sum_and_product(), row_sums(), identity(dims=(2,)), identity(U8, dims=(7,)))
    two_inputs, rows, pair, numbers = (guests.context(made, encoding) for made in models)
    inputs: list[tuple[int, int, tuple[int, ...]]] = [(two_inputs, 0, (2,)), (two_inputs, 1, (2,))]
    inputs += [(pair, 0, (2,)), (rows, 0, (1, 2, 4)), (rows, 0, (1, 4, 2)), (numbers, 0, (7,))]
    calls = counted(monkeypatch)
    errnos = []
    for step in range(1500):
        if step == 1400 and dialect is WASMEDGE:
            assert guests.call("finalize_execution_context", pair) == 0
        context, index, shape = choose.choice(inputs)
        if choose.random() < 0.1:
            context, index = choose.randrange(9), choose.choice((0, 1, 32))
        errnos.append(_call(choose, guests, context, index, shape))
    assert {Errno.SUCCESS, Errno.INVALID_ARGUMENT, Errno.RUNTIME_ERROR} <= set(errnos)
    assert errnos.count(Errno.SUCCESS) > 750
    plain, fast = (guest.session for guest in guests.guests)
    for name in ("set_input", "output_in_place"):
        assert 0 < calls.count((fast, name)) < 0.75 * calls.count((plain, name))


def _call(
    choose: random.Random, guests: Guests, context: int, index: int, shape: tuple[int, ...]
) -> int:
    """One of three calls, in which most of the time not more than one thing is wrong."""

    def mostly(usual: int, *others: int) -> int:
        return usual if choose.random() < 0.95 else choose.choice(others)

    ends = (MEMORY - 1, MEMORY - 4, MEMORY - 8, MEMORY, 2**31, 2**32 - 1)
    what = choose.random()
    if what < 0.4:
        if choose.random() < 0.1:
            shape = choose.choice(((4, 1), (), (2, 1, 1), (2,), (1, 4), (0, 4), (3, 1, 2)))
        kind, size = F32_NUMBER, 4 * prod(shape)
        if shape == (7,):
            kind, size = guests.u8, prod(shape)
        sizes = (size + 4, abs(size - 4), 2**31)
        data, dims = mostly(DATA, DATA + 4, *ends), mostly(DIMS, DIMS + 4, *ends)
        guests.put(DATA, choose.randbytes(64))
        guests.describe(
            shape,
            mostly(kind, 0, 2, 3, 200),
            data,
            mostly(size, *sizes),
            dims,
            mostly(WAMR_DIMENSIONS_AT, *ends),
        )
        return guests.call("set_input", context, index, mostly(TENSOR_AT, *ends))
    if what < 0.6:
        return guests.call("compute", context)
    buffer, room = mostly(OUTPUT, *ends), mostly(64, 8, 4, 0, 2**32 - 1)
    return guests.get_output(context, index, buffer, room, mostly(WRITTEN, *ends))


@DIALECTS
@ENCODINGS
def test_from_the_third_inference_on_the_host_is_asked_to_compute_only(
    monkeypatch: pytest.MonkeyPatch, encoding: Encoding, dialect: Dialect
) -> None:
    guests = Guests(dialect, plain=[False])
    context = guests.context(identity(dims=(2,)), encoding)
    calls = counted(monkeypatch)
    for number in range(10):
        data = struct.pack("<2f", number, -number)
        guests.put(DATA, data)
        guests.describe((2,), F32_NUMBER, DATA, len(data))
        assert guests.call("set_input", context, 0, TENSOR_AT) == 0
        assert guests.call("compute", context) == 0
        assert guests.get_output(context, 0, OUTPUT, 64, WRITTEN) == 0
        assert guests.guests[0].take(OUTPUT, 8) == data
    names = [name for _, name in calls]
    assert names == ["set_input", "compute", "output_in_place"] * 2 + ["compute"] * 8


def test_an_output_is_gone_once_compute_has_failed() -> None:
    weights = {"w": np.arange(4, dtype=np.float32)}
    node = helper.make_node("Gather", ["w", "i"], ["y"])
    made = model([node], [("i", TensorProto.INT64, (1,))], [("y", F32, (1,))], weights)
    guest = Guest()
    context = guest.context_for(made)

    def infer(number: int) -> int:
        data = struct.pack("<q", number)
        assert guest.feed(context, 0, TensorType.I64, (1,), data) == 0
        return guest.compute(context)

    for number in (0, 1, 2):
        assert infer(number) == 0
        assert guest.output(context, 0) == struct.pack("<f", number)
    assert infer(99) == Errno.RUNTIME_ERROR
    assert guest.get_output(context, 0, OUTPUT, 64, WRITTEN) == Errno.RUNTIME_ERROR
    assert infer(3) == 0
    assert guest.output(context, 0) == struct.pack("<f", 3)


@ENCODINGS
def test_contexts_that_share_an_entry_keep_their_own_tensors(encoding: Encoding) -> None:
    guest = Guest()
    first = guest.context_for(identity(dims=(1,)), encoding)
    graph, contexts = first - 1, [first]
    while len(contexts) < 70:  # handles that are 32 apart share one
        assert guest.init_execution_context(graph, HANDLE) == 0
        contexts.append(guest.u32(HANDLE))
    for turn in range(4):
        for context in contexts:
            data = struct.pack("<f", 1000 * turn + context)
            assert guest.feed(context, 0, TensorType.F32, (1,), data) == 0
        for context in contexts:
            assert guest.compute(context) == 0
        for context in contexts:
            assert guest.output(context, 0) == struct.pack("<f", 1000 * turn + context)
