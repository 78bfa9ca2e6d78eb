"""What a rewrite will do, decided whole before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rewriter.cursor import Data
from rewriter.dialects import MODULE_NAMES
from rewriter.errors import UnsupportedModule, UsageError
from rewriter.imports import groups
from rewriter.leb128 import reencode_u32
from rewriter.sections import Section, SectionId, is_linker_section, split

__all__ = ["Plan", "Rename", "make_plan", "rename_map"]

_MAX_NAME = 100_000
"""Bytes; engines refuse longer names.

https://webassembly.github.io/spec/js-api/#limits
"""


@dataclass(frozen=True, slots=True)
class Rename:
    """`imports` counts the imports that change their module name from `old` to `new`."""

    old: str
    new: str
    imports: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Replace the bytes start..end of the input by `replacement`; sizes and positions in bytes.

    With nothing to rename, `renames` is empty, and the input is the output.
    """

    input_size: int
    start: int
    end: int
    replacement: bytes
    renames: tuple[Rename, ...]

    @property
    def output_size(self) -> int:
        return self.input_size - (self.end - self.start) + len(self.replacement)

    @property
    def pieces(self) -> tuple[range | bytes, ...]:
        """The output in order: ranges are bytes of the input, passed on as they are."""
        return range(self.start), self.replacement, range(self.end, self.input_size)


def rename_map(to: str | None, renames: Mapping[str, str] | None = None) -> dict[str, str]:
    """Old names to new: the wasi-nn names that are not `to`, and `renames` besides.

    Raises UsageError for a `to` that is no wasi-nn name, and for names that are empty, over
    100,000 bytes, or renamed in two ways.
    """
    mapping = dict(renames or {})
    for name in (*mapping, *mapping.values()):
        if not name:
            raise UsageError("an import module name to rename from or to is empty")
        if len(name.encode()) > _MAX_NAME:
            raise UsageError(f"an import module name may have {_MAX_NAME} bytes at most")
    if to is None:
        return mapping
    if to not in MODULE_NAMES:
        raise UsageError(f"{to!r} is not a wasi-nn module name ({' or '.join(MODULE_NAMES)})")
    for old in MODULE_NAMES:
        if old != to and mapping.setdefault(old, to) != to:
            raise UsageError(f"{old} cannot become {to} and {mapping[old]} at once")
    return mapping


def make_plan(data: Data, mapping: Mapping[str, str]) -> Plan:
    """Plan to give every import whose module name is a key of `mapping` the name beside it.

    All renames happen at once, so names can be swapped. Raises ModuleError as `sections.split`
    and `imports.groups` do, and UnsupportedModule for a relocatable object file.
    """
    plan = _nothing(data)
    for section in split(data):
        if is_linker_section(section.name):
            raise UnsupportedModule(
                f"this is an object file (it has a {section.title}): its relocations and symbols"
                " would no longer match; link it first",
                section.start,
            )
        if section.id is SectionId.IMPORT:
            plan = _rename(data, section, mapping)
    return plan


def _nothing(data: Data) -> Plan:
    return Plan(len(data), len(data), len(data), b"", ())


def _rename(data: Data, section: Section, mapping: Mapping[str, str]) -> Plan:
    content = bytearray()
    copied = section.content
    counts: dict[tuple[str, str], int] = {}
    for group in groups(data, section):
        module = group.module
        imports = sum(1 for _ in group.imports)
        new = mapping.get(module.text, module.text)
        if new == module.text:
            continue
        text = new.encode()
        content += data[copied : module.start]
        content += reencode_u32(
            len(text),
            old=module.end - module.text_start,
            old_width=module.text_start - module.start,
        )
        content += text
        copied = module.end
        counts[module.text, new] = counts.get((module.text, new), 0) + imports
    if not counts:
        return _nothing(data)
    content += data[copied : section.end]
    size = reencode_u32(len(content), old=section.size, old_width=section.size_width)
    return Plan(
        input_size=len(data),
        start=section.start,
        end=section.end,
        replacement=bytes([section.id]) + size + content,
        renames=tuple(Rename(old, new, count) for (old, new), count in counts.items()),
    )
