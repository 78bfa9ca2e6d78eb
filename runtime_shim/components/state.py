"""The memory of the modules that are added to a component: handles, and blocks of bytes.

early.wat and late.wat use the same structures. Both sides make entries and blocks, so an answer of
the host needs no call back into the guest.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol

from runtime_shim.components.layout import (
    ENTRIES,
    ENTRIES_END_AT,
    ENTRY,
    ERROR,
    FIRST_HANDLE,
    FREE_BLOCKS,
    FREE_ENTRY_AT,
    GROW,
    HEAP,
    HEAP_END_AT,
    INPUT,
    MOST_ENTRIES,
    PLACES,
    PLAN,
    PORT,
    REPLY,
    SMALLEST,
    Kind,
)
from runtime_shim.engine.binding.components import Fault

__all__ = [
    "NamedOutput",
    "NoHandles",
    "NoRoom",
    "Output",
    "Port",
    "State",
    "answer_error",
    "answer_grow",
    "block_size",
    "handle_of",
    "reply_sizes",
]


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
        super().__init__(f"wasi:nn: there can be at most {MOST_ENTRIES} handles")


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
            free = taken.get(number, self._words[(FREE_BLOCKS >> 2) + number])
            if free:
                taken[number] = self._words[free >> 2]
            else:
                missing += room
        missing -= self._memory.size - self._words[HEAP_END_AT >> 2]
        if missing > 0:
            raise NoRoom(missing)

    def _block(self, size: int) -> int:
        """A block, for which there has to be room."""
        words = self._words
        number, room = _class(size)
        head = (FREE_BLOCKS >> 2) + number
        block = words[head]
        if block:
            words[head] = words[block >> 2]
            return block
        block = words[HEAP_END_AT >> 2]
        words[HEAP_END_AT >> 2] = block + room
        return block

    def _entry(self, kind: Kind, value: int) -> int:
        words = self._words
        entry = words[FREE_ENTRY_AT >> 2]
        if entry:
            words[FREE_ENTRY_AT >> 2] = words[(entry >> 2) + 1]
        else:
            entry = words[ENTRIES_END_AT >> 2]
            if entry == PLACES:
                raise NoHandles
            words[ENTRIES_END_AT >> 2] = entry + ENTRY.size
        words[entry >> 2] = kind
        words[(entry >> 2) + 1] = value
        return entry

    @property
    def places(self) -> memoryview:
        """The room for what NN runtimes read and write in place."""
        return self._bytes[PLACES:HEAP]

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
                PORT.pack_into(self._bytes, where, *fields, PLACES + port.place)
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
            head = (FREE_BLOCKS >> 2) + _class(words[at + 3])[0]
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
    return ERROR | handle


def answer_grow(missing: int) -> int:
    """The answer that asks for more memory, and for a call of `resume`."""
    return GROW | missing


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
    return FIRST_HANDLE + (entry - ENTRIES) // ENTRY.size


def _class(size: int) -> tuple[int, int]:
    """The class of blocks that have room for a number of bytes, and what such a block takes."""
    if size <= SMALLEST:
        return 0, SMALLEST
    last = size - 1
    quarter = last.bit_length() - 3
    step = last >> quarter & 3
    return 4 * (quarter - 4) + step + 1, (5 + step << quarter) + 63 & -64
