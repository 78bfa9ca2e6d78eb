"""A custom section that records the rewrites of a module.

Its content is a JSON array with an object for each rewrite, the oldest first: `tool`, `operation`
(the options of the rewrite), and `sha256` of the module before it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rewriter.wasm.custom import RECORD
from rewriter.wasm.names import encode_name
from rewriter.wasm.patch import Edit, Patch
from rewriter.wasm.sections import Section, SectionId

if TYPE_CHECKING:
    from rewriter.components.sections import ComponentSection

__all__ = ["add_record", "encode_record", "new_entry", "read_record"]

Entry = Mapping[str, Any]


def new_entry(operation: Mapping[str, object], sha256: str) -> Entry:
    """The entry for a rewrite by this version of nnshim. `sha256` is the digest of the input in
    hexadecimal."""
    from importlib import metadata

    return {
        "tool": f"nnshim {metadata.version('nnshim')}",
        "operation": operation,
        "sha256": sha256,
    }


def add_record(patch: Patch, entry: Entry) -> None:
    """Add an entry after the existing ones. A record that cannot be read is replaced."""
    section = patch.module.custom(RECORD)
    content = encode_record(section, entry)
    if section is None:
        patch.add(SectionId.CUSTOM, content)
    else:
        patch.edit(section, [Edit(section.content, section.end, content)])


def encode_record(section: Section | ComponentSection | None, entry: Entry) -> bytes:
    """The content of a section with the entries of `section` and another one."""
    entries = [*(read_record(section) or ()), entry]
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    return encode_name(RECORD) + text


def read_record(section: Section | ComponentSection | None) -> list[Entry] | None:
    """The entries of a section. Empty if there is no section, None if it cannot be read."""
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
