"""Operands whose values decide what an operator does. For some values LiteRT 2.3 does not write the
result, writes beyond it, or crashes: slices that drop a dimension and read beyond a tensor's end,
or go backwards; orders of dimensions with a repeated one; negative lengths; shapes that cannot be
broadcast.

https://github.com/google-ai-edge/LiteRT/blob/main/tflite/kernels/internal/strided_slice_logic.h
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from enum import Enum
from itertools import zip_longest
from typing import NamedTuple, TypeAlias

from runtime_shim.backends.litert.operators import Node
from runtime_shim.backends.litert.shapes import Guard, Shape

__all__ = ["Known", "Valued", "guard_of_constants", "valued_of"]

_EMBEDDING_LOOKUP_SPARSE = 33
_TRANSPOSE, _STRIDED_SLICE, _REVERSE_SEQUENCE, _BROADCAST_ARGS = 39, 45, 112, 145
"""Values of BuiltinOperator."""

_Values: TypeAlias = "Callable[[int], Sequence[int]]"
"""The values of a tensor, by its index."""


class Known(Enum):
    """When the values of an operand are known."""

    LOADED = "constant"
    FED = "an input"
    COMPUTED = "computed, so it can only be checked afterwards"


class Slice(NamedTuple):
    """The indices of a STRIDED_SLICE's tensor, of its starts and of its steps; and its masks, with
    a bit for each of the starts."""

    source: int
    begin: int
    steps: int
    begin_mask: int
    ellipsis_mask: int
    new_axis_mask: int
    shrink_mask: int
    known: Known

    def refusal(self, shape: Shape, values_of: _Values) -> str | None:
        """What is wrong, for a tensor of this shape and the values of begin and steps, or None."""
        begin, steps = values_of(self.begin), values_of(self.steps)
        if shape is None:
            return None
        if len(steps) != len(begin):
            return f"STRIDED_SLICE has {len(begin)} starts and {len(steps)} steps"
        dropped = list(self._dropped(len(shape), len(begin)))
        axes = {axis for _, axis in dropped}
        if any(not length for axis, length in enumerate(shape) if axis not in axes):
            return None
        for place, axis in dropped:
            start = 0 if self.begin_mask >> place & 1 else begin[place]
            if steps[place] < 0 or start >= shape[axis] or not shape[axis]:
                return (
                    f"LiteRT cannot compute STRIDED_SLICE from element {start} of "
                    f"{shape[axis]} with a step of {steps[place]}"
                )
        return None

    def _dropped(self, rank: int, count: int) -> Iterator[tuple[int, int]]:
        """For each dropped dimension, its position in begin, and its axis."""
        masked = [self.new_axis_mask & ~self.ellipsis_mask, self.ellipsis_mask]
        added, wide = (bin(mask & (1 << count) - 1).count("1") for mask in masked)
        axis = 0
        for place in range(count):
            if self.ellipsis_mask >> place & 1:
                axis += max(rank - (count - added - wide), 0)
            elif not self.new_axis_mask >> place & 1:
                if self.shrink_mask >> place & 1 and axis < rank:
                    yield place, axis
                axis += 1


class Order(NamedTuple):
    """The indices of a TRANSPOSE's tensor, and of the order of its dimensions. LiteRT checks only
    the length of the order."""

    source: int
    order: int
    known: Known

    def refusal(self, shape: Shape, values_of: _Values) -> str | None:
        """See Slice.refusal."""
        order = values_of(self.order)
        if len({axis % len(order) for axis in order}) == len(order):
            return None
        return f"LiteRT cannot compute TRANSPOSE: the order {list(order)} repeats a dimension"


class Lengths(NamedTuple):
    """The indices of a REVERSE_SEQUENCE's tensor, and of the lengths to reverse."""

    source: int
    lengths: int
    known: Known

    def refusal(self, shape: Shape, values_of: _Values) -> str | None:
        """See Slice.refusal."""
        least = min(values_of(self.lengths), default=0)
        return (
            f"LiteRT cannot compute REVERSE_SEQUENCE with the length {least}" if least < 0 else None
        )


class Together(NamedTuple):
    """The indices of the shapes for BROADCAST_ARGS."""

    source: int
    other: int
    known: Known

    def refusal(self, shape: Shape, values_of: _Values) -> str | None:
        """See Slice.refusal."""
        both = list(values_of(self.source)), list(values_of(self.other))
        for one, other in zip_longest(both[0][::-1], both[1][::-1], fillvalue=1):
            if 1 not in (one, other) and one != other:
                return f"LiteRT cannot compute BROADCAST_ARGS of {both[0]} and {both[1]}"
        return None


