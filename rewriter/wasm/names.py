"""The names of functions in the custom section "name".

Specification: https://webassembly.github.io/spec/core/appendix/custom.html#name-section
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from rewriter.errors import MalformedModule
from rewriter.wasm.custom import NAMES
from rewriter.wasm.leb128 import encode_u32
from rewriter.wasm.patch import Edit, Patch, growth, resized
from rewriter.wasm.reader import Cursor, Name, Reading
from rewriter.wasm.sections import Section, SectionId

__all__ = ["encode_name", "function_names", "in_rust", "rename_functions", "takes_names"]

_FUNCTION_NAMES = 1

_MANGLED = re.compile(r"_ZN(?P<path>[A-Za-z0-9_.$]+)17h[0-9a-f]{16}E")
"""A name of Rust in its legacy mangling: a path, whose parts follow their lengths, and a hash.

https://github.com/rust-lang/rustc-demangle/blob/main/src/legacy.rs
"""

_NUMBER = re.compile("[1-9][0-9]{0,5}")
"""The length of a part."""

_SYMBOLS: Mapping[str, str] = MappingProxyType(
    {"SP": "@", "BP": "*", "RF": "&", "LT": "<", "GT": ">", "LP": "(", "RP": ")", "C": ","}
)
"""What stands between dollar signs in a mangled name. `u7e` is the character U+007E."""


def rename_functions(patch: Patch, first: int, added: Sequence[str]) -> None:
    """Replace the names of all functions from index `first` on.

    A name section that cannot be read is left unchanged: it is debug information and does not
    affect execution.
    """
    section = patch.module.custom(NAMES)
    entries = [encode_u32(first + i) + encode_name(text) for i, text in enumerate(added)]
    if section is None:
        if entries:
            patch.add(SectionId.CUSTOM, encode_name(NAMES) + _subsection(entries))
        return
    try:
        position, names = _find(section)
        if names is not None:
            edits = _replace_last(names, _entries(section, names), first, entries)
        else:
            edits = [Edit(position, position, _subsection(entries) if entries else b"")]
    except MalformedModule:
        return
    if section.size + growth(edits) == len(encode_name(NAMES)):
        patch.drop(section)
    else:
        patch.edit(section, edits)


def function_names(section: Section) -> tuple[Collection[tuple[int, bytes]], bytes]:
    """The names of functions with their indices, and the rest of the name section.

    If the section cannot be read, all of it counts as the rest.
    """
    cursor, data = section.cursor(), section.data
    cursor.name()
    start = cursor.pos
    position, names = _read(section) or (start, None)
    if names is None:
        return (), data[start : section.end]
    found = Reading(partial(_texts, section, names))
    return found, data[start:position] + data[names.end : section.end]


def in_rust(name: str) -> str:
    """A function's name as Rust's source has it, without the hash. Names in another mangling or
    language are returned unchanged."""
    found = _MANGLED.fullmatch(name)
    if found is None:
        return name
    parts, path, at = [], found["path"], 0
    while at < len(path):
        number = _NUMBER.match(path, at)
        if number is None or int(number[0]) > len(path) - number.end():
            return name
        at = number.end() + int(number[0])
        parts.append(_unescaped(path[number.end() : at]))
    return "::".join(parts)


def _unescaped(part: str) -> str:
    def symbol(found: re.Match[str]) -> str:
        code = found[1]
        char = _SYMBOLS.get(code) or (chr(int(code[1:], 16)) if code[0] == "u" else "")
        return char if char.isprintable() and char else found[0]

    part = part.removeprefix("_") if part.startswith("_$") else part
    return re.sub(r"\$([A-Z]{1,2}|u[0-9a-f]{1,4})\$", symbol, part.replace("..", "::"))


def takes_names(section: Section) -> bool:
    """Whether a name section can be read, so that names can be added to it."""
    return _read(section) is not None


def _read(section: Section) -> tuple[int, _Subsection | None] | None:
    """Like _find, but None if the section or the names of functions cannot be read."""
    try:
        position, names = _find(section)
        for _ in _entries(section, names) if names else ():
            pass
    except MalformedModule:
        return None
    return position, names


def _texts(section: Section, names: _Subsection) -> Iterator[tuple[int, bytes]]:
    for entry in _entries(section, names):
        yield entry.function, section.data[entry.name.text_start : entry.name.end]


class _Subsection(NamedTuple):
    start: int
    content: int
    end: int


class _Entry(NamedTuple):
    """The entry of one function: its index and its name."""

    start: int
    function: int
    name: Name


def _find(section: Section) -> tuple[int, _Subsection | None]:
    """The position where the subsection of function names is or belongs, and the subsection, if
    there is one. Subsections are in the order of their numbers, each at most once."""
    cursor = section.cursor()
    cursor.name()
    position, names, last = None, None, -1
    while cursor.pos < cursor.end:
        start = cursor.pos
        kind, size = cursor.byte(), cursor.u32()
        if kind <= last or size > cursor.end - cursor.pos:
            raise MalformedModule("the name section cannot be read", start)
        content, cursor.pos, last = cursor.pos, cursor.pos + size, kind
        if kind == _FUNCTION_NAMES:
            names = _Subsection(start, content, cursor.pos)
        if position is None and kind >= _FUNCTION_NAMES:
            position = start
    return section.end if position is None else position, names


def _entries(section: Section, names: _Subsection) -> Iterator[_Entry]:
    """The names of functions in the order of their indices, at most one each."""
    cursor = Cursor(section.data, names.content, names.end)
    last = -1
    for _ in range(cursor.count("function names")):
        entry = _Entry(cursor.pos, cursor.u32(), cursor.name())
        if entry.function <= last:
            raise MalformedModule("names of functions are out of order", entry.start)
        last = entry.function
        yield entry
    cursor.finish("the function names")


def _replace_last(
    names: _Subsection, found: Iterable[_Entry], first: int, entries: Sequence[bytes]
) -> list[Edit]:
    """Replace the names from function `first` on by `entries`."""
    count = kept = 0
    counted = kept_end = names.end
    for entry in found:
        if not count:
            counted = entry.start
        count += 1
        if entry.function < first:
            kept = count
            kept_end = entry.name.end
    if not kept:
        kept_end = counted
    if kept + len(entries) == 0:
        return [Edit(names.start, names.end, b"")]
    edits = resized(names.content, counted, count, kept + len(entries) - count)
    edits.append(Edit(kept_end, names.end, b"".join(entries)))
    size = names.end - names.content
    return [*resized(names.start + 1, names.content, size, growth(edits)), *edits]


def _subsection(entries: Sequence[bytes]) -> bytes:
    content = encode_u32(len(entries)) + b"".join(entries)
    return bytes([_FUNCTION_NAMES]) + encode_u32(len(content)) + content


def encode_name(text: str) -> bytes:
    """A name as it is encoded in modules, with its length before it."""
    encoded = text.encode()
    return encode_u32(len(encoded)) + encoded
