from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper

from rewriter.dialects import Errno, Target, TensorType
from runtime_shim.backends.onnx import OnnxBackend, OnnxContext
from runtime_shim.errors import HostError
from tests.models import F32, identity, model, nonzero, sum_and_product

TYPES = [
    (TensorType.F16, TensorProto.FLOAT16, np.dtype(np.float16)),
    (TensorType.F32, TensorProto.FLOAT, np.dtype(np.float32)),
    (TensorType.F64, TensorProto.DOUBLE, np.dtype(np.float64)),
    (TensorType.U8, TensorProto.UINT8, np.dtype(np.uint8)),
    (TensorType.I32, TensorProto.INT32, np.dtype(np.int32)),
    (TensorType.I64, TensorProto.INT64, np.dtype(np.int64)),
]


def context_for(data: bytes) -> OnnxContext:
    return OnnxBackend().load([data], Target.CPU).init_execution_context()


def feed(context: OnnxContext, index: int, *values: float) -> None:
    data = struct.pack(f"<{len(values)}f", *values)
    context.set_input(index, TensorType.F32, (len(values),), memoryview(data))


@pytest.mark.parametrize(("kind", "element_type", "dtype"), TYPES)
def test_tensors_of_every_type_go_in_and_come_out(
    kind: TensorType, element_type: int, dtype: np.dtype[np.generic]
) -> None:
    context = context_for(identity(element_type, (2, 3)))
    values: npt.NDArray[np.generic] = np.array([[0, 1, 2], [3, 4, 250]]).astype(dtype)
    context.set_input(0, kind, (2, 3), memoryview(values.tobytes()))
    context.compute()
    assert bytes(context.get_output(0)) == values.tobytes()


@pytest.mark.parametrize(
    ("shape", "accepted"),
    [((1, 4), True), ((7, 4), True), ((0, 4), True), ((1, 5), False), ((4,), False), ((), False)],
)
def test_a_free_dimension_takes_any_length_and_a_fixed_one_its_own(
    shape: tuple[int, ...], accepted: bool
) -> None:
    context = context_for(identity(dims=("batch", 4)))
    data = np.arange(np.prod(shape), dtype=np.float32).tobytes()
    if not accepted:
        with pytest.raises(HostError, match=r"'x', tensor\(float\) \[\?, 4\].*was given f32"):
            context.set_input(0, TensorType.F32, shape, memoryview(data))
        return
    context.set_input(0, TensorType.F32, shape, memoryview(data))
    context.compute()
    assert bytes(context.get_output(0)) == data


def test_a_shape_can_change_from_run_to_run() -> None:
    context = context_for(identity(dims=("n",)))
    for values in ([1.0, 2.0], [3.0], [4.0, 5.0, 6.0], [7.0]):
        feed(context, 0, *values)
        context.compute()
        assert np.frombuffer(context.get_output(0), np.float32).tolist() == values


def test_an_output_whose_size_depends_on_the_values() -> None:
    context = context_for(nonzero())
    for values, places in (((0, 5, 0, 6), [1, 3]), ((1, 1, 1, 1), [0, 1, 2, 3]), ((0,) * 4, [])):
        feed(context, 0, *values)
        context.compute()
        assert np.frombuffer(context.get_output(0), np.int64).tolist() == places


def test_a_scalar_has_no_dimensions() -> None:
    context = context_for(identity(dims=()))
    context.set_input(0, TensorType.F32, (), memoryview(struct.pack("<f", 2.5)))
    context.compute()
    assert bytes(context.get_output(0)) == struct.pack("<f", 2.5)


def test_a_tensor_of_another_type_is_an_invalid_argument() -> None:
    context = context_for(identity(dims=(2,)))
    with pytest.raises(HostError) as caught:
        context.set_input(0, TensorType.I32, (2,), memoryview(bytes(8)))
    assert caught.value.errno is Errno.INVALID_ARGUMENT


def test_an_index_past_the_last_is_an_invalid_argument() -> None:
    context = context_for(sum_and_product())
    feed(context, 0, 1, 2)
    feed(context, 1, 3, 4)
    context.compute()
    with pytest.raises(HostError, match="input 2 of a model that has 2") as caught:
        feed(context, 2, 1, 2)
    assert caught.value.errno is Errno.INVALID_ARGUMENT
    with pytest.raises(HostError, match="output 2 of a model that has 2") as caught:
        context.get_output(2)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


