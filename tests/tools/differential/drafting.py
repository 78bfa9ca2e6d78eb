"""Random networks: how they grow by an operator."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.tools.differential.kinds import KINDS, Array, Kind, drawn
from tests.tools.differential.networks import Dim, Input, Network, Node, Output, Value

__all__ = ["generate"]

SYMBOLS = ("a", "b", "c")
"""Sizes that each round chooses."""


class Draft:
    """A network in the making. `supported` says which operators take which types."""

    def __init__(
        self,
        choose: random.Random,
        kinds: Sequence[str],
        supported: Callable[[str, Kind], bool],
        operators: Sequence[str],
    ) -> None:
        self.choose = choose
        self.kinds = kinds
        self.supported = supported
        self.operators = operators
        self.inputs: list[Input] = []
        self.constants: dict[str, Array] = {}
        self.values: dict[str, Value] = {}
        self.nodes: list[Node] = []

    def value(self, kind: Kind, dims: tuple[Dim, ...] | None, origin: str) -> Value:
        made = Value(f"v{len(self.values)}", kind, dims, origin)
        self.values[made.name] = made
        return made

    def input(
        self, kind: Kind, dims: tuple[Dim, ...], most: int | None = None, *, is_index: bool = False
    ) -> Value:
        made = self.value(kind, dims, "input")
        self.inputs.append(Input(made, most, is_index))
        return made

    def constant(self, array: Array, kind: Kind) -> Value:
        made = self.value(kind, array.shape, "constant")
        self.constants[made.name] = array
        return made

    def node(
        self,
        op: str,
        inputs: Sequence[Value],
        *outputs: tuple[Kind, tuple[Dim, ...] | None],
        extra: Any = None,
    ) -> None:
        made = tuple(self.value(kind, dims, op) for kind, dims in outputs)
        self.nodes.append(Node(op, tuple(item.name for item in inputs), made, extra))

    def shape(self) -> tuple[Dim, ...]:
        """Mostly of few dimensions, of which some are free and few are 0."""
        rank = self.choose.choices(range(6), (2, 5, 5, 3, 1, 1))[0]
        sizes: list[Dim] = [1, 2, 3, 4]
        free = self.choose.choice((0, 0.4, 1))
        return tuple(
            self.choose.choice(SYMBOLS)
            if self.choose.random() < free
            else self.choose.choice([*sizes * 5, 0])
            for _ in range(rank)
        )

    def grow(self) -> None:
        """Add an operator, if the first that comes to mind fits one of the values."""
        op = self.choose.choice(self.operators)
        candidates = [
            value
            for value in self.values.values()
            if value.dims is not None and self.supported(op, value.kind)
        ]
        if candidates:
            _RULES.get(op, _same)(self, op, self.choose.choice(candidates))


def _same(draft: Draft, op: str, value: Value) -> None:
    draft.node(op, [value], (value.kind, value.dims))


def _binary(draft: Draft, op: str, value: Value) -> None:
    """With another value of the same shape; now and then with one that is so in some rounds."""
    kind = KINDS["bool"] if op == "greater" else value.kind
    clash = draft.choose.random() < 0.4
    others = [
        other
        for other in draft.values.values()
        if other.kind is value.kind and other.dims is not None and _fits(value, other, clash)
    ]
    if not others:
        others = [value]
    other = draft.choose.choice(others)
    dims = value.dims if other.dims == value.dims else (None,) * len(value.dims or ())
    draft.node(op, [value, other], (kind, dims))


def _fits(value: Value, other: Value, clash: bool) -> bool:
    mine, theirs = value.dims or (), other.dims or ()
    if mine == theirs:
        return value is other or None not in mine
    pairs = list(zip(mine, theirs, strict=False))
    return clash and len(mine) == len(theirs) and all(_can(a, b) for a, b in pairs)


def _can(mine: Dim, theirs: Dim) -> bool:
    return mine == theirs or not (isinstance(mine, int) and isinstance(theirs, int))


def _cast(draft: Draft, op: str, value: Value) -> None:
    others = [KINDS[name] for name in draft.kinds if KINDS[name] is not value.kind]
    if others:
        draft.node(op, [value], (draft.choose.choice(others), value.dims))


def _transpose(draft: Draft, op: str, value: Value) -> None:
    dims = value.dims or ()
    order = draft.choose.sample(range(len(dims)), len(dims))
    if dims:
        draft.node(op, [value], (value.kind, tuple(dims[i] for i in order)), extra=order)


def _concat(draft: Draft, op: str, value: Value) -> None:
    """With itself, along the first axis."""
    if value.dims:
        first = value.dims[0]
        twice = 2 * first if isinstance(first, int) else None
        draft.node(op, [value, value], (value.kind, (twice, *value.dims[1:])))


def _reduce(draft: Draft, op: str, value: Value) -> None:
    """Along the last axis, which goes."""
    if value.dims:
        draft.node(op, [value], (value.kind, value.dims[:-1]))


def _flatten(draft: Draft, op: str, value: Value) -> None:
    draft.node(op, [value], (value.kind, (None,)))


def _shape_of(draft: Draft, op: str, value: Value) -> None:
    draft.node(op, [value], (KINDS["i64"], (len(value.dims or ()),)))


def _nonzero(draft: Draft, op: str, value: Value) -> None:
    """Indices, one a row or one a column, as each format has it."""
    if value.dims:
        draft.node(op, [value], (KINDS["i64"], (None, None)))


def _gather(draft: Draft, op: str, value: Value) -> None:
    """Rows of a table, by an input."""
    if len(draft.inputs) == 3:
        return
    rows = draft.choose.randint(1, 4)
    table = draft.constant(drawn(draft.choose, value.kind, (rows, 2)), value.kind)
    dims = draft.choose.choice(((), ("n",), (2,)))
    index = draft.input(
        KINDS["i64" if "i64" in draft.kinds else "i32"], dims, rows - 1, is_index=True
    )
    draft.node(op, [table, index], (value.kind, (*dims, 2)))


def _split(draft: Draft, op: str, value: Value) -> None:
    """Into two halves of the first axis."""
    if value.dims and isinstance(value.dims[0], int) and value.dims[0] % 2 == 0:
        half = value.kind, (value.dims[0] // 2, *value.dims[1:])
        draft.node(op, [value], half, half)


def _if(draft: Draft, op: str, value: Value) -> None:
    """The value, or, by an input, the value as it was outside; in some the shapes differ."""
    if len(draft.inputs) == 3:
        return
    condition = draft.input(KINDS["bool"], ())
    other = draft.choose.choice(("identity", "concat", "flatten"))
    dims = None if other == "flatten" else value.dims
    draft.node(op, [condition, value], (value.kind, dims), extra=other)


def _loop(draft: Draft, op: str, value: Value) -> None:
    """Carries a value through rounds, of which there are none, or as many as an input says, and
    gathers what it was in each."""
    if len(draft.inputs) == 3 or draft.choose.random() < 0.5:
        count = draft.constant(drawn(draft.choose, KINDS["i64"], ()) * 0, KINDS["i64"])
    else:
        count = draft.input(KINDS["i64"], (), 3)
    results = [(value.kind, value.dims), (value.kind, (None, *(value.dims or ())))]
    draft.node(op, [count, value], *results)


def _end(draft: Draft, op: str, value: Value) -> None:
    """What is not a tensor, and can only be an output."""
    draft.node(op, [value], (value.kind, None))


_RULES: Mapping[str, Callable[[Draft, str, Value], None]] = {
    "add": _binary,
    "mul": _binary,
    "maximum": _binary,
    "greater": _binary,
    "cast": _cast,
    "transpose": _transpose,
    "concat": _concat,
    "reduce": _reduce,
    "flatten": _flatten,
    "shape": _shape_of,
    "nonzero": _nonzero,
    "gather": _gather,
    "split": _split,
    "if": _if,
    "loop": _loop,
    "sequence_end": _end,
    "optional_end": _end,
}
"""All others make a value of the same type and shape."""


def generate(
    choose: random.Random,
    kinds: Sequence[str],
    supported: Callable[[str, Kind], bool],
    operators: Sequence[str],
) -> Network:
    """A network of 1 to 3 inputs and outputs."""
    draft = Draft(choose, kinds, supported, operators)
    shape = draft.shape()
    for _ in range(choose.randint(1, 3)):
        shape = draft.shape() if choose.random() < 0.5 else shape
        draft.input(KINDS[choose.choice(list(kinds))], shape)
    if choose.random() < 0.3:
        kind = KINDS[choose.choice(list(kinds))]
        fixed = tuple(dim if isinstance(dim, int) else 2 for dim in shape)
        draft.constant(drawn(choose, kind, fixed), kind)
    for _ in range(choose.randint(0, 6)):
        draft.grow()
    values = list(draft.values.values())
    made = [value for value in values if value.origin not in ("input", "constant")]
    outputs: list[Output] = []
    for _ in range(choose.randint(1, 3)):
        pool = made if made and choose.random() < 0.75 else values
        taken = [output.value for output in outputs]
        value = choose.choice(taken if taken and choose.random() < 0.1 else pool)
        declared = choose.choices(("true", "free", "unknown", "wrong"), (6, 2, 1, 1))[0]
        outputs.append(Output(value, declared))
    return Network(
        tuple(draft.inputs), draft.constants, draft.values, tuple(draft.nodes), tuple(outputs)
    )
