"""Memory that nobody has written yet, made to show: it holds a pattern.

This reaches into the arena and into backends, by the names that they have there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from runtime_shim import Session

__all__ = ["PATTERN", "bound_outputs", "numpy_empty"]

PATTERN = 0x5B


@contextlib.contextmanager
def numpy_empty(fill: bool) -> Iterator[None]:
    """Let numpy.empty fill what it gives."""
    if not fill:
        yield
        return
    original = np.empty

    def filled(*arguments: Any, **options: Any) -> Any:
        made = original(*arguments, **options)
        if made.flags.c_contiguous and made.dtype.kind != "O":
            made.reshape(-1).view(np.uint8)[...] = PATTERN
        return made

    setattr(np, "empty", filled)  # noqa: B010 - which is final to type checkers
    try:
        yield
    finally:
        setattr(np, "empty", original)  # noqa: B010 - as above


def bound_outputs(session: Session, handle: int) -> None:
    """Overwrite what a runtime is to write to: outputs that were moved to the arena, or that ONNX
    Runtime was given memory for, and the arena's memory that is taken next. Memory of a runtime's
    own can be an input too, and is left alone."""
    arena = session._arena
    context = session.contexts[handle]
    bound = getattr(context, "_moved", {}) if type(context).__name__ == "OnnxContext" else {}
    for view in bound.values():
        view[:] = bytes([PATTERN]) * len(view)
    if arena is None:
        return
    known = arena._known.get(handle)
    outputs = known.outputs.values() if known is not None else ()
    for output in outputs:
        if output.block is not None:
            start, room = output.block
            arena._memory[start : start + room] = bytes([PATTERN]) * room
    rest = arena._memory[arena._end : arena._end + 4096]
    rest[:] = bytes([PATTERN]) * len(rest)
