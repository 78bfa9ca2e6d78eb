"""How much memory an answer would take, before protobuf reads it: a few bytes that say of an output
that it is there take a hundred of them in memory."""

from __future__ import annotations

from runtime_shim.backends.remote.answers.described import MOST_PORTS
from runtime_shim.backends.remote.answers.limits import LARGEST_ANSWER
from runtime_shim.backends.remote.failures import contradiction

__all__ = ["check_size"]

_MOST_FIELDS = 4 * MOST_PORTS

_LARGEST_REST = LARGEST_ANSWER // 8
"""In bytes, of everything but tensors in raw form. A number of 8 bytes may take one in an answer.
"""

_RAW = 6
"""ModelInferResponse.raw_output_contents. No other answer has a long field of this number."""

_FIXED = {1: 8, 5: 4}
"""Sizes in bytes by type.

https://protobuf.dev/programming-guides/encoding/
"""


def check_size(server: str, answer: bytes) -> None:
    """Raise HostError for a message with too many fields, or with too much in them. What is not a
    message is left to protobuf."""
    fields = rest = position = 0
    try:
        while position < len(answer):
            began = position
            tag, position = _varint(answer, position)
            kind = tag & 7
            if kind == 0:
                _, position = _varint(answer, position)
            elif kind == 2:
                size, position = _varint(answer, position)
                position += size
            else:
                position += _FIXED[kind]
            fields += 1
            rest += 0 if tag >> 3 == _RAW else position - began
            if fields > _MOST_FIELDS or rest > _LARGEST_REST:
                raise contradiction(server, "it has too many parts, or too large ones")
    except (IndexError, KeyError):
        raise contradiction(server, "it is not the protocol's message") from None


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """A number, and where it ends. Raises IndexError."""
    number = 0
    for index in range(10):
        byte = data[position + index]
        number |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return number, position + index + 1
    raise IndexError
