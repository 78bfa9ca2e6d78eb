"""Small networks, before they are in any format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.tools.differential.kinds import Array, Kind

__all__ = ["Dim", "Input", "Network", "Node", "Output", "Value"]

Dim = int | str | None
"""A size, the name of one that each round chooses, or one that only the runtime knows."""


class Value(NamedTuple):
    """`dims` is None where the rank is not known either. `origin` is "input", "constant", or the
    operator that makes it."""

    name: str
    kind: Kind
    dims: tuple[Dim, ...] | None
    origin: str


class Input(NamedTuple):
    """`most` is the largest number that it should be given where that matters: an index, or a
    count, of which none is too large."""

    value: Value
    most: int | None = None
    is_index: bool = False


class Node(NamedTuple):
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[Value, ...]
    extra: Any = None


class Output(NamedTuple):
    """A value under the dimensions that the model declares for it, which may be wrong: "true",
    "free", "unknown" (not even the rank), "wrong"."""

    value: Value
    declared: str = "true"


class Network(NamedTuple):
    inputs: tuple[Input, ...]
    constants: Mapping[str, Array]
    values: Mapping[str, Value]
    nodes: tuple[Node, ...]
    outputs: tuple[Output, ...]

    def describe(self) -> str:
        """A line for each part, for whoever reads a report."""
        lines = [f"input {_shown(item.value)}" for item in self.inputs]
        lines += [f"constant {_shown(self.values[name])}" for name in self.constants]
        for node in self.nodes:
            made = ", ".join(map(_shown, node.outputs))
            extra = "" if node.extra is None else f" [{node.extra}]"
            lines.append(f"{made} = {node.op}({', '.join(node.inputs)}){extra}")
        lines += [f"output {_shown(item.value)} declared {item.declared}" for item in self.outputs]
        return "\n".join(lines)


def _shown(value: Value) -> str:
    dims = "?" if value.dims is None else ",".join("?" if d is None else str(d) for d in value.dims)
    return f"{value.name}: {value.kind.name}[{dims}]"
