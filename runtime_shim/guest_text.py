"""Text written by guests: JSON, and strings of any length, truncated for messages."""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from typing import Any

from rewriter.abi.dialects import Errno
from runtime_shim.errors import HostError

__all__ = ["json_object", "quoted"]

_LONGEST = 100
"""Number of characters or bytes of a string that are quoted."""


class _Short(reprlib.Repr):
    def __init__(self, change: Callable[[str], str]) -> None:
        super().__init__()
        self.maxstring = self.maxother = _LONGEST
        self.maxlevel = 2
        self._change = change

    def repr_str(self, x: str, level: int) -> str:
        return super().repr_str(self._change(x), level)


def quoted(value: object, change: Callable[[str], str] = str) -> str:
    """The value's repr, with dots in place of parts that are too long or too deep, and with each
    text changed before it is shortened. Takes no longer for a long text than for a short one."""
    if isinstance(value, bytes):
        return repr(value[:_LONGEST]) + "..." * (len(value) > _LONGEST)
    return _Short(change).repr(value)


def json_object(text: str | bytes, what: str, errno: Errno) -> dict[str, Any]:
    """Parse a JSON object. Raises HostError with `errno` for anything else, and for an object that
    Python cannot read because it is nested too deeply or has too long integers."""
    import json

    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise HostError(errno, f"cannot parse the {what} as JSON: {error}") from error
    if not isinstance(found, dict):
        raise HostError(errno, f"the {what} must be a JSON object")
    return found
