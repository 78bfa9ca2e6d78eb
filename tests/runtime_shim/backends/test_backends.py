"""What every backend has to do, on the same models: each is made as ONNX, and converted."""

from __future__ import annotations

import ctypes
import functools
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from onnx import TensorProto, helper

from rewriter.abi.dialects import Encoding, Errno, Target, TensorType
from runtime_shim.backends import import_backend
from runtime_shim.backends.common.signal_stack import kept_signal_stack
from runtime_shim.backends.interface import (
    Backend,
    ExecutionContext,
    Graph,
    MovableContext,
    Options,
)
from runtime_shim.backends.isolated.client import IsolatedBackend
from runtime_shim.backends.openvino.interface import Library
from runtime_shim.backends.openvino.python_library import PythonLibrary
from runtime_shim.errors import HostError
from tests.support.models import F32, identity, model, nonzero, sum_and_product
from tests.support.native import openvino_model

Load = Callable[..., Graph]
ContextFor = Callable[[bytes], ExecutionContext]

FORMS = {
    "onnx": Encoding.ONNX,
    "openvino from IR": Encoding.OPENVINO,
    "openvino from ONNX": Encoding.OPENVINO,
    "openvino's Python package from ONNX": Encoding.OPENVINO,
    "onnx in another process": Encoding.ONNX,
}
MOVABLE = [form for form in FORMS if "another process" not in form]


@functools.cache
def python_library() -> Library:
    """Lives as long as the process, as it has to."""
    with kept_signal_stack():
        return PythonLibrary()


@functools.cache
def other_process() -> IsolatedBackend:
    return IsolatedBackend(Encoding.ONNX)


