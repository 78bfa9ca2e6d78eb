"""A custom section that says what a module was made from, by which tool, and how.

Its content is a JSON array with an object for each rewrite, the first one first: `tool`,
`operation` (the options of `nnshim rewrite`), and `sha256` of the module before it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rewriter.wasm.custom import RECORD
from rewriter.wasm.difference import Difference
from rewriter.wasm.module import Module
from rewriter.wasm.names import encode_name
from rewriter.wasm.patch import Edit, Patch
from rewriter.wasm.reader import Data
from rewriter.wasm.sections import Section, SectionId

__all__ = ["add_record", "compare_records", "new_entry", "read_record"]

Entry = Mapping[str, Any]


def new_entry(operation: Mapping[str, object], sha256: str) -> Entry:
    """The entry of a rewrite by this version, of the module with this digest, in hexadecimal."""
    from importlib import metadata

    return {
        "tool": f"nnshim {metadata.version('nnshim')}",
        "operation": operation,
        "sha256": sha256,
    }


def add_record(patch: Patch, entry: Entry) -> None:
    """Add an entry after those that are there, in the place of a record that cannot be read."""
    section = patch.module.custom(RECORD)
    entries = [*(read_record(section) or ()), entry]
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    content = encode_name(RECORD) + text
    if section is None:
        patch.add(SectionId.CUSTOM, content)
    else:
        patch.edit(section, [Edit(section.content, section.end, content)])


def read_record(section: Section | None) -> list[Entry] | None:
    """The entries of a section, none where there is no section, None where it cannot be read."""
    if section is None:
        return []
    cursor = section.cursor()
    cursor.name()
    try:
        entries = json.loads(section.data[cursor.pos : section.end])
    except (ValueError, RecursionError):
        return None
    readable = isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)
    return entries if readable else None


def compare_records(original: Module, rewritten: Module) -> Iterator[Difference]:
    """What is recorded in the rewritten module has to go on from what the original has, and the
    first entry that it adds has to be about the original."""
    before, after = (
        [section for section in side.sections if section.name == RECORD]
        for side in (original, rewritten)
    )
    if [s.data[s.content : s.end] for s in before] == [s.data[s.content : s.end] for s in after]:
        return
    at = before[0].start if before else None, after[0].start if after else None
    old = read_record(before[0] if before else None)
    new = read_record(after[0] if after else None)
    if len(before) > 1 or len(after) != 1 or old is None or new is None:
        yield Difference("NN421", "record: it is gone, cannot be read, or is there twice", *at)
    elif new[: len(old)] != old or len(new) == len(old):
        yield Difference("NN422", "record: it is that of another module", *at)
    elif new[len(old)].get("sha256") != _sha256(original.data):
        yield Difference("NN423", "record: the original has another SHA-256", *at)


def _sha256(data: Data) -> str:
    import hashlib  # OpenSSL takes a tenth of the start-up time

    return hashlib.sha256(data).hexdigest()
