"""The ways from a guest to a runtime, and what a guest sees on each."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from rewriter.abi.dialects import WAMR, WASMEDGE, Dialect, Encoding, TensorType
from rewriter.abi.structures import TENSOR, WAMR_BUILDERS, WAMR_DIMENSIONS, WAMR_TENSOR
from runtime_shim import NNHost
from tests.support.guest import BUILDERS, DATA, DIMS, HANDLE, OUTPUT, TENSOR_AT, WRITTEN, Guest
from tests.tools.differential import filling
from tests.tools.differential.kinds import Kind
from tests.tools.differential.rounds import Expected, Round

__all__ = ["WAYS", "Mismatch", "Way", "play"]

_BEHIND = b"\xaa" * 96
"""What the guest's buffer is filled with, and what has to stay behind an output."""

_BUILDER_ARRAY, _DIMENSIONS = 32, 200


class Way(NamedTuple):
    dialect: Dialect
    plain: bool
    isolated: bool = False

    def reaches(self, kinds: Sequence[Kind]) -> bool:
        """Whether inputs of these types can be named, and have a length, in the layout."""
        if self.dialect is not WAMR:
            return True
        known = set(WAMR.tensor_types.values())
        return all(kind.wasi in known and kind.name != "bf16" for kind in kinds)


WAYS: Mapping[str, Way] = {
    "witx, fast": Way(WASMEDGE, False),
    "witx, plain": Way(WASMEDGE, True),
    "wamr, fast": Way(WAMR, False),
    "wamr, plain": Way(WAMR, True),
    "witx, isolated": Way(WASMEDGE, False, True),
    "wamr, isolated": Way(WAMR, False, True),
}


class Mismatch(NamedTuple):
    """`step` is what the guest called, `place` the input or output that it was about."""

    round: int
    step: str
    place: int
    expected: str
    got: str


