"""TensorFlow Lite models: what the interpreter does in its own way."""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt
import pytest

from rewriter.abi.dialects import Encoding, Errno, Target, TensorType
from runtime_shim import NNHost
from runtime_shim.backends.common.arrays import DTYPES
from runtime_shim.backends.litert.backend import LiteRtBackend, LiteRtContext
from runtime_shim.errors import HostError
from tests.support import tflite_models
from tests.support.tflite_models import identity, sum_and_product


def context_for(model: bytes) -> LiteRtContext:
    return LiteRtBackend().load([model], Target.CPU).init_execution_context()


def feed(context: LiteRtContext, index: int, *values: float) -> None:
    data = struct.pack(f"<{len(values)}f", *values)
    context.set_input(index, TensorType.F32, (len(values),), memoryview(data))


@pytest.mark.parametrize("kind", DTYPES)
def test_tensors_of_every_type_go_in_and_come_out(kind: TensorType) -> None:
    context = context_for(identity(DTYPES[kind], [2, 3]))
    values: npt.NDArray[np.generic] = np.arange(6).reshape(2, 3).astype(DTYPES[kind])
    context.set_input(0, kind, (2, 3), memoryview(values.tobytes()))
    context.compute()
    assert bytes(context.get_output(0)) == values.tobytes()


def test_several_inputs_in_any_order_and_again() -> None:
    context = context_for(sum_and_product())
    feed(context, 1, 5, 6)
    feed(context, 0, 3, 4)
    for first in (3, 30):
        feed(context, 0, first, 4)
        context.compute()
        assert bytes(context.get_output(0)) == struct.pack("<2f", first + 5, 10)
        assert bytes(context.get_output(1)) == struct.pack("<2f", first * 5, 24)


def test_a_free_dimension_takes_any_length_from_run_to_run() -> None:
    context = context_for(identity(np.float32, [-1]))
    for values in ((1.0,), (1.0,), (4.0,)):
        feed(context, 0, *values)
        context.compute()
        assert bytes(context.get_output(0)) == struct.pack(f"<{len(values)}f", *values)
    with pytest.raises(HostError) as caught:
        context.set_input(0, TensorType.F32, (1, 1), memoryview(bytes(4)))
    assert caught.value.errno is Errno.INVALID_ARGUMENT


def test_quantised_tensors_have_the_type_that_is_stored() -> None:
    context = context_for(identity(np.uint8, [2], scales=[0.5], zero_points=[10]))
    with pytest.raises(HostError) as caught:
        feed(context, 0, 1, 2)
    assert caught.value.errno is Errno.INVALID_ARGUMENT
    context.set_input(0, TensorType.U8, (2,), memoryview(b"ab"))
    context.compute()
    assert bytes(context.get_output(0)) == b"ab"


@pytest.mark.parametrize("builders", [[], [b"", b""]])
def test_another_number_of_parts_is_an_invalid_argument(builders: list[bytes]) -> None:
    with pytest.raises(HostError) as caught:
        LiteRtBackend().load(builders, Target.CPU)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_broken_models_raise(cut: int) -> None:
    with pytest.raises(HostError) as caught:
        LiteRtBackend().load([identity(np.float32, [1])[:cut]], Target.CPU)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


def test_a_gpu_is_no_reason_to_take_the_cpu() -> None:
    with pytest.raises(HostError, match=r"gpu \(WebGPU\), .* has cpu here") as caught:
        LiteRtBackend().load([identity(np.float32, [1])], Target.GPU)
    assert caught.value.errno is Errno.UNSUPPORTED_OPERATION


def test_computing_without_all_inputs_is_a_runtime_error() -> None:
    context = context_for(sum_and_product())
    feed(context, 0, 1, 2)
    with pytest.raises(HostError, match=r"input 1 .* is not set") as caught:
        context.compute()
    assert caught.value.errno is Errno.RUNTIME_ERROR
    with pytest.raises(HostError, match="before compute"):
        context.get_output(0)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_a_sum_of_no_elements_is_zero_and_not_what_was_in_memory(dtype: type) -> None:
    schema = tflite_models.schema
    tensors = [
        tflite_models.Tensor(dtype, [-1, -1]),
        tflite_models.Tensor(np.int32, [1], np.array([1], np.int32)),
        tflite_models.Tensor(dtype, [-1]),
    ]
    options = schema.BuiltinOptions.ReducerOptions, schema.ReducerOptionsT()
    operator = tflite_models.Operator(schema.BuiltinOperator.SUM, [0, 1], [2], *options)
    graph = LiteRtBackend().load([tflite_models.build(tensors, [operator], [0], [2])], Target.CPU)
    for _ in range(10):
        junk = [b"\xa5" * size for size in range(1, 5000)]
        del junk
        context = graph.init_execution_context()
        for rows in (4, 9, 4, 4000):
            context.set_input(0, TensorType.U8, (rows, 0), memoryview(b""))
            context.compute()
            assert bytes(context.get_output(0)) == bytes(rows)


