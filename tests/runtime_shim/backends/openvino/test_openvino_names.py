"""Names, types and shapes from OpenVINO, which can call one input or output by several names."""

from __future__ import annotations

import functools
import struct
from pathlib import Path

import numpy as np
import openvino
import openvino.opset13 as ops
import pytest

from rewriter.abi.dialects import Target, TensorType
from runtime_shim.backends.common.signal_stack import kept_signal_stack
from runtime_shim.backends.openvino.backend import OpenVinoBackend
from runtime_shim.backends.openvino.factory import library
from runtime_shim.backends.openvino.graph import OpenVinoContext
from runtime_shim.backends.openvino.interface import Library
from runtime_shim.backends.openvino.python_library import PythonLibrary


@functools.cache
def python_library() -> Library:
    """Lives as long as the process, as it has to."""
    with kept_signal_stack():
        return PythonLibrary()


@pytest.fixture(params=[library, python_library], ids=["C library", "Python package"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> OpenVinoBackend:
    monkeypatch.setattr("runtime_shim.backends.openvino.backend.library", request.param)
    return OpenVinoBackend()


def saved(folder: Path, names: list[set[str]], dims: list[int]) -> list[bytes]:
    """The first input and twice the second. The last set of names is that of the second output;
    the first output has none."""
    inputs = [ops.parameter(dims, np.float32) for _ in names[:-1]]
    results = [ops.relu(inputs[0]), ops.add(inputs[1], inputs[1])]
    for node, called in zip((*inputs, results[1]), names, strict=True):
        node.output(0).get_tensor().set_names(called)
    openvino.save_model(openvino.Model(results, inputs), folder / "model.xml", False)
    return [(folder / f"model.{end}").read_bytes() for end in ("xml", "bin")]


@pytest.mark.parametrize("dims", [[2], [-1]], ids=["fixed", "free"])
def test_a_port_is_found_by_each_of_its_names(
    backend: OpenVinoBackend, tmp_path: Path, dims: list[int]
) -> None:
    parts = saved(tmp_path, [{"x", "0", "z:0"}, {"y"}, {"twice", "a/b", "1"}], dims)
    context = backend.load(parts, Target.CPU).init_execution_context()
    names = context.names
    for name, index in {"x": 0, "0": 0, "z:0": 0, "z": 0, "y": 1}.items():
        assert names.input_index(name) == index, name
    for name in ("twice", "a/b", "1"):
        assert names.output_index(name) == 1, name
    for name in ("", "Y", "y\0", "y\0x", "twice ", "no", "\ud800"):
        assert names.input_index(name) is names.output_index(name) is None, name
    assert list(names.shown) == ["0", "1"]
    for index in (0, 1):
        data = struct.pack("<2f", index, 3)
        context.set_input(index, TensorType.F32, (2,), memoryview(data))
    context.compute()
    for index, expected in enumerate([(0, 3), (2, 6)]):
        element, shape, found = context.output(index)
        assert (element.name, shape) == ("f32", (2,))
        assert struct.unpack("<2f", found) == expected
    assert isinstance(context, OpenVinoContext) is (dims == [2])


def test_the_shape_of_a_free_output_is_that_of_the_last_inference(
    backend: OpenVinoBackend, tmp_path: Path
) -> None:
    parts = saved(tmp_path, [{"x"}, {"y"}, {"twice"}], [-1, 3])
    context = backend.load(parts, Target.CPU).init_execution_context()
    for rows in (2, 0, 1):
        for index in (0, 1):
            data = memoryview(bytes(rows * 3 * 4))
            context.set_input(index, TensorType.F32, (rows, 3), data)
        context.compute()
        assert [context.output(index).shape for index in (0, 1)] == [(rows, 3)] * 2


@pytest.mark.parametrize("length", [0, 1, 3])
def test_an_output_without_dimensions_has_a_shape_beside_free_ones(
    backend: OpenVinoBackend, tmp_path: Path, length: int
) -> None:
    taken = ops.parameter([-1], np.float32)
    added = ops.reduce_sum(taken, np.array([0]))
    model = openvino.Model([ops.result(added), ops.result(ops.relu(taken))], [taken])
    openvino.save_model(model, tmp_path / "model.xml", compress_to_fp16=False)
    parts = [(tmp_path / f"model.{end}").read_bytes() for end in ("xml", "bin")]
    context = backend.load(parts, Target.CPU).init_execution_context()
    given = np.ones(length, np.float32).tobytes()
    context.set_input(0, TensorType.F32, (length,), memoryview(given))
    context.compute()
    assert [context.output(index).shape for index in (0, 1)] == [(), (length,)]
    assert bytes(context.output(0).data) == struct.pack("<f", length)
