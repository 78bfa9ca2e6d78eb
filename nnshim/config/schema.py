"""The keys of a configuration, by the JSON Schema that editors take, too."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rewriter.suggestions import did_you_mean

__all__ = ["SCHEMA", "Wrong", "check", "read_schema"]

SCHEMA = Path(__file__).with_name("schema.json")

_FEW = 8
"""An error about an unknown value lists the known ones if there are at most this many."""


class Wrong(Exception):
    """A value is not as the schema has it. `path` has the keys, and indices, that lead to it."""

    def __init__(self, path: Sequence[str | int], what: str) -> None:
        super().__init__(what)
        self.path = tuple(path)
        self.what = what


def read_schema() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return found


def check(value: object, schema: Mapping[str, Any], path: Sequence[str | int] = ()) -> None:
    """Compare a value with a schema that has only the words of this file's. Raises Wrong."""
    if "enum" in schema:
        _one_of(value, schema["enum"], path)
        return
    kind = schema["type"]
    python, words = _TYPES[kind]
    if type(value) is not python:
        raise Wrong(path, f"expected {words}, found {_found(value)}")
    if kind in _INSIDE:
        _INSIDE[kind](value, schema, path)


def _one_of(value: object, known: Sequence[str], path: Sequence[str | int]) -> None:
    if value in known:
        return
    if not isinstance(value, str):
        raise Wrong(path, f"expected a string, found {_found(value)}")
    few = len(known) <= _FEW
    meant = f"; known are {', '.join(known)}" if few else did_you_mean(value, known)
    raise Wrong(path, f"{value!r} is not known{meant}")


def _string(value: str, schema: Mapping[str, Any], path: Sequence[str | int]) -> None:
    if len(value) < schema.get("minLength", 0):
        raise Wrong(path, "it is empty")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        raise Wrong(path, f"{value!r} is not a code, such as NN226")


def _array(value: list[object], schema: Mapping[str, Any], path: Sequence[str | int]) -> None:
    for number, item in enumerate(value):
        check(item, schema["items"], (*path, number))
        if item in value[:number]:
            raise Wrong((*path, number), f"{item!r} is there twice")


def _object(value: dict[str, object], schema: Mapping[str, Any], path: Sequence[str | int]) -> None:
    properties, others = schema.get("properties", {}), schema["additionalProperties"]
    for key, item in value.items():
        within = properties.get(key, others)
        if not within:
            meant = did_you_mean(key, properties) or f"; known are {', '.join(properties)}"
            raise Wrong((*path, key), f"the key is not known{meant}")
        check(item, within, (*path, key))


_INSIDE: Mapping[str, Callable[[Any, Mapping[str, Any], Sequence[str | int]], None]] = {
    "string": _string,
    "array": _array,
    "object": _object,
}

_TYPES: Mapping[str, tuple[type, str]] = {
    "string": (str, "a string"),
    "boolean": (bool, "true or false"),
    "array": (list, "a list"),
    "object": (dict, "a table"),
}


def _found(value: object) -> str:
    """A value in a message: the kind of what may be long."""
    kind = next((words for python, words in _TYPES.values() if type(value) is python), None)
    if kind is None or isinstance(value, bool | str):
        return repr(value)
    return kind
