"""Tensors that a component passes and gets again and again: the NN runtime reads and writes them in
one place, in the memory of the added modules. They are copied there and back without a call of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from runtime_shim.host.loader import StoreLife
from runtime_shim.host.session import PLAIN, Session
from runtime_shim.host.shared_tensors import Arena

__all__ = ["Form", "Place", "Places"]


class Form(NamedTuple):
    """What tells tensors of another type or shape apart: the type in wasi:nn's numbers, the number
    of dimensions, and the dimensions as they are in memory."""

    type: int
    rank: int
    dimensions: bytes


class Place(NamedTuple):
    """Where an input is: its form, its bytes, and their offset among the places."""

    form: Form
    data: memoryview
    offset: int


class Places(Arena):
    """The places of one session's tensors, in `memory` as long as `life` lasts. `changed` is called
    for a context whose tensors may be elsewhere from then on."""

    def __init__(
        self, session: Session, memory: memoryview, life: StoreLife, changed: Callable[[int], None]
    ) -> None:
        super().__init__(memory, PLAIN)
        self._inputs: dict[int, dict[bytes, Place]] = {}
        self._changed = changed
        session.use_arena(self, life)

    def take(self, context: int, name: bytes, form: Form, data: memoryview) -> bool:
        """Copy an input to its place, if it has one for this form."""
        places = self._inputs.get(context)
        place = places.get(name) if places is not None else None
        if place is None or place.form != form:
            return False
        place.data[:] = data
        return True

    def forget(self, context: int) -> None:
        """Note that an input of a context is about to be set in another way. It may be one with
        another name here."""
        self._inputs.pop(context, None)
        self._changed(context)

    def note(self, context: int, index: int, name: bytes, form: Form) -> None:
        """Note that an input was set, which may have a place now."""
        known = self._known.get(context)
        item = known.inputs.get(index) if known is not None else None
        if item is not None and item.block is not None:
            place = Place(form, self._bytes(item.block, item.size), item.block.offset)
            self._inputs.setdefault(context, {})[name] = place

    def inputs(self, context: int, names: Sequence[bytes]) -> list[Place] | None:
        """The places of these inputs, None unless each has one."""
        places = self._inputs.get(context, {})
        found = [places[name] for name in names if name in places]
        return found if len(found) == len(names) else None

    def output(self, context: int, index: int) -> int | None:
        """The offset of an output's place, None if it has none."""
        known = self._known.get(context)
        output = known.outputs.get(index) if known is not None else None
        return None if output is None or output.block is None else output.block.offset

    def dismiss(self, handle: int) -> None:
        super().dismiss(handle)
        self.forget(handle)

    def input_lost(self, handle: int, index: int) -> None:
        super().input_lost(handle, index)
        self.forget(handle)

    def outputs_lost(self, handle: int) -> None:
        super().outputs_lost(handle)
        self._changed(handle)
