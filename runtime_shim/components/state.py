"""The memory of the modules that are added to a component: handles, and blocks of bytes.

early.wat and late.wat use the same structures. Both sides make entries and blocks, so an answer of
the host needs no call back into the guest.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from enum import IntEnum
from typing import NamedTuple, Protocol

from rewriter.abi.structures import named_offsets, structure
from runtime_shim.engine.binding.components import Fault

__all__ = [
    "FIRST_SIZE",
    "VALUES",
    "Kind",
    "NamedOutput",
    "NoHandles",
    "NoRoom",
    "Output",
    "Port",
    "State",
    "Stop",
    "answer_error",
    "answer_grow",
    "block_size",
    "handle_of",
    "reply_sizes",
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

_FREE_ENTRY_AT, _ENTRIES_END_AT, _HEAP_END_AT, _BUSY_AT = 16, 20, 24, 28
_FREE_BLOCKS = 64
"""Where the first free block of each class is: 105 addresses."""

_ENTRIES = _PAGE
_MOST_ENTRIES = 1 << 21
"""Handles that a guest can have at a time. Their 64 MiB of memory take up space only once they are
used."""

_PLACES = _ENTRIES + _MOST_ENTRIES * ENTRY.size
_PLACES_SIZE = 1 << 28
"""For what NN runtimes read and write in place, in bytes. Only what is written takes up memory. The
same as runtime_shim.engine.trampolines has."""

_HEAP = _PLACES + _PLACES_SIZE
FIRST_SIZE = _HEAP
"""Of the memory at the start, in bytes."""

_SMALLEST = 64
"""Bytes of a block, and its alignment: the same as NN runtimes use."""

_LARGEST = 7 << 29
"""Bytes of the largest block that a memory of 4 GiB can have."""

_FIRST_HANDLE = 1 << 27
"""More than a guest gets from an engine, which counts from 1, so that a handle of WASI's is never
one of wasi:nn's."""

_GROW, _ERROR = 2 << 32, 1 << 32
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
    "FIRST_PAGES": _HEAP // _PAGE,
    "FREE_ENTRY_AT": _FREE_ENTRY_AT,
    "ENTRIES_END_AT": _ENTRIES_END_AT,
    "HEAP_END_AT": _HEAP_END_AT,
    "BUSY_AT": _BUSY_AT,
    "FREE_BLOCKS": _FREE_BLOCKS,
    "ENTRIES": _ENTRIES,
    "MOST_ENTRIES": _MOST_ENTRIES,
    "PLACES": _PLACES,
    "HEAP": _HEAP,
    "SMALLEST": _SMALLEST,
    "LARGEST": _LARGEST,
    "FIRST_HANDLE": _FIRST_HANDLE,
    "ANSWER_GROW": _GROW >> 32,
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


class Memory(Protocol):
    """A memory that never moves: runtime_shim.engine.binding.memories."""

    size: int
    """In bytes."""

    @property
    def view(self) -> memoryview:
        """Of `size` bytes, and of those it may have later, which must not be touched yet."""


class Output(Protocol):
    """What a model returns: the type in wasi:nn's numbers, the dimensions, and the bytes."""

    @property
    def type(self) -> int: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def data(self) -> memoryview: ...


class NamedOutput(Output, Protocol):
    """One of the outputs of `compute`."""

    @property
    def name(self) -> str: ...


class Port(NamedTuple):
    """An input or output of a plan: its name, the type in wasi:nn's numbers, the length in bytes,
    the dimensions, and where its place is among the places."""

    name: bytes
    type: int
    length: int
    shape: tuple[int, ...]
    place: int


class NoHandles(Fault):
    """Stops a guest that has as many handles as there can be."""

    def __init__(self) -> None:
        super().__init__(f"wasi:nn: there can be at most {_MOST_ENTRIES} handles")


class NoRoom(Exception):
    """The memory has to become larger first, by this many bytes."""

    def __init__(self, missing: int) -> None:
        super().__init__(missing)
        self.missing = missing


