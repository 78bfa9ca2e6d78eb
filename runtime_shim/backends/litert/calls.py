"""Subgraphs of a TensorFlow Lite model that operators call: branches, and bodies of loops.

https://github.com/google-ai-edge/LiteRT/blob/main/tflite/kernels/control_flow_common.h
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from rewriter.models.flatbuffer import Table
from runtime_shim.backends.checks.tflite import subgraphs_of
from runtime_shim.backends.litert.operators import Node
from runtime_shim.backends.litert.shapes import Guard

__all__ = ["Loop", "bodies_of", "called_by", "check_called", "check_shared", "loops_of"]

_INPUTS, _OUTPUTS, _OPERATORS = 6, 8, 10
"""Fields of SubGraph."""

_IS_VARIABLE = 14
"""Field of Tensor."""

_LSTM, _WHILE, _STABLEHLO_CASE = 16, 119, 209
_CONCATENATION, _TILE = 2, 69
_SHAPES = frozenset({77, 110})
"""Values of BuiltinOperator: SHAPE and RANK."""

_EARLY = frozenset({_CONCATENATION, 18, 22, 36, 45, _TILE, 81, 96, 145})
"""Operators that LiteRT 2.3 computes before an inference if their operands are known, here MUL,
RESHAPE, GATHER, STRIDED_SLICE, REDUCE_PROD, RANGE and BROADCAST_ARGS by number."""


class Loop(NamedTuple):
    """The index of a WHILE's results, and the conditions for each of its iterations."""

    subgraph: int
    results: Sequence[int]
    guards: Sequence[Guard]


def called_by(subgraphs: Sequence[Table], first: Iterable[int]) -> list[int]:
    """The given subgraphs, and all that an inference can reach from them."""
    found = dict.fromkeys(first)
    left = list(found)
    while left:
        for operator in subgraphs[left.pop()].tables(_OPERATORS):
            for number in subgraphs_of(operator):
                if number not in found and 0 < number < len(subgraphs):
                    found[number] = None
                    left.append(number)
    return list(found)


def bodies_of(subgraphs: Sequence[Table], codes: Sequence[int]) -> set[int]:
    """Subgraphs that only loops call."""
    by_loops, by_others = set[int](), set[int]()
    for subgraph in subgraphs:
        for operator in subgraph.tables(_OPERATORS):
            is_loop = codes[operator.number(4, "I")] == _WHILE
            (by_loops if is_loop else by_others).update(subgraphs_of(operator))
    return by_loops - by_others


def check_called(subgraph: Table, nodes: Sequence[Node], is_body: bool) -> None:
    """Raise HostError with `invalid_argument` for results that LiteRT frees twice: those of a
    subgraph that it has computed before an inference. Bodies of loops return copies of most of
    them."""
    given = set(subgraph.numbers(_INPUTS, "i")).union(*(node.results for node in nodes))
    known = {
        place
        for node in nodes
        for place in node.operands
        if place not in given and place >= 0 and not node.tensors[place].number(_IS_VARIABLE, "?")
    }
    early: set[int] = set()
    for node in nodes:
        if node.code == _STABLEHLO_CASE:
            raise node.table.refused("STABLEHLO_CASE crashes the process inside a called subgraph")
        if node.code == _LSTM and len(node.operands) == 5:
            raise node.table.refused(
                "an LSTM with five operands reads uninitialised memory in a loop"
            )
        operands = {place for place in node.operands if place >= 0}
        by_operands = node.code in _EARLY and operands and operands <= known
        if node.code in _SHAPES or by_operands:
            known.update(node.results)
            if not is_body or node.code in (_CONCATENATION, _TILE):
                early.update(node.results)
    wrong = early.intersection(subgraph.numbers(_OUTPUTS, "i"))
    if wrong:
        raise subgraph.refused(
            f"its output tensor {min(wrong)} depends only on shapes and constants: LiteRT "
            "would free it twice"
        )


def check_shared(
    subgraphs: Sequence[Table], nodes: Mapping[int, Sequence[Node]], guards: Sequence[Guard]
) -> None:
    """Raise HostError with `invalid_argument` for a subgraph that several operators call, if shapes
    in it have to be checked: only those of the last call can be seen."""
    calls = Counter(
        number
        for found in nodes.values()
        for node in found
        for number in set(subgraphs_of(node.table))
    )
    shared = called_by(subgraphs, [number for number, count in calls.items() if count > 1])
    for guard in guards:
        if guard.after and not guard.by_rank and guard.subgraph in shared:
            raise guard.table.refused(
                "several operators call its subgraph, and for some shapes LiteRT would "
                "return uninitialised memory"
            )


def loops_of(
    subgraphs: Sequence[Table], nodes: Mapping[int, Sequence[Node]], guards: Sequence[Guard]
) -> list[Loop]:
    """Loops that are not inside another loop."""
    loops: dict[tuple[int, int], list[int]] = {}
    for number, found in nodes.items():
        for place, node in enumerate(found):
            if node.code == _WHILE:
                loops[number, place] = called_by(subgraphs, subgraphs_of(node.table))
    inside = {number for called in loops.values() for number in called}
    return [
        Loop(
            number,
            nodes[number][place].results,
            [guard for guard in guards if guard.after and guard.subgraph in called],
        )
        for (number, place), called in loops.items()
        if number not in inside
    ]
