"""Names that would do something to a terminal, and what is left of them in what is printed."""

from __future__ import annotations

__all__ = ["HOSTILE", "NOT_UTF8", "READABLE", "assert_harmless", "wat"]

_CONTROLS = [*range(1, 0x0A), *range(0x0B, 0x20), *range(0x7F, 0xA0)]
"""C0, but for NUL, which no command line can have, and the line feed; DEL and C1."""

_FORMATS = [0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)]
"""Separators of lines and paragraphs, and what changes the direction of text."""

HOSTILE = "a" + "".join(map(chr, [*_CONTROLS, *_FORMATS])) + "\nforged"
"""Fits in the name of a file, which may have 255 bytes."""

NOT_UTF8 = "b\udcff\udc9b\n\x1b[2Jforged"
"""The name of a file, of bytes that are no UTF-8, as Python has it."""

READABLE = "é日本🙂"


def wat(text: str) -> str:
    """A string of WebAssembly's text format."""
    return '"' + "".join(f"\\{byte:02x}" for byte in text.encode()) + '"'


def assert_harmless(*outputs: bytes) -> None:
    """In which no character is one that a name has brought along; and no line is a name's."""
    for output in outputs:
        lines = output.decode().split("\n")
        assert all(map(str.isprintable, lines)), output
        assert not any(line.lstrip().startswith("forged") for line in lines), output
