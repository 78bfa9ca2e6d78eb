"""Checks that are put before operators that models need and that do not make them themselves.

They are TorchScript, and become a part of the model's graphs. Found with torch 2.13 by arguments
next to a page that cannot be read: without them each of these operators reads past a tensor's end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

import torch

from rewriter.abi.dialects import Errno
from runtime_shim.backends.torch.graphs import graphs_of, nodes_of
from runtime_shim.errors import HostError

__all__ = ["put_guards"]

_SOURCE = """
def why_not_lstm(
    input: Tensor, states: List[Tensor], weights: List[Tensor], biases: bool, layers: int,
    both_ways: bool, batch_first: bool
) -> str:
    each = 4 if biases else 2
    ways = 2 if both_ways else 1
    if input.dim() != 3 or len(states) != 2 or layers < 1 or len(weights) % (layers * ways) != 0:
        return "an LSTM's arguments do not fit each other"
    if len(weights) != each * layers * ways:
        each += 1
    if len(weights) != each * layers * ways:
        return "an LSTM does not have all of its weights"
    hidden = states[1].size(-1)
    given = states[0].size(-1)
    batch = [layers * ways, input.size(0 if batch_first else 1)]
    if states[0].size() != batch + [given] or states[1].size() != batch + [hidden]:
        return "an LSTM's states do not fit its input"
    if each % 2 == 0 and given != hidden:
        return "an LSTM's states do not fit each other"
    for at in range(layers * ways):
        width = input.size(2) if at < ways else given * ways
        first = at * each
        if (
            weights[first].size() != [4 * hidden, width]
            or weights[first + 1].size() != [4 * hidden, given]
        ):
            return "an LSTM's weights do not fit its states"
        if biases and (
            weights[first + 2].size() != [4 * hidden] or weights[first + 3].size() != [4 * hidden]
        ):
            return "an LSTM's biases do not fit its states"
        if each % 2 == 1 and weights[first + each - 1].size() != [given, hidden]:
            return "an LSTM's projection does not fit its states"
    return ""

def lstm(
    input: Tensor, states: List[Tensor], weights: List[Tensor], biases: bool, layers: int,
    both_ways: bool, batch_first: bool
) -> Tensor:
    why = why_not_lstm(input, states, weights, biases, layers, both_ways, batch_first)
    if why != "":
        raise Exception(why)
    else:
        checked = input
    return checked

def attention(key: Tensor, value: Tensor) -> Tensor:
    if key.size(-2) != value.size(-2):
        raise Exception("there are not as many keys as values")
    else:
        checked = key
    return checked

def bags(indices: Tensor, offsets: Tensor, last: bool) -> Tensor:
    if offsets.dim() != 1 or indices.dim() != 1 or (last and offsets.numel() < 2):
        raise Exception("bags of embeddings are not described by two vectors")
    else:
        checked = indices
    return checked

def finite(matrix: Tensor) -> Tensor:
    if not bool(torch.all(torch.isfinite(matrix))):
        raise Exception("a matrix has numbers that are not finite")
    else:
        checked = matrix
    return checked

def heads(count: int) -> int:
    if count < 1:
        raise Exception("attention has no heads")
    else:
        checked = count
    return checked

def interleave(repeats: Tensor) -> Tensor:
    wrong = False
    if repeats.numel() > 0:
        least, most = torch.aminmax(repeats)
        wrong = int(least) < 0 or float(most) * repeats.numel() > 1e15
    if wrong:
        raise Exception("a number of repeats is out of range")
    else:
        checked = repeats
    return checked

def number(value: int, allowed: List[int]) -> int:
    if value not in allowed:
        raise Exception("a number does not stand for a type or layout")
    else:
        checked = value
    return checked

def number_or_none(value: Optional[int], allowed: List[int]) -> Optional[int]:
    if value is not None and value not in allowed:
        raise Exception("a number does not stand for a type or layout")
    else:
        checked = value
    return checked

def weight_norm(direction: Tensor, length: Tensor, dim: int) -> Tensor:
    count = 1 if dim == -1 else direction.size(dim)
    if length.numel() != count or (dim != -1 and length.dim() != direction.dim()):
        raise Exception("a weight's lengths do not fit it")
    else:
        checked = direction
    return checked
