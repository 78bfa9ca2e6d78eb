"""Builds modules in the text format from the files of wat/ and from data."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Sequence
from typing import NamedTuple

from rewriter.functions import wat
from rewriter.probing.command import MARK
from rewriter.probing.lines import NOBODY, line

__all__ = [
    "CANARY",
    "PLACES",
    "UNTOUCHED",
    "Arena",
    "Part",
    "component_text",
    "feature_text",
    "imports_text",
    "plain_text",
    "quoted",
    "steps_text",
]

FOLDER = os.path.dirname(__file__)

PLACES = {
    "GRAPH": 0x40,
    "CONTEXT": 0x44,
    "WRITTEN": 0x48,
    "OTHER": 0x4C,
    "IOV": 0x50,
    "SHAPE": 0x60,
    "DIMS": 0x70,
    "TENSOR": 0x80,
    "LINE": 0xA0,
    "OUT": 0x200,
    "KEYS": 0x400,
}
"""Addresses in the memory, which has 0x30000 bytes. Address 0 is not used."""

_KEY_SIZE = 16
_FREE = 0x800
"""The address of the first data."""

CANARY = 0xAA
UNTOUCHED = 77
"""The values of bytes and of words that the host is expected to overwrite."""

_KEY = re.compile(r'\(i32\.const "([a-z_0-9]+)"\)')


class Part(NamedTuple):
    """Part of a module.

    `files` are files of wat/ without their suffix, and `values` their values by name. `setup` is a
    call that returns an errno, or empty. `items` are the calls to try. Each returns whether the
    process has to end there."""

    files: tuple[str, ...]
    values: dict[str, int | str]
    setup: str
    items: tuple[str, ...]


class Arena:
    """Places a module's data at distinct addresses."""

    def __init__(self) -> None:
        self._end = _FREE
        self.segments: list[str] = []

    def place(self, content: bytes) -> int:
        """The address of `content`. At least eight zeros follow it, because some hosts read strings
        up to a zero."""
        address = self._end
        self.segments.append(f"(data (i32.const {address}) {quoted(content)})")
        self._end = (address + len(content) + 8 + 15) // 16 * 16
        return address

    def model(self, parts: Sequence[bytes]) -> int:
        """The address of a model's array: a pointer to its builders, and their number."""
        pairs = [number for part in parts for number in (self.place(part), len(part))]
        return self.pair(self.place(struct.pack(f"<{len(pairs)}I", *pairs)), len(parts))

    def pair(self, first: int, second: int) -> int:
        return self.place(struct.pack("<2I", first, second))


def quoted(content: bytes) -> str:
    return '"' + "".join(f"\\{byte:02x}" for byte in content) + '"'


def read(name: str) -> str:
    return wat.read(os.path.join(FOLDER, "wat", f"{name}.wat"))


def steps_text(part: Part, arena: Arena, start: int, wanted: int = -1) -> tuple[bytes, list[str]]:
    """A module that runs the set-up of `part` and its items from number `start` on, and the keys of
    its answers by number. `wanted` is the number of the answer to return as the exit code, or -1.

    The module answers `start`, then `item` with the number before each item, then `end`. A failed
    set-up answers `blocked`.
    """
    setup = ""
    if part.setup:
        setup = (
            f"(local.set $errno {part.setup})"
            ' (if (local.get $errno) (then (call $tell (i32.const "blocked") (local.get $errno))'
            " (return)))"
        )
    items = "\n".join(
        f'(call $tell (i32.const "item") (i32.const {number})) (if {item} (then (return)))'
        for number, item in enumerate(part.items)
        if number >= start
    )
    main = (
        f"(func $main (local $errno i32)\n{setup}\n{items}\n)\n"
        '(func (export "_start") (call $tell (i32.const "start") (i32.const 1)) (call $main)'
        ' (call $tell (i32.const "end") (i32.const 1)))'
    )
    text = "\n".join([*map(read, ("prelude", *part.files)), main])
    return _filled(text, arena.segments, {**part.values, "WANTED": wanted})


