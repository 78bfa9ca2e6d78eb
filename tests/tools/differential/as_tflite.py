"""Networks as TensorFlow Lite models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.support.tflite_models import Operator, Tensor, build
from tests.tools.differential.networks import Dim, Network, Node

__all__ = ["to_tflite"]

_OPERATORS: Mapping[str, str] = {
    "identity": "RESHAPE",
    "abs": "ABS",
    "neg": "NEG",
    "relu": "RELU",
    "add": "ADD",
    "mul": "MUL",
    "maximum": "MAXIMUM",
    "greater": "GREATER",
    "not": "LOGICAL_NOT",
    "cast": "CAST",
    "transpose": "TRANSPOSE",
    "concat": "CONCATENATION",
    "reduce": "SUM",
    "flatten": "RESHAPE",
    "shape": "SHAPE",
    "gather": "GATHER",
    "split": "SPLIT",
    "nonzero": "WHERE",
}


def to_tflite(network: Network) -> bytes:
    places = {name: place for place, name in enumerate(network.values)}
    tensors = [
        Tensor(value.kind.dtype, _dims(value.dims), network.constants.get(value.name))
        for value in network.values.values()
    ]
    operators = []
    for node in _needed(network):
        inputs = [places[name] for name in node.inputs]
        outputs = [places[value.name] for value in node.outputs]
        helping = _helping(node, network)
        if helping is not None:
            position = 0 if node.op == "split" else 1
            inputs.insert(position, len(tensors))
            tensors.append(Tensor(np.int32, helping.shape, helping))
        code = getattr(schema.BuiltinOperator, _OPERATORS[_found(node, network)])
        operators.append(Operator(code, inputs, outputs, *_options(node)))
    return build(
        tensors,
        operators,
        [places[item.value.name] for item in network.inputs],
        [places[output.value.name] for output in network.outputs],
    )


def _needed(network: Network) -> list[Node]:
    """Those that an output comes from: whether LiteRT looks at the others depends on the shapes
    that an interpreter has had before."""
    wanted = {output.value.name for output in network.outputs}
    nodes: list[Node] = []
    for node in reversed(network.nodes):
        if wanted & {value.name for value in node.outputs}:
            wanted.update(node.inputs)
            nodes.insert(0, node)
    return nodes


def _dims(dims: Sequence[Dim] | None) -> list[int]:
    return [dim if isinstance(dim, int) else -1 for dim in dims or ()]


def _found(node: Node, network: Network) -> str:
    """A reshape of free dimensions is none, so that there it is a transposition of nothing."""
    free = -1 in _dims(network.values[node.inputs[0]].dims)
    return "transpose" if node.op == "identity" and free else node.op


def _helping(node: Node, network: Network) -> Any:
    """The constant that an operator needs beside the network's."""
    dims = network.values[node.inputs[0]].dims or ()
    match node.op:
        case "identity" if _found(node, network) == "transpose":
            return np.arange(len(dims), dtype=np.int32)
        case "identity":
            return np.array(_dims(dims), np.int32)
        case "flatten":
            return np.array([-1], np.int32)
        case "transpose":
            return np.array(node.extra, np.int32)
        case "reduce":
            return np.array([len(dims) - 1], np.int32)
        case "split":
            return np.array(0, np.int32)
    return None


def _options(node: Node) -> tuple[int, object]:
    kinds = schema.BuiltinOptions
    match node.op:
        case "add":
            return kinds.AddOptions, schema.AddOptionsT()
        case "mul":
            return kinds.MulOptions, schema.MulOptionsT()
        case "concat":
            return kinds.ConcatenationOptions, schema.ConcatenationOptionsT()
        case "gather":
            return kinds.GatherOptions, schema.GatherOptionsT()
        case "reduce":
            return kinds.ReducerOptions, schema.ReducerOptionsT()
        case "shape":
            made = schema.ShapeOptionsT()
            made.outType = schema.TensorType.INT64
            return kinds.ShapeOptions, made
        case "split":
            halves = schema.SplitOptionsT()
            halves.numSplits = 2
            return kinds.SplitOptions, halves
    return 0, None
