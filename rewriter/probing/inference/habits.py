"""Measures what a backend does differently from others with images, several inputs, free shapes,
quantised numbers, and types that wasi-nn lacks. Habits that no model shows are left out."""

from __future__ import annotations

import struct
from collections.abc import Collection, Sequence

from rewriter.probing.command import End
from rewriter.probing.host import Host, Item
from rewriter.probing.inference.encodings import TYPE_NUMBERS, Way
from rewriter.probing.inference.outputs import base_values
from rewriter.probing.inference.tensors import Types
from rewriter.probing.modules.models import TYPES, dims, dims_of, parts, tensors
from rewriter.probing.modules.text import Arena, Part, quoted

__all__ = ["given", "habits"]

_QUANTUM = 0.5
"""The scale of the quantised models."""


def habits(host: Host, way: Way, types: Types) -> dict[str, bool]:
    """The habits that were shown or ruled out, by their names in profiles."""
    found: dict[str, bool | None] = {
        **_images(host, way),
        "last_input": _last_input(host, way),
        "no_scalars": _no_scalars(host, way),
        "as_bytes": _as_bytes(host, way, types.own.get("u8", ())),
        "converts": _converts(host, way, types.own),
    }
    if found.get("colour_images"):  # such models have only one input
        del found["last_input"]
    if way.format == "openvino":
        found["onnx_too"] = _onnx_too(host, way)
    if way.format == "tensorflowlite":
        found["held_shapes"] = _held_shapes(host, way)
        found["quantised_as_floats"] = _quantised_as_floats(host, way)
    return {name: has for name, has in found.items() if has is not None}


def given(host: Host, way: Way, types: Types) -> frozenset[str] | None:
    """The types of outputs that come back right, from models of the type or from models that take
    floats. None if for some type, get_output was not reached or hung."""
    right = {"f32", *types.own}
    for type_ in TYPES.keys() - right:
        data, _ = tensors("f32", 1, way.shape)
        _, expected = tensors(type_, 1, way.shape)
        item = _one(host, way, f"to_{type_}", data, expected)
        if _right(item):
            right.add(type_)
        elif not _came_to_output(item):
            return None
    return frozenset(right)


def _images(host: Host, way: Way) -> dict[str, bool | None]:
    """Whether four-dimensional tensors are treated as channels-last images. If they are, and
    neither models without three channels nor models with two inputs run, the backend takes only
    colour images."""
    data, shape = [float(number) for number in range(1, 13)], dims("planes")
    by_planes = [data[place] for colour in range(3) for place in range(colour, len(data), 3)]
    as_it_is, as_pixels = (
        _right(
            _tried(
                *(host, way, parts(way.format, "planes"), shape, (way.f32,), _floats(data)),
                _floats([number + 1 for number in numbers]),
            )[0]
        )
        for numbers in (data, by_planes)
    )
    if as_it_is:
        return {"channels_last": False, "colour_images": False, "large_images": False}
    if as_pixels and not way.shape:
        return {"channels_last": True, "colour_images": False, "large_images": False}
    if as_pixels and not _right(_both(host, way)):
        return {"channels_last": False, "colour_images": True, "large_images": False}
    return {}


def _last_input(host: Host, way: Way) -> bool | None:
    """Whether the first of two inputs is forgotten: all steps succeed, but the difference of the
    two is wrong."""
    item = _both(host, way)
    if item.end is not None or item.values.get("get_output") != 0:
        return None
    return item.values.get("right") == 0


def _both(host: Host, way: Way) -> Item:
    arena = Arena()
    values = base_values(way, arena)
    data = struct.unpack(f"<{int(values['LENGTH']) // 4}f", tensors("f32", 1, way.shape)[0])
    other = [10 * number for number in data]
    differences = [one - two for one, two in zip(data, other, strict=True)]
    values["EXPECTED"] = arena.place(_floats(differences))
    model = arena.model(parts(way.format, "two", way.shape))
    call = f"(call $try_inputs (i32.const {model}) (i32.const {arena.place(_floats(other))}))"
    part = Part((*way.files, "ready", "types", "habits"), values, "", (call,))
    return host.sweep(part, arena)[0]


def _no_scalars(host: Host, way: Way) -> bool | None:
    data, _ = tensors("f32", 1, way.shape)
    total = sum(struct.unpack(f"<{len(data) // 4}f", data))
    item = _one(host, way, "scalar", data, _floats([total]))
    if _right(item):
        return False
    stopped = item.values.get("get_output") != 0 or item.end is not None
    return True if _came_to_output(item) and stopped else None


