"""What a guest sees of the witx ABI: errnos for everything that is wrong, and the right bytes."""

from __future__ import annotations

import logging
import struct
import threading

import pytest

from rewriter.abi.dialects import MODULE_NAMES, Encoding, Errno, Target, TensorType
from rewriter.abi.structures import TENSOR
from runtime_shim import NNHost
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
from tests.support.models import identity, sum_and_product

ONES = struct.pack("<4f", 1, 2, 3, 4)
OUTSIDE = [
    pytest.param(MEMORY, id="at the end"),
    pytest.param(MEMORY - 1, id="over the end"),
    pytest.param(2**31, id="signed minimum"),
    pytest.param(2**32 - 1, id="last address"),
]


@pytest.fixture(scope="module")
def host() -> NNHost:
    return NNHost()


@pytest.fixture
def guest(host: NNHost) -> Guest:
    return Guest(host)


@pytest.mark.parametrize("module", MODULE_NAMES)
def test_an_inference_under_either_name(host: NNHost, module: str) -> None:
    guest = Guest(host, module=module)
    context = guest.context_for(sum_and_product())
    assert guest.feed(context, 0, TensorType.F32, (2,), struct.pack("<2f", 3, 4)) == Errno.SUCCESS
    assert guest.feed(context, 1, TensorType.F32, (2,), struct.pack("<2f", 5, 6)) == Errno.SUCCESS
    assert guest.compute(context) == Errno.SUCCESS
    assert struct.unpack("<2f", guest.output(context, 0)) == (8, 10)
    assert struct.unpack("<2f", guest.output(context, 1)) == (15, 24)


@pytest.mark.parametrize("pointer", OUTSIDE)
def test_pointers_outside_the_memory_are_invalid_arguments(guest: Guest, pointer: int) -> None:
    context = guest.context_for(identity())
    graph = 1
    guest.put(BUILDERS, struct.pack("<II", pointer, 2))
    tensor = TENSOR.pack(DIMS, 2, TensorType.F32, DATA, 16)
    guest.put(TENSOR_AT, tensor)
    guest.put(DIMS, struct.pack("<2I", 1, 4))
    onnx, cpu = Encoding.ONNX, Target.CPU
    results = {
        "builders": guest.load(pointer, 1, onnx, cpu, HANDLE),
        "builder data": guest.load(BUILDERS, 1, onnx, cpu, HANDLE),
        "graph_out": guest.load(BUILDERS, 0, onnx, cpu, pointer),
        "name": guest.load_by_name(pointer, 2, HANDLE),
        "named graph_out": guest.load_by_name(0, 0, pointer),
        "context_out": guest.init_execution_context(graph, pointer),
        "tensor": guest.set_input(context, 0, pointer),
    }
    for field, offset in (("dimensions", 0), ("data", 12)):
        guest.put(TENSOR_AT, tensor[:offset] + struct.pack("<I", pointer) + tensor[offset + 4 :])
        results[field] = guest.set_input(context, 0, TENSOR_AT)
    assert guest.feed(context, 0, TensorType.F32, (1, 4), ONES) == Errno.SUCCESS
    assert guest.compute(context) == Errno.SUCCESS
    results["out_buffer"] = guest.get_output(context, 0, pointer, 16, WRITTEN)
    results["written_out"] = guest.get_output(context, 0, OUTPUT, 16, pointer)
    assert results == dict.fromkeys(results, Errno.INVALID_ARGUMENT)


@pytest.mark.parametrize("length", [MEMORY + 1, 2**31, 2**32 - 1])
def test_lengths_past_the_memory_are_invalid_arguments(guest: Guest, length: int) -> None:
    context = guest.context_for(identity())
    guest.put(BUILDERS, struct.pack("<II", DATA, length))
    tensor = TENSOR.pack(DIMS, 2, TensorType.F32, DATA, 16)
    results = {
        "builders_len": guest.load(BUILDERS, length, Encoding.ONNX, Target.CPU, HANDLE),
        "builder length": guest.load(BUILDERS, 1, Encoding.ONNX, Target.CPU, HANDLE),
        "name_len": guest.load_by_name(0, length, HANDLE),
        "out_buffer_max_size": guest.get_output(context, 0, OUTPUT, length, WRITTEN),
    }
    for field, offset in (("dimensions_len", 4), ("data_len", 16)):
        guest.put(TENSOR_AT, tensor[:offset] + struct.pack("<I", length) + tensor[offset + 4 :])
        results[field] = guest.set_input(context, 0, TENSOR_AT)
    assert results == dict.fromkeys(results, Errno.INVALID_ARGUMENT)


