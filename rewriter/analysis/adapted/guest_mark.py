"""A custom section that says of which ABI a guest is, where a rewrite was told so and leaves no
adapter that says it: the name of the ABI, in UTF-8, and nothing else."""

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
"""Bytes. No ABI has a longer name."""

_REMEDY = "use the release that wrote it, or name the ABI with `--guest-abi`"


def guest_mark(guest: Dialect) -> bytes:
    """The content of the section."""
    return encode_name(GUEST) + guest.name.encode()


def marks(module: Module) -> list[Section]:
    """All sections of the kind. A rewrite leaves one at most."""
    return [section for section in module.sections if section.name == GUEST]


def marked_guest(module: Module) -> Dialect | None:
    """What the only section says; None where there is none, several, or no ABI that is known."""
    found = marks(module)
    return read_mark(found[0]) if len(found) == 1 else None


def of_marks(module: Module) -> Iterator[Diagnostic]:
    """That a module is taken for what its mark says, or that what it says cannot be known."""
    found = marks(module)
    if len(found) > 1:
        message = f"it has {len(found)} sections nnshim.guest, and a rewrite leaves one"
        yield Diagnostic("NN124", message, found[1].start, help=_REMEDY)
    elif found and (guest := read_mark(found[0])):
        message = f"the ABI is taken to be {guest.name}, because the section nnshim.guest says so"
        yield Diagnostic("NN148", message, found[0].start)
    elif found:
        message = "its section nnshim.guest names an ABI that is unknown to this release of nnshim"
        yield Diagnostic("NN124", message, found[0].start, help=_REMEDY)


def read_mark(section: Section) -> Dialect | None:
    """None where it does not have the name of an ABI."""
    cursor = section.cursor()
    cursor.name()
    if section.end - cursor.pos > _LONGEST:
        return None
    name = bytes(section.data[cursor.pos : section.end]).decode(errors="replace")
    return DIALECTS.get(name)
