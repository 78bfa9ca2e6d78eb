"""What the code of a TorchScript model was compiled to: which operators are in it, whether it keeps
state from one call to the next, and whether it prints.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from rewriter.dialects import Errno
from runtime_shim.backends.torch_operators import is_allowed_class, is_allowed_operator
from runtime_shim.errors import HostError

__all__ = ["check_operators", "keeps_state", "prints", "writes_inputs"]

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
"""What writes an object without a text of its own as the address where it lies."""

_PLAIN = frozenset(
    {
        "BoolType",
        "ComplexType",
        "DeviceObjType",
        "DictType",
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

_IMMUTABLE = frozenset({"BoolType", "FloatType", "IntType", "NoneType", "NumberType", "StringType"})


def nodes_of(block: Any) -> Iterator[Any]:
    """The nodes of a graph or block, with those of the blocks and graphs in them."""
    to_do = [block]
    while to_do:
        for node in to_do.pop().nodes():
            yield node
            to_do.extend(node.blocks())
            for name in node.attributeNames():
                if node.kindOf(name) == "g":
                    to_do.append(node.g(name))
                elif node.kindOf(name) == "gs":
                    to_do.extend(node.gs(name))


def check_operators(unit: Any) -> None:
    """Raise HostError with `invalid_argument` where a function of a compilation unit calls an
    operator that a model may not call, has an object of a class that it may not have, or takes one
    for an object of another class."""
    for function in unit.get_functions():
        for node in nodes_of(function.graph):
            kind = node.kind()
            why = ""
            if not is_allowed_operator(kind):
                why = f"calls {kind}, which a model may not"
            elif kind == "prim::unchecked_cast" and not _is_safe_cast(node):
                why = f"takes a value for a {node.output().type().annotation_str} unchecked"
            elif kind in _TELLS and not all(_is_plain(kind, value) for value in node.inputs()):
                why = f"tells by {kind} where an object lies in memory"
            elif not all(_is_allowed_type(value.type()) for value in node.outputs()):
                why = "has an object of a class that a model may not have"
            if why:
                raise HostError(
                    Errno.INVALID_ARGUMENT, f"the model's function {function.qualified_name} {why}"
                )


def _parts(type_: Any) -> Iterator[Any]:
    """A type with those in its brackets. Not those of a class's attributes."""
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
    """Whether a cast that PyTorch does not check cannot give an object another class: attributes
    are found by their number."""
    given, made = node.input().type(), node.output().type()
    kinds = {part.kind() for part in _parts(made)}
    if not kinds & {"ClassType", "InterfaceType", "AnyType", "FunctionType"}:
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


def keeps_state(module: Any) -> bool:
    """Whether a call of a module's `forward` may change what later calls find: its attributes, or
    the constants in its code."""
    graph, aliases = _analysed(module)
    return any(
        node.kind() == "prim::SetAttr"
        or (
            node.kind() in ("prim::GetAttr", "prim::Constant")
            and any(
                output.type().kind() not in _IMMUTABLE and aliases.has_writers(output)
                for output in node.outputs()
            )
        )
        for node in nodes_of(graph)
    ) or any(map(_is_opaque, nodes_of(graph)))


def writes_inputs(module: Any) -> bool:
    """Whether a call of a module's `forward` may change the tensors that it is given."""
    graph, aliases = _analysed(module)
    inputs = list(graph.inputs())[1:]
    return any(map(aliases.has_writers, inputs)) or any(map(_is_opaque, nodes_of(graph)))


def _is_opaque(node: Any) -> bool:
    """Whether a node runs what is not in the graph."""
    return node.kind() in ("prim::CallMethod", "prim::CallFunction")


def _analysed(module: Any) -> tuple[Any, Any]:
    """The graph of a module's `forward`, with all that it calls, and what is written in it.

    The module is in evaluation mode: what is there for training only is left out, such as the
    counter of a batch normalization.
    """
    graph = module._c._get_method("forward").inlined_graph.copy()
    modules = {part._c._type().qualified_name() for part in module.modules()}
    found = list(nodes_of(graph))
    switched = any(
        node.kind() == "prim::SetAttr" and node.s("name") == "training" for node in found
    )
    for node in found if not switched else ():
        if (
            node.kind() == "prim::GetAttr"
            and node.s("name") == "training"
            and node.input().type().annotation_str in modules
        ):
            with graph.insert_point_guard(node):
                node.output().replaceAllUsesWith(graph.insertConstant(False))
    torch._C._jit_pass_constant_propagation_immutable_types(graph)
    torch._C._jit_pass_dce(graph)
    return graph, graph.alias_db()


def prints(unit: Any) -> bool:
    """Whether a function of a compilation unit writes to the standard output."""
    return any(
        node.kind() in ("prim::Print", "aten::_print")
        for function in unit.get_functions()
        for node in nodes_of(function.graph)
    )
