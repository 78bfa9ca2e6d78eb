"""The custom section that keeps a guest's ABI if the user named it and no adapter shows it.

It contains only the name of the ABI in UTF-8."""

from __future__ import annotations

from collections.abc import Iterator

from rewriter.abi.dialects import DIALECTS, Dialect
from rewriter.diagnostics import Diagnostic
from rewriter.wasm.custom import GUEST
from rewriter.wasm.module import Module
from rewriter.wasm.names import encode_name
from rewriter.wasm.sections import Section

__all__ = ["guest_mark", "marked_guest", "marks", "of_marks", "read_mark"]

_LONGEST = 64
"""Bytes. All names of ABIs are shorter."""

_REMEDY = "use the release that wrote it, or name the ABI with `--guest-abi`"


def guest_mark(guest: Dialect) -> bytes:
    """The content of the section."""
    return encode_name(GUEST) + guest.name.encode()


def marks(module: Module) -> list[Section]:
    """All sections of this kind. A rewrite leaves at most one."""
    return [section for section in module.sections if section.name == GUEST]


def marked_guest(module: Module) -> Dialect | None:
    """The ABI in the section; None if there is no section, several, or an unknown ABI."""
    found = marks(module)
    return read_mark(found[0]) if len(found) == 1 else None


def of_marks(module: Module) -> Iterator[Diagnostic]:
    """A note that the section decided the ABI, or an error if it cannot be used."""
    found = marks(module)
    if len(found) > 1:
        message = f"it has {len(found)} sections nnshim.guest, but a rewrite leaves only one"
        yield Diagnostic("NN124", message, found[1].start, help=_REMEDY)
    elif found and (guest := read_mark(found[0])):
        message = f"nnshim assumes the ABI {guest.name}, because the section nnshim.guest says so"
        yield Diagnostic("NN148", message, found[0].start)
    elif found:
        message = "its section nnshim.guest names an ABI that this release of nnshim does not know"
        yield Diagnostic("NN124", message, found[0].start, help=_REMEDY)


def read_mark(section: Section) -> Dialect | None:
    """The ABI that a section names; None if it does not name one."""
    cursor = section.cursor()
    cursor.name()
    if section.end - cursor.pos > _LONGEST:
        return None
    name = bytes(section.data[cursor.pos : section.end]).decode(errors="replace")
    return DIALECTS.get(name)
