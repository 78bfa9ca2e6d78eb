"""Checks of the graphs to which TorchScript code was compiled: which operators they use, whether
they keep state between calls, and whether they print."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch

from rewriter.abi.dialects import Errno
from runtime_shim.backends.torch.archive.operators import (
    ONLY_OVERLOADS,
    is_allowed_class,
    is_allowed_operator,
)
from runtime_shim.errors import HostError

__all__ = ["Facts", "effects_of", "examine", "graphs_of", "nodes_of"]

_TELLS = frozenset(
    {
        "aten::format",
        "aten::hash",
        "aten::percentFormat",
        "aten::str",
        "aten::warn",
        "prim::Print",
        "prim::RaiseException",
    }
)
"""Operators that write an object without its own text as its address in memory."""

_PLAIN = frozenset(
    {
        "BoolType",
        "ComplexType",
        "DeviceObjType",
        "DictType",
        "EnumType",
        "FloatType",
        "IntType",
        "ListType",
        "NoneType",
        "NumberType",
        "OptionalType",
        "StringType",
        "TensorType",
        "TupleType",
        "UnionType",
    }
)


_WRITES = frozenset({"aten::batch_norm", "aten::instance_norm", "prim::SetAttr"})
"""Operators that write, although their schema does not say so."""

_OUT_FORMS = frozenset(
    {
        "aten::div.out",
        "aten::frobenius_norm.out",
        "aten::linalg_matrix_norm.str_ord_out",
        "aten::linalg_vector_norm.out",
        "aten::norm.dtype_out",
        "aten::norm.out",
        "aten::nuclear_norm.dim_out",
        "aten::nuclear_norm.out",
        "aten::tensordot.out",
    }
)
"""Forms that write to a tensor that they get as an argument, in branches of functions that PyTorch
compiles into models: normalize, norm and tensordot. They resize that tensor and check its type, and
their schemas say that they write.

https://github.com/pytorch/pytorch/blob/main/torch/functional.py
https://github.com/pytorch/pytorch/blob/main/torch/nn/functional.py
"""

_ASIDE = frozenset({"prim::Closure", "prim::awaitable", "prim::fork"})
"""Nodes with their own graph, which runs concurrently."""


class Effects(NamedTuple):
    """What a call changes. `state`: attributes, or constants in the code, which later calls see.
    `inputs`: the tensors passed to it."""

    state: bool
    inputs: bool


_IMMUTABLE = frozenset({"BoolType", "FloatType", "IntType", "NoneType", "NumberType", "StringType"})


def graphs_of(graph: Any) -> Iterator[Any]:
    """A graph and the graphs in its nodes, which run concurrently (prim::fork)."""
    to_do = [graph]
    while to_do:
        yield (found := to_do.pop())
        for node in nodes_of(found):
            for name in node.attributeNames() if _may_hold(node.kind()) else ():
                if node.kindOf(name) == "g":
                    to_do.append(node.g(name))
                elif node.kindOf(name) == "gs":
                    to_do.extend(node.gs(name))


def nodes_of(graph: Any) -> Iterator[Any]:
    """The nodes of a graph and of the blocks in it."""
    to_do = [graph]
    while to_do:
        for node in to_do.pop().nodes():
            yield node
            if _may_hold(node.kind()):
                to_do.extend(node.blocks())


def _may_hold(kind: str) -> bool:
    """Whether nodes of a kind may have blocks or graphs. The many that never have them are
    excluded."""
    return not kind.startswith("aten::") and kind not in ("prim::Constant", "prim::GetAttr")


def _all_nodes(graph: Any) -> Iterator[Any]:
    for found in graphs_of(graph):
        yield from nodes_of(found)


class Facts(NamedTuple):
    """Facts about all functions of a model: whether they print, write to values that others may
    have, or run parts concurrently, and the devices that they name."""

    prints: bool
    writes: bool
    runs_aside: bool
    devices: frozenset[str]


def examine(unit: Any) -> Facts:
    """Check all functions of a compilation unit. Raises HostError with `invalid_argument` if one
    calls an operator that is not allowed, has an object of a class that is not allowed, or uses one
    as an object of another class."""
    prints = writes = aside = False
    devices: set[str] = set()
    for function in unit.get_functions():
        for node in _all_nodes(function.graph):
            kind = node.kind()
            schema = node.schema() if kind.startswith(("aten::", "quantized::", "prims::")) else ""
            why = _why_refused(node, kind, schema)
            if why:
                raise HostError(
                    Errno.INVALID_ARGUMENT, f"the model's function {function.qualified_name} {why}"
                )
            prints |= kind in ("prim::Print", "aten::_print")
            writes |= "!" in schema or kind in _WRITES
            aside |= kind in _ASIDE
            if kind in ("aten::cuda", "aten::device"):  # aten::device makes a device from any text
                devices.add("cuda")
            elif kind == "prim::Constant" and node.output().type().kind() == "DeviceObjType":
                devices.add(str(node.output().toIValue()))
    return Facts(prints, writes, aside, frozenset(devices))


def _why_refused(node: Any, kind: str, schema: str) -> str:
    if not is_allowed_operator(kind):
        return f"calls {kind}, which is not allowed in a model"
    if not _is_allowed_overload(node, kind, schema):
        return f"calls {schema}, a form that is not allowed in a model"
    if kind == "prim::unchecked_cast" and not _is_safe_cast(node):
        return f"casts a value to {node.output().type().annotation_str} without a check"
    if kind in _TELLS and not all(_is_plain(kind, value) for value in node.inputs()):
        return f"reveals the address of an object in memory by {kind}"
    if kind != "prim::Constant" and not all(
        _is_allowed_type(value.type()) for value in node.outputs()
    ):
        return "has an object of a class that is not allowed in a model"
    return ""


def _is_allowed_overload(node: Any, kind: str, schema: str) -> bool:
    """Whether a form of an operator is allowed in a model. Forms that write their result to an
    argument are not, except those in _OUT_FORMS."""
    head, _, arguments = schema.partition("(")
    if "!) out" in arguments and head not in _OUT_FORMS:
        return False
    if head.partition(".")[2] == ONLY_OVERLOADS.get(kind, head.partition(".")[2]):
        return True
    kinds = {value.type().kind() for value in list(node.inputs())[2:]}
    return kinds <= {"BoolType", "NoneType"}


def _parts(type_: Any) -> Iterator[Any]:
    """A type and the types in its brackets, but not those of a class's attributes."""
    yield type_
    if type_.kind() not in ("ClassType", "InterfaceType"):
        for part in type_.containedTypes():
            yield from _parts(part)


