"""Small ONNX models, made where they are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Port = tuple[str, int, Sequence[int | str | None]]
"""Name, element type, dimensions."""

F32 = TensorProto.FLOAT


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[Port],
    outputs: Sequence[Port],
    constants: Mapping[str, npt.NDArray[np.generic]] | None = None,
) -> bytes:
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info(*port) for port in inputs],
        [helper.make_tensor_value_info(*port) for port in outputs],
        [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    data: bytes = made.SerializeToString()
    return data


def identity(element_type: int = F32, dims: Sequence[int | str | None] = (1, 4)) -> bytes:
    """One input, one output, the same tensor."""
    node = helper.make_node("Identity", ["x"], ["y"])
    return model([node], [("x", element_type, dims)], [("y", element_type, dims)])


def sum_and_product() -> bytes:
    """Two inputs of two floats; their sum and their product."""
    two: Sequence[int] = (2,)
    nodes = [helper.make_node("Add", ["a", "b"], ["s"]), helper.make_node("Mul", ["a", "b"], ["p"])]
    return model(nodes, [("a", F32, two), ("b", F32, two)], [("s", F32, two), ("p", F32, two)])


def nonzero() -> bytes:
    """The places of what is not zero: an output whose size depends on the values."""
    node = helper.make_node("NonZero", ["x"], ["y"])
    return model([node], [("x", F32, (4,))], [("y", TensorProto.INT64, (1, None))])


def with_external_data(location: str) -> bytes:
    """Adds to 1,024 floats others that it names a file for, of 4,096 bytes."""
    made = onnx.load_from_string(identity(dims=(1024,)))
    made.graph.node[0].CopyFrom(helper.make_node("Add", ["x", "w"], ["y"]))
    weights = made.graph.initializer.add(
        name="w", data_type=F32, dims=[1024], data_location=TensorProto.EXTERNAL
    )
    for key, value in (("location", location), ("offset", "0"), ("length", "4096")):
        weights.external_data.add(key=key, value=value)
    data: bytes = made.SerializeToString()
    return data


def endless() -> bytes:
    """Adds its input to itself, 2 ** 62 times."""
    scalar: Sequence[int] = ()
    body = helper.make_graph(
        [
            helper.make_node("Add", ["before", "before"], ["after"]),
            helper.make_node("Identity", ["go_on"], ["again"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("step", TensorProto.INT64, scalar),
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, scalar),
            helper.make_tensor_value_info("before", F32, (1,)),
        ],
        [
            helper.make_tensor_value_info("again", TensorProto.BOOL, scalar),
            helper.make_tensor_value_info("after", F32, (1,)),
        ],
    )
    loop = helper.make_node("Loop", ["steps", "true", "x"], ["y"], body=body)
    constants = {"steps": np.array(2**62), "true": np.array(True)}
    return model([loop], [("x", F32, (1,))], [("y", F32, (1,))], constants)


def renamed_output(data: bytes, name: str) -> bytes:
    """A model with one output, under another name."""
    made = onnx.load_from_string(data)
    made.graph.node[-1].output[0] = name
    made.graph.output[0].name = name
    renamed: bytes = made.SerializeToString()
    return renamed
