"""Operators that LiteRT 2.3 computes wrongly for the types and options in a model: it crashes,
accesses memory out of bounds, or does not write its results. Such a model is refused. `python -m
tests.tools.litert_operators` found them.

https://github.com/google-ai-edge/LiteRT/tree/main/tflite/kernels
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from rewriter.models.flatbuffer import Table
from runtime_shim.backends.litert.constants import Constants

__all__ = ["Node", "check_operator", "node_of"]

_FLOAT32, _UINT8, _INT16, _INT8 = 0, 3, 7, 9
_DIAGONALS = frozenset({_FLOAT32, 2, _UINT8, 4, _INT16, _INT8})
"""Values of TensorType. With INT32 and INT64, the types that MATRIX_DIAG and MATRIX_SET_DIAG
write."""

_OPTIONAL = frozenset(
    {
        *(3, 4, 9, 67, 132, 141),  # CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED, transposed and 3D
        *(15, 16, 24, 27, 35, 44, 46, 52),  # LSH_PROJECTION, LSTM, RNN, SVDF, sequences of them
        *(31, 32, 118, 119, 129, 206),  # CALL, CUSTOM, IF, WHILE, CALL_ONCE, STABLEHLO_COMPOSITE
    }
)
"""Values of BuiltinOperator that can lack an operand. Others read it without checking."""

_CALLS: Mapping[int, int] = MappingProxyType({118: 92, 119: 93, 129: 103})
"""IF, WHILE and CALL_ONCE, which call the first subgraph if they have no options, with their values
of BuiltinOptions. Others do not load without options."""

_NUMERIC_VERIFY = b"NumericVerify"
"""A custom operator of LiteRT's, for people who quantise models."""


class Node(NamedTuple):
    """An operator: its number in BuiltinOperator, the indices of its tensors (-1 for one that is
    missing), those tensors, and which are constant; its name, if it is `custom`, and the constants'
    values."""

    code: int
    operands: Sequence[int]
    results: Sequence[int]
    tensors: Sequence[Table]
    table: Table
    constant: Collection[int]
    custom: bytes
    stored: Constants

    @property
    def options(self) -> Table | None:
        return self.table.table(12)

    @property
    def options_2(self) -> Table | None:
        return self.table.table(28)

    def kind(self, index: int) -> int | None:
        """The TensorType of an operand."""
        return self.tensors[self.operands[index]].number(6, "b") if self.has(index) else None

    def has(self, index: int) -> bool:
        return index < len(self.operands) and self.operands[index] >= 0

    def scales(self, index: int) -> int:
        """The number of scales of an operand."""
        return _scales(self.tensors[self.operands[index]]) if self.has(index) else 0

    def dims(self, index: int) -> tuple[int, ...]:
        """The shape of an operand in the file."""
        return self.tensors[self.operands[index]].numbers(4, "i")

    def values(self, place: int) -> Sequence[int]:
        """The values of a constant. Raises HostError with `invalid_argument` if they are not
        integers."""
        return self.stored.values(self.tensors[place])


def node_of(
    table: Table,
    tensors: Sequence[Table],
    codes: Sequence[tuple[int, bytes]],
    stored: Constants,
    constant: Collection[int],
) -> Node:
    """Read an operator. `codes` has the number and the name of each operator code."""
    code, custom = codes[table.number(4, "I")]
    operands, results = table.numbers(6, "i"), table.numbers(8, "i")
    return Node(code, operands, results, tensors, table, constant, custom, stored)


def check_operator(node: Node) -> None:
    """Raise HostError with `invalid_argument` for an operator that LiteRT computes wrongly."""
    kind = _CALLS.get(node.code)
    if kind is not None and (node.table.number(10, "B") != kind or node.options is None):
        raise node.table.refused(f"operator {node.code} does not say which subgraph it calls")
    if node.code not in _OPTIONAL and any(place < 0 for place in node.operands):
        raise node.table.refused(f"operator {node.code} lacks a required operand")
    if node.custom == _NUMERIC_VERIFY:
        raise node.table.refused(
            "NumericVerify repeats the result of the context's first inference"
        )
    if _keeps_sums(node):
        raise node.table.refused(
            f"operator {node.code} sums its weights only in the context's first inference, so "
            "they must be constant"
        )
    name, wrong = _WRONG.get(node.code, ("", lambda _: None))
    reason = wrong(node)
    if reason is not None:
        raise node.table.refused(f"{name} {reason}")


def _keeps_sums(node: Node) -> bool:
    """Whether an operator multiplies floats with integers that are not constant."""
    field, *weights = _HYBRID.get(node.code, (0,))
    options = node.options
    if node.kind(0) != _FLOAT32 or options is None or (field and not options.number(field, "?")):
        return False
    return any(
        node.kind(place) == _INT8 and node.operands[place] not in node.constant for place in weights
    )


def _scales(tensor: Table) -> int:
    quantization = tensor.table(12)
    found = None if quantization is None else quantization.extent(8, 4)
    return 0 if found is None else found[1]


def _unscaled(*kinds: int) -> Callable[[Node], str | None]:
    def check(node: Node) -> str | None:
        for place in (*node.operands, *node.results):
            tensor = node.tensors[place]
            if place >= 0 and tensor.number(6, "b") in kinds and not _scales(tensor):
                return "of small integers that are not quantised crashes the process in LiteRT"
        return None

    return check


