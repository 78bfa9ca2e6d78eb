"""Models of every format, type and shape that `check --model` tells apart, each with inputs and
the output that belongs to them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper

from rewriter.abi.dialects import Encoding, TensorType
from samples.build import build
from tests.support.models import model, with_external_data
from tests.support.tflite_models import Operator, Tensor, identity, schema
from tests.support.tflite_models import build as tflite
from tests.tools.conformance_models import ir

__all__ = ["ABIS", "Asked", "asked", "guest", "write_files"]

ROOT = Path(__file__).parents[2]

ABIS = {"witx": (), "wamr": ("-DWAMR",)}

FOUR, IMAGE, CHANNELS_LAST = (1, 1, 1, 4), (1, 3, 2, 2), (1, 2, 2, 3)

FORMATS = {
    "openvino": Encoding.OPENVINO,
    "onnx": Encoding.ONNX,
    "tensorflowlite": Encoding.TENSORFLOWLITE,
}

SUFFIXES = {"openvino": ("xml", "bin"), "onnx": ("onnx",), "tensorflowlite": ("tflite",)}

TYPES: dict[str, tuple[TensorType, npt.DTypeLike, int]] = {
    "f16": (TensorType.F16, np.float16, TensorProto.FLOAT16),
    "f64": (TensorType.F64, np.float64, TensorProto.DOUBLE),
    "u8": (TensorType.U8, np.uint8, TensorProto.UINT8),
    "i32": (TensorType.I32, np.int32, TensorProto.INT32),
    "i64": (TensorType.I64, np.int64, TensorProto.INT64),
}

LACKING: dict[str, tuple[int, npt.DTypeLike]] = {
    "bool": (TensorProto.BOOL, np.bool_),
    "i8": (TensorProto.INT8, np.int8),
    "i16": (TensorProto.INT16, np.int16),
    "bf16": (TensorProto.BFLOAT16, ml_dtypes.bfloat16),
}
"""What wasi-nn has no type for: given as bytes, as nnshim takes them."""

F32 = TensorType.F32


class Given(NamedTuple):
    type: TensorType
    dims: tuple[int, ...]
    data: bytes


class Asked(NamedTuple):
    """A model in `files`, of which the first is what `--model` is given, which a guest loads as
    `encoding`; its inputs, and the first output. A guest does `as_stated` if it takes format and
    types for what the model has."""

    name: str
    encoding: Encoding
    files: tuple[str, ...]
    inputs: tuple[Given, ...]
    expected: bytes
    as_stated: bool = True

    def input_file(self, index: int) -> str:
        return f"{self.name.replace(' ', '-')}.{index}"


def asked() -> Iterator[Asked]:
    for name in FORMATS:
        yield from _floats(name)
        yield from _images(name)
        yield from _types(name)
    yield from _quantised()
    one = np.ones(1, np.float32)
    yield _asked("pytorch base", Encoding.PYTORCH, ("identity.pt",), [one], one)
    yield _asked("tensorflow base", Encoding.TENSORFLOW, ("identity.pb",), [one], one)
    zeros, ones = np.zeros(1024, np.float32), np.ones(1024, np.float32)
    yield _asked("onnx external", Encoding.ONNX, ("external.onnx",), [zeros], ones)
    yield from _as_openvino()


def _asked(
    name: str,
    encoding: Encoding,
    files: tuple[str, ...],
    inputs: list[npt.NDArray[Any]],
    expected: npt.NDArray[Any],
    kind: TensorType = F32,
) -> Asked:
    given = tuple(Given(kind, each.shape, each.tobytes()) for each in inputs)
    return Asked(name, encoding, files, given, expected.tobytes())


def _of(name: str, kind: str) -> tuple[str, Encoding, tuple[str, ...]]:
    files = tuple(f"{name}-{kind}.{suffix}" for suffix in SUFFIXES[name])
    return f"{name} {kind}", FORMATS[name], files


def _up_to(count: int, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    return np.arange(1, count + 1).astype(np.float32).reshape(shape)


def _floats(name: str) -> Iterator[Asked]:
    four, six = _up_to(4, FOUR), _up_to(6, (2, 3))
    for kind in ("base", "free"):
        yield _asked(*_of(name, kind), [four], four + 1)
    yield _asked(*_of(name, "single"), [four[0, 0, 0, :1]], four[0, 0, 0, :1] + 1)
    yield _asked(*_of(name, "rows"), [six], six + np.array([[10], [20]], np.float32))
    yield _asked(*_of(name, "two"), [four * 3, four], four * 2)


def _images(name: str) -> Iterator[Asked]:
    """Those of one colour are the same in every order."""
    for kind, shape in (("image", IMAGE), ("channels-last", CHANNELS_LAST)):
        title, encoding, files = _of(name, kind)
        values = _up_to(12, shape)
        yield _asked(title, encoding, files, [values], values)
        grey = np.full(shape, 7, np.float32)
        yield _asked(f"{title} of one colour", encoding, files, [grey], grey)
    if name == "openvino":
        large = np.full((1, 3, 224, 224), 7, np.float32)
        yield _asked(*_of(name, "large"), [large], large[0, 0, 0, :1])


def _types(name: str) -> Iterator[Asked]:
    """The same type in and out; floats for a model of another type; floats in, and another out."""
    for kind, (number, dtype, _) in TYPES.items():
        title, encoding, files = _of(name, f"{kind}-image")
        values = np.full(IMAGE, 7, dtype)
        yield _asked(title, encoding, files, [values], values, number)
        floats = _asked(f"{title} of floats", encoding, files, [values.astype(np.float32)], values)
        yield floats._replace(as_stated=False)
        title, encoding, files = _of(name, f"to-{kind}")
        yield _asked(title, encoding, files, [values.astype(np.float32)], values)
    for kind, (_, dtype) in LACKING.items():
        values = np.ones(IMAGE).astype(dtype)
        title, encoding, files = _of(name, kind)
        given = (Given(TensorType.U8, IMAGE, values.tobytes()),)
        yield Asked(title, encoding, files, given, values.tobytes())


def _quantised() -> Iterator[Asked]:
    """Adding 1 to what is half of each whole number, given as whole numbers, and as floats."""
    whole = _up_to(4, FOUR)
    for kind in ("quantised", "quantised-i8"):
        title, encoding, files = _of("tensorflowlite", kind)
        given = whole.astype(np.uint8)
        yield _asked(title, encoding, files, [given], given + np.uint8(2), TensorType.U8)
        floats = _asked(f"{title} of floats", encoding, files, [whole / 2], whole / 2 + 1)
        yield floats._replace(as_stated=False)


def _as_openvino() -> Iterator[Asked]:
    """Models of other formats, with an empty second part."""
    values = _up_to(4, FOUR)
    for name in ("onnx", "tensorflowlite"):
        title, _, (file,) = _of(name, "base")
        files = (file, "empty")
        found = _asked(f"{title} as openvino", Encoding.OPENVINO, files, [values], values + 1)
        yield found._replace(as_stated=False)
    one = np.ones(1, np.float32)
    files = ("identity.pb", "empty")
    found = _asked("tensorflow base as openvino", Encoding.OPENVINO, files, [one], one)
    yield found._replace(as_stated=False)


def write_files(folder: Path) -> None:
    """The models, and what guests are to give them."""
    for file in (ROOT / "conformance" / "models").glob("*/*/model.*"):
        kind, name = file.parent.name, file.parents[1].name
        shutil.copy(file, folder / f"{name}-{kind}{file.suffix}")
    for suffix in ("pt", "pb"):
        shutil.copy(ROOT / "runtime_shim" / "trials" / f"identity.{suffix}", folder)
    _write_same(folder, "image", TensorProto.FLOAT, np.float32, IMAGE)
    _write_same(folder, "channels-last", TensorProto.FLOAT, np.float32, CHANNELS_LAST)
    for kind, (_, dtype, code) in TYPES.items():
        _write_same(folder, f"{kind}-image", code, dtype, IMAGE)
        _write_cast(folder, kind, code, dtype)
    for kind, (code, dtype) in LACKING.items():
        _write_same(folder, kind, code, dtype, IMAGE)
    for kind, whole in (("quantised", np.uint8), ("quantised-i8", np.int8)):
        (folder / f"tensorflowlite-{kind}.tflite").write_bytes(_adding_one(whole))
    _write_large(folder)
    (folder / "external.onnx").write_bytes(with_external_data("weights.bin"))
    np.ones(1024, np.float32).tofile(folder / "weights.bin")
    (folder / "empty").write_bytes(b"")
    for each in asked():
        for index, given in enumerate(each.inputs):
            (folder / each.input_file(index)).write_bytes(given.data)


def _write_same(
    folder: Path, kind: str, code: int, dtype: npt.DTypeLike, dims: tuple[int, ...]
) -> None:
    """The output is the input."""
    node = helper.make_node("Identity", ["x"], ["y"])
    made = model([node], [("x", code, dims)], [("y", code, dims)])
    (folder / f"onnx-{kind}.onnx").write_bytes(made)
    (folder / f"tensorflowlite-{kind}.tflite").write_bytes(identity(dtype, dims))
    names = {"bool": "boolean", "image": "f32", "channels-last": "f32"}
    word = names.get(kind, kind.removesuffix("-image"))
    for path, data in ir(kind, [word], dims, [], [0]):
        (folder / f"openvino-{kind}{Path(path).suffix}").write_bytes(data)


def _write_cast(folder: Path, kind: str, code: int, dtype: npt.DTypeLike) -> None:
    """The output is the input, of floats, in another type."""
    node = helper.make_node("Cast", ["x"], ["y"], to=code)
    made = model([node], [("x", TensorProto.FLOAT, IMAGE)], [("y", code, IMAGE)])
    (folder / f"onnx-to-{kind}.onnx").write_bytes(made)
    _write_ir(folder, f"openvino-to-{kind}", made)
    tensors = [Tensor(np.float32, IMAGE), Tensor(dtype, IMAGE)]
    cast = Operator(schema.BuiltinOperator.CAST, [0], [1])
    (folder / f"tensorflowlite-to-{kind}.tflite").write_bytes(tflite(tensors, [cast], [0], [1]))


def _write_large(folder: Path) -> None:
    """An image, and the largest of its values."""
    node = helper.make_node("ReduceMax", ["x"], ["y"], keepdims=0)
    scalar: tuple[int, ...] = ()
    made = model(
        [node],
        [("x", TensorProto.FLOAT, (1, 3, 224, 224))],
        [("y", TensorProto.FLOAT, scalar)],
    )
    _write_ir(folder, "openvino-large", made)


def _write_ir(folder: Path, name: str, onnx: bytes) -> None:
    import openvino

    made = openvino.Core().read_model(onnx)
    openvino.save_model(made, folder / f"{name}.xml", compress_to_fp16=False)


def _adding_one(dtype: npt.DTypeLike) -> bytes:
    """Whole numbers stand for half of what they are."""
    scaled: dict[str, Any] = {"scales": [0.5], "zero_points": [0]}
    port = Tensor(dtype, FOUR, **scaled)
    one = Tensor(dtype, [1], np.array([2], dtype), **scaled)
    options = schema.BuiltinOptions.AddOptions, schema.AddOptionsT()
    add = Operator(schema.BuiltinOperator.ADD, [0, 1], [2], *options)
    return tflite([port, one, port], [add], [0], [2])


def guest(folder: Path, abi: str) -> Path:
    """The guest that asks, in one of ABIS."""
    made = folder / f"answer-{abi}.wasm"
    if not made.exists():
        build(ROOT / "tests" / "heavy" / "peer_guests" / "answer.c", made, *ABIS[abi])
    return made