def _as_bytes(host: Host, way: Way, numbers: Sequence[int]) -> bool | None:
    """Whether signed bytes are accepted as u8, under one of its numbers. False if they are accepted
    under no number, or give a wrong result."""
    data, _ = tensors("u8", 1, way.shape)
    items = _tried(
        *(host, way, parts(way.format, "bytes", way.shape), dims(way.shape)),
        *(TYPE_NUMBERS, data, data),
    )
    if not any(item.values.get("init") == 0 for item in items):
        return None
    if any(item.end is End.HANGS for item in items):
        return None
    right = {number for number, item in zip(TYPE_NUMBERS, items, strict=True) if _right(item)}
    return True if right.intersection(numbers) else None if right else False


def _converts(host: Host, way: Way, own: Collection[str]) -> bool | None:
    """Whether a model of bytes takes and returns floats. False if models of other types return
    their own type, or if a model of bytes refuses floats and bytes are returned as such."""
    if {*own} - {"f32"}:
        return False
    numbers, _ = tensors("u8", 1, way.shape)
    floats = _floats([float(number) for number in numbers])
    item = _one(host, way, "u8", floats, floats)
    if _right(item):
        return True
    data, _ = tensors("f32", 1, way.shape)
    output = _one(host, way, "to_u8", data, tensors("u8", 1, way.shape)[0])
    return False if _refused(item) and _right(output) else None


def _onnx_too(host: Host, way: Way) -> bool | None:
    """Whether an ONNX model loads under OpenVINO's encoding, with an empty part for weights."""
    data, expected = tensors("f32", 1, way.shape)
    model = parts("onnx", "planes" if way.shape else "f32")
    (item,) = _tried(host, way, [*model, b""], dims(way.shape), (way.f32,), data, expected)
    if _right(item):
        return True
    return False if item.values.get("load") or item.values.get("init") else None


def _held_shapes(host: Host, way: Way) -> bool | None:
    """Whether a free last dimension must have the value in the file, which is 1."""
    data, expected = tensors("f32", 1)
    model = parts(way.format, "free")
    (item,) = _tried(host, way, model, dims(""), (way.f32,), data, expected)
    if _right(item):
        return False
    single = dims_of((1, 1, 1, 1))
    (held,) = _tried(host, way, model, single, (way.f32,), data[:4], expected[:4])
    return True if _right(held) and _refused(item) else None


def _quantised_as_floats(host: Host, way: Way) -> bool | None:
    """Whether quantised bytes are passed as the floats that they represent, and a model of signed
    bytes ends the host. False if they are passed as bytes, or if floats are refused."""
    numbers, _ = tensors("u8", 2)
    floats = _floats([number * _QUANTUM for number in numbers])
    model = parts(way.format, "quantised")
    if any(map(_right, _tried(host, way, model, dims(""), TYPE_NUMBERS, numbers, numbers))):
        return False
    (item,) = _tried(host, way, model, dims(""), (way.f32,), floats, floats)
    if _refused(item):
        return False
    signed = parts(way.format, "quantised_i8")
    (ended,) = _tried(host, way, signed, dims(""), (way.f32,), floats, floats)
    return True if _right(item) and ended.end is End.ABORTS else None


def _one(host: Host, way: Way, name: str, data: bytes, expected: bytes) -> Item:
    """The outcome of passing data as 32-bit floats to a model."""
    model = parts(way.format, name, way.shape)
    return _tried(host, way, model, dims(way.shape), (way.f32,), data, expected)[0]


def _tried(
    host: Host,
    way: Way,
    model: Sequence[bytes],
    shape: bytes,
    numbers: Sequence[int],
    data: bytes,
    expected: bytes,
) -> list[Item]:
    """The outcome of passing a tensor to a model under each type number."""
    arena = Arena()
    values = {**base_values(way, arena), "DIMENSIONS": quoted(shape)}
    array = arena.model(model)
    places = (arena.place(data), len(data), arena.place(expected), len(expected))
    items = tuple(
        f"(call $try_model {' '.join(f'(i32.const {each})' for each in (array, number, *places))})"
        for number in numbers
    )
    return host.sweep(Part((*way.files, "ready", "types", "habits"), values, "", items), arena)


def _floats(numbers: Sequence[float]) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


def _right(item: Item) -> bool:
    return item.end is None and item.values.get("right") == 1


def _refused(item: Item) -> bool:
    """Whether set_input refused the tensor."""
    return bool(item.values.get("set_input"))


def _came_to_output(item: Item) -> bool:
    """Whether get_output was called, and returned or ended the process."""
    return item.values.get("compute") == 0 and item.end is not End.HANGS