def _not_equal(node: Node) -> str | None:
    if node.kind(0) == _INT16:
        return "of i16 is not computed by LiteRT, so its output would be uninitialised memory"
    return _unscaled(_UINT8, _INT8)(node)


def _diagonal(node: Node) -> str | None:
    if node.kind(0) not in _DIAGONALS:
        return (
            "of such a type is not computed by LiteRT, so its output would be uninitialised memory"
        )
    return None


def _depthwise(node: Node) -> str | None:
    if not node.has(1) or not node.results:
        return None
    floats = node.kind(1) == _FLOAT32
    made = node.tensors[node.results[0]].numbers(4, "i")
    fits = len(node.dims(0)) == len(made) == 4 and made[-1:] == node.dims(1)[-1:]
    by_xnnpack = floats and fits and node.operands[1] in node.constant
    if not node.has(2) and not by_xnnpack:
        return (
            "without a bias crashes the process in LiteRT, except for floats and a constant filter"
        )
    if floats:
        return None
    channels = node.dims(1)[-1:]
    known = node.operands[1] in node.constant
    if node.kind(0) == _FLOAT32 and not (known and channels == (node.scales(1),)):
        return (
            "needs a constant filter for floats, and a filter with a scale for each "
            "channel for integers"
        )
    return None


def _masked(node: Node) -> str | None:
    """StridedSliceOptions: the masks of begin and end, ellipsis, new and dropped axes."""
    options = node.options
    count = node.dims(1)[:1] if node.has(1) else ()
    if options is None or not count:
        return None
    if any(options.number(field, "i") >> max(count[0], 0) for field in (4, 6, 8, 10, 12)):
        return "has masks for more axes than it names"
    return None


def _merged_rnn(node: Node) -> str | None:
    options = node.options
    if options is None or node.kind(1) == _FLOAT32:
        return None
    if options.number(4, "?") and options.number(8, "?"):
        return "writes beyond its output in LiteRT if it is quantised, merged and time major"
    return None


def _gather(node: Node) -> str | None:
    """Check StablehloGatherOptions against the ranks of the tensors."""
    options = node.options_2
    if options is None or len(node.operands) != 2 or len(node.results) != 1:
        return "lacks its options or operands"
    offsets, collapsed, starts = (sorted(options.numbers(field, "q")) for field in (4, 6, 8))
    vector, sizes = options.number(10, "q"), options.numbers(12, "q")
    rank, indices = len(node.dims(0)), node.dims(1)
    made = len(node.tensors[node.results[0]].numbers(4, "i"))
    batch = len(indices) - (0 <= vector < len(indices))
    if (
        not 0 <= vector <= len(indices)
        or len(sizes) != rank
        or len(offsets) + len(collapsed) != rank
        or made != batch + len(offsets)
        or any(
            len(set(axes)) != len(axes) or not set(axes) <= set(range(limit))
            for axes, limit in ((offsets, made), (collapsed, rank), (starts, rank))
        )
        or any(size < 0 for size in sizes)
        or any(sizes[axis] != 1 for axis in collapsed)
    ):
        return "has options that do not fit its tensors"
    return None


_HYBRID: Mapping[int, Sequence[int]] = MappingProxyType(
    {
        3: (0, 1),  # CONV_2D
        9: (10, 1),  # FULLY_CONNECTED
        16: (12, *range(1, 9), 16),  # LSTM
        24: (6, 1, 2),  # RNN
        27: (8, 1),  # SVDF
        35: (8, 1, 2),  # UNIDIRECTIONAL_SEQUENCE_RNN
        44: (12, *range(1, 9), 16),  # UNIDIRECTIONAL_SEQUENCE_LSTM
        46: (10, 1, 2, 5, 6),  # BIDIRECTIONAL_SEQUENCE_RNN
        52: (14, *range(1, 9), 16, *range(18, 26), 33),  # BIDIRECTIONAL_SEQUENCE_LSTM
    }
)
"""By number in BuiltinOperator: the field of an operator's options that makes it quantise inputs
asymmetrically (0 if it always does), and which operands are weights."""

_WRONG: Mapping[int, tuple[str, Callable[[Node], str | None]]] = MappingProxyType(
    {
        0: ("ADD", _unscaled(_UINT8, _INT8)),
        4: ("DEPTHWISE_CONV_2D", _depthwise),
        41: ("SUB", _unscaled(_UINT8, _INT8, _INT16)),
        46: ("BIDIRECTIONAL_SEQUENCE_RNN", _merged_rnn),
        58: ("LESS", _unscaled(_UINT8, _INT8)),
        61: ("GREATER", _unscaled(_UINT8, _INT8)),
        62: ("GREATER_EQUAL", _unscaled(_UINT8, _INT8)),
        63: ("LESS_EQUAL", _unscaled(_UINT8, _INT8)),
        71: ("EQUAL", _unscaled(_UINT8, _INT8)),
        72: ("NOT_EQUAL", _not_equal),
        45: ("STRIDED_SLICE", _masked),
        73: ("LOG", _unscaled(_INT8, _INT16)),
        76: ("RSQRT", _unscaled(_INT8, _INT16)),
        99: ("SQUARED_DIFFERENCE", _unscaled(_UINT8, _INT8)),
        113: ("MATRIX_DIAG", _diagonal),
        115: ("MATRIX_SET_DIAG", _diagonal),
        201: ("STABLEHLO_GATHER", _gather),
    }
)
"""By number in BuiltinOperator: the name of an operator, and a function that returns what is wrong
with one, or None."""
