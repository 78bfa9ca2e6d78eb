"""Guests that a rewrite has adapted to another ABI get on this host what they expect."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import wasmtime

from rewriter import RewriteOptions, inspect_module, rewrite
from rewriter.abi.dialects import WAMR, WITX, Dialect, Encoding, Errno, Target, TensorType
from rewriter.abi.structures import WAMR_BUILDERS, WAMR_DIMENSIONS, WAMR_TENSOR
from runtime_shim import guest_dialects
from tests.support import tflite_models
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
from tests.support.models import identity

PLAIN = pytest.mark.parametrize("plain", [True, False])

ARRAY, DIMENSIONS = 32, 96
"""Where WAMR's structures are."""

MEMORY = '(memory (export "memory") 4)'


def adapted(source: Dialect, module: str, to: str) -> bytes:
    """A guest that passes every call on, and is adapted."""
    return rewrite(bytes(wasmtime.wat2wasm(text(module, MEMORY, source))), RewriteOptions(abi=to))


class WamrGuest(Guest):
    """Calls as a guest that was written for WAMR."""

    def context_of(self, model: bytes, encoding: Encoding) -> int:
        self.put(DATA, model)
        self.put(BUILDERS, struct.pack("<II", DATA, len(model)))
        self.put(ARRAY, WAMR_BUILDERS.pack(BUILDERS, 1))
        assert self.load(ARRAY, encoding, Target.CPU, HANDLE) == Errno.SUCCESS
        assert self.init_execution_context(self.u32(HANDLE), HANDLE) == Errno.SUCCESS
        return self.u32(HANDLE)

    def set_floats(self, context: int, *values: float) -> int:
        self.put(DATA, struct.pack(f"<{len(values)}f", *values))
        self.put(DIMS, struct.pack("<I", len(values)))
        self.put(DIMENSIONS, WAMR_DIMENSIONS.pack(DIMS, 1))
        self.put(TENSOR_AT, WAMR_TENSOR.pack(DIMENSIONS, 1, DATA))
        return self.set_input(context, 0, TENSOR_AT)

    def read(self, context: int, count: int) -> tuple[int, int]:
        """The errno for a buffer of so many floats, and what is written of the size."""
        self.put(WRITTEN, struct.pack("<I", count))
        return self.get_output(context, 0, OUTPUT, WRITTEN), self.u32(WRITTEN)


@PLAIN
def test_a_guest_never_gets_a_byte_more_than_it_has_declared(plain: bool) -> None:
    model, values = identity(dims=(4,)), (1.0, 2.0, 3.0, 4.0)
    output = struct.pack("<4f", *values)
    wamr = WamrGuest(dialect=WAMR, plain=plain)
    witx = Guest(plain=plain, binary=adapted(WITX, "wasi_ephemeral_nn", "wamr"))
    of_wamr = wamr.context_of(model, Encoding.ONNX)
    of_witx = witx.context_for(model)
    for size in range(65):
        assert wamr.set_floats(of_wamr, *values) == Errno.SUCCESS
        assert witx.feed(of_witx, 0, TensorType.F32, (4,), output) == Errno.SUCCESS
        for guest, context in ((wamr, of_wamr), (witx, of_witx)):
            assert guest.compute(context) == Errno.SUCCESS
            guest.put(OUTPUT, b"\xaa" * 96)
        expected = Errno.SUCCESS if size >= 4 else Errno.TOO_LARGE
        assert wamr.read(of_wamr, size) == (expected, 4)
        expected = Errno.SUCCESS if size >= 16 else Errno.TOO_LARGE
        assert witx.get_output(of_witx, 0, OUTPUT, size, WRITTEN) == expected
        for guest, unit in ((wamr, 4), (witx, 1)):
            there = output if size * unit >= 16 else b""
            assert guest.take(OUTPUT, 96) == there + b"\xaa" * (96 - len(there))
        if size >= 16:
            assert witx.u32(WRITTEN) == 16


@PLAIN
@pytest.mark.parametrize("abi", ["wamr", "wamr-2.2"])
@pytest.mark.parametrize("encoding", [Encoding.OPENVINO, Encoding.ONNX])
def test_a_guest_that_is_adapted_to_wamr_gets_what_it_has_room_for_of_any_model(
    plain: bool, abi: str, encoding: Encoding
) -> None:
    guest = Guest(plain=plain, binary=adapted(WITX, "wasi_ephemeral_nn", abi))
    output = struct.pack("<4f", 1, 2, 3, 4)
    context = guest.context_for(identity(dims=(4,)), encoding)
    for size in (*range(20), 64, 65):
        assert guest.feed(context, 0, TensorType.F32, (4,), output) == Errno.SUCCESS
        assert guest.compute(context) == Errno.SUCCESS
        guest.put(OUTPUT, b"\xaa" * 96)
        errno = guest.get_output(context, 0, OUTPUT, size, WRITTEN)
        assert (errno == Errno.SUCCESS) is (size >= 16)
        there = output if size >= 16 else b""
        assert guest.take(OUTPUT, 96) == there + b"\xaa" * (96 - len(there))
        if size >= 16:
            assert guest.u32(WRITTEN) == 16


