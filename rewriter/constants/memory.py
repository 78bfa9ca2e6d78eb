"""Tracks what is known of a guest's memory, byte by byte, while a function is followed.

Memory is divided into regions by the origin of the address: absolute addresses, and addresses from
a parameter, a global, or the result of an instruction. Two regions may overlap, so a store to one
makes the others unknown. Nothing is assumed about the place of a compiler's stack in memory. Only
two cases are known not to overlap:

- If a function has checked that its stack is above a number, as AssemblyScript's functions do, then
  absolute addresses below that number do not overlap its stack.
- What a function has written right below an address that its caller knows does not overlap what is
  above that address.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from rewriter.constants.values import (
    MASK,
    Byte,
    Origin,
    Root,
    Symbol,
    Value,
    bytes_of,
    join_bytes,
    joined,
    mentions,
)

__all__ = ["LARGEST_FRAME", "MANY", "Memory"]


class _Special(Enum):
    ABSOLUTE = "addresses that are numbers"
    MANY = "several regions, or unknown ones"


ABSOLUTE, MANY = _Special
_Region = Origin | _Special

LARGEST_FRAME = 1 << 20
"""The number of bytes below an address that count as right below it."""

_MOST_BYTES = 20_000
"""The most bytes that are known at a time. Functions that need more usually fill tables."""


class _Floor(NamedTuple):
    """A proven lower bound: the address `plus` bytes from the initial value of a global is at least
    `bound`, and less than half of the address space."""

    origin: Origin
    plus: int
    bound: int


class Memory:
    """The known bytes of memory. `through` is the region that was stored to: unknown bytes of other
    regions may have changed since the function was entered. `below` says that all stores were right
    below the address that names that region."""

    __slots__ = ("_own", "below", "floor", "regions", "through")

    def __init__(self) -> None:
        self.regions: dict[_Region, dict[int, Byte]] = {}
        self._own: set[_Region] = set()
        """The regions whose bytes are not shared with a copy."""
        self.through: _Region | None = None
        self.below = True
        self.floor: _Floor | None = None

    def copy(self) -> Memory:
        made = Memory()
        if self.regions:
            made.regions = dict(self.regions)
            self._own = set()
        made.through, made.below, made.floor = self.through, self.below, self.floor
        return made

    def _to_change(self, region: _Region) -> dict[int, Byte]:
        """The known bytes of a region, not shared with a copy."""
        known = self.regions.get(region)
        if known is None or region not in self._own:
            known = {} if known is None else dict(known)
            self.regions[region] = known
            self._own.add(region)
        return known

    @property
    def size(self) -> int:
        """The number of known bytes."""
        return sum(map(len, self.regions.values()))

    def load(self, address: Value, size: int, offset: int = 0) -> Value:
        """The value of the `size` bytes at an address."""
        place = self._locate(address, offset)
        if place is None:
            return None
        region, start = place
        known = self.regions.get(region)
        if known is not None and start + size <= MASK:
            parts = tuple([known[at] for at in range(start, start + size) if at in known])
            if len(parts) == size:
                return joined(parts)
        return joined(tuple([self._byte(region, start, i) for i in range(size)]))

    def store(self, address: Value, size: int, value: Value, offset: int = 0) -> None:
        """Store the lowest `size` bytes of a value."""
        place = self._locate(address, offset)
        if place is None:
            self.forget()
            return
        region, start = place
        self._touch(region, start, size)
        known = self._to_change(region)
        if start + size <= MASK:
            known.update(zip(range(start, start + size), bytes_of(value, size), strict=True))
        else:
            for i, part in enumerate(bytes_of(value, size)):
                known[start + i & MASK] = part
        if self.size > _MOST_BYTES:
            self.forget()

    def forget(self) -> None:
        """Forget everything after a store to an unknown address."""
        if self.regions:
            self.regions = {}
        self.through = MANY

    def bound(self, symbol: Symbol, least: int) -> None:
        """Note that a symbol is at least a number, in signed comparison."""
        near = MASK + 1 - symbol.plus <= LARGEST_FRAME
        if symbol.origin.root is Root.GLOBAL and near and 0 < least <= MASK >> 1:
            self.floor = _Floor(symbol.origin, symbol.plus, least)

    def redefine(self, position: int) -> None:
        """Forget the previous result of the instruction at a position, which is executed again."""
        for region in list(self.regions):
            if isinstance(region, Origin) and mentions(Symbol(region), position):
                del self.regions[region]
                continue
            gone = [at for at, part in self.regions[region].items() if mentions(part, position)]
            if gone:
                self._to_change(region).update(dict.fromkeys(gone))
        through = self.through
        if isinstance(through, Origin) and mentions(Symbol(through), position):
            self.through = MANY

    def join(self, other: Memory) -> bool:
        """Keep what is true in both. Returns whether less is known than before."""
        before = (self.through, self.below, self.floor)
        if self.through != other.through:
            some = [t for t in (self.through, other.through) if t is not None]
            self.through = some[0] if len(some) == 1 else MANY
        self.below &= other.below
        if self.floor != other.floor:
            self.floor = None
        changed = before != (self.through, self.below, self.floor)
        if self.regions or other.regions:
            for region in {**self.regions, **other.regions}:
                changed |= self._join_region(region, other)
        return changed

    def _join_region(self, region: _Region, other: Memory) -> bool:
        mine, its = self.regions.get(region), other.regions.get(region, {})
        if mine == its:
            return False
        mine = mine or self._to_change(region)
        changes: dict[int, Byte] = {}
        for place in {**mine, **its}:
            was = mine.get(place)
            is_there = place in mine
            now = join_bytes(was, its[place]) if is_there and place in its else None
            if not is_there or now != was:
                changes[place] = now
        if changes:
            self._to_change(region).update(changes)
        return bool(changes)

    def _locate(self, address: Value, offset: int) -> tuple[_Region, int] | None:
        if isinstance(address, int):
            return ABSOLUTE, address + offset & MASK
        if not isinstance(address, Symbol) or _is_conditional(address.origin):
            return None
        return address.origin, address.plus + offset & MASK

    def _byte(self, region: _Region, start: int, place: int) -> Byte:
        known = self.regions.get(region)
        at = start + place & MASK
        if known is not None and at in known:
            return known[at]
        if region is not ABSOLUTE and not (
            isinstance(region, Origin) and region.root is not Root.MADE
        ):
            return None
        through, unless = self.through, 0
        if through not in (None, region):
            if not (self.below and isinstance(through, Origin) and through.root is Root.GLOBAL):
                return None
            unless = 1 + through.number
        word = start + place // 4 * 4 & MASK
        of = Symbol(region, word) if isinstance(region, Origin) else word
        return Symbol(Origin(Root.MEMORY, unless, of)), place % 4

    def _touch(self, region: _Region, start: int, size: int) -> None:
        """Forget the regions that may overlap a store to a region."""
        for other in list(self.regions):
            if other is not region and other != region:
                apart = self._apart(region, range(start, start + size), other)
                if not apart:
                    del self.regions[other]
        self.through = region if self.through in (None, region) else MANY
        self.below &= start >= MASK + 1 - LARGEST_FRAME and start + size <= MASK + 1

    def _apart(self, region: _Region, places: range, other: _Region) -> bool:
        """Whether a store is certain not to overlap the known bytes of another region."""
        floor = self.floor
        if floor is None or {region, other} != {ABSOLUTE, floor.origin}:
            return False
        for one, stored in ((region, places), (other, self.regions[other])):
            if one is ABSOLUTE and not all(place < floor.bound for place in stored):
                return False
            if one is not ABSOLUTE and not all(floor.plus <= place <= MASK for place in stored):
                return False
        return True


def _is_conditional(origin: Origin) -> bool:
    """Whether an origin holds only under a condition, so that it does not stand for one address."""
    if origin.root is not Root.MEMORY:
        return False
    return bool(origin.number) or (
        isinstance(origin.of, Symbol) and _is_conditional(origin.of.origin)
    )