class State:
    """The host's side of the memory. Offsets in it come from the added modules, which guests cannot
    write to, so they are not checked."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._bytes = memory.view
        self._words = memory.view.cast("I")

    def inputs(self, block: int, count: int) -> Iterator[tuple[int, int, int]]:
        """Pointer and length of the name, and the entry, of each input of `compute`."""
        words = self._words
        for at in range(block >> 2, (block >> 2) + 3 * count, 3):
            yield words[at], words[at + 1], words[at + 2]

    def rank(self, entry: int) -> int:
        """The number of dimensions of an entry's tensor."""
        return self._words[(entry >> 2) + 4]

    def form(self, entry: int) -> tuple[int, int, bytes]:
        """The type, the number of dimensions, and the dimensions, of an entry's tensor."""
        words, at = self._words, entry >> 2
        rank = words[at + 4]
        dims = words[at + 2] + (words[at + 3] + 3 & -4)
        return words[at + 1], rank, self._bytes[dims : dims + 4 * rank].tobytes()

    def data(self, entry: int) -> memoryview:
        """The bytes of an entry's tensor."""
        block, length = self._words[(entry >> 2) + 2], self._words[(entry >> 2) + 3]
        return self._bytes[block : block + length]

    def reserve(self, sizes: Sequence[int]) -> None:
        """Raise NoRoom unless a block of each size fits."""
        missing = 0
        taken: dict[int, int] = {}
        for size in sizes:
            number, room = _class(size)
            free = taken.get(number, self._words[(_FREE_BLOCKS >> 2) + number])
            if free:
                taken[number] = self._words[free >> 2]
            else:
                missing += room
        missing -= self._memory.size - self._words[_HEAP_END_AT >> 2]
        if missing > 0:
            raise NoRoom(missing)

    def _block(self, size: int) -> int:
        """A block, for which there has to be room."""
        words = self._words
        number, room = _class(size)
        head = (_FREE_BLOCKS >> 2) + number
        block = words[head]
        if block:
            words[head] = words[block >> 2]
            return block
        block = words[_HEAP_END_AT >> 2]
        words[_HEAP_END_AT >> 2] = block + room
        return block

    def _entry(self, kind: Kind, value: int) -> int:
        words = self._words
        entry = words[_FREE_ENTRY_AT >> 2]
        if entry:
            words[_FREE_ENTRY_AT >> 2] = words[(entry >> 2) + 1]
        else:
            entry = words[_ENTRIES_END_AT >> 2]
            if entry == _PLACES:
                raise NoHandles
            words[_ENTRIES_END_AT >> 2] = entry + ENTRY.size
        words[entry >> 2] = kind
        words[(entry >> 2) + 1] = value
        return entry

    @property
    def places(self) -> memoryview:
        """The room for what NN runtimes read and write in place."""
        return self._bytes[_PLACES:_HEAP]

    def number(self, kind: Kind, value: int) -> int:
        """The entry of a new graph or context."""
        entry = self._entry(kind, value)
        self._words[(entry >> 2) + 2] = 0  # no plan
        return entry

    def add_plan(self, entry: int, inputs: Sequence[Port], outputs: Sequence[Port]) -> None:
        """Give a context a plan, if there is room for it."""
        ports = (*inputs, *outputs)
        at = PLAN.size + PORT.size * len(ports)
        size = at + sum(4 * len(port.shape) + len(port.name) for port in ports)
        with suppress(NoRoom):
            self.reserve((size,))
            block = self._block(size)
            PLAN.pack_into(self._bytes, block, len(inputs), len(outputs))
            dims, names = block + at, block + at + sum(4 * len(port.shape) for port in ports)
            for number, port in enumerate(ports):
                where = block + PLAN.size + PORT.size * number
                rank = len(port.shape)
                fields = names, len(port.name), port.type, port.length, rank, dims
                PORT.pack_into(self._bytes, where, *fields, _PLACES + port.place)
                self._bytes[names : names + len(port.name)] = port.name
                struct.pack_into(f"<{rank}I", self._bytes, dims, *port.shape)
                names += len(port.name)
                dims += 4 * rank
            self._words[(entry >> 2) + 2] = block
            self._words[(entry >> 2) + 3] = size

    def has_plan(self, entry: int) -> bool:
        """Whether a context has a plan."""
        return self._words[(entry >> 2) + 2] != 0

    def drop_plan(self, entry: int) -> None:
        """Take a context's plan away, if it has one."""
        words, at = self._words, entry >> 2
        block = words[at + 2]
        if block:
            words[at + 2] = 0
            head = (_FREE_BLOCKS >> 2) + _class(words[at + 3])[0]
            words[block >> 2] = words[head]
            words[head] = block

    def error(self, code: int, text: bytes) -> int:
        """The handle of a new error, for whose text there has to be room."""
        return handle_of(self._filled(Kind.ERROR, code, text, ()))

    def tensor_of(self, output: Output) -> int:
        """The handle of a new tensor, for which there has to be room."""
        return handle_of(self._filled(Kind.TENSOR, output.type, output.data, output.shape))

    def _filled(
        self, kind: Kind, value: int, data: bytes | memoryview, shape: tuple[int, ...]
    ) -> int:
        words, length, rank = self._words, len(data), len(shape)
        entry = self._entry(kind, value)
        block = self._block(block_size(length, rank))
        at = entry >> 2
        words[at + 2], words[at + 3], words[at + 4] = block, length, rank
        self._bytes[block : block + length] = data
        dims = (block + (length + 3 & -4)) >> 2
        for dimension in shape:
            words[dims] = dimension
            dims += 1
        return entry

    def reply(self, outputs: Sequence[NamedOutput]) -> int:
        """The block of a reply with the name and the handle of each output. There has to be room
        for all of them."""
        words, count = self._words, len(outputs)
        names = [output.name.encode() for output in outputs]
        size = _reply_size(names)
        block = self._block(size)
        at = block >> 2
        words[at], words[at + 1] = size, count
        at += REPLY.size >> 2
        where = block + REPLY.size + INPUT.size * count
        for name, output in zip(names, outputs, strict=True):
            end = where + len(name)
            words[at], words[at + 1], words[at + 2] = where, len(name), self.tensor_of(output)
            self._bytes[where:end] = name
            at += INPUT.size >> 2
            where = end
        return block


