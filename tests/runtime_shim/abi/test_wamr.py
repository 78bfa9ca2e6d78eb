"""What a guest sees of WAMR's older ABI."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from onnx import TensorProto

from rewriter.abi.dialects import WAMR, Encoding, Errno, Target
from rewriter.abi.structures import WAMR_BUILDERS, WAMR_DIMENSIONS, WAMR_TENSOR
from runtime_shim import NNHost
from tests.support import tflite_models
from tests.support.guest import BUILDERS, DATA, DIMS, HANDLE, MEMORY, OUTPUT, TENSOR_AT, Guest
from tests.support.models import identity, sum_and_product

BUILDER_ARRAY, DIMENSIONS, SIZE = 32, 96, 300
AUTODETECT, GGML = 6, 5


@pytest.fixture(scope="module")
def host() -> NNHost:
    return NNHost()


@pytest.fixture
def guest(host: NNHost) -> Guest:
    return Guest(host, dialect=WAMR)


def load(guest: Guest, model: bytes, encoding: int = Encoding.ONNX) -> int:
    guest.put(DATA, model)
    guest.put(BUILDERS, struct.pack("<II", DATA, len(model)))
    guest.put(BUILDER_ARRAY, WAMR_BUILDERS.pack(BUILDERS, 1))
    return guest.load(BUILDER_ARRAY, encoding, Target.CPU, HANDLE)


def context_for(guest: Guest, model: bytes) -> int:
    assert load(guest, model) == Errno.SUCCESS
    assert guest.init_execution_context(guest.u32(HANDLE), HANDLE) == Errno.SUCCESS
    return guest.u32(HANDLE)


def feed(guest: Guest, context: int, index: int, kind: int, shape: list[int], data: bytes) -> int:
    guest.put(DATA, data)
    guest.put(DIMS, struct.pack(f"<{len(shape)}I", *shape))
    guest.put(DIMENSIONS, WAMR_DIMENSIONS.pack(DIMS, len(shape)))
    guest.put(TENSOR_AT, WAMR_TENSOR.pack(DIMENSIONS, kind, DATA))
    guest.put(TENSOR_AT + 5, b"\xaa\xbb\xcc")
    return guest.set_input(context, index, TENSOR_AT)


def output(guest: Guest, context: int, index: int, room: int) -> tuple[int, int]:
    guest.put(SIZE, struct.pack("<I", room))
    errno = guest.get_output(context, index, OUTPUT, SIZE)
    return errno, guest.u32(SIZE)


def test_an_inference_counts_its_output_in_floats(guest: Guest) -> None:
    context = context_for(guest, sum_and_product())
    for index, values in enumerate(((3, 4), (5, 6))):
        assert feed(guest, context, index, 1, [2], struct.pack("<2f", *values)) == Errno.SUCCESS
    assert guest.compute(context) == Errno.SUCCESS
    assert output(guest, context, 0, 2) == (Errno.SUCCESS, 2)
    assert struct.unpack("<2f", guest.take(OUTPUT, 8)) == (8, 10)
    assert output(guest, context, 1, 2) == (Errno.SUCCESS, 2)
    assert struct.unpack("<2f", guest.take(OUTPUT, 8)) == (15, 24)


@pytest.mark.parametrize(
    ("number", "element_type", "size"),
    [
        pytest.param(0, TensorProto.FLOAT16, 2, id="fp16"),
        pytest.param(1, TensorProto.FLOAT, 4, id="fp32"),
        pytest.param(2, TensorProto.UINT8, 1, id="up8"),
        pytest.param(3, TensorProto.INT32, 4, id="ip32"),
    ],
)
def test_every_type_of_the_abi_has_elements_of_its_own_size(
    guest: Guest, number: int, element_type: int, size: int
) -> None:
    context = context_for(guest, identity(element_type, (2, 2)))
    data = bytes(4 * size - 1) + b"\x3c"
    assert feed(guest, context, 0, number, [2, 2], data) == Errno.SUCCESS
    assert guest.compute(context) == Errno.SUCCESS
    assert output(guest, context, 0, 100) == (Errno.SUCCESS, size)
    assert guest.take(OUTPUT, 4 * size) == data


def test_an_output_that_is_no_whole_number_of_floats_is_counted_up(guest: Guest) -> None:
    context = context_for(guest, identity(TensorProto.UINT8, (5,)))
    assert feed(guest, context, 0, 2, [5], b"abcde") == Errno.SUCCESS
    assert guest.compute(context) == Errno.SUCCESS
    assert output(guest, context, 0, 2) == (Errno.SUCCESS, 2)
    assert guest.take(OUTPUT, 5) == b"abcde"


def test_a_buffer_that_is_too_small_gets_nothing_but_the_count_needed(guest: Guest) -> None:
    context = context_for(guest, identity(dims=(4,)))
    assert feed(guest, context, 0, 1, [4], bytes(range(16))) == Errno.SUCCESS
    assert guest.compute(context) == Errno.SUCCESS
    guest.put(OUTPUT, b"untouched")
    for room in (0, 3):
        assert output(guest, context, 0, room) == (Errno.TOO_LARGE, 4)
    assert guest.take(OUTPUT, 9) == b"untouched"


def test_more_room_may_be_declared_than_there_is(guest: Guest) -> None:
    context = context_for(guest, identity(dims=(1,)))
    assert feed(guest, context, 0, 1, [1], b"abcd") == Errno.SUCCESS
    assert guest.compute(context) == Errno.SUCCESS
    assert output(guest, context, 0, 1_000_000) == (Errno.SUCCESS, 1)
    guest.put(SIZE, struct.pack("<I", 2**32 - 1))
    assert guest.get_output(context, 0, MEMORY - 4, SIZE) == Errno.SUCCESS
    assert guest.take(MEMORY - 4, 4) == b"abcd"
    assert guest.get_output(context, 0, MEMORY - 3, SIZE) == Errno.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("encoding", "errno"),
    [
        (Encoding.ONNX, Errno.SUCCESS),
        (AUTODETECT, Errno.SUCCESS),
        (GGML, Errno.INVALID_ENCODING),  # which the model is not
        (7, Errno.INVALID_ENCODING),
    ],
)
def test_encodings_have_wamrs_numbers(guest: Guest, encoding: int, errno: Errno) -> None:
    assert load(guest, identity(), encoding) == errno


@pytest.mark.parametrize("kind", [4, 255])
def test_a_type_without_a_number_in_the_abi_is_an_invalid_argument(guest: Guest, kind: int) -> None:
    context = context_for(guest, identity(dims=(1,)))
    assert feed(guest, context, 0, kind, [1], b"abcd") == Errno.INVALID_ARGUMENT


@pytest.mark.parametrize("pointer", [MEMORY - 3, MEMORY, 2**31, 2**32 - 1])
def test_pointers_outside_the_memory_are_invalid_arguments(guest: Guest, pointer: int) -> None:
    context = context_for(guest, identity(dims=(1,)))
    assert feed(guest, context, 0, 1, [1], b"abcd") == Errno.SUCCESS
    assert guest.compute(context) == Errno.SUCCESS
    results = {
        "builder_array": guest.load(pointer, Encoding.ONNX, Target.CPU, HANDLE),
        "graph_out": guest.load(BUILDER_ARRAY, Encoding.ONNX, Target.CPU, pointer),
        "tensor": guest.set_input(context, 0, pointer),
        "size": guest.get_output(context, 0, OUTPUT, pointer),
    }
    guest.put(BUILDER_ARRAY, WAMR_BUILDERS.pack(pointer, 1))
    results["builders"] = guest.load(BUILDER_ARRAY, Encoding.ONNX, Target.CPU, HANDLE)
    guest.put(TENSOR_AT, WAMR_TENSOR.pack(pointer, 1, DATA))
    results["dimensions struct"] = guest.set_input(context, 0, TENSOR_AT)
    guest.put(TENSOR_AT, WAMR_TENSOR.pack(DIMENSIONS, 1, pointer))
    results["data"] = guest.set_input(context, 0, TENSOR_AT)
    guest.put(DIMENSIONS, WAMR_DIMENSIONS.pack(pointer, 1))
    guest.put(TENSOR_AT, WAMR_TENSOR.pack(DIMENSIONS, 1, DATA))
    results["dimensions"] = guest.set_input(context, 0, TENSOR_AT)
    assert results == dict.fromkeys(results, Errno.INVALID_ARGUMENT)


@pytest.mark.parametrize(
    ("values", "rounded"),
    [
        ([0.0, 1.0, 2.4, 100.0], [0.0, 1.0, 2.0, 100.0]),
        ([-5.0, -6.0, 122.5, 999], [-5, -5, 122.5, 122.5]),
    ],
)
def test_a_quantised_model_is_fed_and_read_as_floats(
    guest: Guest, values: list[float], rounded: list[float]
) -> None:
    quantized = tflite_models.identity(np.uint8, [4], scales=[0.5], zero_points=[10])
    assert load(guest, quantized, Encoding.TENSORFLOWLITE) == Errno.SUCCESS
    assert guest.init_execution_context(guest.u32(HANDLE), HANDLE) == Errno.SUCCESS
    context = guest.u32(HANDLE)
    assert feed(guest, context, 0, 1, [4], struct.pack("<4f", *values)) == Errno.SUCCESS
    assert guest.compute(context) == Errno.SUCCESS
    assert output(guest, context, 0, 4) == (Errno.SUCCESS, 4)
    assert list(struct.unpack("<4f", guest.take(OUTPUT, 16))) == rounded
    assert feed(guest, context, 0, 2, [4], b"abcd") == Errno.RUNTIME_ERROR  # which WAMR refuses


def test_a_model_that_is_quantised_per_channel_is_a_runtime_error(guest: Guest) -> None:
    per_channel = tflite_models.identity(np.uint8, [2], scales=[0.5, 0.25], zero_points=[0, 0])
    assert load(guest, per_channel, Encoding.TENSORFLOWLITE) == Errno.SUCCESS
    assert guest.init_execution_context(guest.u32(HANDLE), HANDLE) == Errno.SUCCESS
    assert feed(guest, guest.u32(HANDLE), 0, 1, [2], bytes(8)) == Errno.RUNTIME_ERROR


def test_dimensions_whose_product_overflows_are_an_invalid_argument(guest: Guest) -> None:
    context = context_for(guest, identity(dims=("a", "b")))
    assert feed(guest, context, 0, 1, [2**31, 2**31], b"") == Errno.INVALID_ARGUMENT
