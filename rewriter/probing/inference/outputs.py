"""Measures in which unit get_output counts, and what it does with a buffer that is too small."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rewriter.probing.command import End
from rewriter.probing.host import Host, Item
from rewriter.probing.inference.encodings import Way
from rewriter.probing.measured import Bounds, Layout, Room, Unit
from rewriter.probing.modules.models import count, dims, parts, tensors
from rewriter.probing.modules.text import UNTOUCHED, Arena, Part, quoted

__all__ = ["Outputs", "base_values", "one_model", "outputs", "outputs_of"]


class Outputs(NamedTuple):
    """Fields of rewriter.probing.measured.Backend."""

    room: Unit | None
    written: Unit | None
    bounds: Bounds | None
    size_needed: bool | None
    rooms: tuple[Room, ...]


def base_values(way: Way, arena: Arena) -> dict[str, int | str]:
    """The values of wat/ready.wat for the model of 32-bit floats."""
    data, expected = tensors("f32", 1, way.shape)
    return {
        "MODULE": way.module,
        "MODEL": arena.model(parts(way.format, "f32", way.shape)),
        "ENCODING": way.encoding,
        "DIMENSIONS": quoted(dims(way.shape)),
        "TYPE": way.f32,
        "DATA": arena.place(data),
        "EXPECTED": arena.place(expected),
        "LENGTH": len(data),
    }


def outputs(host: Host, way: Way) -> Outputs:
    """Try buffers with declared lengths around the output's number of elements and of bytes. Each
    buffer really has 256 bytes."""
    arena, elements = Arena(), count(way.shape)
    rooms = sorted(
        {0, 1, *(size + more for size in (elements, 4 * elements) for more in (-1, 0, 1))}
        | {2 * elements, 16 * elements}
    )
    items = tuple(f"(call $try_room (i32.const {room}))" for room in rooms)
    files = (*way.files, "ready", "outputs")
    part = Part(files, base_values(way, arena), "(call $computed)", items)
    pairs = zip(rooms, host.sweep(part, arena), strict=True)
    legacy = way.layouts[2] is Layout.WAMR
    return outputs_of([room for each in pairs for room in _room(*each, legacy)], elements)


def one_model(host: Host, way: Way) -> bool | None:
    """Whether loading a model replaces the previous one; None if the second model does not load."""
    arena = Arena()
    values = {
        **base_values(way, arena),
        "SECOND": arena.model(parts(way.format, "i32", way.shape)),
    }
    part = Part((*way.files, "ready", "twice"), values, "(call $opened)", ("(call $try_twice)",))
    (item,) = host.sweep(part, arena)
    right = item.values.get("right")
    return None if right is None or item.end is not None else right == 0


def _room(declared: int, item: Item, is_counted_in: bool) -> Iterable[Room]:
    if item.end is not None:
        yield Room(declared, item.end, None, item.values.get("extent", 0), 0)
    elif "agreeing" in item.values:
        written = item.values["written"]
        before = declared if is_counted_in else UNTOUCHED
        succeeded = item.values["errno"] == 0
        told = None if written == before and not succeeded else written
        yield Room(
            declared, item.values["errno"], told, item.values["extent"], item.values["agreeing"]
        )


def outputs_of(rooms: Sequence[Room], elements: int) -> Outputs:
    """What the buffers show, for an output of this many elements of 4 bytes."""
    size = 4 * elements
    whole = [room for room in rooms if room.answer == 0 and room.agreeing == size]
    small = [room for room in rooms if room.declared < size]
    refused = [room for room in small if isinstance(room.answer, int) and room.answer]
    units = {elements: Unit.ELEMENTS, size: Unit.BYTES}
    least = min((room.declared for room in whole), default=None)
    counts = {room.written for room in whole if room.declared > size}
    return Outputs(
        None if least is None else units.get(least),
        units.get(counts.pop() or 0) if len(counts) == 1 else None,
        _bounds(small),
        any(room.written in units for room in refused) if refused else None,
        tuple(rooms),
    )


def _bounds(small: Sequence[Room]) -> Bounds | None:
    """The worst outcome with buffers of fewer bytes than the output, in whichever unit the host
    counts."""
    if not small:
        return None
    if any(room.extent > room.declared for room in small):
        return Bounds.OVERRUN
    ends = {room.answer for room in small if isinstance(room.answer, End)}
    if End.HANGS in ends:
        return None
    if ends:
        return Bounds.ABORTS if End.ABORTS in ends else Bounds.TRAPS
    through = [room for room in small if room.answer == 0]
    if not through:
        return Bounds.REFUSED
    is_cut = all(room.agreeing == room.declared for room in through)
    return Bounds.CUT if is_cut else Bounds.FORGOTTEN
