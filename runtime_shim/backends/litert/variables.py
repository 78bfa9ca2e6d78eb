"""Variables of a TensorFlow Lite model. When reading one, LiteRT 2.3 copies as many bytes as the
target tensor declares, however many were assigned.

https://github.com/google-ai-edge/LiteRT/blob/main/tflite/kernels/read_variable.cc
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import NamedTuple, TypeAlias

from runtime_shim.backends.litert.operators import Node

__all__ = ["Variables", "variables_of"]

_VAR_HANDLE, _READ_VARIABLE, _ASSIGN_VARIABLE = 142, 143, 144
"""Values of BuiltinOperator."""

_Name: TypeAlias = "tuple[bytes, bytes] | None"
"""None for a variable whose handle comes from elsewhere; it may be any variable."""


class Read(NamedTuple):
    """How many elements are read at a time."""

    name: _Name
    elements: int


class Assigned(NamedTuple):
    """The index of the assigned tensor."""

    name: _Name
    subgraph: int
    place: int


class Variables(NamedTuple):
    """The variables of all called subgraphs. A read without a declared shape gets the assigned
    shape, and is not among the `reads`."""

    reads: tuple[Read, ...] = ()
    assigned: tuple[Assigned, ...] = ()
    exist: bool = False

    def refusal(self, shape_of: Callable[[int, int], Sequence[int]]) -> str | None:
        """What is wrong, given the shapes of tensors by subgraph and index, or None."""
        for read in self.reads:
            for each in self.assigned:
                if None in (read.name, each.name) or read.name == each.name:
                    shape = shape_of(each.subgraph, each.place)
                    if prod(shape) != read.elements:
                        return (
                            f"a variable is assigned the shape {list(shape)}, but {read.elements} "
                            "elements are read from it"
                        )
        return None


def variables_of(subgraphs: Mapping[int, Sequence[Node]]) -> Variables:
    reads, assigned = [], []
    codes = {node.code for nodes in subgraphs.values() for node in nodes}
    for number, nodes in subgraphs.items():
        names: dict[int, _Name] = {}
        for node in nodes:
            if node.code == _VAR_HANDLE and node.results:
                options = node.options
                named = (b"", b"") if options is None else (options.text(4), options.text(6))
                names[node.results[0]] = named
            elif node.code == _READ_VARIABLE and node.operands and node.results:
                dims = node.tensors[node.results[0]].numbers(4, "i")
                if dims:
                    reads.append(Read(names.get(node.operands[0]), prod(dims)))
            elif node.code == _ASSIGN_VARIABLE and len(node.operands) == 2:
                name = names.get(node.operands[0])
                assigned.append(Assigned(name, number, node.operands[1]))
    return Variables(tuple(reads), tuple(assigned), _READ_VARIABLE in codes)
