"""What guests write: JSON, and text of any length, of which a message has a bounded part."""

from __future__ import annotations

import reprlib
from typing import Any

from rewriter.abi.dialects import Errno
from runtime_shim.errors import HostError

__all__ = ["json_object", "quoted"]

_LONGEST = 100
"""Characters of a string, or bytes, that are quoted."""

_short = reprlib.Repr()
_short.maxstring = _short.maxother = _LONGEST
_short.maxlevel = 2


def quoted(value: object) -> str:
    """As repr has it, with dots for what is too long or too deep. Takes no longer for a long text
    than for a short one."""
    if isinstance(value, bytes):
        return repr(value[:_LONGEST]) + "..." * (len(value) > _LONGEST)
    return _short.repr(value)


def json_object(text: str | bytes, what: str, errno: Errno) -> dict[str, Any]:
    """A JSON object. Raises HostError with `errno` for anything else, and for an object that is too
    deep, or whose integers are too long, for Python to read."""
    import json

    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise HostError(errno, f"the {what} cannot be read as JSON: {error}") from error
    if not isinstance(found, dict):
        raise HostError(errno, f"the {what} must be a JSON object")
    return found
