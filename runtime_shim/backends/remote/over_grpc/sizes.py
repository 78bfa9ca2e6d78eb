"""How much memory an answer would take, before protobuf reads it: a few bytes that say of an output
that it is there take a hundred of them in memory."""

from __future__ import annotations

from collections.abc import Iterator

from runtime_shim.backends.remote.answers.described import MOST_PORTS
from runtime_shim.backends.remote.failures import contradiction
from runtime_shim.backends.remote.speaker import Speaker

__all__ = ["check_size"]

_SHORT = 1 << 14
"""In bytes. Whatever such an answer has in it, it takes a few megabytes of memory at most."""

_MOST_FIELDS = 4 * MOST_PORTS

_LARGEST_REST = 32 << 20
"""In bytes, of everything but tensors in raw form. A number may take one in an answer, and each is
made a number of Python's."""

_MOST_PARTS = 16 * MOST_PORTS
"""Fields of all outputs."""

_OUTPUT = 5
"""ModelInferResponse.outputs, and ModelMetadataResponse.outputs."""

_RAW = 6
"""ModelInferResponse.raw_output_contents. No other answer has a long field of this number."""

_FIXED = {1: 8, 5: 4}
"""Sizes in bytes by type.

https://protobuf.dev/programming-guides/encoding/
"""


def check_size(server: Speaker, answer: bytes) -> None:
    """Raise HostError for a message with too many fields, or with too much in them. What is not a
    message is left to protobuf."""
    if len(answer) <= _SHORT:
        return
    fields = parts = rest = 0
    try:
        for number, began, start, end in _fields(answer, 0, len(answer)):
            fields += 1
            rest += 0 if number == _RAW else end - began
            if number == _OUTPUT:
                for _ in _fields(answer, start, min(end, len(answer))):
                    parts += 1
                    _check(server, parts <= _MOST_PARTS)
            _check(server, fields <= _MOST_FIELDS and rest <= _LARGEST_REST)
    except (IndexError, KeyError):
        raise contradiction(server, "it is not the protocol's message") from None


def _check(server: Speaker, fits: bool) -> None:
    if not fits:
        raise contradiction(server, "it has too many parts, or too large ones")


def _fields(data: bytes, position: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """The number of each field of a message, where it begins, where its data do, and where it
    ends. Raises IndexError and KeyError."""
    while position < end:
        began = position
        tag, position = _varint(data, position)
        kind, start = tag & 7, position
        if kind == 0:
            _, position = _varint(data, position)
        elif kind == 2:
            size, start = _varint(data, position)
            position = start + size
        else:
            position += _FIXED[kind]
        yield tag >> 3, began, start, position


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """A number, and where it ends. Raises IndexError."""
    number = 0
    for index in range(10):
        byte = data[position + index]
        number |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return number, position + index + 1
    raise IndexError