def answer_error(handle: int) -> int:
    """The answer that gives the guest an error."""
    return _ERROR | handle


def answer_grow(missing: int) -> int:
    """The answer that asks for more memory, and for a call of `resume`."""
    return _GROW | missing


def block_size(length: int, rank: int) -> int:
    """The bytes of a block for data and dimensions."""
    return (length + 3 & -4) + 4 * rank


def reply_sizes(outputs: Sequence[NamedOutput]) -> list[int]:
    """The bytes of each block of a reply: a tensor for each output, and their names."""
    sizes = [block_size(len(output.data), len(output.shape)) for output in outputs]
    sizes.append(_reply_size([output.name.encode() for output in outputs]))
    return sizes


def _reply_size(names: Sequence[bytes]) -> int:
    return REPLY.size + INPUT.size * len(names) + sum(map(len, names))


def handle_of(entry: int) -> int:
    """The guest's handle of an entry."""
    return _FIRST_HANDLE + (entry - _ENTRIES) // ENTRY.size


def _class(size: int) -> tuple[int, int]:
    """The class of blocks that have room for a number of bytes, and what such a block takes."""
    if size <= _SMALLEST:
        return 0, _SMALLEST
    last = size - 1
    quarter = last.bit_length() - 3
    step = last >> quarter & 3
    return 4 * (quarter - 4) + step + 1, (5 + step << quarter) + 63 & -64