"""
"""Each gives back its first argument, by way of the check: PyTorch computes what is constant before
it runs the rest, and would not wait for a check that nothing comes from."""


class _Guard(NamedTuple):
    """The function that checks an operator, and the arguments that it takes, by their names."""

    function: str
    arguments: tuple[str, ...]


_GUARDS: Mapping[str, _Guard] = MappingProxyType(
    {
        "aten::_native_multi_head_attention": _Guard("heads", ("num_head",)),
        "aten::_transformer_encoder_layer_fwd": _Guard("heads", ("num_heads",)),
        "aten::_weight_norm": _Guard("weight_norm", ("v", "g", "dim")),
        "aten::embedding_bag": _Guard("bags", ("indices", "offsets", "include_last_offset")),
        "aten::linalg_eigvals": _Guard("finite", ("self",)),
        "aten::lstm": _Guard(
            "lstm",
            ("input", "hx", "params", "has_biases", "num_layers", "bidirectional", "batch_first"),
        ),
        "aten::repeat_interleave": _Guard("interleave", ("repeats",)),
        "aten::scaled_dot_product_attention": _Guard("attention", ("key", "value")),
    }
)


_ENUMERATIONS: Mapping[str, frozenset[int]] = MappingProxyType(
    {
        "ScalarType": frozenset({*range(12), 15, *range(23, 30)}),
        "Layout": frozenset({0}),
        "MemoryFormat": frozenset(range(4)),
    }
)
"""The numbers that arguments of such types may have: PyTorch finds things by them in tables.
Quantized types are made by operators of their own, and sparse tensors not at all.

https://github.com/pytorch/pytorch/blob/main/torch/headeronly/core/ScalarType.h
https://github.com/pytorch/pytorch/blob/main/torch/headeronly/core/Layout.h
https://github.com/pytorch/pytorch/blob/main/torch/headeronly/core/MemoryFormat.h
"""

_QUANTIZED = frozenset({12, 13, 14})

_ENUMERATED = re.compile(rf"\b({'|'.join(_ENUMERATIONS)})\??(?: (\w+))")


def put_guards(unit: Any) -> None:
    """Put the checks into all functions of a compilation unit, none of which has run yet."""
    for function in unit.get_functions():
        for graph in graphs_of(function.graph):
            for node in list(nodes_of(graph)):
                guard = _GUARDS.get(node.kind())
                if guard is not None and _takes_tensors(node, guard):
                    inputs = [node.namedInput(name) for name in guard.arguments]
                    _put(graph, node, guard.function, inputs)
                if node.kind().startswith(("aten::", "prims::", "quantized::")):
                    _guard_numbers(graph, node)


def _guard_numbers(graph: Any, node: Any) -> None:
    """Check the arguments of a node that stand for a type or a layout."""
    for kind, name in _ENUMERATED.findall(node.schema()):
        value = node.namedInput(name)
        type_, made_by = value.type().kind(), value.node().kind()
        if type_ == "NoneType" or made_by in ("prim::dtype", "prim::layout"):
            continue
        allowed = _ENUMERATIONS[kind] | (_QUANTIZED if "quant" in node.kind() else frozenset())
        if made_by == "prim::Constant":
            if value.toIValue() not in allowed:
                raise HostError(
                    Errno.INVALID_ARGUMENT,
                    f"the model calls {node.kind()} with {name} {value.toIValue()}",
                )
            continue
        check = "number" if type_ == "IntType" else "number_or_none"
        with graph.insert_point_guard(node):
            listed = graph.insertConstant(sorted(allowed))
        _put(graph, node, check, [value, listed])


def _put(graph: Any, node: Any, function: str, inputs: list[Any]) -> None:
    """Put a check before a node, which then takes what comes from it for the first input."""
    check = _checks().find_function(function).inlined_graph
    with graph.insert_point_guard(node):
        (checked,) = graph.insertGraph(check, inputs)
    node.replaceInputWith(inputs[0], checked)


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
