"""What tests.heavy.peers runs: guests, models of known results, and the cases made of both.

Each model adds 1 to twelve numbers, so that every answer is exact in any precision.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper

from rewriter.abi.numbers import Encoding
from samples.build import build
from tests.conftest import GUESTS
from tests.heavy.wild_guests import BAKED, CLASSIFY, LINKED_WITH_MORE
from tests.heavy.wild_models import DIGITS
from tests.support.models import model
from tests.support.native import openvino_model
from tests.support.tflite_models import Operator, Tensor, schema
from tests.support.tflite_models import build as tflite

__all__ = ["ENCODINGS", "Case", "cases", "write_files"]

PLAIN, FLAT = (1, 3, 2, 2), (1, 12)
"""The dimensions of images, which are all that some OpenVINO backends take, and other ones."""

OUTPUT_BYTES = 48

SOURCES = Path(__file__).with_name("peer_guests")

ABIS = {"witx": (), "wamr": ("-DWAMR",)}

NAMED = {"witx": (), "wamr": ("-DWAMR",), "config": ('-DCONFIG="{}"',)}

KINDS: dict[str, npt.DTypeLike] = {"f32": np.float32, "u8": np.uint8, "i32": np.int32}
"""Element types by the names that tests/guests/tensors.c has for them."""

_ONNX = {"f32": TensorProto.FLOAT, "u8": TensorProto.UINT8, "i32": TensorProto.INT32}

ENCODINGS = {
    "openvino": Encoding.OPENVINO,
    "onnx": Encoding.ONNX,
    "tflite": Encoding.TENSORFLOWLITE,
}

ROOMS = {
    "witx": (0, 1, 11, 12, 47, 48, 49, 1024),
    "wamr": (0, 1, 11, 12, 13, 47, 48, 49, 1024),
}
"""What is declared of a buffer for twelve floats: bytes, and elements."""

FAULTS = (
    *("encoding=77", "target=1", "target=3", "builders=0", "garbage"),
    *("model-outside", "graph-outside", "init-graph"),
    *("input-context", "input-index=1", "input-rank", "input-shape", "input-short"),
    *("input-type=0", "input-type=2", "input-type=3", "input-type=9", "input-outside"),
    *("compute-context", "compute-early", "output-context", "output-index=1", "output-early"),
)
"""Each is explained in peer_guests/faults.c."""


WILD = ("rust-0.5", "rust-0.6", "assembly", "zig-safe", "c-clang", "c-wamr")
"""Guests of tests.heavy.wild_guests that say which digit an image shows, by OpenVINO, of a model
for each type."""

WILD_FORMS = tuple(
    name
    for name in (*CLASSIFY, *LINKED_WITH_MORE)
    if name not in WILD and not name.startswith("go")
)
"""The others, which differ in how they are linked, and are told of the model of floats alone. Go's
runtime opens no file by a path that is not absolute."""


class Case(NamedTuple):
    """A run of a guest; `backend` is the one that its model is for.

    Where there is a right answer, `right` is the case whose guest says it on nnshim, and `model`
    the file to read. One that `says_errnos` ends with exit code 0 whatever they are.
    """

    name: str
    backend: str
    guest: str
    arguments: tuple[str, ...]
    model: str = ""
    right: str = ""
    says_errnos: bool = False


def write_files(folder: Path, wild: Path | None) -> None:
    """Guests, models and inputs, in one folder, in which every case runs; `wild` is where
    tests.heavy.wild_guests has built."""
    if wild is not None:
        shutil.copytree(wild / "models", folder, dirs_exist_ok=True)
        for name in (*WILD, *WILD_FORMS, *BAKED):
            shutil.copy(wild / "guests" / f"{name}.classify.wasm", folder)
    for abi, flags in ABIS.items():
        build(GUESTS / "tensors.c", folder / f"tensors-{abi}.wasm", *flags)
        build(SOURCES / "faults.c", folder / f"faults-{abi}.wasm", *flags)
    for abi, flags in NAMED.items():
        build(SOURCES / "names.c", folder / f"names-{abi}.wasm", *flags)
    for kind, dtype in KINDS.items():
        np.arange(1, 13).astype(dtype).tofile(folder / f"twelve.{kind}")
        _write_adding(folder, kind, FLAT)
    _write_adding(folder, "image", PLAIN)
    (folder / "f32.tflite").write_bytes(_tflite(np.float32, 1, FLAT))
    (folder / "image.tflite").write_bytes(_tflite(np.float32, 1, PLAIN))
    (folder / "u8.tflite").write_bytes(_tflite(np.uint8, 2, FLAT))


def _write_adding(folder: Path, name: str, dims: tuple[int, ...]) -> None:
    """NAME.onnx, NAME.xml and NAME.bin; all give floats."""
    nodes = [
        helper.make_node("Cast", ["x"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["floats", "one"], ["y"]),
    ]
    ports = [("x", _ONNX.get(name, TensorProto.FLOAT), dims)], [("y", TensorProto.FLOAT, dims)]
    made = model(nodes, *ports, {"one": np.ones(1, np.float32)})
    (folder / f"{name}.onnx").write_bytes(made)
    openvino_model(made, folder)
    for part in ("xml", "bin"):
        (folder / f"model.{part}").rename(folder / f"{name}.{part}")


def _tflite(dtype: npt.DTypeLike, one: int, dims: tuple[int, ...]) -> bytes:
    """Bytes are quantised, and stand for half of what they are."""
    quantised = np.dtype(dtype) == np.uint8
    scales, zero_points = ([0.5], [0]) if quantised else ([], [])
    port = Tensor(dtype, dims, scales=scales, zero_points=zero_points)
    added = Tensor(dtype, [1], np.array([one], dtype), scales=scales, zero_points=zero_points)
    options = schema.BuiltinOptions.AddOptions, schema.AddOptionsT()
    add = Operator(schema.BuiltinOperator.ADD, [0, 1], [2], *options)
    return tflite([port, added, port], [add], [0], [2])


def cases(*, wild: bool) -> Iterator[Case]:
    """`wild` is whether those of tests.heavy.wild_guests are there."""
    for name in WILD if wild else ():
        for kind in KINDS:
            yield _classifies(name, kind, kind)
    for name in (*WILD_FORMS, *BAKED) if wild else ():
        yield _classifies(name, "f32", "none" if name in BAKED else "f32")
    for backend in ENCODINGS:
        for abi in ABIS:
            yield from _answers(backend, abi)
            yield from _faults(backend, abi)
        yield from _names(backend)


def _classifies(name: str, kind: str, folder: str) -> Case:
    """Of a guest that is told the type of its tensors, and the model's folder."""
    case = f"openvino {name} {kind}"
    guest, words = f"{name}.classify.wasm", (kind, folder, *DIGITS)
    right = f"openvino {WILD[0]} {kind}"
    return Case(case, "openvino", guest, words, f"{kind}/model.xml", right)


