"""Networks as ONNX models, for ONNX Runtime and for OpenVINO."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

from tests.tools.differential.kinds import Array
from tests.tools.differential.networks import Dim, Network, Node, Output, Value

__all__ = ["to_onnx"]

Nodes = list[onnx.NodeProto]

_NAMES: Mapping[str, str] = {
    "identity": "Identity",
    "abs": "Abs",
    "neg": "Neg",
    "relu": "Relu",
    "add": "Add",
    "mul": "Mul",
    "maximum": "Max",
    "greater": "Greater",
    "not": "Not",
    "shape": "Shape",
    "nonzero": "NonZero",
    "sequence_end": "SequenceConstruct",
    "optional_end": "Optional",
}
"""Operators that differ from their networks' in nothing but the name."""


def to_onnx(network: Network) -> bytes:
    constants = [numpy_helper.from_array(array, k) for k, array in network.constants.items()]
    nodes: Nodes = []
    for node in network.nodes:
        for helping in _HELPERS.get(node.op, ()):
            constants.append(numpy_helper.from_array(helping, f"{node.outputs[0].name}_with"))
        nodes += _made(node, network)
    outputs, seen = [], set()
    for place, output in enumerate(network.outputs):
        name = output.value.name
        if name in seen:  # an output's name is its own
            nodes.append(helper.make_node("Identity", [name], [f"{name}_{place}"]))
            name = f"{name}_{place}"
        seen.add(name)
        outputs.append(_declared(name, output))
    inputs = [_info(item.value.name, item.value, item.value.dims) for item in network.inputs]
    graph = helper.make_graph(nodes, "network", inputs, outputs, constants)
    opsets = [helper.make_opsetid("", 17)]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    data: bytes = made.SerializeToString()
    return data


_HELPERS: Mapping[str, Sequence[Array]] = {
    "flatten": [np.array([-1], np.int64)],
    "reduce": [np.array([-1], np.int64)],
    "sequence": [np.array(0, np.int64)],
}
"""The constant that an operator needs beside the network's."""


def _info(name: str, value: Value, dims: Sequence[Dim] | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, value.kind.onnx, dims)


def _declared(name: str, output: Output) -> onnx.ValueInfoProto:
    value = output.value
    if value.origin in ("sequence_end", "optional_end"):
        of = helper.make_tensor_type_proto(value.kind.onnx, None)
        make = (
            helper.make_sequence_type_proto
            if value.origin == "sequence_end"
            else helper.make_optional_type_proto
        )
        return helper.make_value_info(name, make(of))
    dims = value.dims
    if output.declared == "free" and dims is not None:
        dims = (None,) * len(dims)
    elif output.declared == "unknown":
        dims = None
    elif output.declared == "wrong" and dims:
        dims = (*dims[:-1], dims[-1] + 1 if isinstance(dims[-1], int) else 3)
    return _info(name, value, dims)


def _made(node: Node, network: Network) -> Nodes:
    names = list(node.inputs)
    made = [value.name for value in node.outputs]
    helping = f"{made[0]}_with"
    value = network.values[node.inputs[-1]]
    match node.op:
        case "cast":
            return [helper.make_node("Cast", names, made, to=node.outputs[0].kind.onnx)]
        case "transpose":
            return [helper.make_node("Transpose", names, made, perm=node.extra)]
        case "concat" | "split" | "gather":
            return [helper.make_node(node.op.capitalize(), names, made, axis=0)]
        case "reduce":
            return [helper.make_node("ReduceSum", [*names, helping], made, keepdims=0)]
        case "flatten":
            return [helper.make_node("Reshape", [*names, helping], made)]
        case "if":
            return [_if(names[0], made[0], value, node.extra)]
        case "loop":
            return [_loop(names, made, value)]
        case "sequence":
            return _chain(["SequenceConstruct", "SequenceAt"], names, made, [helping])
        case "optional":
            return _chain(["Optional", "OptionalGetElement"], names, made, [])
    return [helper.make_node(_NAMES[node.op], names, made)]


def _if(condition: str, made: str, value: Value, otherwise: str) -> onnx.NodeProto:
    """The value in one branch; in the other the same, or what differs in its shape."""
    yes, no = f"{made}_yes", f"{made}_no"
    nodes = [helper.make_node("Identity", [value.name], [no])]
    if otherwise == "flatten":
        shape = helper.make_tensor("shape", onnx.TensorProto.INT64, [1], [-1])
        nodes = [
            helper.make_node("Constant", [], [f"{no}_shape"], value=shape),
            helper.make_node("Reshape", [value.name, f"{no}_shape"], [no]),
        ]
    elif otherwise == "concat" and value.dims:
        nodes = [helper.make_node("Concat", [value.name], [no], axis=0)]
    dims = None if otherwise == "flatten" else value.dims
    then = helper.make_graph(
        [helper.make_node("Identity", [value.name], [yes])], yes, [], [_info(yes, value, dims)]
    )
    other = helper.make_graph(nodes, no, [], [_info(no, value, dims)])
    return helper.make_node("If", [condition], [made], then_branch=then, else_branch=other)


def _loop(names: list[str], made: list[str], value: Value) -> onnx.NodeProto:
    count, carried = names
    step, on, before, again, after, each = (f"{made[0]}_{place}" for place in range(6))
    scalar: Sequence[int] = ()
    body = helper.make_graph(
        [
            helper.make_node("Identity", [taken], [given])
            for taken, given in ((on, again), (before, after), (before, each))
        ],
        f"{made[0]}_body",
        [
            helper.make_tensor_value_info(step, onnx.TensorProto.INT64, scalar),
            helper.make_tensor_value_info(on, onnx.TensorProto.BOOL, scalar),
            _info(before, value, value.dims),
        ],
        [
            helper.make_tensor_value_info(again, onnx.TensorProto.BOOL, scalar),
            _info(after, value, value.dims),
            _info(each, value, value.dims),
        ],
    )
    return helper.make_node("Loop", [count, "", carried], made, body=body)


def _chain(operators: Sequence[str], names: list[str], made: list[str], more: list[str]) -> Nodes:
    """Wrap a tensor, and unwrap it again; `more` are inputs of the second operator."""
    inside = f"{made[0]}_in"
    return [
        helper.make_node(operators[0], names, [inside]),
        helper.make_node(operators[1], [inside, *more], made),
    ]
