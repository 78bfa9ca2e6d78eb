"""What is known of a guest's memory while a function is followed, byte by byte.

Memory is in regions, by where the address came from: the function's own frame on the stack that
compilers keep in memory, absolute addresses, those from a parameter, and so on. Two regions may be
the same memory, and a store to one makes the others unknown, but for the frame: it is below what
was there when the function was entered, so that only addresses made from its own can be in it. Once
one of those has leaked, by a call or a store, any other that the function gets can be, too.
"""

from __future__ import annotations

from enum import Enum

from rewriter.constants.values import (
    MASK,
    Byte,
    Origin,
    Root,
    Symbol,
    Value,
    bytes_of,
    framed,
    join_bytes,
    joined,
    mentions,
)

__all__ = ["MANY", "Memory"]


class _Special(Enum):
    ABSOLUTE = "addresses that are numbers"
    FRAME = "the function's own frame"
    MANY = "several regions, or unknown ones"


ABSOLUTE, FRAME, MANY = _Special
_Region = Origin | _Special

_HALF = 1 << 31
"""An offset that is not below this is negative."""

_MOST_BYTES = 20_000
"""That are known at a time. Functions with more fill tables."""


class Memory:
    """`through` is the region that has been stored to, besides the frame: what is not known of
    others is no longer what it was when the function was entered. `frame` is the global that holds
    the function's frame, None as long as it has none."""

    __slots__ = ("frame", "leaked", "regions", "through")

    def __init__(self) -> None:
        self.regions: dict[_Region, dict[int, Byte]] = {}
        self.through: _Region | None = None
        self.leaked = False
        self.frame: Origin | None = None

    def copy(self) -> Memory:
        made = Memory()
        made.regions = {region: dict(known) for region, known in self.regions.items()}
        made.through, made.leaked, made.frame = self.through, self.leaked, self.frame
        return made

    @property
    def size(self) -> int:
        """How many bytes are known."""
        return sum(map(len, self.regions.values()))

    def load(self, address: Value, size: int, offset: int = 0) -> Value:
        """The value of `size` bytes there."""
        place = self._locate(address, offset, size)
        if place is None:
            return None
        region, start = place
        return joined(tuple(self._byte(region, start, i) for i in range(size)))

    def store(self, address: Value, size: int, value: Value, offset: int = 0) -> None:
        """Store the lowest bytes of a value."""
        place = self._locate(address, offset, size)
        if place is None:
            self.forget(framed(address))
        else:
            region, start = place
            self._touch(region)
            known = self.regions.setdefault(region, {})
            for i, part in enumerate(bytes_of(value, size)):
                known[start + i & MASK] = part
            if self.size > _MOST_BYTES:
                self.forget(True)
        self.leaked |= framed(value)

    def forget(self, frame: bool) -> None:
        """Something was stored, and it is not known where: with `frame`, perhaps there."""
        keeps_frame = not frame and not self.leaked
        kept = self.regions.get(FRAME) if keeps_frame else None
        self.regions = {FRAME: kept} if kept else {}
        self.through = MANY

    def redefine(self, position: int) -> None:
        """The instruction there is executed again, and what it gave before is no longer known."""
        for region in list(self.regions):
            if isinstance(region, Origin) and mentions(Symbol(region), position):
                del self.regions[region]
                continue
            known = self.regions[region]
            for place, part in known.items():
                if mentions(part, position):
                    known[place] = None
        through = self.through
        if isinstance(through, Origin) and mentions(Symbol(through), position):
            self.through = MANY

    def join(self, other: Memory) -> bool:
        """Keep what is so of both; whether that is less than it was."""
        before = (self.through, self.leaked, self.frame)
        self.leaked |= other.leaked
        if self.frame != other.frame:
            self.leaked = True
            self.forget(True)
            self.frame = None
        elif self.through != other.through:
            some = [t for t in (self.through, other.through) if t is not None]
            self.through = some[0] if len(some) == 1 else MANY
        changed = before != (self.through, self.leaked, self.frame)
        for region in {**self.regions, **other.regions}:
            changed |= self._join_region(region, other)
        return changed

    def _join_region(self, region: _Region, other: Memory) -> bool:
        mine, its = self.regions.get(region), other.regions.get(region, {})
        if mine == its:
            return False
        if mine is None:
            mine = self.regions.setdefault(region, {})
        changed = False
        for place in {**mine, **its}:
            was = mine.get(place)
            is_there = place in mine
            now = join_bytes(was, its[place]) if is_there and place in its else None
            if not is_there or now != was:
                mine[place] = now
                changed = True
        return changed

    def _locate(self, address: Value, offset: int, size: int) -> tuple[_Region, int] | None:
        if isinstance(address, int):
            return ABSOLUTE, address + offset & MASK
        if not isinstance(address, Symbol):
            return None
        start = address.plus + offset & MASK
        if address.origin != self.frame or start < _HALF:
            return address.origin, start
        return (FRAME, start) if start + size <= MASK + 1 else None

    def _byte(self, region: _Region, start: int, place: int) -> Byte:
        known = self.regions.get(region)
        at = start + place & MASK
        if known is not None and at in known:
            return known[at]
        is_old = region is ABSOLUTE or (isinstance(region, Origin) and region.root is not Root.MADE)
        if not is_old or self.through not in (None, region):
            return None
        word = start + place // 4 * 4 & MASK
        of = Symbol(region, word) if isinstance(region, Origin) else word
        return Symbol(Origin(Root.MEMORY, of=of)), place % 4

    def _touch(self, region: _Region) -> None:
        """Something is stored to a region: what may be the same memory is no longer known."""
        if region is FRAME:
            if self.leaked:
                for other in list(self.regions):
                    if isinstance(other, Origin) and other.root is Root.MADE:
                        del self.regions[other]
            return
        made = isinstance(region, Origin) and region.root is Root.MADE
        for other in list(self.regions):
            if (
                other is not region
                and other != region
                and (other is not FRAME or (self.leaked and made))
            ):
                del self.regions[other]
        self.through = region if self.through in (None, region) else MANY
