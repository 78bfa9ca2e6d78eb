"""Reads a model's file without importing an NN runtime, and without reading the weights."""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rewriter import file_kinds
from rewriter.abi.numbers import Encoding
from rewriter.errors import InputError, ModelError
from rewriter.file_kinds import Family, kind_of, mistaken, special
from rewriter.models import gguf, onnx, openvino, tensorflow, tflite
from rewriter.models.formats import BEGINS, HEAD, TITLES
from rewriter.models.model import Model
from rewriter.models.protobuf import Data

__all__ = ["read_model"]

_SAVED_MODEL = "saved_model.pb"


def read_model(path: str | os.PathLike[str]) -> Model:
    """The model in a file. OpenVINO's weights are expected next to the XML file, under the same
    name with .bin. A folder is treated as a TensorFlow SavedModel.

    Raises InputError if the file cannot be read, and ModelError if it is not a model in a known
    format, or not complete.
    """
    file = Path(path)
    try:
        if file.is_dir():
            file /= _SAVED_MODEL
            if not file.exists():
                raise InputError(f"{path}: this is a folder without {_SAVED_MODEL}")
        with _mapped(file) as data:
            return _read(file, data)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from error


@contextmanager
def _mapped(file: Path) -> Iterator[Data]:
    if not file.is_file() and file.exists():
        raise InputError(f"{file}: this is {special(file)}, not a regular file")
    with file.open("rb") as opened:
        if not os.fstat(opened.fileno()).st_size:
            raise ModelError(f"{file}: the file is empty", "NN702")
        with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield data


def _read(file: Path, data: Data) -> Model:
    encoding = _encoding(data[:HEAD])
    kind = kind_of(data[: file_kinds.HEAD])
    if encoding is None or (kind is not None and kind.family is not Family.MODEL):
        raise ModelError(f"{file}: {_unknown(file, data)}", "NN702")
    model = Model(str(file), encoding, TITLES[encoding], len(data), parts=(str(file),))
    try:
        return _READERS[encoding](model, data)
    except (IndexError, ValueError) as error:
        reason = str(error) if not isinstance(error, IndexError) else "it ends too early"
        message = f"{file}: the model ({model.title}) is truncated or broken: {reason}"
        raise ModelError(message, "NN701") from error


def _unknown(file: Path, data: Data) -> str:
    """Why this is not a model, as far as that is known."""
    graph = file.with_suffix(".xml")
    if file.suffix == ".bin" and graph.is_file():
        return f"these are the weights of an OpenVINO model; name {graph} instead"
    found = mistaken(data[: file_kinds.HEAD], "a model")
    if found is not None:
        return "; ".join(found)
    return (
        "this is not a model in a known format; known are ONNX, OpenVINO's IR (its XML file),"
        " TensorFlow Lite, GGUF, TorchScript, TensorFlow's frozen graph and SavedModel"
    )


def _encoding(start: bytes) -> Encoding | None:
    for encoding, begins in BEGINS.items():
        if re.match(begins, start):
            return encoding
    return None


def _onnx(model: Model, data: Data) -> Model:
    if data[4:8] == b"ORTM":
        return model._replace(title="ONNX Runtime's own format")
    if tensorflow.is_saved_model(data):
        return _saved_model(model, data)
    found = onnx.read(data)
    return model._replace(
        inputs=found.inputs,
        outputs=found.outputs,
        quantised=found.quantised,
        elsewhere=found.files,
        custom=found.custom,
    )


def _saved_model(model: Model, data: Data) -> Model:
    inputs, outputs = tensorflow.read_signature(data)
    variables = Path(model.path).parent / "variables"
    return model._replace(
        encoding=None,
        title="TensorFlow's SavedModel",
        inputs=inputs,
        outputs=outputs,
        elsewhere=(str(variables),) if variables.is_dir() else (),
    )


def _openvino(model: Model, data: Data) -> Model:
    weights = Path(model.path).with_suffix(".bin")
    size = weights.stat().st_size if weights.is_file() else None
    graph = openvino.read(data, size)
    return model._replace(
        inputs=graph.inputs,
        outputs=graph.outputs,
        quantised=graph.quantised,
        size=model.size + (size or 0),
        parts=(model.path, str(weights)),
        missing=str(weights) if size is None and graph.needed else "",
    )


def _tflite(model: Model, data: Data) -> Model:
    return model._replace(**tflite.read(data)._asdict())


def _gguf(model: Model, data: Data) -> Model:
    return model._replace(quantised=gguf.check_whole(data))


def _tensorflow(model: Model, data: Data) -> Model:
    inputs, outputs = tensorflow.read_graph(data)
    return model._replace(inputs=inputs, outputs=outputs)


def _pytorch(model: Model, _: Data) -> Model:
    """A TorchScript archive contains code besides pickles, and does not state its inputs."""
    import zipfile  # not needed for other formats

    try:
        with zipfile.ZipFile(model.path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError) as error:  # the latter for unknown versions
        raise ValueError(str(error)) from error
    folders = {name.partition("/")[0] for name in names}
    if any(f"{folder}/constants.pkl" in names for folder in folders):
        return model
    if any(f"{folder}/data.pkl" in names for folder in folders):
        what = "these are PyTorch weights without code; save the model with torch.jit.save"
    else:
        what = "this is a ZIP file but not a TorchScript archive"
    raise ModelError(f"{model.path}: {what}", "NN702")


_READERS = {
    Encoding.ONNX: _onnx,
    Encoding.OPENVINO: _openvino,
    Encoding.TENSORFLOWLITE: _tflite,
    Encoding.GGML: _gguf,
    Encoding.TENSORFLOW: _tensorflow,
    Encoding.PYTORCH: _pytorch,
}
