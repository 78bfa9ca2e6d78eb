"""A custom section that says of which ABI a guest is, where a rewrite was told so and leaves no
adapter that says it: the name of the ABI, in UTF-8, and nothing else."""

from __future__ import annotations

from rewriter.abi.dialects import DIALECTS, Dialect
from rewriter.wasm.custom import GUEST
from rewriter.wasm.module import Module
from rewriter.wasm.names import encode_name
from rewriter.wasm.sections import Section

__all__ = ["guest_mark", "marked_guest", "read_mark"]

_LONGEST = 64
"""Bytes. No ABI has a longer name."""


def guest_mark(guest: Dialect) -> bytes:
    """The content of the section."""
    return encode_name(GUEST) + guest.name.encode()


def marked_guest(module: Module) -> Dialect | None:
    """What the first section says; None where there is none, or no ABI that is known."""
    section = module.custom(GUEST)
    return read_mark(section) if section is not None else None


def read_mark(section: Section) -> Dialect | None:
    """None where it does not have the name of an ABI."""
    cursor = section.cursor()
    cursor.name()
    if section.end - cursor.pos > _LONGEST:
        return None
    name = bytes(section.data[cursor.pos : section.end]).decode(errors="replace")
    return DIALECTS.get(name)