@pytest.fixture(params=FORMS)
def load(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Loads an ONNX model with a backend, in the form that it takes."""
    if "Python package" in request.param:
        monkeypatch.setattr("runtime_shim.backends.openvino.backend.library", python_library)

    def load(data: bytes, options: Options | None = None) -> Graph:
        builders = [data]
        if request.param.endswith("from IR"):
            names = openvino_model(data, tmp_path).split("+")
            builders = [(tmp_path / name).read_bytes() for name in names]
        if "another process" in request.param:
            backend: Backend = other_process()
        else:
            backend = import_backend(FORMS[request.param])
        return backend.load(builders, Target.CPU, options or {})

    return load


@pytest.fixture
def context_for(load: Load) -> ContextFor:
    return lambda data: load(data).init_execution_context()


def feed(context: ExecutionContext, index: int, *values: float) -> None:
    data = struct.pack(f"<{len(values)}f", *values)
    context.set_input(index, TensorType.F32, (len(values),), memoryview(data))


TYPES = [
    (TensorType.F16, TensorProto.FLOAT16, np.dtype(np.float16)),
    (TensorType.F32, TensorProto.FLOAT, np.dtype(np.float32)),
    (TensorType.F64, TensorProto.DOUBLE, np.dtype(np.float64)),
    (TensorType.U8, TensorProto.UINT8, np.dtype(np.uint8)),
    (TensorType.I32, TensorProto.INT32, np.dtype(np.int32)),
    (TensorType.I64, TensorProto.INT64, np.dtype(np.int64)),
]


@pytest.mark.parametrize(("kind", "element_type", "dtype"), TYPES)
def test_tensors_of_every_type_go_in_and_come_out(
    context_for: ContextFor, kind: TensorType, element_type: int, dtype: np.dtype[np.generic]
) -> None:
    context = context_for(identity(element_type, (2, 3)))
    values: npt.NDArray[np.generic] = np.array([[0, 1, 2], [3, 4, 250]]).astype(dtype)
    context.set_input(0, kind, (2, 3), memoryview(values.tobytes()))
    context.compute()
    assert bytes(context.get_output(0)) == values.tobytes()


def buffer(length: int) -> memoryview:
    """Aligned as MovableContext asks for."""
    room = memoryview(bytearray(length + 64))
    start = -ctypes.addressof(ctypes.c_char.from_buffer(room)) % 64
    return room[start : start + length]


@pytest.mark.parametrize("load", MOVABLE, indirect=True)
@pytest.mark.parametrize(("kind", "element_type", "dtype"), TYPES)
def test_tensors_of_every_type_can_be_moved(
    context_for: ContextFor, kind: TensorType, element_type: int, dtype: np.dtype[np.generic]
) -> None:
    context = context_for(identity(element_type, (2, 3)))
    assert isinstance(context, MovableContext)
    first, second, third = (
        np.array(rows).astype(dtype).tobytes()
        for rows in ([[0, 1, 2], [3, 4, 250]], [[5, 4, 3], [2, 1, 0]], [[7, 7, 7], [8, 8, 8]])
    )
    context.set_input(0, kind, (2, 3), memoryview(first))
    context.compute()
    context.get_output(0)
    read_from, written_to = buffer(len(first)), buffer(len(first))
    assert context.move_input(0, read_from)
    assert context.move_output(0, written_to)
    assert read_from == written_to == first
    read_from[:] = second
    context.compute()
    assert written_to == context.get_output(0) == second
    context.set_input(0, kind, (2, 3), memoryview(third))
    assert read_from == third
    context.compute()
    assert written_to == third


@pytest.mark.parametrize("load", MOVABLE, indirect=True)
def test_another_shape_moves_an_input_out_again(context_for: ContextFor) -> None:
    context = context_for(identity(dims=("n",)))
    assert isinstance(context, MovableContext)
    feed(context, 0, 1, 2)
    context.compute()
    assert bytes(context.get_output(0)) == struct.pack("<2f", 1, 2)
    place = buffer(8)
    for values in ((3, 4, 5), (6, 7), (8,)):
        assert context.move_input(0, place)
        feed(context, 0, *values)
        place[:] = bytes(len(place))  # which is nothing to it any more
        context.compute()
        assert bytes(context.get_output(0)) == struct.pack(f"<{len(values)}f", *values)
        place = buffer(4 * len(values))


@pytest.mark.parametrize(
    ("shape", "accepted"),
    [((1, 4), True), ((7, 4), True), ((0, 4), True), ((1, 5), False), ((4,), False), ((), False)],
)
def test_a_free_dimension_takes_any_length_and_a_fixed_one_its_own(
    context_for: ContextFor, shape: tuple[int, ...], accepted: bool
) -> None:
    context = context_for(identity(dims=("batch", 4)))
    data = np.arange(np.prod(shape), dtype=np.float32).tobytes()
    if not accepted:
        with pytest.raises(HostError, match=r"'x', .* \[\?, 4\].*was given f32"):
            context.set_input(0, TensorType.F32, shape, memoryview(data))
        return
    context.set_input(0, TensorType.F32, shape, memoryview(data))
    context.compute()
    assert bytes(context.get_output(0)) == data


def test_a_shape_can_change_from_run_to_run(context_for: ContextFor) -> None:
    context = context_for(identity(dims=("n",)))
    for values in ([1.0, 2.0], [3.0], [4.0, 5.0, 6.0], [7.0]):
        feed(context, 0, *values)
        context.compute()
        assert np.frombuffer(context.get_output(0), np.float32).tolist() == values


def test_an_output_whose_size_depends_on_the_values(context_for: ContextFor) -> None:
    context = context_for(nonzero())
    for values, places in (((0, 5, 0, 6), [1, 3]), ((1, 1, 1, 1), [0, 1, 2, 3]), ((0,) * 4, [])):
        feed(context, 0, *values)
        context.compute()
        assert np.frombuffer(context.get_output(0), np.int64).tolist() == places


def test_a_scalar_has_no_dimensions(context_for: ContextFor) -> None:
    context = context_for(identity(dims=()))
    context.set_input(0, TensorType.F32, (), memoryview(struct.pack("<f", 2.5)))
    context.compute()
    assert bytes(context.get_output(0)) == struct.pack("<f", 2.5)


def test_a_tensor_of_another_type_is_an_invalid_argument(context_for: ContextFor) -> None:
    context = context_for(identity(dims=(2,)))
    with pytest.raises(HostError) as caught:
        context.set_input(0, TensorType.I32, (2,), memoryview(bytes(8)))
    assert caught.value.errno is Errno.INVALID_ARGUMENT


def test_a_tensor_of_another_type_is_noticed_after_one_of_the_right_type_too(
    context_for: ContextFor,
) -> None:
    context = context_for(identity(dims=(2,)))
    feed(context, 0, 1, 2)
    with pytest.raises(HostError, match="was given i32"):
        context.set_input(0, TensorType.I32, (2,), memoryview(bytes(8)))
    context.compute()
    assert bytes(context.get_output(0)) == struct.pack("<2f", 1, 2)


def test_a_model_that_fails_while_it_runs_says_why_and_has_no_output(
    context_for: ContextFor,
) -> None:
    node = helper.make_node("Add", ["a", "b"], ["y"])
    ports = [("a", F32, ("n",)), ("b", F32, ("m",))], [("y", F32, ("k",))]
    context = context_for(model([node], *ports))
    feed(context, 0, 1, 2)
    feed(context, 1, 3, 4)
    context.compute()
    assert bytes(context.get_output(0)) == struct.pack("<2f", 4, 6)
    feed(context, 1, 3, 4, 5)
    with pytest.raises(Exception, match=r".{10}"):
        context.compute()
    with pytest.raises(HostError, match="before compute"):
        context.get_output(0)
    feed(context, 0, 1, 2, 3)
    context.compute()
    assert bytes(context.get_output(0)) == struct.pack("<3f", 4, 6, 8)


def test_an_index_past_the_last_is_an_invalid_argument(context_for: ContextFor) -> None:
    context = context_for(sum_and_product())
    feed(context, 0, 1, 2)
    feed(context, 1, 3, 4)
    context.compute()
    with pytest.raises(HostError, match="no input 2: the model has 2") as caught:
        feed(context, 2, 1, 2)
    assert caught.value.errno is Errno.INVALID_ARGUMENT
    with pytest.raises(HostError, match="no output 2: the model has 2") as caught:
        context.get_output(2)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


def test_computing_without_all_inputs_is_a_runtime_error(context_for: ContextFor) -> None:
    context = context_for(sum_and_product())
    feed(context, 0, 1, 2)
    with pytest.raises(HostError, match=r"input 1 .* is not set") as caught:
        context.compute()
    assert caught.value.errno is Errno.RUNTIME_ERROR


def test_an_output_before_compute_is_a_runtime_error(context_for: ContextFor) -> None:
    context = context_for(identity(dims=(2,)))
    feed(context, 0, 1, 2)
    with pytest.raises(HostError) as caught:
        context.get_output(0)
    assert caught.value.errno is Errno.RUNTIME_ERROR


def test_an_output_stays_until_the_next_compute(context_for: ContextFor) -> None:
    context = context_for(identity(dims=(1,)))
    feed(context, 0, 1)
    context.compute()
    feed(context, 0, 2)
    assert bytes(context.get_output(0)) == struct.pack("<f", 1)
    context.compute()
    assert bytes(context.get_output(0)) == struct.pack("<f", 2)


def test_contexts_of_one_graph_do_not_disturb_each_other(load: Load) -> None:
    graph = load(identity(dims=(1,)))
    contexts = [graph.init_execution_context() for _ in range(5)]
    for value, context in enumerate(contexts):
        feed(context, 0, value)
    for context in contexts:
        context.compute()
    assert [struct.unpack("<f", c.get_output(0))[0] for c in contexts] == [0, 1, 2, 3, 4]


def test_an_input_that_no_tensor_can_fill_is_an_unsupported_operation(
    context_for: ContextFor,
) -> None:
    context = context_for(identity(TensorProto.STRING, (1,)))
    with pytest.raises(HostError, match=r"string") as caught:
        context.set_input(0, TensorType.U8, (1,), memoryview(b"\1"))
    assert caught.value.errno is Errno.UNSUPPORTED_OPERATION


def test_an_output_of_another_type_of_number_gives_its_bytes(context_for: ContextFor) -> None:
    node = helper.make_node("Cast", ["x"], ["y"], to=TensorProto.INT8)
    context = context_for(model([node], [("x", F32, (2,))], [("y", TensorProto.INT8, (2,))]))
    feed(context, 0, -1, 5)
    context.compute()
    assert bytes(context.get_output(0)) == b"\xff\x05"


def test_the_same_input_gives_the_same_bytes_in_full_precision(load: Load) -> None:
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(64, 64)).astype(np.float32)
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    data = model([node], [("x", F32, (8, 64))], [("y", F32, (8, 64))], {"w": weights})
    x = rng.normal(size=(8, 64)).astype(np.float32)
    outputs = set()
    for _ in range(3):
        context = load(data).init_execution_context()
        context.set_input(0, TensorType.F32, (8, 64), memoryview(x.tobytes()))
        context.compute()
        outputs.add(bytes(context.get_output(0)))
    (output,) = outputs
    exact = x.astype(np.float64) @ weights.astype(np.float64)
    assert np.abs(np.frombuffer(output, np.float32).reshape(8, 64) - exact).max() < 1e-4


@pytest.mark.parametrize(
    "options", [{"threads": 0}, {"threads": True}, {"threads": 10**9}, {"fast-math": 1}]
)
def test_an_option_that_makes_no_sense_is_an_invalid_argument(load: Load, options: Options) -> None:
    with pytest.raises(HostError, match="the option") as caught:
        load(identity(), options)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


def test_an_option_that_is_not_known_is_ignored_with_a_warning(
    load: Load, caplog: pytest.LogCaptureFixture
) -> None:
    assert load(identity(), {"threads": 1, "temp": 0.5}) is not None
    assert "ignores unknown options: temp" in caplog.text
