"""Text written by guests: JSON, and strings of any length, truncated for messages."""

from __future__ import annotations

import reprlib
from typing import Any

from rewriter.abi.dialects import Errno
from runtime_shim.errors import HostError

__all__ = ["json_object", "quoted"]

_LONGEST = 100
"""Number of characters or bytes of a string that are quoted."""

_short = reprlib.Repr()
_short.maxstring = _short.maxother = _LONGEST
_short.maxlevel = 2


def quoted(value: object) -> str:
    """The value's repr, with dots in place of parts that are too long or too deep. Takes no longer
    for a long text than for a short one."""
    if isinstance(value, bytes):
        return repr(value[:_LONGEST]) + "..." * (len(value) > _LONGEST)
    return _short.repr(value)


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
