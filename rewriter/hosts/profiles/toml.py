"""Writes TOML, because tomllib only reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["text"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def text(table: Mapping[str, Any]) -> str:
    """A document of strings, integers, booleans, lists of these, tables, and lists of tables."""
    return "\n".join(_lines((), table)) + "\n"


def _lines(path: tuple[str, ...], table: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a table. Values come first, because after a subtable they would belong to it."""
    for key, value in table.items():
        if not (isinstance(value, dict) or _is_tables(value)):
            yield f"{_key(key)} = {_value(value)}"
    for key, value in table.items():
        place = (*path, key)
        name = ".".join(map(_key, place))
        if isinstance(value, dict):
            if not value or not all(isinstance(each, dict) for each in value.values()):
                yield from ("", f"[{name}]")
            yield from _lines(place, value)
        elif _is_tables(value):
            for each in value:
                yield from ("", f"[[{name}]]")
                yield from _lines(place, each)


def _is_tables(value: object) -> bool:
    return isinstance(value, list) and any(isinstance(each, dict) for each in value)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quoted(name)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return _quoted(value) if isinstance(value, str) else str(value)


def _quoted(value: str) -> str:
    """A string in quotes. TOML has JSON's escapes, and also requires one for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
