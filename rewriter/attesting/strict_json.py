"""JSON that every parser understands alike. What some read differently is refused: a key that
occurs twice, numbers that JSON lacks, other encodings than UTF-8."""

from __future__ import annotations

import json
from typing import Any, NoReturn

__all__ = ["loads"]


def loads(data: bytes) -> Any:
    """Raises ValueError, which says what is wrong."""
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} occurs twice in an object")
    return found


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
