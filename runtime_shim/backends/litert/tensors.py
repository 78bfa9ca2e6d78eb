"""What LiteRT's interpreter does not report about a model: which tensors are sums, which inputs can
have any number of dimensions, and which operators need checks.

https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs
"""

from __future__ import annotations

import mmap
from typing import NamedTuple

from rewriter.models.flatbuffer import Table
from runtime_shim.backends.interface import Part
from runtime_shim.backends.litert.calls import (
    Loop,
    bodies_of,
    called_by,
    check_called,
    check_shared,
    loops_of,
)
from runtime_shim.backends.litert.constants import Constants
from runtime_shim.backends.litert.operators import Node, check_operator, node_of
from runtime_shim.backends.litert.order import check_order
from runtime_shim.backends.litert.shapes import Guard, Shape, Sum, guard_of, sum_of
from runtime_shim.backends.litert.values import Known, Valued, guard_of_constants, valued_of
from runtime_shim.backends.litert.variables import Variables, variables_of
from runtime_shim.backends.parsing.flatbuffers import root_of
from runtime_shim.backends.parsing.model_parts import mapped

__all__ = ["NOTHING", "Tensors", "read_tensors"]

_SUBGRAPHS, _BUFFERS = 8, 12
"""Fields of Model."""

_TENSORS, _INPUTS, _OPERATORS = 4, 6, 10
"""Fields of SubGraph."""

_SHAPE, _TYPE, _SHAPE_SIGNATURE, _HAS_RANK = 4, 6, 18, 20
"""Fields of Tensor."""

_RESULTS = 8
"""Field of Operator."""

_CODES = 6
"""Field of Model: the operator codes, each in a field for the first 127 and in one for all."""

_INTEGERS = (2, 4)
"""INT32 and INT64 of TensorType."""

_CUSTOM_NAME = 6
"""Field of OperatorCode."""

_CUSTOM, _SHAPE_OF = 32, 77
"""Values of BuiltinOperator."""

_DETECTIONS = b"TFLite_Detection_PostProcess"
"""Its outputs have room for more than it may find, and it writes only what it found."""


class Tensors(NamedTuple):
    """Facts about a model. In the first subgraph: sums of 8 and of 16 bits; the indices of inputs
    without a rank, and of results that LiteRT writes only in part; conditions for values that are
    not constant. In all called subgraphs: conditions for shapes; variables, which LiteRT's XNNPACK
    would read before they are assigned; and whether there are constants without elements, whose
    results XNNPACK does not write."""

    sums: tuple[Sum, ...]
    unranked: frozenset[int]
    partial: tuple[int, ...]
    guards: tuple[Guard, ...]
    values: tuple[Valued, ...]
    variables: Variables
    has_empty: bool
    loops: tuple[Loop, ...]

    @property
    def keeps_all(self) -> bool:
        """Whether every tensor needs its own memory, to be checked after an inference, or zeroed
        before."""
        computed = any(each.known is Known.COMPUTED for each in self.values)
        return bool(self.partial) or bool(self.sums) or computed


NOTHING = Tensors((), frozenset(), (), (), (), Variables(), False, ())
"""For a model that was not read yet."""


def read_tensors(model: Part) -> Tensors:
    """Read a model. Raises HostError with `invalid_argument` for an invalid file, and for a model
    whose inference would overwrite the model, or read uninitialised memory."""
    with mapped(model) as content:
        return _read(content)


def _read(data: bytes | mmap.mmap) -> Tensors:
    root = root_of(data, "the TensorFlow Lite model")
    codes = [max(code.number(4, "b"), code.number(10, "i")) for code in root.tables(_CODES)]
    named = [
        (code, each.text(_CUSTOM_NAME) if code == _CUSTOM else b"")
        for code, each in zip(codes, root.tables(_CODES), strict=True)
    ]
    stored = Constants(data, list(root.tables(_BUFFERS)))
    subgraphs = list(root.tables(_SUBGRAPHS))
    inputs = set(subgraphs[0].numbers(_INPUTS, "i"))
    bodies = bodies_of(subgraphs, codes)
    partial: list[int] = []
    sums, guards, values = [], [], []
    nodes: dict[int, list[Node]] = {}
    for number in called_by(subgraphs, [0]):
        subgraph = subgraphs[number]
        tensors = list(subgraph.tables(_TENSORS))
        constant = stored.places(tensors)
        check_order(subgraph, constant, is_called=number > 0)
        nodes[number] = [
            node_of(operator, tensors, named, stored, constant)
            for operator in subgraph.tables(_OPERATORS)
        ]
        if number:
            check_called(subgraph, nodes[number], number in bodies)
        shapes = {
            place for node in nodes[number] if node.code == _SHAPE_OF for place in node.results
        }
        for node in nodes[number]:
            check_operator(node)
            if node.custom == _DETECTIONS:
                if number:
                    raise node.table.refused("LiteRT writes its detections only in part")
                partial.extend(node.results)
            found = valued_of(number, node, inputs)
            if found is not None and found.known is not Known.LOADED:
                values.append(found)
            if number == 0:
                sums.append(sum_of(node))
            both = guard_of(number, node), guard_of_constants(number, node, found, shapes)
            for guard in filter(None, both):
                _check_declared(guard, tensors, constant if number else constant | inputs)
                guards.append(guard)
    check_shared(subgraphs, nodes, guards)
    return Tensors(
        sums=tuple(filter(None, sums)),
        partial=tuple(partial),
        guards=tuple(guards),
        values=tuple(values),
        variables=variables_of(nodes),
        loops=tuple(loops_of(subgraphs, nodes, guards)),
        has_empty=any(map(_has_empty, subgraphs)),
        unranked=frozenset(
            place
            for place, tensor in enumerate(subgraphs[0].tables(_TENSORS))
            if place in inputs
            and not tensor.number(_HAS_RANK, "?")
            and not tensor.numbers(_SHAPE, "i")
        ),
    )


def _has_empty(subgraph: Table) -> bool:
    """Whether there are constants without elements, other than shapes of scalars."""
    made = set(subgraph.numbers(_INPUTS, "i"))
    for operator in subgraph.tables(_OPERATORS):
        made.update(operator.numbers(_RESULTS, "i"))
    return any(
        0 in dims and (len(dims) > 1 or tensor.number(_TYPE, "b") not in _INTEGERS)
        for place, tensor in enumerate(subgraph.tables(_TENSORS))
        if place not in made
        for dims in [tensor.numbers(_SHAPE, "i")]
    )


def _check_declared(guard: Guard, tensors: list[Table], known: set[int]) -> None:
    """Raise HostError for wrong shapes of constants and of inputs that the model declares."""

    def shape_of(place: int) -> Shape:
        dims = tensors[place].numbers(_SHAPE_SIGNATURE, "i") or tensors[place].numbers(_SHAPE, "i")
        fixed = place in known and all(dim >= 0 for dim in dims)
        return dims if fixed and (dims or tensors[place].number(_HAS_RANK, "?")) else None

    reason = guard.refusal(shape_of)
    if reason is not None:
        raise guard.table.refused(reason)
