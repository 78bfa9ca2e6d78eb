"""The memory of the modules that are added to a component: what is where.

early.wat and late.wat get the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from rewriter.abi.structures import named_offsets, structure

__all__ = [
    "ENTRIES",
    "ENTRIES_END_AT",
    "ENTRY",
    "ERROR",
    "FIRST_HANDLE",
    "FIRST_SIZE",
    "FREE_BLOCKS",
    "FREE_ENTRY_AT",
    "GROW",
    "HEAP",
    "HEAP_END_AT",
    "INPUT",
    "MOST_ENTRIES",
    "PLACES",
    "PLAN",
    "PORT",
    "REPLY",
    "SMALLEST",
    "VALUES",
    "Kind",
    "Stop",
]

_PAGE = 1 << 16

ENTRY = structure(kind="I", value="I", block="I", length="I", rank="I12x")
"""What a handle stands for. `value` is a tensor's type, an error's code, the host's handle of a
graph or a context, or the next free entry. The block has `length` bytes, padded to a multiple of
four, and then a tensor's dimensions. 32 bytes."""

INPUT = structure(name="I", length="I", entry="I")
"""One input of `compute`: its name in the guest's memory, and the entry of its tensor."""

REPLY = structure(bytes="I", count="I")
"""What `compute` returns: the size of its block, the number of outputs, and then for each output
three u32: where its name is, the name's length in bytes, and the handle of its tensor."""

PLAN = structure(inputs="I", outputs="I")
"""How a context computes again: the numbers of ports. The block has a port for each input and each
output of such a call, in order, and what these point to."""

PORT = structure(
    name="I", name_length="I", type="I", length="I", rank="I", dimensions="I", place="I"
)
"""An input or output of a plan: pointer to its name and the name's length, its type, its length in
bytes, the number of its dimensions and a pointer to them, and where the NN runtime reads or writes
it."""

FREE_ENTRY_AT, ENTRIES_END_AT, HEAP_END_AT, _BUSY_AT = 16, 20, 24, 28
FREE_BLOCKS = 64
"""Where the first free block of each class is: 105 addresses."""

ENTRIES = _PAGE
MOST_ENTRIES = 1 << 21
"""Handles that a guest can have at a time. Their 64 MiB of memory take up space only once they are
used."""

PLACES = ENTRIES + MOST_ENTRIES * ENTRY.size
_PLACES_SIZE = 1 << 28
"""For what NN runtimes read and write in place, in bytes. Only what is written takes up memory. The
same as runtime_shim.engine.trampolines has."""

HEAP = PLACES + _PLACES_SIZE
FIRST_SIZE = HEAP
"""Of the memory at the start, in bytes."""

SMALLEST = 64
"""Bytes of a block, and its alignment: the same as NN runtimes use."""

_LARGEST = 7 << 29
"""Bytes of the largest block that a memory of 4 GiB can have."""

FIRST_HANDLE = 1 << 27
"""More than a guest gets from an engine, which counts from 1, so that a handle of WASI's is never
one of wasi:nn's."""

GROW, ERROR = 2 << 32, 1 << 32
"""What is in the upper half of an answer: the lower half is a number of bytes, or the handle of an
error."""


class Kind(IntEnum):
    """What an entry is. A free one has 0."""

    TENSOR = 1
    ERROR = 2
    GRAPH = 3
    CONTEXT = 4
    TAKEN = 5
    """A tensor that `compute` or `set-input` has taken from the guest."""


class Stop(IntEnum):
    """Why the added modules stop a guest. HANDLE is followed by one for each kind."""

    OUTSIDE = 0
    UNALIGNED = 1
    ENUM = 2
    BUSY = 3
    TOO_LARGE = 4
    HANDLES = 5
    HANDLE = 6


VALUES: Mapping[str, int] = {
    "FIRST_PAGES": HEAP // _PAGE,
    "FREE_ENTRY_AT": FREE_ENTRY_AT,
    "ENTRIES_END_AT": ENTRIES_END_AT,
    "HEAP_END_AT": HEAP_END_AT,
    "BUSY_AT": _BUSY_AT,
    "FREE_BLOCKS": FREE_BLOCKS,
    "ENTRIES": ENTRIES,
    "MOST_ENTRIES": MOST_ENTRIES,
    "PLACES": PLACES,
    "HEAP": HEAP,
    "SMALLEST": SMALLEST,
    "LARGEST": _LARGEST,
    "FIRST_HANDLE": FIRST_HANDLE,
    "ANSWER_GROW": GROW >> 32,
    "TYPES": 7,
    "ENCODINGS": 7,
    "TARGETS": 3,
    "CODES": 9,
    **{f"KIND_{kind.name}": int(kind) for kind in Kind},
    **{f"STOP_{stop.name}": int(stop) for stop in Stop},
    **named_offsets("ENTRY", ENTRY),
    **named_offsets("INPUT", INPUT),
    **named_offsets("REPLY", REPLY),
    **named_offsets("PLAN", PLAN),
    **named_offsets("PORT", PORT),
}
"""The numbers in the modules' text, without the most pages of their memory."""
