"""ABIs of measured hosts whose numbers match no release in the table.

Adapters are recognised by their names, which contain the names of the two ABIs. The name of an ABI
that is not in rewriter.abi.dialects describes it completely, so that an adapted module can be
inspected, run and adapted again without the host's profile:

    measured-witx-3f-A0B1C2D3-A0B1D3E4-A0B1C2F5H7-nul-floats

The parts are, in order:
- the layout
- the functions, as a hexadecimal number in which bit 0 stands for the first of `_ORDER`
- the encodings, the tensor types and the errnos: for each number a capital letter, A for the first
  member of its enum, and the number in base 36
- `nul` if the host expects a NUL after names, and `floats` if it counts in floats
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import TypeVar

from rewriter.abi.dialects import DIALECTS, LAYOUTS, Dialect, Encoding, Errno, Layout, TensorType
from rewriter.errors import UsageError

__all__ = ["LARGEST", "OF_RELEASES", "RAW_TYPES", "dialect_named", "functions_in", "same_dialect"]

OF_RELEASES = tuple(each for each in DIALECTS.values() if each.assumed is None)
"""The ABIs in the table that belong to single releases, which a host can have."""

RAW_TYPES: Mapping[str, str] = MappingProxyType({"bf16": "R"})
"""The letters of tensor types that are not in the enum."""

_Meaning = TypeVar("_Meaning", bound=IntEnum)
_Of = TypeVar("_Of")

_ORDER = (
    *("load", "init_execution_context", "set_input", "compute", "get_output"),
    *("load_by_name", "load_by_name_with_config", "unload", "finalize_execution_context"),
    *("compute_single", "get_output_single", "fini_single"),
)
"""All functions in the order of their bits in names. New functions are added at the end."""

_LONGEST = 120
"""The most characters of a name. Names of adapters have a limit too
(rewriter.adapters.generations)."""

LARGEST = 1 << 31
"""All numbers are below this. From here on, adapters would see them as negative."""

_MOST_NAMED = 64
"""The number of ABIs that are cached by name."""

_ITEM = re.compile(r"([A-Z])([0-9a-z]{1,7})")
_NAME = re.compile(
    r"measured-(\w+)-([0-9a-f]{1,8})"
    r"-((?:[A-Z][0-9a-z]{1,7})*)-((?:[A-Z][0-9a-z]{1,7})*)-((?:[A-Z][0-9a-z]{1,7})*)"
    r"(-nul)?(-floats)?"
)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def functions_in(layout: Layout) -> Mapping[str, tuple[str, ...]]:
    """The functions of all ABIs of a layout, with their parameters."""
    return _FUNCTIONS[layout.name]


def dialect_named(name: str) -> Dialect | None:
    """The ABI with this name, from the table or measured, or None. The same name always gives the
    same object."""
    return DIALECTS.get(name) or (_measured(name) if len(name) <= _LONGEST else None)


def same_dialect(dialect: Dialect) -> Dialect:
    """The ABI in the table with the same functions and numbers, or else a measured ABI that has
    them in its name. Raises UsageError if that name would be too long."""
    own = _facts(dialect)
    for known in OF_RELEASES:
        if _facts(known) == own:
            return known
    name = _name(dialect)
    found = dialect_named(name)
    if found is None:
        raise UsageError(f"the host's numbers do not fit into the name of an adapter: {name}")
    return found


def _facts(dialect: Dialect) -> tuple[object, ...]:
    return (
        dialect.layout,
        frozenset(dialect.functions),
        *map(dict, (dialect.encodings, dialect.tensor_types, dialect.raw_types, dialect.errnos)),
        dialect.wants_nul,
        dialect.counts_floats,
    )


def _name(dialect: Dialect) -> str:
    bits = sum(1 << place for place, name in enumerate(_ORDER) if name in dialect.functions)
    types = {
        **{number: _letter(kind) for number, kind in dialect.tensor_types.items()},
        **{number: RAW_TYPES[name] for number, name in dialect.raw_types.items()},
    }
    parts = [
        "measured",
        dialect.layout.name,
        f"{bits:x}",
        _written({number: _letter(each) for number, each in dialect.encodings.items()}),
        _written(types),
        _written({number: _letter(each) for number, each in dialect.errnos.items()}),
        *(["nul"] if dialect.wants_nul else []),
        *(["floats"] if dialect.counts_floats else []),
    ]
    return "-".join(parts)


def _letter(meaning: IntEnum) -> str:
    return chr(ord("A") + [*type(meaning)].index(meaning))


def _written(letters: Mapping[int, str]) -> str:
    return "".join(f"{letters[number]}{_base_36(number)}" for number in sorted(letters))


def _base_36(number: int) -> str:
    text = _DIGITS[number % 36]
    while number := number // 36:
        text = _DIGITS[number % 36] + text
    return text


@functools.lru_cache(_MOST_NAMED)
def _measured(name: str) -> Dialect | None:
    match = _NAME.fullmatch(name)
    layout = next((each for each in LAYOUTS if match and each.name == match[1]), None)
    if match is None or layout is None:
        return None
    types: dict[int, TensorType] = {}
    raw_types: dict[int, str] = {}
    raw = {letter: kind for kind, letter in RAW_TYPES.items()}
    for number, letter in _items(match[4]):
        if letter in raw:
            raw_types[number] = raw[letter]
        elif (kind := _meant(TensorType, letter)) is not None:
            types[number] = kind
    encodings = _meanings(Encoding, match[3])
    errnos = _meanings(Errno, match[5])
    bits, every = int(match[2], 16), functions_in(layout)
    named = [each for place, each in enumerate(_ORDER) if bits >> place & 1]
    dialect = Dialect(
        name=name,
        layout=layout,
        functions=MappingProxyType({each: every[each] for each in named if each in every}),
        encodings=_known(encodings, (each.encodings for each in DIALECTS.values())),
        tensor_types=_known(types, (each.tensor_types for each in DIALECTS.values())),
        errnos=_known(errnos, (each.errnos for each in DIALECTS.values())),
        implementation="wamr" if layout.name == "wamr" else "wasmedge",
        wants_nul=bool(match[6]),
        counts_floats=bool(match[7]),
        raw_types=MappingProxyType(raw_types),
    )
    return dialect if _name(dialect) == name else None


def _items(text: str) -> Iterator[tuple[int, str]]:
    for letter, digits in _ITEM.findall(text):
        number = int(digits, 36)
        if number < LARGEST:
            yield number, letter


def _meant(kind: type[_Meaning], letter: str) -> _Meaning | None:
    members = [*kind]
    place = ord(letter) - ord("A")
    return members[place] if place < len(members) else None


def _meanings(kind: type[_Meaning], text: str) -> dict[int, _Meaning]:
    found = [(number, _meant(kind, letter)) for number, letter in _items(text)]
    return {number: meaning for number, meaning in found if meaning is not None}


def _known(table: dict[int, _Of], tables: Iterable[Mapping[int, _Of]]) -> Mapping[int, _Of]:
    """The equal table of a release if there is one, because other code compares by identity."""
    same = (known for known in tables if known == table)
    return next(same, MappingProxyType(table))


_FUNCTIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    layout.name: MappingProxyType(
        {
            name: parameters
            for dialect in DIALECTS.values()
            if dialect.layout is layout
            for name, parameters in dialect.functions.items()
        }
    )
    for layout in LAYOUTS
}
