"""What a host answers to mistakes, and where it takes a name to end."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Sequence

from rewriter.probing.encodings import Way, answer
from rewriter.probing.host import Host
from rewriter.probing.measured import Answer, Layout, NameEnd, Names
from rewriter.probing.modules.models import dims, parts
from rewriter.probing.modules.text import Arena, Part
from rewriter.probing.outputs import base_values

__all__ = ["bare_faults", "faults", "names"]

_BARE = ("load_encoding", "init_graph", "input_context", "compute_context", "output_context")
"""What can be tried without a model."""

_ENDINGS = {"onnx": "onnx", "tensorflowlite": "tflite"}
"""Of files that hold a whole model."""

_GROUPS = {
    "": ("load_garbage", "load_builders", "load_target", "load_pointer", "load_encoding"),
    "(call $opened)": (
        *("init_graph", "init_result", "input_context", "input_index", "input_type"),
        *("input_short", "input_pointer", "input_tensor", "input_shape", "compute_first"),
        "compute_context",
    ),
    "(call $ready)": ("output_first",),
    "(call $computed)": ("output_context", "output_index", "output_small", "output_pointer"),
}
"""Functions of wat/faults.wat, by what has to be done before them."""


def faults(host: Host, way: Way) -> dict[str, Answer]:
    """What the host answers to each mistake with a model of a format. What cannot be one in a
    layout is left out: WAMR's older ABI has no length beside the data."""
    found: dict[str, Answer] = {}
    for setup, mistakes in _GROUPS.items():
        hidden = {"input_short"} if way.layouts[1] is Layout.WAMR else set()
        found.update(_tried(host, way, setup, [each for each in mistakes if each not in hidden]))
    return found


def bare_faults(host: Host, module: str, layout: Layout, has_unload: bool) -> dict[str, Answer]:
    """The same of those that need no model, each in a process that has not loaded any."""
    way = Way(module, (layout,) * 3, "onnx", 1, f32=1)
    found = _tried(host, way, "", _BARE)
    if has_unload:
        part = Part(("unload",), {"MODULE": module}, "", ("(call $unload_graph)",))
        found.update(_answers(("unload_graph",), host, part, Arena()))
    return found


def _tried(host: Host, way: Way, setup: str, mistakes: Sequence[str]) -> dict[str, Answer]:
    arena, model = Arena(), parts(way.format, "f32", way.shape)
    values = {
        **base_values(way, arena),
        "GARBAGE": arena.model([b"this is not a model of any kind"] * len(model)),
        "PARTED": arena.model(model[:1] if len(model) > 1 else model * 2),
        "OUTSIDE": arena.pair(arena.place(struct.pack("<4I", *(0xFFFFFFF0, 64) * 2)), len(model)),
        "BACKWARDS": arena.place(dims(way.shape, backwards=True)),
    }
    items = tuple(f"(call ${name})" for name in mistakes)
    part = Part((*way.files, "ready", "faults"), values, setup, items)
    return _answers(mistakes, host, part, arena)


def _answers(names: Iterable[str], host: Host, part: Part, arena: Arena) -> dict[str, Answer]:
    answers = (answer(item, "errno") for item in host.sweep(part, arena))
    pairs = zip(names, answers, strict=True)
    return {name: given for name, given in pairs if given is not None}


def names(host: Host, module: str, ways: Sequence[Way], graph: str | None) -> Names:
    """What load_by_name makes of a name that nobody has, and of one that it knows: `graph`, if
    there is one, or the path of a model's file, which is beside the modules."""
    arena = Arena()
    nobody = b"nnprobe-no-such-graph"
    items = [
        *_forms(arena, nobody),
        f"(call $try_name (i32.const -16) (i32.const {len(nobody)}))",
    ]
    *unknown, outside = _tried_names(host, module, arena, items)
    known = None
    works = None
    for name in [os.fsencode(graph)] if graph is not None else _files(host, ways):
        arena = Arena()
        forms = _tried_names(host, module, arena, _forms(arena, name))
        if any(load == 0 for load, _ in forms):
            known = tuple(load for load, _ in forms)
            works = any(load == 0 and init == 0 for load, init in forms)
            break
    plain = tuple(load for load, _ in unknown)
    return Names(plain[0], plain[1], outside[0], _end(plain, known), works)


_Load = tuple[Answer | None, Answer | None]


def _tried_names(host: Host, module: str, arena: Arena, items: Sequence[str]) -> list[_Load]:
    """What load_by_name and init_execution_context answer."""
    part = Part(("names",), {"MODULE": module}, "", tuple(items))
    found = []
    for item in host.sweep(part, arena):
        init = answer(item, "init") if item.values.get("load") == 0 else None
        found.append((item.values.get("load", item.end), init))
    return found


def _forms(arena: Arena, name: bytes) -> list[str]:
    """With another byte behind it, with a zero behind it, and cut short, with the rest and a zero
    behind what is counted."""
    other, zero = arena.place(name + b"x"), arena.place(name)
    pairs = ((other, len(name)), (zero, len(name)), (zero, len(name) - 3))
    return [f"(call $try_name (i32.const {at}) (i32.const {length}))" for at, length in pairs]


def _files(host: Host, ways: Sequence[Way]) -> Iterable[bytes]:
    """The paths of models that are one file, written where the modules are."""
    for way in ways:
        contents = parts(way.format, "f32")
        if len(contents) == 1:
            path = os.path.join(host.folder, f"model.{_ENDINGS[way.format]}")
            with open(path, "wb") as file:
                file.write(contents[0])
            yield os.fsencode(path)


def _end(unknown: Sequence[Answer | None], known: Sequence[Answer | None] | None) -> NameEnd | None:
    """By what a name ends. Of one that is not known, only a host that looks for a zero says
    something else without it."""
    if known is None:
        other, zero, _ = unknown
        differs = isinstance(other, int) and isinstance(zero, int) and other != zero
        return NameEnd.ZERO_NEEDED if differs else None
    other, zero, short = known
    if other == 0:
        return NameEnd.LENGTH
    if short == 0:
        return NameEnd.ZERO
    return NameEnd.ZERO_NEEDED if zero == 0 else None