def _is_allowed_type(type_: Any) -> bool:
    return all(
        is_allowed_class(part.qualified_name())
        for part in _parts(type_)
        if part.kind() == "ClassType"
    )


def _is_safe_cast(node: Any) -> bool:
    """Whether a cast that PyTorch does not check cannot give an object another class, or a tuple
    another length. PyTorch finds attributes and items by their index."""
    given, made = node.input().type(), node.output().type()
    kinds = {part.kind() for part in _parts(made)}
    if not kinds & {"ClassType", "InterfaceType", "AnyType", "FunctionType", "TupleType"}:
        return True
    if given.kind() == "OptionalType":
        return made.annotation_str in (
            given.annotation_str,
            *(part.annotation_str for part in given.containedTypes()),
        )
    return bool(made.annotation_str == given.annotation_str)


def _is_plain(kind: str, value: Any) -> bool:
    allowed = _PLAIN - {"TensorType"} if kind == "aten::hash" else _PLAIN
    return all(part.kind() in allowed for part in _parts(value.type()))


def effects_of(module: Any, facts: Facts) -> Effects:
    """What a call of a module's `forward` may change; if in doubt, too much rather than too
    little."""
    if not facts.writes:
        return Effects(False, False)
    graph = _simplified(module)
    if facts.runs_aside or graph.findNode("prim::CallMethod"):
        return Effects(True, True)
    aliases = graph.alias_db()
    held = [
        output
        for kind in ("prim::GetAttr", "prim::Constant")
        for node in graph.findAllNodes(kind)
        for output in node.outputs()
        if output.type().kind() not in _IMMUTABLE
    ]
    state = graph.findNode("prim::SetAttr") is not None or any(map(aliases.has_writers, held))
    return Effects(state, any(map(aliases.has_writers, list(graph.inputs())[1:])))


def _simplified(module: Any) -> Any:
    """The graph of a module's `forward`, with everything that it calls.

    The module is in evaluation mode, so parts for training only are left out, such as the counter
    of a batch normalization.
    """
    graph = module._c._get_method("forward").inlined_graph.copy()
    modules = {part._c._type().qualified_name() for part in module.modules()}
    switched = any(node.s("name") == "training" for node in graph.findAllNodes("prim::SetAttr"))
    for node in () if switched else graph.findAllNodes("prim::GetAttr"):
        if node.s("name") == "training" and node.input().type().annotation_str in modules:
            with graph.insert_point_guard(node):
                node.output().replaceAllUsesWith(graph.insertConstant(False))
    passes: Any = torch._C
    passes._jit_pass_constant_propagation_immutable_types(graph)
    passes._jit_pass_dce(graph)
    return graph
