"""The instances of the added modules in a guest: one for each component that uses wasi:nn."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from runtime_shim.components.calls import Calls
from runtime_shim.components.functions import FUNCTIONS as OF_ONE
from runtime_shim.components.functions import Signature
from runtime_shim.engine.binding.memories import Memories
from runtime_shim.host.loader import StoreLife
from runtime_shim.host.session import Session

__all__ = ["FUNCTIONS", "Callers"]

FUNCTIONS: Mapping[str, Signature] = {
    "begin": Signature(0, "u32"),
    **{name: each._replace(parameters=each.parameters + 1) for name, each in OF_ONE.items()},
}
"""The first argument is the number of the instance, which `begin` returns."""


class Callers:
    """The functions that all instances of the added modules in a guest call."""

    def __init__(self, session: Session, memories: Memories, life: StoreLife) -> None:
        self._session = session
        self._memories = memories
        self._life = life
        self._all: list[Calls] = []
        self._last = 0
        self._of: dict[str, list[Callable[..., int | None]]] = {name: [] for name in OF_ONE}
        self.functions: Mapping[str, Callable[..., int | None]] = {
            "begin": self._begin,
            **{name: self._called(each) for name, each in self._of.items()},
        }
        """By the names in FUNCTIONS."""

    def _begin(self) -> int:
        """The number of an instance that begins: its memory is the last one that was made."""
        calls = Calls(self._session, self._memories, self._memories.hosts()[-1], self._life)
        self._all.append(calls)
        for name, functions in self._of.items():
            functions.append(calls.functions[name])
        return len(self._all) - 1

    def _called(self, functions: list[Callable[..., int | None]]) -> Callable[..., int | None]:
        def call(number: int, *arguments: int) -> int | None:
            if number != self._last:
                self._all[number].take_over()
                self._last = number
            return functions[number](*arguments)

        return call
