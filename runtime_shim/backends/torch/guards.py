"""Checks that are inserted before operators that models need and that do not check their arguments.

They are TorchScript, and become part of the model's graphs. They were found with torch 2.13 by
placing arguments next to a page that cannot be read: without the checks, each of these operators
reads past a tensor's end. On CUDA, they were found with torch 2.11 by NVIDIA's compute-sanitizer.
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

__all__ = ["EMPTY", "LARGER", "ON_CPU", "put_guards"]

_SOURCE = """
def why_not_lstm(
    input: Tensor, states: List[Tensor], weights: List[Tensor], biases: bool, layers: int,
    both_ways: bool, batch_first: bool
) -> str:
    each = 4 if biases else 2
    ways = 2 if both_ways else 1
    if input.dim() != 3 or len(states) != 2 or layers < 1 or len(weights) % (layers * ways) != 0:
        return "the arguments of an LSTM do not match"
    if len(weights) != each * layers * ways:
        each += 1
    if len(weights) != each * layers * ways:
        return "an LSTM lacks some of its weights"
    hidden = states[1].size(-1)
    given = states[0].size(-1)
    batch = [layers * ways, input.size(0 if batch_first else 1)]
    if states[0].size() != batch + [given] or states[1].size() != batch + [hidden]:
        return "the states of an LSTM do not match its input"
    if each % 2 == 0 and given != hidden:
        return "the states of an LSTM do not match each other"
    for at in range(layers * ways):
        width = input.size(2) if at < ways else given * ways
        first = at * each
        if (
            weights[first].size() != [4 * hidden, width]
            or weights[first + 1].size() != [4 * hidden, given]
        ):
            return "the weights of an LSTM do not match its states"
        if biases and (
            weights[first + 2].size() != [4 * hidden] or weights[first + 3].size() != [4 * hidden]
        ):
            return "the biases of an LSTM do not match its states"
        if each % 2 == 1 and weights[first + each - 1].size() != [given, hidden]:
            return "the projection of an LSTM does not match its states"
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
        raise Exception("the numbers of keys and values differ")
    else:
        checked = key
    return checked

def bags(indices: Tensor, offsets: Tensor, last: bool) -> Tensor:
    if offsets.dim() != 1 or indices.dim() != 1 or (last and offsets.numel() < 2):
        raise Exception("bags of embeddings need two vectors")
    else:
        checked = indices
    return checked

def finite(matrix: Tensor) -> Tensor:
    if not bool(torch.all(torch.isfinite(matrix))):
        raise Exception("a matrix contains numbers that are not finite")
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
        raise Exception("a number does not represent a type or layout")
    else:
        checked = value
    return checked

def number_or_none(value: Optional[int], allowed: List[int]) -> Optional[int]:
    if value is not None and value not in allowed:
        raise Exception("a number does not represent a type or layout")
    else:
        checked = value
    return checked

def on_cpu(tensor: Tensor) -> Tensor:
    if not tensor.is_cpu:
        raise Exception("an operator supports only tensors on the CPU")
    else:
        checked = tensor
    return checked

def resizable(tensor: Tensor, size: List[int]) -> Tensor:
    count = 1
    for length in size:
        count *= length
    if not tensor.is_cpu and count > tensor.numel():
        raise Exception("a tensor on a GPU cannot be made larger")
    else:
        checked = tensor
    return checked

def resizable_as(tensor: Tensor, other: Tensor) -> Tensor:
    if not tensor.is_cpu and other.numel() > tensor.numel():
        raise Exception("a tensor on a GPU cannot be made larger")
    else:
        checked = tensor
    return checked

def rows(table: Tensor, indices: Tensor) -> Tensor:
    wrong = table.dim() != 2
    if not wrong and indices.numel() > 0:
        least, most = torch.aminmax(indices)
        wrong = int(least) < 0 or int(most) >= table.size(0)
    if wrong:
        raise Exception("an index exceeds the rows of a table")
    else:
        checked = table
    return checked

def weight_norm(direction: Tensor, length: Tensor, dim: int) -> Tensor:
    count = 1 if dim == -1 else direction.size(dim)
    if length.numel() != count or (dim != -1 and length.dim() != direction.dim()):
        raise Exception("the lengths of a weight do not match it")
    else:
        checked = direction
    return checked

def zeroed(new: Tensor) -> Tensor:
    if new.is_quantized:
        if not new.is_cpu:
            raise Exception("a new quantized tensor is possible only on the CPU")
    elif new.numel() > 0:
        last = 1
        for size, stride in zip(new.size(), new.stride()):
            last += (size - 1) * stride
        torch.as_strided(new, [last], [1], 0).zero_()
    return new

def copied(made: Tensor) -> Tensor:
    return made.clone()
