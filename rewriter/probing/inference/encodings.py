"""Measures which models load under which numbers, and which ABI's structures load, set_input and
get_output take."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from rewriter.probing.host import Host, Item
from rewriter.probing.measured import Answer, Layout
from rewriter.probing.modules.models import FORMATS, SHAPES, dims, parts, tensors
from rewriter.probing.modules.text import Arena, Part, quoted

__all__ = ["NUMBERS", "TYPE_NUMBERS", "Way", "answer", "encodings", "type_items", "ways"]

NUMBERS = (*range(16), 77)
"""The encodings that are tried. No host defines the last one."""

TYPE_NUMBERS = range(11)


class Way(NamedTuple):
    """A way to run a model of one format: the layouts of the functions, the encoding, the shape of
    its tensors, and the number of the type f32."""

    module: str
    layouts: tuple[Layout, Layout, Layout]
    format: str
    encoding: int
    shape: str = ""
    f32: int = 0

    @property
    def files(self) -> tuple[str, ...]:
        """The files of wat/ for these layouts."""
        return files(self.layouts)


def files(layouts: Sequence[Layout]) -> tuple[str, ...]:
    steps = zip(("load", "set", "get"), layouts, strict=True)
    return tuple(f"{step}.{layout.value}" for step, layout in steps)


def answer(item: Item, *keys: str) -> Answer | None:
    """How an item ended the process, or its first answer that is not 0, or 0; None if it gave no
    answer."""
    if item.end is not None:
        return item.end
    told = [item.values[key] for key in keys if key in item.values]
    return next((errno for errno in told if errno), 0) if told else None


def encodings(host: Host, module: str, layout: Layout) -> dict[str, dict[int, Answer]]:
    """The answers of load, followed by init_execution_context, by format and number."""
    models = {format_: Arena() for format_ in FORMATS}
    arrays = {format_: arena.model(parts(format_, "f32")) for format_, arena in models.items()}

    def of(pair: tuple[str, int]) -> Answer | None:
        format_, number = pair
        item = f"(call $try_encoding (i32.const {arrays[format_]}) (i32.const {number}))"
        part = Part((f"load.{layout.value}", "encodings"), {"MODULE": module}, "", (item,))
        (found,) = host.sweep(part, models[format_])
        return answer(found, "load", "init")

    pairs = list(product(FORMATS, NUMBERS))
    answers: dict[str, dict[int, Answer]] = {format_: {} for format_ in FORMATS}
    for (format_, number), given in zip(pairs, host.each(of, pairs), strict=True):
        if given is not None:
            answers[format_][number] = given
    return answers


def ways(
    host: Host, module: str, load: Layout, loaded: Mapping[str, Mapping[int, Answer]]
) -> list[Way]:
    """For each format that loads, the first way that gives the right output."""
    own: dict[str, int] = {}
    for format_ in loaded:
        number = _own(format_, loaded, own.values())
        if number is not None:
            own[format_] = number
    found = host.each(lambda each: _way(host, module, load, *each), own.items())
    return [way for way in found if way is not None]


def _own(
    format_: str, loaded: Mapping[str, Mapping[int, Answer]], taken: Collection[int]
) -> int | None:
    """The number under which this format loads, and the fewest others. Numbers of earlier formats
    are excluded: OpenVINO itself also reads ONNX and TensorFlow Lite."""
    numbers = [
        number for number, given in loaded[format_].items() if given == 0 and number not in taken
    ]
    return min(
        numbers,
        key=lambda number: (sum(each.get(number) == 0 for each in loaded.values()), number),
        default=None,
    )


def _way(host: Host, module: str, load: Layout, format_: str, encoding: int) -> Way | None:
    pairs = sorted(
        product(Layout, Layout), key=lambda pair: (pair != (load, load), pair[0] is not load)
    )
    for (set_input, get_output), shape in product(pairs, SHAPES):
        way = Way(module, (load, set_input, get_output), format_, encoding, shape)
        if parts(format_, "f32", shape):
            for number, item in enumerate(type_items(host, way, "f32")):
                if item.end is None and item.values.get("right"):
                    return way._replace(f32=number)
    return None


def type_items(
    host: Host, way: Way, type_: str, numbers: Iterable[int] = TYPE_NUMBERS, model: str = ""
) -> list[Item]:
    """The outcome of passing tensors of a type under each number to a model of that type, or to
    `model`."""
    arena, items = Arena(), []
    values: dict[str, int | str] = {
        "MODULE": way.module,
        "MODEL": arena.model(parts(way.format, model or type_, way.shape)),
        "ENCODING": way.encoding,
        "DIMENSIONS": quoted(dims(way.shape)),
        **dict.fromkeys(("TYPE", "DATA", "LENGTH"), 0),
    }
    for place, number in enumerate(numbers):
        data, _ = tensors(type_, place + 1, way.shape)
        _, expected = tensors(model or type_, place + 1, way.shape)
        arguments = (
            *(number, arena.place(data), len(data)),
            *(arena.place(expected), len(expected)),
        )
        constants = " ".join(f"(i32.const {each})" for each in arguments)
        items.append(f"(call $try_type {constants})")
    part = Part((*way.files, "ready", "types"), values, "(call $opened)", tuple(items))
    return host.sweep(part, arena)