class _Player:
    """A guest with one context, in one of the two layouts."""

    def __init__(self, way: Way, host: NNHost) -> None:
        self.wamr = way.dialect is WAMR
        self.guest = Guest(host, dialect=way.dialect, plain=way.plain)
        self._numbers = {kind: number for number, kind in way.dialect.tensor_types.items()}
        self.context = 0

    def start(self, model: bytes, encoding: Encoding) -> tuple[str, int]:
        guest = self.guest
        guest.put(DATA, model)
        guest.put(BUILDERS, struct.pack("<II", DATA, len(model)))
        guest.put(_BUILDER_ARRAY, WAMR_BUILDERS.pack(BUILDERS, 1))
        array = (_BUILDER_ARRAY,) if self.wamr else (BUILDERS, 1)
        errno = guest.load(*array, encoding, 0, HANDLE)
        if errno:
            return "load", errno
        errno = guest.init_execution_context(guest.u32(HANDLE), HANDLE)
        self.context = guest.u32(HANDLE)
        return "init_execution_context", errno

    def set_input(self, place: int, kind: TensorType, shape: tuple[int, ...], data: bytes) -> int:
        guest = self.guest
        guest.put(DATA, data)
        guest.put(DIMS, struct.pack(f"<{len(shape)}I", *shape))
        number = self._numbers[kind]
        if self.wamr:
            guest.put(_DIMENSIONS, WAMR_DIMENSIONS.pack(DIMS, len(shape)))
            guest.put(TENSOR_AT, WAMR_TENSOR.pack(_DIMENSIONS, number, DATA))
        else:
            guest.put(TENSOR_AT, TENSOR.pack(DIMS, len(shape), number, DATA, len(data)))
        return guest.set_input(self.context, place, TENSOR_AT)

    def get_output(self, place: int, room: int) -> tuple[int, int]:
        """Errno and the size as the guest is told it, in bytes or in fours."""
        guest = self.guest
        if not self.wamr:
            errno = guest.get_output(self.context, place, OUTPUT, room, WRITTEN)
            return errno, guest.u32(WRITTEN)
        guest.put(WRITTEN, struct.pack("<I", -(-room // 4)))
        return guest.get_output(self.context, place, OUTPUT, WRITTEN), guest.u32(WRITTEN)


def play(
    way: Way,
    host: NNHost,
    model: bytes,
    encoding: Encoding,
    kinds: Sequence[Kind],
    rounds: Sequence[Round],
    expected: Sequence[Expected] | None,
    *,
    fill: bool,
    count: Callable[[], None],
) -> list[Mismatch]:
    """All differences, up to one after which the rounds cannot go on. `expected` is None for a
    model that the runtime does not load; `count` is called for each comparison; with `fill`, memory
    is filled before each compute."""
    with filling.numpy_empty(fill):
        player = _Player(way, host)
        try:
            return list(_play(player, model, encoding, kinds, rounds, expected, fill, count))
        finally:
            player.guest.session.close()


def _play(
    player: _Player,
    model: bytes,
    encoding: Encoding,
    kinds: Sequence[Kind],
    rounds: Sequence[Round],
    expected: Sequence[Expected] | None,
    fill: bool,
    count: Callable[[], None],
) -> Iterator[Mismatch]:
    step, errno = player.start(model, encoding)
    count()
    if (expected is None) != bool(errno):
        right = "an errno" if expected is None else "errno 0"
        yield Mismatch(0, step, 0, right, f"errno {errno}")
    if expected is None or errno:
        return
    floats_only = player.wamr and encoding is Encoding.TENSORFLOWLITE
    refused = {i for i, kind in enumerate(kinds) if floats_only and kind.wasi is not TensorType.F32}
    for number, each in enumerate(rounds):
        for place in each.wrong:
            count()
            if player.set_input(place, kinds[place].wasi, (1,) * 9, bytes(16)) == 0:
                yield Mismatch(number, "set_input of rank 9", place, "an errno", "errno 0")
                return
        for place, array in each.sets:
            count()
            errno = player.set_input(place, kinds[place].wasi, array.shape, array.tobytes())
            if bool(errno) != (place in refused):
                right = "an errno" if place in refused else "errno 0"
                yield Mismatch(number, "set_input", place, right, f"errno {errno}")
                return
        if fill:
            filling.bound_outputs(player.guest.session, player.context)
        outputs = None if refused else expected[number]
        errno = player.guest.compute(player.context)
        count()
        if outputs is None and errno == 0:
            yield Mismatch(number, "compute", 0, "an errno", "errno 0")
        if outputs is not None and errno:
            yield Mismatch(number, "compute", 0, "errno 0", f"errno {errno}")
            continue
        for read in each.reads:
            count()
            found = _read(player, read.output, read.room, outputs)
            if found is not None:
                yield Mismatch(number, "get_output", read.output, *found)


def _read(player: _Player, place: int, extra: int, outputs: Expected) -> tuple[str, str] | None:
    """What should have come and what came, if they differ."""
    known = outputs is not None and place < len(outputs)
    right = outputs[place] if outputs is not None and known else None
    room = max(0, len(right or b"") + extra)
    player.guest.put(OUTPUT, b"\xaa" * (room + 8 + len(right or b"")) + _BEHIND)
    errno, told = player.get_output(place, room)
    units = 4 if player.wamr else 1
    too_small = right is not None and -(-len(right) // units) > -(-room // units)
    if right is None or too_small:
        behind = player.guest.take(OUTPUT + room, 64)
        if errno == 0:
            what = "too small a buffer" if too_small else "no output"
            return f"an errno for {what}", f"errno 0, {told * units} bytes"
        untouched = behind == b"\xaa" * 64
        return None if untouched else ("nothing behind the buffer", behind.hex())
    if errno:
        return right.hex() or "0 bytes", f"errno {errno}"
    got = player.guest.take(OUTPUT, told if not player.wamr else min(told * 4, len(right)))
    if -(-len(right) // units) != told or got != right:
        return right.hex() or "0 bytes", f"{told * units} bytes: {got.hex()}"
    behind = player.guest.take(OUTPUT + len(right), 64)
    return None if behind == b"\xaa" * 64 else ("nothing behind the output", behind.hex())