def test_the_last_bytes_of_the_memory_can_be_used(guest: Guest) -> None:
    assert guest.load_model(identity()) == Errno.SUCCESS
    assert guest.init_execution_context(guest.u32(HANDLE), MEMORY - 4) == Errno.SUCCESS
    context = guest.u32(MEMORY - 4)
    assert guest.feed(context, 0, TensorType.F32, (1, 4), ONES) == Errno.SUCCESS
    assert guest.compute(context) == Errno.SUCCESS
    assert guest.get_output(context, 0, MEMORY - 16, 16, WRITTEN) == Errno.SUCCESS
    assert guest.take(MEMORY - 16, 16) == ONES


def test_handles_of_the_other_kind_and_unknown_ones_are_invalid_arguments(guest: Guest) -> None:
    context = guest.context_for(identity())
    graph = context - 1
    guest.feed(context, 0, TensorType.F32, (1, 4), ONES)
    for handle in (0, context + 1, 2**31, 2**32 - 1):
        assert guest.init_execution_context(handle, HANDLE) == Errno.INVALID_ARGUMENT
    assert guest.init_execution_context(context, HANDLE) == Errno.INVALID_ARGUMENT
    for handle in (graph, 0, context + 1, 2**32 - 1):
        assert guest.set_input(handle, 0, TENSOR_AT) == Errno.INVALID_ARGUMENT
        assert guest.compute(handle) == Errno.INVALID_ARGUMENT
        assert guest.get_output(handle, 0, OUTPUT, 16, WRITTEN) == Errno.INVALID_ARGUMENT


def test_handles_mean_nothing_to_another_guest(host: NNHost) -> None:
    context = Guest(host).context_for(identity())
    assert Guest(host).compute(context) == Errno.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("encoding", "errno"),
    [
        pytest.param(Encoding.PYTORCH, Errno.INVALID_ENCODING, id="another format"),
        pytest.param(6, Errno.SUCCESS, id="autodetect on WAMR"),
        pytest.param(7, Errno.INVALID_ENCODING, id="one too many"),
        pytest.param(2**32 - 1, Errno.INVALID_ENCODING, id="largest"),
        pytest.param(Encoding.AUTODETECT, Errno.SUCCESS, id="autodetect"),
    ],
)
def test_encodings(guest: Guest, encoding: int, errno: Errno) -> None:
    assert guest.load_model(identity(), encoding) == errno


@pytest.mark.parametrize(
    ("target", "errno"),
    [
        pytest.param(Target.CPU, Errno.SUCCESS, id="cpu"),
        pytest.param(Target.GPU, Errno.UNSUPPORTED_OPERATION, id="gpu"),
        pytest.param(Target.TPU, Errno.UNSUPPORTED_OPERATION, id="tpu"),
        pytest.param(3, Errno.INVALID_ARGUMENT, id="one too many"),
        pytest.param(2**32 - 1, Errno.INVALID_ARGUMENT, id="largest"),
    ],
)
def test_targets(guest: Guest, target: int, errno: Errno) -> None:
    assert guest.load_model(identity(), target=target) == errno


@pytest.mark.parametrize("kind", [6, 127, 255])
def test_a_tensor_type_that_is_none_is_an_invalid_argument(guest: Guest, kind: int) -> None:
    context = guest.context_for(identity())
    guest.put(DIMS, struct.pack("<2I", 1, 4))
    guest.put(TENSOR_AT, TENSOR.pack(DIMS, 2, kind, DATA, 16))
    assert guest.set_input(context, 0, TENSOR_AT) == Errno.INVALID_ARGUMENT


def test_a_buffer_that_is_too_small_gets_nothing_but_the_size_needed(guest: Guest) -> None:
    context = guest.context_for(identity())
    guest.feed(context, 0, TensorType.F32, (1, 4), ONES)
    guest.compute(context)
    guest.put(OUTPUT, b"untouched.......")
    for room in (15, 1, 0):
        assert guest.get_output(context, 0, OUTPUT, room, WRITTEN) == Errno.TOO_LARGE
        assert guest.u32(WRITTEN) == 16
    assert guest.take(OUTPUT, 16) == b"untouched......."


def test_a_larger_buffer_is_only_filled_as_far_as_needed(guest: Guest) -> None:
    context = guest.context_for(identity())
    guest.feed(context, 0, TensorType.F32, (1, 4), ONES)
    guest.compute(context)
    guest.put(OUTPUT, b"." * 20)
    assert guest.output(context, 0, room=20) == ONES
    assert guest.take(OUTPUT + 16, 4) == b"...."


@pytest.mark.parametrize("size", [0, 4, 15, 17, 32])
def test_data_of_another_length_than_the_shape_says_is_an_invalid_argument(
    guest: Guest, size: int
) -> None:
    context = guest.context_for(identity())
    errno = guest.feed(context, 0, TensorType.F32, (1, 4), bytes(size))
    assert errno == Errno.INVALID_ARGUMENT