def _parts(backend: str, name: str) -> tuple[str, ...]:
    return (f"{name}.xml", f"{name}.bin") if backend == "openvino" else (f"{name}.{backend}",)


def _answers(backend: str, abi: str) -> Iterator[Case]:
    for name, dims in (("image", PLAIN), *((kind, FLAT) for kind in KINDS)):
        if (backend, name) == ("tflite", "i32"):
            continue
        kind = "f32" if name == "image" else name
        shape = ",".join(map(str, dims))
        parts = _parts(backend, name)
        arguments = "+".join(parts), "1", kind, shape, f"twelve.{kind}"
        right = f"{backend} witx answer {name}"
        case, guest = f"{backend} {abi} answer {name}", f"tensors-{abi}.wasm"
        yield Case(case, backend, guest, arguments, parts[0], right)


def _faults(backend: str, abi: str) -> Iterator[Case]:
    shape = "x".join(map(str, PLAIN))
    common = str(ENCODINGS[backend]), shape, *_parts(backend, "image")
    for probe in (*FAULTS, *(f"get_output={room}" for room in ROOMS[abi])):
        name = f"{backend} {abi} {probe}"
        yield Case(name, backend, f"faults-{abi}.wasm", (probe, *common))


def _names(backend: str) -> Iterator[Case]:
    """WAMR takes a path for a name. That none of its guests' names has anything but a NUL behind
    it is what WAMR itself asks for until 2.4.5."""
    for abi in NAMED:
        for form in ("x", "nul"):
            model = _parts(backend, "image")[0]
            for name in (model, "missing"):
                words = f"{backend} {abi} {name} with {form} behind"
                right = words if name == model and (abi, form) != ("wamr", "x") else ""
                case = Case(words, backend, f"names-{abi}.wasm", (form, name), model, right)
                yield case._replace(says_errnos=True)