def test_what_is_computed_while_memory_is_taken_stays() -> None:
    """The shape of a tensor is known before it has data, and LiteRT writes it only then."""
    schema = tflite_models.schema
    tensors = [tflite_models.Tensor(np.float32, [-1, 2]), tflite_models.Tensor(np.int32, [2])]
    options = schema.BuiltinOptions.ShapeOptions, schema.ShapeOptionsT()
    options[1].outType = schema.TensorType.INT32
    operator = tflite_models.Operator(schema.BuiltinOperator.SHAPE, [0], [1], *options)
    data = tflite_models.build(tensors, [operator], [0], [1])
    context = LiteRtBackend().load([data], Target.CPU).init_execution_context()
    for rows in (3, 3, 1):
        context.set_input(0, TensorType.F32, (rows, 2), memoryview(bytes(8 * rows)))
        for _ in range(2):
            context.compute()
            assert np.frombuffer(context.get_output(0), np.int32)[0] == rows


def test_a_scalar_takes_no_other_shape() -> None:
    schema = tflite_models.schema
    tensors = [tflite_models.Tensor(np.float32, []) for _ in range(2)]
    operator = tflite_models.Operator(schema.BuiltinOperator.ABS, [0], [1])
    data = tflite_models.build(tensors, [operator], [0], [1])
    context = LiteRtBackend().load([data], Target.CPU).init_execution_context()
    with pytest.raises(HostError, match="was given"):
        context.set_input(0, TensorType.F32, (1,), memoryview(bytes(4)))
    context.set_input(0, TensorType.F32, (), memoryview(bytes(4)))


def test_an_input_without_a_rank_takes_any_shape() -> None:
    schema = tflite_models.schema
    tensors = [tflite_models.Tensor(np.float32, [], ranked=False) for _ in range(2)]
    operator = tflite_models.Operator(schema.BuiltinOperator.ABS, [0], [1])
    data = tflite_models.build(tensors, [operator], [0], [1])
    context = LiteRtBackend().load([data], Target.CPU).init_execution_context()
    for shape in ((), (2,), (2, 3)):
        values = np.full(shape, -2.0, np.float32)
        context.set_input(0, TensorType.F32, shape, memoryview(values.tobytes()))
        context.compute()
        assert bytes(context.get_output(0)) == (-values).tobytes()


def test_an_input_with_data_is_refused_because_it_would_be_written_in_the_model() -> None:
    schema = tflite_models.schema
    tensors = [
        tflite_models.Tensor(np.float32, [4], np.ones(4, np.float32)),
        tflite_models.Tensor(np.float32, [4]),
    ]
    operator = tflite_models.Operator(schema.BuiltinOperator.ABS, [0], [1])
    data = tflite_models.build(tensors, [operator], [0], [1])
    with pytest.raises(HostError, match="which LiteRT would overwrite") as caught:
        LiteRtBackend().load([data], Target.CPU)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_a_sum_along_axes_that_are_computed_is_right(dtype: type[np.generic]) -> None:
    schema = tflite_models.schema
    options = schema.BuiltinOptions.ReducerOptions, schema.ReducerOptionsT()
    operator = tflite_models.Operator(schema.BuiltinOperator.SUM, [0, 1], [2], *options)
    tensors = [
        tflite_models.Tensor(dtype, [2, -1], scales=[1.0], zero_points=[0]),
        tflite_models.Tensor(np.int32, [1]),
        tflite_models.Tensor(dtype, [-1], scales=[1.0], zero_points=[0]),
    ]
    context = context_for(tflite_models.build(tensors, [operator], [0, 1], [2]))
    values = np.arange(6).reshape(2, 3).astype(dtype)
    context.set_input(0, TensorType.U8, (2, 3), memoryview(values.tobytes()))
    for axis in (0, 1):
        context.set_input(1, TensorType.I32, (1,), memoryview(struct.pack("<i", axis)))
        context.compute()
        assert np.frombuffer(context.get_output(0), dtype).tolist() == values.sum(axis).tolist()


def test_a_model_of_many_scales_loads_in_another_process_too() -> None:
    many = tflite_models.identity(
        np.uint8, [8000], scales=[0.5] * 8000, zero_points=list(range(8)) * 1000
    )
    with NNHost(isolate=True).session() as session:
        assert session.load([many], Encoding.TENSORFLOWLITE, Target.CPU)