def test_a_shape_whose_product_overflows_is_an_invalid_argument(guest: Guest) -> None:
    context = guest.context_for(identity(dims=("a", "b")))
    shape = (2**31, 2**31)
    assert guest.feed(context, 0, TensorType.F32, shape, b"") == Errno.INVALID_ARGUMENT


def test_a_name_that_is_not_loaded_is_not_found(guest: Guest) -> None:
    guest.put(DATA, b"nobody")
    assert guest.load_by_name(DATA, 6, HANDLE) == Errno.NOT_FOUND
    assert guest.load_by_name(DATA, 0, HANDLE) == Errno.NOT_FOUND


def test_a_name_that_is_not_utf8_is_an_invalid_argument(guest: Guest) -> None:
    guest.put(DATA, b"\xff\xfe")
    assert guest.load_by_name(DATA, 2, HANDLE) == Errno.INVALID_ARGUMENT


def test_more_dimensions_than_any_backend_takes_are_an_invalid_argument(guest: Guest) -> None:
    context = guest.context_for(identity())
    guest.put(TENSOR_AT, TENSOR.pack(0, MEMORY // 4, TensorType.F32, DATA, 16))
    assert guest.set_input(context, 0, TENSOR_AT) == Errno.INVALID_ARGUMENT


def test_builders_that_overlap_are_not_copied_again_and_again(guest: Guest) -> None:
    guest.put(0, struct.pack("<II", 0, MEMORY) * 2000)
    errno = guest.load(0, 2000, Encoding.ONNX, Target.CPU, HANDLE)
    assert errno == Errno.INVALID_ARGUMENT


@pytest.mark.parametrize("builders", [0, 2])
def test_an_onnx_model_is_one_builder(guest: Guest, builders: int) -> None:
    model = identity()
    guest.put(DATA, model)
    guest.put(BUILDERS, struct.pack("<II", DATA, len(model)) * 2)
    errno = guest.load(BUILDERS, builders, Encoding.ONNX, Target.CPU, HANDLE)
    assert errno == Errno.INVALID_ARGUMENT


@pytest.mark.parametrize(
    "memory",
    [
        pytest.param("", id="no memory"),
        pytest.param("(memory 4)", id="not exported"),
        pytest.param('(memory (export "mem") 4)', id="under another name"),
        pytest.param('(global (export "memory") i32 (i32.const 0))', id="not a memory"),
        pytest.param('(memory (export "memory") 4 4 shared)', id="shared"),
    ],
)
def test_without_an_exported_memory_the_errno_is_missing_memory(host: NNHost, memory: str) -> None:
    guest = Guest(host, memory=memory)
    assert guest.load(0, 1, Encoding.ONNX, Target.CPU, 0) == Errno.MISSING_MEMORY
    assert guest.load_by_name(0, 1, 0) == Errno.MISSING_MEMORY
    assert guest.init_execution_context(1, 0) == Errno.MISSING_MEMORY
    assert guest.set_input(1, 0, 0) == Errno.MISSING_MEMORY
    assert guest.compute(1) == Errno.INVALID_ARGUMENT
    assert guest.get_output(1, 0, 0, 4, 8) == Errno.MISSING_MEMORY


def test_memory_that_grows_between_calls_is_seen_whole(guest: Guest) -> None:
    context = guest.context_for(identity())
    assert guest.memory is not None
    guest.memory.grow(guest.store, 100)
    far = MEMORY + 90 * 65536
    guest.put(far, ONES)
    guest.put(DIMS, struct.pack("<2I", 1, 4))
    guest.put(TENSOR_AT, TENSOR.pack(DIMS, 2, TensorType.F32, far, 16))
    assert guest.set_input(context, 0, TENSOR_AT) == Errno.SUCCESS
    assert guest.compute(context) == Errno.SUCCESS
    assert guest.get_output(context, 0, far + 64, 16, far + 128) == Errno.SUCCESS
    assert guest.take(far + 64, 16) == ONES


def test_guests_in_threads_share_a_model_and_nothing_else() -> None:
    host, model, wrong = NNHost(), sum_and_product(), []

    def work(number: int) -> None:
        guest = Guest(host)
        context = guest.context_for(model)
        for i in range(100):
            a, b = float(number), float(i)
            guest.feed(context, 0, TensorType.F32, (2,), struct.pack("<2f", a, b))
            guest.feed(context, 1, TensorType.F32, (2,), struct.pack("<2f", b, 2))
            guest.compute(context)
            got = struct.unpack("<2f", guest.output(context, 0)), guest.output(context, 1)
            if got != ((a + b, b + 2), struct.pack("<2f", a * b, 2 * b)):
                wrong.append((number, i, got))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_log_says_why(guest: Guest, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "runtime_shim"):
        guest.compute(77)
    assert caplog.messages == [
        "compute: invalid_argument: 77 is not a handle of an execution context"
    ]
