"""Measures how load_by_name finds the end of a name, and which names a host knows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from rewriter.probing.host import Host
from rewriter.probing.inference.encodings import Way, answer
from rewriter.probing.measured import Answer, NameEnd, Names
from rewriter.probing.modules.models import parts
from rewriter.probing.modules.text import Arena, Part

__all__ = ["Graph", "known_names", "names"]

_ENDINGS = {"openvino": ("xml", "bin"), "onnx": ("onnx",), "tensorflowlite": ("tflite",)}
"""Suffixes of a model's files. The path of the first file is the model's name."""


class Graph(NamedTuple):
    """A graph that the host was told about, and the format of its model; empty if unknown."""

    name: str
    format: str = ""


def names(host: Host, module: str, ways: Sequence[Way], graphs: Sequence[Graph]) -> Names:
    """The answers of load_by_name to an unknown name and to a known one. The known name belongs to
    one of `graphs`, or is the path of a model's file next to the modules."""
    arena = Arena()
    nobody = b"nnprobe-no-such-graph"
    items = [
        *_forms(arena, nobody),
        f"(call $try_name (i32.const -16) (i32.const {len(nobody)}))",
    ]
    *unknown, outside = _tried_names(host, module, arena, items)
    known = None
    works = None
    candidates = [name for way in ways for name in known_names(host, way)]
    for name in [os.fsencode(graph.name) for graph in graphs] or candidates:
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
    """The answers of load_by_name and init_execution_context."""
    part = Part(("names",), {"MODULE": module}, "", tuple(items))
    found = []
    for item in host.sweep(part, arena):
        init = answer(item, "init") if item.values.get("load") == 0 else None
        found.append((item.values.get("load", item.end), init))
    return found


def _forms(arena: Arena, name: bytes) -> list[str]:
    """Calls with a name in three forms: followed by another byte; followed by a zero; and with too
    small a length, followed by the rest of the name and a zero."""
    other, zero = arena.place(name + b"x"), arena.place(name)
    pairs = ((other, len(name)), (zero, len(name)), (zero, len(name) - 3))
    return [f"(call $try_name (i32.const {at}) (i32.const {length}))" for at, length in pairs]


def known_names(host: Host, way: Way, graphs: Sequence[Graph] = ()) -> list[bytes]:
    """Names under which a host may know a model of a format: those of `graphs`, or else the path of
    a file, which is written next to the modules."""
    if graphs:
        return [os.fsencode(graph.name) for graph in graphs if graph.format == way.format]
    paths = [os.path.join(host.folder, f"model.{ending}") for ending in _ENDINGS[way.format]]
    for path, contents in zip(paths, parts(way.format, "f32", way.shape), strict=True):
        with open(path, "wb") as file:
            file.write(contents)
    return [os.fsencode(paths[0])]


def _end(unknown: Sequence[Answer | None], known: Sequence[Answer | None] | None) -> NameEnd | None:
    """How the host finds the end of a name. For an unknown name, the answer depends on the zero
    only on hosts that require one."""
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