def plain_text(body: str, wanted: int = -1, exports_memory: bool = True) -> tuple[bytes, list[str]]:
    """A module of the prelude and `body`. The result and `wanted` are as in `steps_text`."""
    prelude = read("prelude")
    if not exports_memory:
        prelude = prelude.replace(' (export "memory")', " $memory")
    return _filled(f"{prelude}\n{body}", (), {"WANTED": wanted})


def _filled(
    text: str, segments: Sequence[str], values: dict[str, int | str]
) -> tuple[bytes, list[str]]:
    keys: list[str] = []

    def place_of(match: re.Match[str]) -> str:
        if match[1] not in keys:
            keys.append(match[1])
        return f"(i32.const {PLACES['KEYS'] + _KEY_SIZE * keys.index(match[1])})"

    text = _KEY.sub(place_of, _without_comments(text))
    texts = b"".join(key.encode().ljust(_KEY_SIZE, b"\0") for key in keys)
    marks = _FREE - 2 * _KEY_SIZE
    imports, others = _imports_first(text)
    data = (
        f"(data (i32.const {PLACES['KEYS']}) {quoted(texts)})",
        f"(data (i32.const {marks}) {quoted(MARK + NOBODY)})",
    )
    filled = wat.fill(
        "\n".join(["(module", *imports, others, *data, *segments, ")"]),
        {**PLACES, "KEY_SIZE": _KEY_SIZE, "MARK": marks, **_CONSTANTS, **values},
    )
    return filled.encode(), keys


_CONSTANTS = {"CANARY": CANARY, "UNTOUCHED": UNTOUCHED, "UNKNOWN": 0x7FFFFFF0}


def _imports_first(text: str) -> tuple[list[str], str]:
    """The imports of a text, each once, and the rest. Imports must precede a module's functions."""
    found: list[str] = []
    rest, at = "", 0
    for match in re.finditer(r"(?m)^\(import ", text):
        end = _form_end(text, match.start())
        form = text[match.start() : end]
        if form not in found:
            found.append(form)
        rest += text[at : match.start()]
        at = end
    return found, rest + text[at:]


def _form_end(text: str, start: int) -> int:
    depth, quote = 0, False
    for at in range(start, len(text)):
        quote ^= text[at] == '"'
        if not quote:
            depth += (text[at] == "(") - (text[at] == ")")
            if depth == 0:
                return at + 1
    raise AssertionError("a form does not end")


def feature_text(name: str, by_code: bool, code: int) -> bytes:
    """The module with one feature. It exits with `code`, or prints an answer."""
    own = _without_comments(read(f"features/{name}"))
    texts = [own, read("feature")]
    if '"memory"' not in own:
        texts.append(read("feature.memory"))
    if "(import" not in own:
        texts.append(read("feature.imports"))
    types = "\n".join(re.findall(r"(?m)^\(type .*\)$", own))
    texts[0] = re.sub(r"(?m)^\(type .*\)$", "", own)
    imports, others = _imports_first(_without_comments("\n".join(texts)))
    printed = line(0, "feature", 1)
    values = {
        "ADDRESS": "i64" if 'memory") i64' in own else "i32",
        "VECTOR": quoted(struct.pack("<2I", PLACES["LINE"], len(printed))),
        "MARKED": quoted(printed),
        "BY_CODE": int(by_code),
        "CODE": code,
    }
    text = "\n".join(["(module", types, *imports, others, ")"])
    return wat.fill(text, {**PLACES, **values}).encode()


def component_text(imports: str, *, fails: bool = False) -> bytes:
    """A component that imports these and does nothing. Its command succeeds, unless it `fails`."""
    text = _without_comments(read("component"))
    return wat.fill(text, {"IMPORTS": imports, "FAILS": int(fails)}).encode()


def imports_text(name: str, version: str = "", inference: str = "") -> str:
    """Imports of a component, in a version. `inference` names the functions of a context."""
    functions = _without_comments(read(f"component.{inference}")) if inference else ""
    text = _without_comments(read(f"component.{name}"))
    return wat.fill(text, {"VERSION": version, "INFERENCE": functions})


def _without_comments(text: str) -> str:
    return re.sub(r";;.*", "", text)
