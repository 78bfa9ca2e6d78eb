"""Operators that LiteRT 2.3 computes wrongly for some shapes: it crashes, reads out of bounds, or
does not write its results. `python -m tests.tools.litert_operators` found them.

https://github.com/google-ai-edge/LiteRT/tree/main/tflite/kernels
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import log2
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from rewriter.models.flatbuffer import Table
from runtime_shim.backends.litert.operators import Node

__all__ = ["Guard", "Shape", "Sum", "guard_of", "sum_of"]

Shape: TypeAlias = "tuple[int, ...] | None"
"""None if the shape is unknown."""

Check: TypeAlias = "Callable[[Sequence[Shape]], str | None]"
"""Takes the shapes of operands and results, and returns what is wrong with them, or None."""

_FLOAT32, _INT16, _INT8 = 0, 7, 9
_SMALL = (3, _INT16, _INT8)
"""Values of TensorType; UINT8 is the first."""

_LSTM, _SUM = 16, 74
"""Values of BuiltinOperator."""

_MOST_OPERANDS = 48
"""How many operands are looked at: the number of BIDIRECTIONAL_SEQUENCE_LSTM's. An operator with
too few fails in LiteRT."""


class Guard(NamedTuple):
    """A condition for the operands and results of an operator, by their indices in a subgraph. With
    `after`, it also matters after an inference: nothing crashed, but the output is wrong. With
    `by_rank`, it is about the number of dimensions of another tensor."""

    subgraph: int
    places: Sequence[int]
    check: Check
    table: Table
    after: bool
    by_rank: bool = False

    def refusal(self, shape_of: Callable[[int], Shape]) -> str | None:
        """What is wrong for tensors with these shapes, or None."""
        known = [shape_of(place) if place >= 0 else None for place in self.places]
        return self.check(known + [None] * _MOST_OPERANDS)


class Sum(NamedTuple):
    """The indices of a tensor of small integers and of its sums along some axes."""

    of: int
    sums: int


def sum_of(node: Node) -> Sum | None:
    small = node.code == _SUM and node.kind(0) in _SMALL and node.results
    return Sum(node.operands[0], node.results[0]) if small else None


def guard_of(subgraph: int, node: Node) -> Guard | None:
    """The condition for an operator, if there is one. Sums in the first subgraph are corrected
    instead."""
    if subgraph == 0 and node.code == _SUM:
        return None
    name, check, after = _GUARDED.get(node.code, ("", None, False))
    found = None if check is None else check(node)
    if found is None:
        return None

    def named(shapes: Sequence[Shape]) -> str | None:
        reason = found(shapes)
        return None if reason is None else f"LiteRT cannot compute {name} {reason}"

    return Guard(subgraph, (*node.operands, *node.results), named, node.table, after)


def _is_empty(shape: Shape) -> bool:
    return shape is not None and 0 in shape


def _image(node: Node) -> Check:
    """Require that the first operand and the result have elements."""
    result = len(node.operands)

    def check(shapes: Sequence[Shape]) -> str | None:
        empty = _is_empty(shapes[0]) or any(map(_is_empty, shapes[result:]))
        return "with a tensor without elements" if empty else None

    return check


def _sum(node: Node) -> Check | None:
    """For i16 whose scales are powers of two, which AddOptions flag in pot_scale_int16: require
    equal shapes."""
    options = node.options
    shifted = options is None or options.number(6, "?", 1)
    if node.kind(0) != _INT16 or not shifted or not all(map(_is_power, _scales(node))):
        return None
    alike = _alike(node)

    def check(shapes: Sequence[Shape]) -> str | None:
        reason = alike(shapes)
        return None if reason is None else f"of i16 whose scales are powers of two, {reason}"

    return check


def _product_of_two(node: Node) -> Check | None:
    """For small integers of two different shapes: require that all have elements."""
    if node.kind(0) not in _SMALL:
        return None
    alike, whole = _alike(node), _all(node)
    return lambda shapes: alike(shapes) and whole(shapes)


def _scales(node: Node) -> Iterator[float]:
    for place in (*node.operands, *node.results):
        quantization = node.tensors[place].table(12)
        yield from () if quantization is None else quantization.numbers(8, "f")


def _is_power(scale: float) -> bool:
    """With the precision of CheckedLog2, in tflite/kernels/internal/quantization_util.cc."""
    return scale > 0 and abs(log2(scale) - round(log2(scale))) < 1e-3


def _some(_: Node) -> Check:
    """Require that the first operand has elements."""
    return lambda shapes: "of a tensor without elements" if _is_empty(shapes[0]) else None


def _all(_: Node) -> Check:
    """Require that all operands have elements."""
    return lambda shapes: "with a tensor without elements" if any(map(_is_empty, shapes)) else None


def _ranked(_: Node) -> Check:
    return lambda shapes: "of a scalar" if shapes[0] == () else None


def _classes(_: Node) -> Check:
    def check(shapes: Sequence[Shape]) -> str | None:
        if shapes[0] is None or shapes[0][-1:] not in ((), (0,)):
            return None
        return "of no classes" if shapes[0] else "of a scalar"

    return check


def _some_classes(_: Node) -> Check:
    return lambda shapes: "of no classes" if (shapes[0] or (1,))[-1] == 0 else None


def _alike(_: Node) -> Check:
    def check(shapes: Sequence[Shape]) -> str | None:
        first, second, *_ = shapes
        unlike = first is not None and second is not None and first != second
        return f"with the shapes {list(first or ())} and {list(second or ())}" if unlike else None

    return check


def _table(_: Node) -> Check:
    def check(shapes: Sequence[Shape]) -> str | None:
        return "in a table without rows" if (shapes[1] or (1,))[0] == 0 else None

    return check


def _matrices(node: Node) -> Check | None:
    """A condition for floats and integers."""
    return _all(node) if (node.kind(0), node.kind(1)) == (_FLOAT32, _INT8) else None


def _lstm(node: Node) -> Check:
    """UnidirectionalSequenceLSTMOptions: time_major. A kernel with five operands has no states."""
    options, whole = node.options, _all(node)
    major = node.code != _LSTM and options is not None and bool(options.number(10, "?"))
    states = _states(1 if major else 0, {18: (6, 1), 19: (2, 0)})

    def check(shapes: Sequence[Shape]) -> str | None:
        full = len(node.operands) >= 20
        return whole(shapes) or (states(shapes) or _wider(shapes, 2, 6) if full else None)

    return check


def _lengths(_: Node) -> Check:
    """Require equal numbers of indices, places for them, and weights."""

    def check(shapes: Sequence[Shape]) -> str | None:
        known = (shapes[place] for place in (0, 1, 3))
        found = {shape[:1] for shape in known if shape is not None}
        return "with different numbers of indices, places and weights" if len(found) > 1 else None

    return check


def _sum_of_nothing(node: Node) -> Check | None:
    """For small integers: require that a tensor has elements. Otherwise it has no sums either."""
    if node.kind(0) not in _SMALL:
        return None
    result = len(node.operands)

    def check(shapes: Sequence[Shape]) -> str | None:
        nothing = _is_empty(shapes[0]) and not _is_empty(shapes[result])
        return "over a tensor of small integers without elements" if nothing else None

    return check


def _product(node: Node) -> Check | None:
    return _some(node) if node.kind(0) in _SMALL else None


def _merged_lstm(node: Node) -> Check | None:
    """BidirectionalSequenceLSTMOptions: merge_outputs, time_major."""
    options = node.options
    if options is None:
        return None
    whole, major = _all(node), bool(options.number(12, "?", 1))
    merged = options.number(10, "?") and not major
    states = _states(1 if major else 0, {35: (6, 1), 36: (2, 0), 37: (23, 1), 38: (19, 0)})

    def check(shapes: Sequence[Shape]) -> str | None:
        if merged and shapes[0] is not None and shapes[0][:1] not in ((), (1,)):
            return "with merged outputs, batch major, and more than one batch"
        return whole(shapes) or states(shapes) or _wider(shapes, 2, 6) or _wider(shapes, 19, 23)

    return check


def _rnn(node: Node) -> Check | None:
    """BidirectionalSequenceRNNOptions: time_major."""
    options = node.options
    major = options is not None and bool(options.number(4, "?"))
    return _states(1 if major else 0, {4: (1, 0), 8: (5, 0)})


def _states(axis: int, sizes: Mapping[int, tuple[int, int]]) -> Check:
    """Require that the states, which are those operands, have a row for each batch, and an element
    for each element of a dimension of another operand, because LiteRT writes that many."""

    def check(shapes: Sequence[Shape]) -> str | None:
        source = shapes[0]
        for place, (like, dim) in sizes.items():
            state, other = shapes[place], shapes[like]
            if source is None or len(source) <= axis or other is None or len(other) <= dim:
                continue
            wanted = source[axis], other[dim]
            if state is not None and state != wanted:
                return f"with a state of shape {list(state)}, expected {list(wanted)}"
        return None

    return check


def _wider(shapes: Sequence[Shape], cells: int, recurrent: int) -> str | None:
    """LiteRT writes the projection to the memory for the cells."""
    first, second = shapes[cells], shapes[recurrent]
    if not first or second is None or len(second) < 2 or second[1] <= first[0]:
        return None
    return f"that projects {first[0]} cells to {second[1]}"


def _slices(node: Node) -> Check | None:
    options = node.options_2
    if options is None:
        return None
    sizes, vector = options.numbers(12, "q"), options.number(10, "q")
    starts = len(options.numbers(8, "q"))

    def check(shapes: Sequence[Shape]) -> str | None:
        first, second, *_ = shapes
        if first is not None and (0 in first or any(map(int.__gt__, sizes, first))):
            return f"with slices of {list(sizes)} from the shape {list(first)}"
        if second is not None and (*second, 1)[vector : vector + 1] != (starts,):
            return f"with {starts} start indices for the shape {list(second)}"
        return None

    return check


_GUARDED: Mapping[int, tuple[str, Callable[[Node], Check | None], bool]] = MappingProxyType(
    {
        0: ("ADD", _sum, False),
        7: ("EMBEDDING_LOOKUP", _table, True),
        16: ("LSTM", _lstm, False),
        18: ("MUL", _product_of_two, False),
        23: ("RESIZE_BILINEAR", _image, False),
        25: ("SOFTMAX", _some_classes, False),
        27: ("SVDF", _all, False),
        33: ("EMBEDDING_LOOKUP_SPARSE", _lengths, False),
        39: ("TRANSPOSE", _ranked, False),
        44: ("UNIDIRECTIONAL_SEQUENCE_LSTM", _lstm, False),
        46: ("BIDIRECTIONAL_SEQUENCE_RNN", _rnn, True),
        50: ("LOG_SOFTMAX", _classes, True),
        52: ("BIDIRECTIONAL_SEQUENCE_LSTM", _merged_lstm, True),
        54: ("PRELU", _all, False),
        74: ("SUM", _sum_of_nothing, True),
        81: ("REDUCE_PROD", _product, True),
        97: ("RESIZE_NEAREST_NEIGHBOR", _image, False),
        105: ("REVERSE_V2", _some, False),
        112: ("REVERSE_SEQUENCE", _some, False),
        126: ("BATCH_MATMUL", _matrices, False),
        156: ("ATAN2", _alike, True),
        198: ("STABLEHLO_REDUCE_WINDOW", _some, False),
        201: ("STABLEHLO_GATHER", _slices, True),
        203: ("DILATE", _some, False),
        205: ("REDUCE_WINDOW", _some, False),
        206: ("STABLEHLO_COMPOSITE", _all, False),
        207: ("STABLEHLO_SHIFT_LEFT", _alike, True),
    }
)
"""By number in BuiltinOperator: the name of an operator, its condition, and whether to check that
after the inference too."""
