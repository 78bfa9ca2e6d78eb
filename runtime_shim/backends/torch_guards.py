"""Checks that are put before operators that models need and that do not make them themselves.

They are TorchScript, and become a part of the model's graphs. Found with torch 2.13 by arguments
next to a page that cannot be read: without them each of these operators reads past a tensor's end.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

import torch

from runtime_shim.backends.torch_graphs import graphs_of, nodes_of

__all__ = ["put_guards"]

_SOURCE = """
def attention(key: Tensor, value: Tensor):
    if key.size(-2) != value.size(-2):
        raise Exception("there are not as many keys as values")

def heads(count: int):
    if count < 1:
        raise Exception("attention has no heads")

def interleave(repeats: Tensor):
    if repeats.numel() > 0:
        least, most = torch.aminmax(repeats)
        if int(least) < 0 or float(most) * repeats.numel() > 1e15:
            raise Exception("a number of repeats is out of range")

def lstm(
    input: Tensor, states: List[Tensor], weights: List[Tensor], biases: bool, layers: int,
    both_ways: bool, batch_first: bool
):
    each = 4 if biases else 2
    ways = 2 if both_ways else 1
    if input.dim() != 3 or len(states) != 2 or layers < 1 or len(weights) % (layers * ways) != 0:
        raise Exception("an LSTM's arguments do not fit each other")
    if len(weights) != each * layers * ways:
        if len(weights) != (each + 1) * layers * ways:
            raise Exception("an LSTM does not have all of its weights")
        each += 1
    hidden = states[1].size(-1)
    given = states[0].size(-1)
    batch = [layers * ways, input.size(0 if batch_first else 1)]
    if states[0].size() != batch + [given] or states[1].size() != batch + [hidden]:
        raise Exception("an LSTM's states do not fit its input")
    if each % 2 == 0 and given != hidden:
        raise Exception("an LSTM's states do not fit each other")
    for at in range(layers * ways):
        width = input.size(2) if at < ways else given * ways
        first = at * each
        if (
            weights[first].size() != [4 * hidden, width]
            or weights[first + 1].size() != [4 * hidden, given]
        ):
            raise Exception("an LSTM's weights do not fit its states")
        if biases and (
            weights[first + 2].size() != [4 * hidden] or weights[first + 3].size() != [4 * hidden]
        ):
            raise Exception("an LSTM's biases do not fit its states")
        if each % 2 == 1 and weights[first + each - 1].size() != [given, hidden]:
            raise Exception("an LSTM's projection does not fit its states")

def weight_norm(direction: Tensor, length: Tensor, dim: int):
    if dim == -1:
        if length.numel() != 1:
            raise Exception("a weight's length is not one number")
    elif length.dim() != direction.dim() or length.numel() != direction.size(dim):
        raise Exception("a weight's lengths do not fit it")
"""


class _Guard(NamedTuple):
    """The function that checks an operator, and the arguments that it takes, by their names."""

    function: str
    arguments: tuple[str, ...]


_GUARDS: Mapping[str, _Guard] = MappingProxyType(
    {
        "aten::_native_multi_head_attention": _Guard("heads", ("num_head",)),
        "aten::_transformer_encoder_layer_fwd": _Guard("heads", ("num_heads",)),
        "aten::_weight_norm": _Guard("weight_norm", ("v", "g", "dim")),
        "aten::lstm": _Guard(
            "lstm",
            ("input", "hx", "params", "has_biases", "num_layers", "bidirectional", "batch_first"),
        ),
        "aten::repeat_interleave": _Guard("interleave", ("repeats",)),
        "aten::scaled_dot_product_attention": _Guard("attention", ("key", "value")),
    }
)


def put_guards(unit: Any) -> None:
    """Put the checks into all functions of a compilation unit, none of which has run yet."""
    for function in unit.get_functions():
        for graph in graphs_of(function.graph):
            for node in list(nodes_of(graph)):
                guard = _GUARDS.get(node.kind())
                if guard is None or not _takes_tensors(node, guard):
                    continue
                inputs = [node.namedInput(name) for name in guard.arguments]
                with graph.insert_point_guard(node):
                    graph.insertGraph(_checks().find_function(guard.function).graph, inputs)


def _takes_tensors(node: Any, guard: _Guard) -> bool:
    """Whether a node is of the overload that is not safe: the others lack an argument, or have a
    number where it has a tensor."""
    if any(f" {name}" not in node.schema() for name in guard.arguments):
        return False
    first = node.namedInput(guard.arguments[0]).type().kind()
    return guard.function != "interleave" or first == "TensorType"


@cache
def _checks() -> Any:
    return torch.jit.CompilationUnit(_SOURCE)
