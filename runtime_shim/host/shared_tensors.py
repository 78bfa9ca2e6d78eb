"""Tensors in memory that WebAssembly and NN runtimes share, so that copying them needs no host
call.

runtime_shim.engine.trampolines has the code in the guest's store that reads the entries written
here.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable
from typing import NamedTuple

from rewriter.abi.dialects import Dialect, TensorType
from rewriter.abi.structures import structure
from runtime_shim.backends.interface import ExecutionContext, MovableContext, is_movable

__all__ = ["ENTRIES", "INPUT", "OUTPUT", "OUTPUTS_AT", "STEP", "Arena"]

log = logging.getLogger("runtime_shim")

_MAX_RANK = 8
"""Maximum number of dimensions of a tensor with an entry."""

ENTRIES = 256
"""Number of entries for inputs, and of entries for outputs. The handle of a tensor's context and
its index determine its entry. If two tensors have the same entry, it belongs to the one that the
host saw last."""

STEP = 8
"""Number of entries from one handle to the next."""

INPUT = structure(
    context="I",
    index="I",
    type="I",
    rank="I",
    dimensions=f"{_MAX_RANK}I",
    length="I",
    bytes="I8x",
)
"""Context (0 for an empty entry), index, type in the guest's numbers, rank; the dimensions; length
in bytes, and the address of the bytes. 64 bytes."""

OUTPUT = structure(context="I", index="I", length="I", bytes="I")
"""Context (0 for an empty entry), index, length in bytes, and the address of the bytes."""

OUTPUTS_AT = ENTRIES * INPUT.size

_FIRST_BLOCK = 1 << 15
_SMALLEST_BLOCK = 64
"""In bytes. Also the alignment of tensors: the same as NN runtimes use."""


class _Block(NamedTuple):
    """The place of a tensor, and how many bytes fit there."""

    offset: int
    room: int


class _Input(NamedTuple):
    type: TensorType
    shape: tuple[int, ...]
    size: int
    block: _Block | None = None


class _Output(NamedTuple):
    size: int
    block: _Block | None = None


class _Known(NamedTuple):
    """What is known of a context."""

    context: MovableContext
    inputs: dict[int, _Input]
    outputs: dict[int, _Output]
    lost: list[_Block | None]


class Arena:
    """Memory for the tensors of contexts that use the same ones again, with entries for their
    addresses.

    A tensor is moved in when it is set, or read, for the second time with the same type and shape,
    so a context that is used once costs nothing more. If there is no room, it stays where it is.
    `memory` never moves. `dialect` is the ABI of the entries. Use it from one thread at a time.
    """

    def __init__(self, memory: memoryview, dialect: Dialect) -> None:
        self.dialect = dialect
        self._memory = memory
        self._known: dict[int, _Known] = {}
        self._end = _FIRST_BLOCK
        self._free: dict[int, list[_Block]] = {}

    def admit(self, handle: int, context: ExecutionContext) -> None:
        """Watch a new context, if its tensors can be moved."""
        if is_movable(context):
            self._known[handle] = _Known(context, {}, {}, [])

    def dismiss(self, handle: int) -> None:
        """Forget a context, which must not be used any more."""
        known = self._known.pop(handle, None)
        if known is None:
            return
        for index, item in known.inputs.items():
            self._clear(_input_at(handle, index))
            self._give_back(item.block)
        for index, output in known.outputs.items():
            self._clear(_output_at(handle, index))
            self._give_back(output.block)
        for block in known.lost:
            self._give_back(block)

    def residents(self) -> list[int]:
        """The contexts that have, or had, a tensor in the arena."""
        return [
            handle
            for handle, known in self._known.items()
            if known.lost
            or any(item.block is not None for item in known.inputs.values())
            or any(item.block is not None for item in known.outputs.values())
        ]

    def input_set(
        self,
        handle: int,
        index: int,
        tensor_type: TensorType,
        shape: tuple[int, ...],
        size: int,
        number: int | None,
    ) -> None:
        """Note that the host set an input. `number` is the guest's number for its type, which means
        the same whenever the guest sets this input again; None if the entries' ABI does not have
        it."""
        known = self._known.get(handle)
        if known is None:
            return
        item = known.inputs.get(index)
        if item is None or item[:3] != (tensor_type, shape, size):
            if item is not None:  # the context has just moved it out
                self._clear(_input_at(handle, index))
                self._give_back(item.block)
            known.inputs[index] = _Input(tensor_type, shape, size)
            return
        if number is None or len(shape) > _MAX_RANK:
            return
        block = item.block or self._moved(known.context.move_input, index, size)
        if block is None:
            return
        known.inputs[index] = item._replace(block=block)
        dims = (*shape, *(0,) * (_MAX_RANK - len(shape)))
        INPUT.pack_into(
            self._memory,
            _input_at(handle, index),
            *(handle, index, number, len(shape), *dims, size, block.offset),
        )

    def output_read(self, handle: int, index: int, data: memoryview) -> memoryview:
        """Note that the host read an output, and return where the output is now."""
        known = self._known.get(handle)
        if known is None:
            return data
        size = len(data)
        output = known.outputs.get(index)
        if output is None or output.size != size:
            known.outputs[index] = _Output(size)
            return data
        block = output.block or self._moved(known.context.move_output, index, size)
        if block is None:
            return data
        known.outputs[index] = _Output(size, block)
        where = _output_at(handle, index)
        OUTPUT.pack_into(self._memory, where, handle, index, size, block.offset)
        return self._bytes(block, size)

    def input_lost(self, handle: int, index: int) -> None:
        """Note that setting an input failed for a reason that the context did not foresee. The
        context may still access the old block, so it is freed only with the context."""
        known = self._known.get(handle)
        item = known.inputs.pop(index, None) if known is not None else None
        if known is not None and item is not None:
            self._clear(_input_at(handle, index))
            known.lost.append(item.block)

    def outputs_lost(self, handle: int) -> None:
        """Note that a context has no outputs until it computes again."""
        known = self._known.get(handle)
        for index in known.outputs if known else ():
            self._clear(_output_at(handle, index))

    def outputs_moved_back(self, handle: int) -> None:
        """Note that a context no longer has outputs in the arena."""
        self.outputs_lost(handle)
        known = self._known.get(handle)
        if known is not None:
            for output in known.outputs.values():
                self._give_back(output.block)
            known.outputs.clear()

    def _clear(self, where: int) -> None:
        """Empty an entry. It may belong to another tensor by now; the host writes that one
        again."""
        struct.pack_into("<I", self._memory, where, 0)

    def _moved(
        self, move: Callable[[int, memoryview], bool], index: int, size: int
    ) -> _Block | None:
        """The new place of a tensor, or None if it stays where it was."""
        block = self._take(size)
        if block is None:
            return None
        try:
            if move(index, self._bytes(block, size)):
                return block
        except Exception as error:  # noqa: BLE001 - whatever a backend raises
            log.info("tensor %d is not moved: %s", index, error)
        self._give_back(block)
        return None

    def _take(self, size: int) -> _Block | None:
        room = max(_SMALLEST_BLOCK, 1 << (size - 1).bit_length()) if size else 0
        free = self._free.get(room)
        if free:
            return free.pop()
        if not room or self._end + room > len(self._memory):
            return None
        block = _Block(self._end, room)
        self._end += room
        return block

    def _give_back(self, block: _Block | None) -> None:
        if block is not None:
            self._free.setdefault(block.room, []).append(block)

    def _bytes(self, block: _Block, size: int) -> memoryview:
        return self._memory[block.offset : block.offset + size]


def _input_at(handle: int, index: int) -> int:
    return _place(handle, index) * INPUT.size


def _output_at(handle: int, index: int) -> int:
    return OUTPUTS_AT + _place(handle, index) * OUTPUT.size


def _place(handle: int, index: int) -> int:
    return (STEP * handle + index) % ENTRIES
