"""Modules made by hand, byte by byte, and by wasm-tools from text."""

from __future__ import annotations

import functools
from collections.abc import Iterable

from rewriter.files import wasm_tools
from rewriter.wasm.leb128 import encode_u32
from rewriter.wasm.sections import SectionId

HEADER = b"\0asm\x01\0\0\0"


@functools.cache
def assemble(text: str) -> bytes:
    return wasm_tools.assemble(text.encode())


def name(text: str, width: int = 1) -> bytes:
    data = text.encode()
    return encode_u32(len(data), width) + data


def section(section_id: SectionId, content: bytes, width: int = 1) -> bytes:
    return bytes([section_id]) + encode_u32(len(content), width) + content


def custom(title: str, content: bytes = b"") -> bytes:
    return section(SectionId.CUSTOM, name(title) + content)


def vector(*items: bytes) -> bytes:
    return encode_u32(len(items)) + b"".join(items)


FUNC_0 = b"\x00\x00"
"""The import of a function of type 0."""

TYPES = section(SectionId.TYPE, vector(b"\x60\x00\x00"))
"""One type: a function without parameters and results."""


def imports(*items: bytes, width: int = 1) -> bytes:
    return section(SectionId.IMPORT, vector(*items), width)


def imported(module: str, field: str = "f", extern: bytes = FUNC_0) -> bytes:
    return name(module) + name(field) + extern


def import_module(*modules: str) -> bytes:
    """A module that imports one function from each of `modules`."""
    return HEADER + TYPES + imports(*map(imported, modules))


LOAD = b"\x60\x05" + b"\x7f" * 5 + b"\x01\x7f"
"""The type of the specification's load."""


def sized(content: bytes) -> bytes:
    return encode_u32(len(content)) + content


def with_code(
    *bodies: bytes,
    types: Iterable[bytes] = (),
    others: Iterable[bytes] = (),
    exports: Iterable[bytes] = (),
    before: bytes = b"",
    after: bytes = b"",
) -> bytes:
    """Imports load as function 0, and `others`; exports its memory, and `exports`; `before` stands
    before the exports."""
    return (
        HEADER
        + section(SectionId.TYPE, vector(LOAD, b"\x60\x00\x00", *types))
        + imports(imported("wasi_ephemeral_nn", "load"), *others)
        + section(SectionId.FUNCTION, vector(*[b"\x01"] * len(bodies)))
        + section(SectionId.MEMORY, vector(b"\0\1"))
        + before
        + section(SectionId.EXPORT, vector(name("memory") + b"\2\0", *exports))
        + section(SectionId.CODE, vector(*map(sized, bodies)))
        + after
    )