def test_computing_without_all_inputs_is_a_runtime_error() -> None:
    context = context_for(sum_and_product())
    feed(context, 0, 1, 2)
    with pytest.raises(HostError, match=r"input 1 .* is not set") as caught:
        context.compute()
    assert caught.value.errno is Errno.RUNTIME_ERROR


def test_an_output_before_compute_is_a_runtime_error() -> None:
    context = context_for(identity(dims=(2,)))
    feed(context, 0, 1, 2)
    with pytest.raises(HostError) as caught:
        context.get_output(0)
    assert caught.value.errno is Errno.RUNTIME_ERROR


def test_an_output_stays_until_the_next_compute() -> None:
    context = context_for(identity(dims=(1,)))
    feed(context, 0, 1)
    context.compute()
    feed(context, 0, 2)
    assert bytes(context.get_output(0)) == struct.pack("<f", 1)
    context.compute()
    assert bytes(context.get_output(0)) == struct.pack("<f", 2)


def test_contexts_of_one_graph_do_not_disturb_each_other() -> None:
    graph = OnnxBackend().load([identity(dims=(1,))], Target.CPU)
    contexts = [graph.init_execution_context() for _ in range(5)]
    for value, context in enumerate(contexts):
        feed(context, 0, value)
    for context in contexts:
        context.compute()
    assert [struct.unpack("<f", c.get_output(0))[0] for c in contexts] == [0, 1, 2, 3, 4]


def test_an_input_that_no_tensor_can_fill_is_an_unsupported_operation() -> None:
    context = context_for(identity(TensorProto.BOOL, (1,)))
    with pytest.raises(HostError, match=r"tensor\(bool\)") as caught:
        context.set_input(0, TensorType.U8, (1,), memoryview(b"\1"))
    assert caught.value.errno is Errno.UNSUPPORTED_OPERATION


def test_an_output_of_another_type_of_number_gives_its_bytes() -> None:
    node = helper.make_node("Cast", ["x"], ["y"], to=TensorProto.INT8)
    context = context_for(model([node], [("x", F32, (2,))], [("y", TensorProto.INT8, (2,))]))
    feed(context, 0, -1, 5)
    context.compute()
    assert bytes(context.get_output(0)) == b"\xff\x05"


def test_an_output_that_is_no_numbers_is_an_unsupported_operation() -> None:
    node = helper.make_node("Cast", ["x"], ["y"], to=TensorProto.STRING)
    context = context_for(model([node], [("x", F32, (1,))], [("y", TensorProto.STRING, (1,))]))
    feed(context, 0, 1)
    context.compute()
    with pytest.raises(HostError) as caught:
        context.get_output(0)
    assert caught.value.errno is Errno.UNSUPPORTED_OPERATION


def test_a_failed_run_leaves_no_output_of_the_run_before() -> None:
    node = helper.make_node("Reshape", ["x", "shape"], ["y"])
    ports = [("x", F32, (4,)), ("shape", TensorProto.INT64, (1,))]
    context = context_for(model([node], ports, [("y", F32, (None,))]))
    feed(context, 0, 1, 2, 3, 4)
    context.set_input(1, TensorType.I64, (1,), memoryview(struct.pack("<q", 4)))
    context.compute()
    context.set_input(1, TensorType.I64, (1,), memoryview(struct.pack("<q", 3)))
    with pytest.raises(Exception, match="reshape"):
        context.compute()
    with pytest.raises(HostError, match="before compute"):
        context.get_output(0)


@pytest.mark.parametrize("absolute", [False, True])
def test_a_model_cannot_read_the_hosts_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, absolute: bool
) -> None:
    (tmp_path / "secret").write_bytes(bytes(4096))
    monkeypatch.chdir(tmp_path)
    made = onnx.load_from_string(identity(dims=(1024,)))
    made.graph.node[0].CopyFrom(helper.make_node("Add", ["x", "w"], ["y"]))
    weights = made.graph.initializer.add(
        name="w", data_type=F32, dims=[1024], data_location=TensorProto.EXTERNAL
    )
    location = str(tmp_path / "secret") if absolute else "secret"
    for key, value in (("location", location), ("offset", "0"), ("length", "4096")):
        weights.external_data.add(key=key, value=value)
    with pytest.raises(Exception, match="External data path"):
        context_for(made.SerializeToString())


def test_a_broken_model_prints_nothing() -> None:
    code = (
        "from runtime_shim.backends.onnx import OnnxBackend\n"
        "try: OnnxBackend().load([b'\\x08\\x08junk'], 0)\n"
        "except Exception: pass\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