class Buckets(NamedTuple):
    """The indices of EMBEDDING_LOOKUP_SPARSE's index tensor, with a row for each lookup, and of its
    dense shape. The last index of a row only distinguishes entries."""

    source: int
    dims: int
    known: Known

    def refusal(self, shape: Shape, values_of: _Values) -> str | None:
        """See Slice.refusal."""
        numbers, dims = values_of(self.source), values_of(self.dims)
        width = shape[-1] if shape else 0
        for place, number in enumerate(numbers if width else ()):
            column = place % width
            if column < width - 1 and column < len(dims) and not 0 <= number < dims[column]:
                return f"LiteRT cannot compute EMBEDDING_LOOKUP_SPARSE: {number} of {dims[column]}"
        return None


Valued: TypeAlias = "Slice | Order | Lengths | Together | Buckets"


def valued_of(subgraph: int, node: Node, inputs: set[int]) -> Valued | None:
    """The condition for an operator's values, if there is one. Raises HostError with
    `invalid_argument` for constants that LiteRT cannot compute with; and for a called subgraph in
    which they are not constant, because not all of their values can be checked."""
    found = _found(subgraph, node, inputs)
    if found is None or found.known is not Known.LOADED:
        if found is not None and subgraph:
            raise node.table.refused(
                f"{_NAMES[node.code]} needs constants in a branch, a loop or another "
                "called subgraph: otherwise LiteRT would read and write out of bounds"
            )
        return found
    dims = node.tensors[found.source].numbers(4, "i") if found.source in node.constant else None
    reason = found.refusal(dims, node.values)
    if reason is not None:
        raise node.table.refused(reason)
    return found


def guard_of_constants(
    subgraph: int, node: Node, found: Valued | None, shapes: Collection[int]
) -> Guard | None:
    """The condition for the shape of the tensor that constants are applied to. `shapes` are the
    indices of SHAPE's results."""
    if not isinstance(found, Slice) or found.known is not Known.LOADED:
        return None
    values = {place: node.values(place) for place in (found.begin, found.steps)}
    return Guard(
        subgraph,
        [found.source, *node.results],
        lambda shapes: found.refusal(shapes[0], values.__getitem__),
        node.table,
        after=True,
        by_rank=found.source in shapes,
    )


_NAMES = {
    _EMBEDDING_LOOKUP_SPARSE: "EMBEDDING_LOOKUP_SPARSE",
    _TRANSPOSE: "TRANSPOSE",
    _STRIDED_SLICE: "STRIDED_SLICE that drops a dimension",
    _REVERSE_SEQUENCE: "REVERSE_SEQUENCE",
    _BROADCAST_ARGS: "BROADCAST_ARGS",
}


def _found(subgraph: int, node: Node, inputs: set[int]) -> Valued | None:
    """Depends on the operator's options: StridedSliceOptions."""

    def known(*places: int) -> Known:
        if set(places) <= set(node.constant):
            return Known.LOADED
        given = subgraph == 0 and set(places) <= inputs | set(node.constant)
        return Known.FED if given else Known.COMPUTED

    options = node.options
    if node.code in (_REVERSE_SEQUENCE, _BROADCAST_ARGS) and len(node.operands) == 2:
        source, other = node.operands
        if node.code == _REVERSE_SEQUENCE:
            return Lengths(source, other, known(other))
        return Together(source, other, known(source, other))
    if node.code == _EMBEDDING_LOOKUP_SPARSE and len(node.operands) == 5:
        _, source, dims, *_ = node.operands
        return Buckets(source, dims, known(source, dims))
    if node.code == _TRANSPOSE and len(node.operands) == 2:
        source, order = node.operands
        return Order(source, order, known(order))
    if node.code != _STRIDED_SLICE or options is None or len(node.operands) < 4:
        return None
    begin, ellipsis, new, shrink = (options.number(field, "i") for field in (4, 8, 10, 12))
    if not shrink:
        return None
    source, start, _, steps = node.operands[:4]
    when = known(start, steps)
    if when is Known.FED:
        when = known(source, start, steps)
    return Slice(source, start, steps, begin, ellipsis, new, shrink, when)