"""
"""Each function returns its first argument, through the check. PyTorch computes constants before it
runs the rest, and would not wait for a check whose result is not used."""


class _Guard(NamedTuple):
    """The function that checks an operator, and the names of the arguments that it takes."""

    function: str
    arguments: tuple[str, ...]


_GUARDS: Mapping[str, _Guard] = MappingProxyType(
    {
        "aten::_native_multi_head_attention": _Guard("heads", ("num_head",)),
        "aten::_reshape_from_tensor": _Guard("on_cpu", ("shape",)),
        "aten::_saturate_weight_to_fp16": _Guard("on_cpu", ("weight",)),
        "aten::_transformer_encoder_layer_fwd": _Guard("heads", ("num_heads",)),
        "aten::_weight_norm": _Guard("weight_norm", ("v", "g", "dim")),
        "aten::choose_qparams_optimized": _Guard("on_cpu", ("input",)),
        "aten::embedding_bag": _Guard("bags", ("indices", "offsets", "include_last_offset")),
        "aten::embedding_renorm": _Guard("rows", ("self", "indices")),
        "aten::embedding_renorm_": _Guard("rows", ("self", "indices")),
        "aten::linalg_eigvals": _Guard("finite", ("self",)),
        "aten::lstm": _Guard(
            "lstm",
            ("input", "hx", "params", "has_biases", "num_layers", "bidirectional", "batch_first"),
        ),
        "aten::repeat_interleave": _Guard("interleave", ("repeats",)),
        "aten::resize": _Guard("resizable", ("self", "size")),
        "aten::resize_": _Guard("resizable", ("self", "size")),
        "aten::resize_as": _Guard("resizable_as", ("self", "the_template")),
        "aten::resize_as_": _Guard("resizable_as", ("self", "the_template")),
        "prims::resize": _Guard("resizable", ("a", "shape")),
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
"""The numbers that arguments of these types may have, because PyTorch uses them as indices of
tables. Quantized types are made by other operators, and sparse tensors not at all.

https://github.com/pytorch/pytorch/blob/main/torch/headeronly/core/ScalarType.h
https://github.com/pytorch/pytorch/blob/main/torch/headeronly/core/Layout.h
https://github.com/pytorch/pytorch/blob/main/torch/headeronly/core/MemoryFormat.h
"""

_QUANTIZED = frozenset({12, 13, 14})

_ENUMERATED = re.compile(rf"\b({'|'.join(_ENUMERATIONS)})\??(?: (\w+))")


EMPTY = frozenset(
    {
        "aten::_empty_affine_quantized",
        "aten::empty",
        "aten::empty_like",
        "aten::empty_permuted",
        "aten::empty_quantized",
        "aten::empty_strided",
        "aten::new_empty",
        "aten::new_empty_strided",
        "prims::empty",
        "prims::empty_permuted",
        "prims::empty_strided",
    }
)
"""Operators that return uninitialised memory. On a GPU, PyTorch's deterministic mode fills it for
some types only, and not between elements (runtime_shim.backends.torch.memory)."""

LARGER = frozenset({"aten::mse_loss", "aten::smooth_l1_loss"})
"""Operators whose result on a GPU has more memory than its elements need. The rest is
uninitialised."""

ON_CPU = frozenset(name for name, guard in _GUARDS.items() if guard.function == "on_cpu")
"""Operators that end the process if they are called with tensors on a GPU."""


def put_guards(unit: Any) -> None:
    """Insert the checks, and the zeroing of new memory, into all functions of a compilation unit.
    None of them may have run yet."""
    for function in unit.get_functions():
        for graph in graphs_of(function.graph):
            for node in list(nodes_of(graph)):
                guard = _GUARDS.get(node.kind())
                if guard is not None and _takes_tensors(node, guard):
                    inputs = [node.namedInput(name) for name in guard.arguments]
                    _put(graph, node, guard.function, inputs)
                if node.kind().startswith(("aten::", "prims::", "quantized::")):
                    _guard_numbers(graph, node)
                if node.kind() in EMPTY:
                    _put_after(graph, node, "zeroed")
                if node.kind() in LARGER:
                    made = _put_after(graph, node, "copied")
                    node.output().replaceAllUsesAfterNodeWith(made.node(), made)


def _put_after(graph: Any, node: Any, function: str) -> Any:
    """Pass the result of a node to a function. Returns the result of the function."""
    place = graph.create("aten::zero_", [node.output()], 1).insertAfter(node)
    with graph.insert_point_guard(place):
        inlined = _checks().find_function(function).inlined_graph
        (made,) = graph.insertGraph(inlined, [node.output()])
    place.destroy()
    return made


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
                    f"the model calls {node.kind()} with an invalid {name}, {value.toIValue()}",
                )
            continue
        check = "number" if type_ == "IntType" else "number_or_none"
        with graph.insert_point_guard(node):
            listed = graph.insertConstant(sorted(allowed))
        _put(graph, node, check, [value, listed])


def _put(graph: Any, node: Any, function: str, inputs: list[Any]) -> None:
    """Insert a check before a node, which then gets the result of the check as its first input."""
    check = _checks().find_function(function).inlined_graph
    with graph.insert_point_guard(node):
        (checked,) = graph.insertGraph(check, inputs)
    node.replaceInputWith(inputs[0], checked)


def _takes_tensors(node: Any, guard: _Guard) -> bool:
    """Whether a node is the unsafe overload. The others lack an argument, or have a number in place
    of a tensor."""
    if any(f" {name}" not in node.schema() for name in guard.arguments):
        return False
    first = node.namedInput(guard.arguments[0]).type().kind()
    return guard.function != "interleave" or first == "TensorType"


@cache
def _checks() -> Any:
    return torch.jit.CompilationUnit(_SOURCE)
