"""Reads, checks and writes the values of a profile's keys."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from enum import Enum
from typing import Any, NamedTuple

from rewriter.hosts.profiles.profile import ABSENT
from rewriter.suggestions import nearest
from rewriter.wasm.types import NUMBERS, FuncType

__all__ = [
    "FLAG",
    "FUNCTION_TYPE",
    "NOT_MEASURED",
    "TEXT",
    "Field",
    "Wrong",
    "by_number",
    "enum_of",
    "list_of",
    "not_known",
    "number_or",
    "one_of",
    "record",
    "set_of",
    "set_of_known",
    "table_of",
    "tuple_of",
]

NOT_MEASURED = "not measured"
"""A key with this value is treated as missing."""

_FEW = 12
"""An error about an unknown value lists the known ones if there are at most this many."""

Read = Callable[[object, str], Any]


class Wrong(Exception):
    """A value is invalid: the message says where and why."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}" if where else what)


class Field(NamedTuple):
    """`read` parses a value from TOML, given its key, and raises Wrong. `write` makes a TOML value
    of it."""

    read: Read
    write: Callable[[Any], Any] = lambda value: value


def not_known(what: str, name: str, known: Collection[str]) -> str:
    """The error message for an unknown name."""
    near = nearest(name, known)
    if near:
        return f"{what} {name!r} is unknown; did you mean {near!r}?"
    listed = f"; known are {', '.join(known)}" if len(known) <= _FEW else ""
    return f"{what} {name!r} is unknown{listed}"


def _expected(what: str, where: str, value: object) -> Wrong:
    return Wrong(where, f"expected {what}, found {value!r}")


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise _expected("a string", where, value)
    return value


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise _expected("true or false", where, value)
    return value


def _number(value: object, where: str, below: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < below:
        raise _expected(f"a number from 0 to {below - 1}", where, value)
    return value


def _table(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _expected("a table", where, value)
    return value


def _list(value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        raise _expected("a list", where, value)
    return value


def _under(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _function_type(value: object, where: str) -> Any:
    """A type such as `i32 i64 -> i32`. Either side may be empty."""
    if value == ABSENT:
        return ABSENT
    before, arrow, after = _text(value, where).partition("->")
    params, results = tuple(before.split()), tuple(after.split())
    if not arrow or not NUMBERS.issuperset((*params, *results)):
        form = f"a function's type, such as 'i32 i64 -> i32', or '{ABSENT}'"
        raise _expected(form, where, value)
    return FuncType(params, results)


def _shown_function_type(value: FuncType | str) -> str:
    return value if isinstance(value, str) else " ".join((*value.params, "->", *value.results))


TEXT, FLAG = Field(_text), Field(_flag)

FUNCTION_TYPE = Field(_function_type, _shown_function_type)


def one_of(values: Collection[str | int]) -> Field:
    """One of these strings or numbers."""
    texts = [value for value in values if isinstance(value, str)]

    def read(value: object, where: str) -> Any:
        if isinstance(value, str) and texts and value not in texts:
            raise Wrong(where, not_known("the value", value, texts))
        if isinstance(value, bool) or value not in values:
            raise _expected(f"one of {', '.join(map(str, values))}", where, value)
        return value

    return Field(read)


def number_or(*words: str, below: int = 1 << 32) -> Field:
    """A number, or one of these words."""

    def read(value: object, where: str) -> int | str:
        if not isinstance(value, str):
            return _number(value, where, below)
        if value not in words:
            raise Wrong(where, not_known("the value", value, words))
        return value

    return Field(read)


def enum_of(kind: type[Enum]) -> Field:
    """A member of an enum, by its name in lower case."""
    known = {each.name.lower(): each for each in kind}
    name = one_of(known)
    return Field(lambda value, where: known[name.read(value, where)], lambda e: e.name.lower())


def tuple_of(each: Field) -> Field:
    """A list."""

    def read(value: object, where: str) -> tuple[Any, ...]:
        items = enumerate(_list(value, where))
        return tuple(each.read(item, f"{where}[{place}]") for place, item in items)

    return Field(read, lambda values: [each.write(value) for value in values])


list_of = tuple_of(TEXT)
"""A list of strings."""

set_of = Field(lambda value, where: frozenset(list_of.read(value, where)), sorted)
"""A list of strings, in any order."""


def set_of_known(known: Collection[str]) -> Field:
    """A list of some of these strings, in any order."""
    texts = tuple_of(one_of(known))
    return Field(lambda value, where: frozenset(texts.read(value, where)), sorted)


def table_of(each: Field, known: Collection[str] | None = None, what: str = "the key") -> Field:
    """A table whose keys are `known`, or any. `what` is what errors call a key."""

    def read(value: object, where: str) -> dict[str, Any]:
        found = {}
        for key, item in _table(value, where).items():
            if known is not None and key not in known:
                raise Wrong(where, not_known(what, key, known))
            if item != NOT_MEASURED:
                found[key] = each.read(item, _under(where, key))
        return found

    return Field(read, lambda table: {key: each.write(item) for key, item in table.items()})


def by_number(each: Field, below: int) -> Field:
    """A table whose keys are numbers."""
    texts = table_of(each)

    def read(value: object, where: str) -> dict[int, Any]:
        found = texts.read(value, where)
        for key in found:
            if not (key.isascii() and key.isdigit()):
                raise _expected("a number as the key", where, key)
        return {_number(int(key), where, below): item for key, item in found.items()}

    return Field(read, lambda table: {str(key): each.write(item) for key, item in table.items()})


def record(kind: type[Any], fields: Mapping[str, Field]) -> Field:
    """A table with the fields of a named tuple. Missing keys get its defaults, and values equal to
    the default are not written."""
    defaults: Mapping[str, object] = kind._field_defaults

    def read(value: object, where: str) -> Any:
        given = {}
        for key, item in _table(value, where).items():
            if key not in fields:
                raise Wrong(where, not_known("the key", key, fields))
            if item != NOT_MEASURED:
                given[key] = fields[key].read(item, _under(where, key))
        for name in fields:
            if name not in given and name not in defaults:
                raise Wrong(_under(where, name), "is missing")
        return kind(**given)

    def write(value: Any) -> dict[str, object]:
        items = {name: getattr(value, name) for name in fields}
        return {
            name: fields[name].write(item)
            for name, item in items.items()
            if name not in defaults or item != defaults[name]
        }

    return Field(read, write)
