"""Unsigned and signed LEB128 integers.

Specification: https://webassembly.github.io/spec/core/binary/values.html#integers
"""

from __future__ import annotations

from mmap import mmap

from rewriter.errors import MalformedModule

__all__ = [
    "MAX_U32_WIDTH",
    "decode_s33",
    "decode_unsigned",
    "encode_signed",
    "encode_u32",
    "reencode_u32",
]

MAX_U32_WIDTH = 5
"""ceil(32 / 7): the most bytes that a u32 may take. Linkers pad numbers to this width to patch them
later."""

_U32_MAX = 2**32 - 1


def decode_unsigned(data: bytes | mmap, pos: int, end: int, bits: int = 32) -> tuple[int, int]:
    """Read an unsigned integer of at most `bits` bits from data[pos:end].

    Returns the value and the position after it. Raises MalformedModule if the bytes run out, if the
    encoding is longer than ceil(bits / 7) bytes, or if the value exceeds `bits` bits.
    """
    if pos < end and (byte := data[pos]) < 0x80:
        return byte, pos + 1
    value, _, end_pos = _decode(data, pos, end, bits)
    if value >> bits:
        raise MalformedModule(f"integer does not fit in {bits} bits", pos)
    return value, end_pos


def decode_s33(data: bytes | mmap, pos: int, end: int) -> tuple[int, int]:
    """Read a signed 33-bit integer, as heap types use, from data[pos:end].

    Returns the value and the position after it. Raises MalformedModule like decode_unsigned.
    """
    value, width, end_pos = _decode(data, pos, end, 33)
    if value >> width - 1:
        value -= 1 << width
    if not -(1 << 32) <= value < 1 << 32:
        raise MalformedModule("integer does not fit in 33 bits", pos)
    return value, end_pos


def _decode(data: bytes | mmap, pos: int, end: int, bits: int) -> tuple[int, int, int]:
    """The bits of an integer without its sign, their number, and the position after them."""
    start, value, width = pos, 0, 0
    while True:
        if pos >= end:
            raise MalformedModule("unexpected end inside an integer", pos, "NN102")
        byte = data[pos]
        pos += 1
        value |= (byte & 0x7F) << width
        width += 7
        if byte < 0x80:
            return value, width, pos
        if width >= bits:
            raise MalformedModule(f"integer encoding is too long for {bits} bits", start)


def encode_u32(value: int, width: int = 1) -> bytes:
    """Encode `value` in at least `width` bytes, padded with continuation bytes.

    Raises ValueError if the value is not a u32.
    """
    if not 0 <= value <= _U32_MAX:
        raise ValueError(f"{value} is not a u32")
    encoded = bytearray()
    while value >= 0x80 or len(encoded) + 1 < width:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def encode_signed(value: int) -> bytes:
    """Encode a signed integer in as few bytes as possible."""
    encoded = bytearray()
    while not -64 <= value < 64:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value & 0x7F)
    return bytes(encoded)


def reencode_u32(value: int, *, old: int, old_width: int) -> bytes:
    """Encode `value` with the same padding that `old` had in `old_width` bytes.

    A shortest encoding stays a shortest one, a padded one keeps its number of spare bytes, and five
    bytes stay five. So the width changes only if the value crosses a power of 128, and changing the
    value back restores the original encoding. The exception is a field that grows to five bytes: it
    cannot be distinguished from one that had five bytes before.
    """
    if old_width == MAX_U32_WIDTH:
        return encode_u32(value, MAX_U32_WIDTH)
    padding = old_width - len(encode_u32(old))
    return encode_u32(value, min(len(encode_u32(value)) + padding, MAX_U32_WIDTH))
