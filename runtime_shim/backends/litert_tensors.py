"""What LiteRT's interpreter does not say of a model: which tensors are sums, which inputs can have
any number of dimensions, and which operators need care.

https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs
"""

from __future__ import annotations

import mmap
from typing import NamedTuple

from rewriter.dialects import Errno
from runtime_shim.backends.base import Part
from runtime_shim.backends.checks.flatbuffer import FlatBuffer, Table
from runtime_shim.backends.litert_operators import check_operator, node_of
from runtime_shim.backends.litert_order import check_order
from runtime_shim.backends.litert_shapes import Guard, Shape, guards_of
from runtime_shim.backends.litert_values import Known, Valued, valued_of
from runtime_shim.backends.litert_variables import Variables, variables_of
from runtime_shim.backends.parts import mapped
from runtime_shim.errors import HostError

__all__ = ["NOTHING", "Sum", "Tensors", "read_tensors"]

_SUBGRAPHS, _BUFFERS = 8, 12
"""Of a Model."""

_TENSORS, _INPUTS, _OPERATORS = 4, 6, 10
"""Of a SubGraph."""

_SHAPE, _TYPE, _BUFFER, _SHAPE_SIGNATURE, _HAS_RANK = 4, 6, 8, 18, 20
"""Of a Tensor."""

_CODE, _OPERANDS, _RESULTS = 4, 6, 8
"""Of an Operator."""

_CODES = 6
"""Of a Model: what each operator code is, in a field for the first 127 and in one for all."""

_INTEGERS = (2, 4)
"""INT32 and INT64, of TensorType."""

_CUSTOM_NAME = 6
"""Of an OperatorCode."""

_CUSTOM, _SUM = 32, 74
"""Of BuiltinOperator."""

_DETECTIONS = b"TFLite_Detection_PostProcess"
"""Its outputs have places for more than it may find, and it writes those for what it found."""

_SMALL = (3, 7, 9)
"""UINT8, INT16 and INT8, of TensorType."""


class Sum(NamedTuple):
    """The places of a tensor and of its sums along some axes."""

    of: int
    sums: int
    axes_are_constant: bool


class Tensors(NamedTuple):
    """Of the first subgraph: sums of 8 and of 16 bits, the places of inputs without a rank, and of
    results that LiteRT writes in part. Of all: what has to hold of shapes and values, and the
    variables, which LiteRT's XNNPACK would read before they are assigned; and whether there are
    constants without elements, of which XNNPACK leaves unwritten what it makes of them."""

    sums: tuple[Sum, ...]
    unranked: frozenset[int]
    partial: tuple[int, ...]
    guards: tuple[Guard, ...]
    values: tuple[Valued, ...]
    variables: Variables
    has_empty: bool

    @property
    def keeps_all(self) -> bool:
        """Whether every tensor needs memory of its own, to be looked at after an inference, or to
        be zeroed before."""
        return bool(self.partial) or any(each.known is Known.COMPUTED for each in self.values)


NOTHING = Tensors((), frozenset(), (), (), (), Variables(), False)
"""Of a model that is not read yet."""


def read_tensors(model: Part) -> Tensors:
    """Raises HostError with `invalid_argument` for a file that is not a model, and for one in which
    an inference would write, or read what nothing has written."""
    with mapped(model) as content:
        return _read(content)


def _read(data: bytes | mmap.mmap) -> Tensors:
    root = FlatBuffer(data, "the TensorFlow Lite model").root()
    first = next(root.tables(_SUBGRAPHS))
    codes = [max(code.number(4, "b"), code.number(10, "i")) for code in root.tables(_CODES)]
    tensors = list(first.tables(_TENSORS))
    inputs = first.numbers(_INPUTS, "i")
    with_data = {place for place, buffer in enumerate(root.tables(_BUFFERS)) if _has_data(buffer)}
    named = [
        (code, each.text(_CUSTOM_NAME) if code == _CUSTOM else b"")
        for code, each in zip(codes, root.tables(_CODES), strict=True)
    ]
    partial: list[int] = []
    guards, values, nodes = [], [], []
    for number, subgraph in enumerate(root.tables(_SUBGRAPHS)):
        constant = check_order(subgraph, with_data, is_called=number > 0)
        known = constant if number else constant | set(inputs)
        places = list(subgraph.tables(_TENSORS))
        nodes.append(
            [node_of(operator, places, named, constant) for operator in subgraph.tables(_OPERATORS)]
        )
        for node in nodes[-1]:
            check_operator(node)
            if node.custom == _DETECTIONS:
                if number:
                    raise node.table.refused("LiteRT writes what it detects in part")
                partial.extend(node.results)
            guards.append(guards_of(number, node))
            values.append(valued_of(number, node, set(inputs)))
            _check_declared(guards[-1], places, known)
    sums = (
        Sum(of, operator.numbers(_RESULTS, "i")[0], tensors[axes].number(_BUFFER, "I") in with_data)
        for operator in first.tables(_OPERATORS)
        if codes[operator.number(_CODE, "I")] == _SUM
        for of, axes in [operator.numbers(_OPERANDS, "i")[:2]]
    )
    of_small = tuple(each for each in sums if tensors[each.of].number(_TYPE, "b") in _SMALL)
    for each in of_small:
        if not each.axes_are_constant:
            raise HostError(
                Errno.UNSUPPORTED_OPERATION,
                "the model computes along which axes it adds up numbers of 8 or 16 bits; LiteRT"
                " leaves such a sum unwritten where there is nothing to add",
            )
    return Tensors(
        sums=of_small,
        partial=tuple(partial),
        guards=tuple(filter(None, guards)),
        values=tuple(filter(None, values)),
        variables=variables_of(nodes),
        has_empty=any(map(_has_empty, root.tables(_SUBGRAPHS))),
        unranked=frozenset(
            place
            for place in inputs
            if not tensors[place].number(_HAS_RANK, "?") and not tensors[place].numbers(_SHAPE, "i")
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


def _check_declared(guard: Guard | None, tensors: list[Table], known: set[int]) -> None:
    """Raise HostError for shapes that the model declares, of constants and of what it is given."""

    def shape_of(place: int) -> Shape:
        dims = tensors[place].numbers(_SHAPE_SIGNATURE, "i") or tensors[place].numbers(_SHAPE, "i")
        fixed = place in known and all(dim >= 0 for dim in dims)
        return dims if fixed and (dims or tensors[place].number(_HAS_RANK, "?")) else None

    reason = None if guard is None else guard.refusal(shape_of)
    if guard is not None and reason is not None:
        raise guard.table.refused(reason)


def _has_data(buffer: Table) -> bool:
    found = buffer.extent(4, 1)
    return (found is not None and found[1] > 0) or buffer.number(6, "Q") > 1
