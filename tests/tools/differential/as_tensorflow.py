"""Networks as frozen TensorFlow graphs, whose outputs are what no other node takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tests.support.tensorflow_models import constant, frozen, node, number, placeholder, type_of
from tests.tools.differential.kinds import KINDS, Kind
from tests.tools.differential.networks import Network, Node

__all__ = ["to_tensorflow"]

_OPERATORS: Mapping[str, str] = {
    "identity": "Identity",
    "abs": "Abs",
    "neg": "Neg",
    "relu": "Relu",
    "add": "AddV2",
    "mul": "Mul",
    "maximum": "Maximum",
    "greater": "Greater",
    "not": "LogicalNot",
    "cast": "Cast",
    "transpose": "Transpose",
    "concat": "ConcatV2",
    "reduce": "Sum",
    "flatten": "Reshape",
    "shape": "Shape",
    "gather": "GatherV2",
    "split": "Split",
    "nonzero": "Where",
}


def to_tensorflow(network: Network) -> bytes:
    """Each output is an Identity, which OpenVINO leaves out."""
    names: dict[str, str] = {}
    nodes = []
    for item in network.inputs:
        value = item.value
        dims = [dim if isinstance(dim, int) else -1 for dim in value.dims or ()]
        nodes.append(placeholder(value.name, dims, value.kind.tensorflow))
    for name, array in network.constants.items():
        nodes.append(constant(name, array, network.values[name].kind.tensorflow))
    for made in network.nodes:
        nodes += _made(made, network, names)
    for place, output in enumerate(network.outputs):
        value = output.value
        source = names.get(value.name, value.name)
        kind = type_of(value.kind.tensorflow)
        nodes.append(node(f"output_{place}", "Identity", [source], T=kind))
    return frozen(*nodes)


def _made(made: Node, network: Network, names: dict[str, str]) -> list[bytes]:
    """The node, after its constant if it needs one."""
    inputs = [names.get(name, name) for name in made.inputs]
    first = network.values[made.inputs[0]]
    name = made.outputs[0].name
    for place, value in enumerate(made.outputs[1:], 1):
        names[value.name] = f"{name}:{place}"
    nodes = []
    helping = _helping(made, len(first.dims or ()))
    if helping is not None:
        nodes.append(constant(f"{name}_with", np.array(helping, np.int32), KINDS["i32"].tensorflow))
        inputs.insert(0 if made.op == "split" else len(inputs), f"{name}_with")
    kinds = _attributes(made, network, first.kind)
    return [*nodes, node(name, _OPERATORS[made.op], inputs, **kinds)]


def _helping(made: Node, rank: int) -> int | Sequence[int] | None:
    match made.op:
        case "concat" | "split" | "gather":
            return 0
        case "reduce":
            return [rank - 1]
        case "flatten":
            return [-1]
        case "transpose":
            order: Sequence[int] = made.extra
            return order
    return None


def _attributes(made: Node, network: Network, kind: Kind) -> dict[str, bytes]:
    """The types, under the names that each operator has for them."""
    own, i32 = type_of(kind.tensorflow), type_of(KINDS["i32"].tensorflow)
    match made.op:
        case "cast":
            return {"SrcT": own, "DstT": type_of(made.outputs[0].kind.tensorflow)}
        case "not":
            return {}
        case "transpose":
            return {"T": own, "Tperm": i32}
        case "concat":
            return {"T": own, "Tidx": i32, "N": number(2)}
        case "reduce":
            return {"T": own, "Tidx": i32}
        case "flatten":
            return {"T": own, "Tshape": i32}
        case "shape":
            return {"T": own, "out_type": type_of(KINDS["i64"].tensorflow)}
        case "gather":
            index = network.values[made.inputs[1]].kind
            return {"Tparams": own, "Tindices": type_of(index.tensorflow), "Taxis": i32}
        case "split":
            return {"T": own, "num_split": number(2)}
    return {"T": own}