@PLAIN
def test_an_output_that_is_not_a_whole_number_of_floats_is_refused_to_an_adapted_guest(
    plain: bool,
) -> None:
    guest = Guest(plain=plain, binary=adapted(WITX, "wasi_ephemeral_nn", "wamr"))
    for size in (5, 8):
        context = guest.context_for(identity(2, (size,)))  # of TensorProto.UINT8
        for _ in range(3):
            data = bytes(range(size))
            assert guest.feed(context, 0, TensorType.U8, (size,), data) == Errno.SUCCESS
            assert guest.compute(context) == Errno.SUCCESS
            guest.put(OUTPUT, b"\xaa" * 16)
            errno = guest.get_output(context, 0, OUTPUT, 16, WRITTEN)
            if size == 5:
                assert errno == Errno.UNSUPPORTED_OPERATION
                assert guest.take(OUTPUT, 16) == b"\xaa" * 16
            else:
                assert (errno, guest.u32(WRITTEN)) == (Errno.SUCCESS, 8)
                assert guest.take(OUTPUT, 16) == data + b"\xaa" * 8


def quantized(data_in: npt.DTypeLike, data_out: npt.DTypeLike) -> bytes:
    """Four numbers that pass, a half for each step, from one type to another."""
    schema = tflite_models.schema
    steps: dict[str, Any] = {"scales": [0.5], "zero_points": [0]}
    tensors = [
        tflite_models.Tensor(kind, [4], **(steps if kind is np.uint8 else {}))
        for kind in (data_in, data_out)
    ]
    if data_in is data_out:
        return tflite_models.identity(np.uint8, [4], scales=[0.5], zero_points=[0])
    options = schema.BuiltinOptions.QuantizeOptions, schema.QuantizeOptionsT()
    operator = tflite_models.Operator(schema.BuiltinOperator.QUANTIZE, [0], [1], *options)
    return tflite_models.build(tensors, [operator], [0], [1])


@PLAIN
def test_a_guest_of_bytes_that_is_adapted_to_wamr_gets_no_floats_for_them(plain: bool) -> None:
    binary = adapted(WITX, "wasi_ephemeral_nn", "wamr")
    guest = Guest(plain=plain, binary=binary)
    context = guest.context_for(quantized(np.uint8, np.uint8), Encoding.TENSORFLOWLITE)
    assert guest.feed(context, 0, TensorType.U8, (4,), b"abcd") == Errno.UNSUPPORTED_OPERATION
    context = guest.context_for(quantized(np.float32, np.uint8), Encoding.TENSORFLOWLITE)
    for _ in range(3):
        given = struct.pack("<4f", 1, 2, 3, 4)
        assert guest.feed(context, 0, TensorType.F32, (4,), given) == Errno.SUCCESS
        assert guest.compute(context) == Errno.SUCCESS
        assert guest.get_output(context, 0, OUTPUT, 64, WRITTEN) == Errno.UNSUPPORTED_OPERATION


@PLAIN
def test_a_guest_of_wamr_has_floats_for_a_quantised_model_when_it_is_adapted(plain: bool) -> None:
    guest = WamrGuest(plain=plain, binary=adapted(WAMR, "wasi_nn", "witx"))
    context = guest.context_of(quantized(np.uint8, np.uint8), Encoding.TENSORFLOWLITE)
    for first in (1.0, 2.0, 3.0):
        assert guest.set_floats(context, first, 2.25, 3, 200) == Errno.SUCCESS
        assert guest.compute(context) == Errno.SUCCESS
        assert guest.read(context, 4) == (Errno.SUCCESS, 4)
        assert struct.unpack("<4f", guest.take(OUTPUT, 16)) == (first, 2.0, 3.0, 127.5)


def test_a_guest_whose_load_was_adapted_has_the_encodings_that_its_adapter_makes() -> None:
    """To it, 5 is any format, and 6 ggml; that is the other way round where its adapter leads."""
    plain = bytes(wasmtime.wat2wasm(text("wasi_ephemeral_nn", MEMORY, WITX)))
    guest = Guest(binary=rewrite(plain, RewriteOptions(abi="wamr-ephemeral", guest_abi="wasmedge")))
    assert guest.load_model(identity(), 5) == Errno.SUCCESS
    assert guest.load_model(identity(), 6) == Errno.INVALID_ENCODING


def test_an_adapter_tells_the_layout_where_the_imports_do_not() -> None:
    signature = WITX.signature("set_input")
    module = f'(module (import "wasi_ephemeral_nn" "set_input" (func {signature})) {MEMORY})'
    adapted = rewrite(bytes(wasmtime.wat2wasm(module)), RewriteOptions(abi="wamr"))
    renamed = rewrite(adapted, RewriteOptions(to="wasi_ephemeral_nn"))
    (found,) = guest_dialects(inspect_module(renamed)).values()
    assert found.layout == WAMR.layout


@pytest.mark.parametrize(
    ("kind", "element_type", "data"),
    [
        pytest.param(TensorType.F16, 10, bytes(8), id="f16"),
        pytest.param(TensorType.U8, 2, b"abcd", id="u8"),
        pytest.param(TensorType.I32, 6, bytes(16), id="i32"),
    ],
)
def test_other_models_take_all_types_of_wamrs_abi(
    kind: TensorType, element_type: int, data: bytes
) -> None:
    guest = Guest(binary=adapted(WITX, "wasi_ephemeral_nn", "wamr"))
    context = guest.context_for(identity(element_type, (4,)), Encoding.OPENVINO)
    assert guest.feed(context, 0, kind, (4,), data) == Errno.SUCCESS
    assert guest.compute(context) == Errno.SUCCESS
    assert guest.output(context, 0) == data
