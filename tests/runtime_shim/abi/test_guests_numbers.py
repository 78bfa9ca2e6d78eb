"""Guests of every ABI, with the numbers of tensor types that each has."""

from __future__ import annotations

import struct
from dataclasses import replace
from math import prod

import pytest
from wasmtime import wat2wasm

from rewriter import RewriteOptions, rewrite
from rewriter.abi.dialects import (
    DIALECTS,
    WAMR,
    WITX,
    WITX_2021,
    Dialect,
    Encoding,
    Errno,
    Target,
)
from rewriter.abi.structures import WAMR_BUILDERS, WAMR_DIMENSIONS, WAMR_TENSOR
from runtime_shim import NNHost
from tests.runtime_shim.abi.test_tensor_numbers import EVERY, MODELS, NUMBERS, SHAPE, SIZES, WAMRS
from tests.support.guest import (
    BUILDERS,
    DATA,
    DIMS,
    HANDLE,
    OUTPUT,
    TENSOR_AT,
    WRITTEN,
    Guest,
    text,
)


class Feeding:
    """A guest of either layout, and one context for each model."""

    def __init__(self, dialect: Dialect, way: str) -> None:
        self.guest = Guest(NNHost(isolate=way == "isolated"), dialect=dialect, plain=way == "plain")
        self.wamr = dialect.layout.name == "wamr"
        self.contexts = {kind: self._context(model) for kind, model in MODELS.items()}

    def _context(self, model: bytes) -> int:
        guest = self.guest
        if not self.wamr:
            return guest.context_for(model)
        guest.put(DATA, model)
        guest.put(BUILDERS, struct.pack("<II", DATA, len(model)))
        guest.put(32, WAMR_BUILDERS.pack(BUILDERS, 1))
        assert guest.load(32, Encoding.ONNX, Target.CPU, HANDLE) == 0
        assert guest.init_execution_context(guest.u32(HANDLE), HANDLE) == 0
        return guest.u32(HANDLE)

    def feed(self, kind: str, number: int, data: bytes) -> int:
        guest, context = self.guest, self.contexts[kind]
        if not self.wamr:
            return guest.feed(context, 0, number, SHAPE, data)
        guest.put(DATA, data)
        guest.put(DIMS, struct.pack("<2I", *SHAPE))
        guest.put(96, WAMR_DIMENSIONS.pack(DIMS, 2))
        guest.put(TENSOR_AT, WAMR_TENSOR.pack(96, number, DATA))
        return guest.set_input(context, 0, TENSOR_AT)

    def infer(self, kind: str) -> bytes:
        guest, context = self.guest, self.contexts[kind]
        assert guest.compute(context) == 0
        if not self.wamr:
            return guest.output(context, 0)
        guest.put(WRITTEN, struct.pack("<I", 64))
        assert guest.get_output(context, 0, OUTPUT, WRITTEN) == 0
        return guest.take(OUTPUT, 6 * SIZES[kind])

    def echoes(self, kind: str, number: int, times: int = 4) -> None:
        """From the third time on, no host call is needed for it."""
        for first in range(times):
            data = bytes([first, *range(6 * SIZES[kind] - 1)])
            assert self.feed(kind, number, data) == 0
            assert self.infer(kind) == data


WAYS = pytest.mark.parametrize("way", ["plain", "fast", "isolated"])


@WAYS
@EVERY
def test_guests_of_witxs_layout_in_every_numbering(numbering: Dialect, way: str) -> None:
    known = NUMBERS[numbering]
    feeding = Feeding(WITX, way)
    for kind, number in known.items():
        feeding.echoes(kind, number)
    for kind, number in known.items():
        data = feeding.infer(kind)
        for other in {*range(9)} - {number}:
            if kind != "bf16" or other != known["u8"]:
                assert feeding.feed(kind, other, bytes(6 * SIZES[kind])) == Errno.INVALID_ARGUMENT
        assert feeding.infer(kind) == data
        feeding.echoes(kind, number, 1)


@WAYS
def test_guests_of_wamrs_layout_have_one_numbering_as_their_tensors_have_no_length(
    way: str,
) -> None:
    feeding = Feeding(WAMR, way)
    for kind in MODELS:
        for number in range(9):
            if WAMRS.get(kind) == number:
                feeding.echoes(kind, number)
            else:
                assert feeding.feed(kind, number, bytes(64)) == Errno.INVALID_ARGUMENT


@pytest.mark.parametrize("plain", [True, False])
def test_a_number_by_which_another_abi_has_set_an_input_is_not_taken_for_this_ones(
    plain: bool,
) -> None:
    """The input was set by WAMR's number 2 again and again; the guest's other 2 is not u8."""
    memory = """
      (import "wasi_nn" "set_input" (func $wamr (param i32 i32 i32) (result i32)))
      (import "wasi_nn" "get_output" (func (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 4)
      (func (export "set_wamrs_input") (param i32 i32 i32) (result i32)
        (call $wamr (local.get 0) (local.get 1) (local.get 2)))"""
    both = wat2wasm(text("wasi_ephemeral_nn", memory, WITX))
    guest = Guest(plain=plain, binary=bytes(both))
    context = guest.context_for(MODELS["u8"])
    assert guest.feed(context, 0, 3, SHAPE, b"012345") == 0
    for number in range(4):
        guest.put(DATA, b"abcde%d" % number)
        guest.put(DIMS, struct.pack("<2I", *SHAPE))
        guest.put(96, WAMR_DIMENSIONS.pack(DIMS, 2))
        guest.put(TENSOR_AT, WAMR_TENSOR.pack(96, 2, DATA))
        assert guest.set_wamrs_input(context, 0, TENSOR_AT) == 0
        assert guest.feed(context, 0, 2, SHAPE, b"xxxxxx") == Errno.INVALID_ARGUMENT
        assert guest.compute(context) == 0
        assert guest.output(context, 0) == b"abcde%d" % number
    assert guest.feed(context, 0, 3, SHAPE, b"012345") == 0


ADAPTED = [
    (source, target)
    for source in NUMBERS
    for target in DIALECTS.values()
    if source.tensor_types is not target.tensor_types or source.layout != target.layout
    if Encoding.ONNX in target.encodings.values()
]


@pytest.mark.parametrize(("source", "target"), ADAPTED, ids=lambda it: it.name)
def test_a_guest_that_was_adapted_has_the_numbers_that_its_adapters_make(
    source: Dialect, target: Dialect
) -> None:
    """Tensors without elements show no numbers: the adapter tells them."""
    old = replace(WITX, functions=WITX_2021.functions)  # which all have
    plain = bytes(wat2wasm(text("wasi_ephemeral_nn", '(memory (export "memory") 4)', old)))
    guest = Guest(binary=rewrite(plain, RewriteOptions(abi=target.name, guest_abi=source.name)))
    same = (known for it, known in NUMBERS.items() if it.tensor_types is target.tensor_types)
    theirs = WAMRS if target.layout.name == "wamr" else next(same)
    for kind in ("u8", "i32", "i64"):
        context = guest.context_for(MODELS[kind])
        for number in range(9):
            right = number == NUMBERS[source].get(kind)
            for shape in ((0, 3), SHAPE):
                data = bytes(prod(shape) * SIZES[kind])
                errno = guest.feed(context, 0, number, shape, data)
                assert (errno == 0) is (right and kind in theirs), (kind, number, shape)
