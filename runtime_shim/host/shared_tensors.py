"""Tensors that WebAssembly and NN runtimes both reach, so that no host call is needed to copy them.

runtime_shim.engine.trampolines has the code in the guest's store that reads what is written here.
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
"""Dimensions of a tensor that has an entry."""

ENTRIES = 256
"""Of inputs, and as many of outputs. A tensor has its place among them by the handle of its context
and its index; where two have the same, the one that was last seen by the host stays."""

STEP = 8
"""Places from one handle to the next."""

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
in bytes, and where the bytes are. 64 bytes."""

OUTPUT = structure(context="I", index="I", length="I", bytes="I")
"""Context (0 for an empty entry), index, length in bytes, and where the bytes are."""

OUTPUTS_AT = ENTRIES * INPUT.size

_FIRST_BLOCK = 1 << 15
_SMALLEST_BLOCK = 64
"""Bytes, also the alignment of tensors: that of NN runtimes' own."""


class _Block(NamedTuple):
    """Where a tensor is, and how many bytes it can have."""

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
    """What was seen of a context."""

    context: MovableContext
    inputs: dict[int, _Input]
    outputs: dict[int, _Output]
    lost: list[_Block | None]


class Arena:
    """Takes the tensors of contexts that use the same ones again, and has entries that say where.

    A tensor is moved in when it is set, or read, for the second time with the same type and shape,
    so that a context that is used once costs nothing more. Where there is no room, it stays where
    it is. `memory` never moves; `dialect` is the ABI that has the entries. To be used by one thread
    at a time.
    """

    def __init__(self, memory: memoryview, dialect: Dialect) -> None:
        self.dialect = dialect
        self._memory = memory
        self._known: dict[int, _Known] = {}
        self._end = _FIRST_BLOCK
        self._free: dict[int, list[_Block]] = {}

    def admit(self, handle: int, context: ExecutionContext) -> None:
        """Watch a new context, if it is of a kind that can have its tensors moved."""
        if is_movable(context):
            self._known[handle] = _Known(context, {}, {}, [])

    def dismiss(self, handle: int) -> None:
        """Forget a context, which is not to be used any more."""
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
        """The contexts that have, or had, a tensor here."""
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
        """An input was set by the host; `number` is the guest's for its type, and means the same
        whenever the guest sets this input again. None where it is not one of the entries' ABI."""
        known = self._known.get(handle)
        if known is None:
            return
        item = known.inputs.get(index)
        if item is None or item[:3] != (tensor_type, shape, size):
            if item is not None:  # which the context has just moved out
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
        """An output was read by the host; where it is now."""
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
        """An input could not be set, for a reason that the context did not foresee. It may still
        reach for its old room, which is given back when the context goes."""
        known = self._known.get(handle)
        item = known.inputs.pop(index, None) if known is not None else None
        if known is not None and item is not None:
            self._clear(_input_at(handle, index))
            known.lost.append(item.block)

    def outputs_lost(self, handle: int) -> None:
        """A context has no outputs until it computes again."""
        known = self._known.get(handle)
        for index in known.outputs if known else ():
            self._clear(_output_at(handle, index))

    def outputs_moved_back(self, handle: int) -> None:
        """A context has none of its outputs in the arena any more."""
        self.outputs_lost(handle)
        known = self._known.get(handle)
        if known is not None:
            for output in known.outputs.values():
                self._give_back(output.block)
            known.outputs.clear()

    def _clear(self, where: int) -> None:
        """Empty an entry, which may be another tensor's by now: the host makes that one again."""
        struct.pack_into("<I", self._memory, where, 0)

    def _moved(
        self, move: Callable[[int, memoryview], bool], index: int, size: int
    ) -> _Block | None:
        """Where a tensor was moved to, None where it stays where it was."""
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
