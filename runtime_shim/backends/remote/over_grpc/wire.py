"""What protobuf puts before the fields that this package writes and finds by itself.

https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

__all__ = ["ID", "RAW_INPUT", "varint"]

ID = b"\x1a"
"""ModelInferRequest.id: field 3, with a length."""

RAW_INPUT = b"\x3a"
"""ModelInferRequest.raw_input_contents: field 7, with a length each."""


def varint(number: int) -> bytes:
    """A length as protobuf writes it, which is LEB128."""
    pieces = bytearray()
    while number > 0x7F:
        pieces.append(number & 0x7F | 0x80)
        number >>= 7
    pieces.append(number)
    return bytes(pieces)
