"""Inputs that a component passes again and again: the NN runtime reads them in one place, and they
are copied there without a call of it."""

from __future__ import annotations

import mmap

from runtime_shim.host.session import PLAIN, Session
from runtime_shim.host.shared_tensors import Arena

__all__ = ["Places"]

_SIZE = 1 << 28
"""Bytes of address space. Only those that are written take up memory. The same as
runtime_shim.engine.trampolines has."""

_NORESERVE = 0x4000
"""MAP_NORESERVE of Linux."""

_Place = tuple[object, memoryview]
"""The form of an input, and where it is."""


class Places(Arena):
    """The places of one session's inputs. A form is whatever tells tensors of another type or shape
    apart."""

    is_over = False
    """As the life of a store: the memory lives as long as this object, which the session has."""

    def __init__(self, session: Session) -> None:
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE
        super().__init__(memoryview(mmap.mmap(-1, _SIZE, flags=flags)), PLAIN)
        self._places: dict[int, dict[bytes, _Place]] = {}
        session.use_arena(self, self)

    def take(self, context: int, name: bytes, form: object, data: memoryview) -> bool:
        """Copy an input to its place, if it has one for this form."""
        places = self._places.get(context)
        place = places.get(name) if places is not None else None
        if place is None or place[0] != form:
            return False
        place[1][:] = data
        return True

    def forget(self, context: int) -> None:
        """Note that an input of a context is about to be set in another way. It may be one with
        another name here."""
        self._places.pop(context, None)

    def note(self, context: int, index: int, name: bytes, form: object) -> None:
        """Note that an input was set, which may have a place now."""
        known = self._known.get(context)
        item = known.inputs.get(index) if known is not None else None
        if item is not None and item.block is not None:
            place = form, self._bytes(item.block, item.size)
            self._places.setdefault(context, {})[name] = place

    def dismiss(self, handle: int) -> None:
        super().dismiss(handle)
        self._places.pop(handle, None)

    def input_lost(self, handle: int, index: int) -> None:
        super().input_lost(handle, index)
        self._places.pop(handle, None)
