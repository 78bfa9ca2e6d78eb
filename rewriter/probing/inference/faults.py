"""Measures how a host reacts to mistakes of a guest."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from rewriter.probing.host import Host
from rewriter.probing.inference.encodings import Way, answer
from rewriter.probing.inference.outputs import base_values
from rewriter.probing.measured import Answer, Layout
from rewriter.probing.modules.models import dims, parts
from rewriter.probing.modules.text import Arena, Part

__all__ = ["bare_faults", "faults"]

_BARE = ("load_encoding", "init_graph", "input_context", "compute_context", "output_context")
"""Mistakes that need no model."""

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
"""Functions of wat/faults.wat, by the set-up that they need."""


def faults(host: Host, way: Way) -> dict[str, Answer]:
    """The host's answer to each mistake with a model of one format. Mistakes that are impossible in
    a layout are left out: WAMR's older ABI does not pass the length of the data."""
    found: dict[str, Answer] = {}
    for setup, mistakes in _GROUPS.items():
        hidden = {"input_short"} if way.layouts[1] is Layout.WAMR else set()
        found.update(_tried(host, way, setup, [each for each in mistakes if each not in hidden]))
    return found


def bare_faults(host: Host, module: str, layout: Layout, has_unload: bool) -> dict[str, Answer]:
    """The host's answer to each mistake that needs no model, in processes without a model."""
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
