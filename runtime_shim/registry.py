"""Named graphs, for load_by_name: what they are, and how command lines of other hosts say it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from rewriter.dialects import Encoding, Target
from rewriter.errors import InputError, UsageError

__all__ = ["NamedGraph", "parse_nn_graph", "parse_nn_preload"]

_MODEL_FILES = {
    Encoding.OPENVINO: ("model.xml", "model.bin"),
    Encoding.ONNX: ("model.onnx",),
    Encoding.PYTORCH: ("model.pt",),
    Encoding.TENSORFLOWLITE: ("model.tflite",),
}
"""The files of a graph's folder, as Wasmtime has them; it has no TensorFlow Lite.

https://github.com/bytecodealliance/wasmtime/tree/e6b33de/crates/wasi-nn/src/backend
"""


@dataclass(frozen=True)
class NamedGraph:
    """A model in files, by the name that guests ask for. The files are read at the first use."""

    name: str
    encoding: Encoding
    target: Target
    paths: tuple[str, ...]

    def __post_init__(self) -> None:
        for path in self.paths:
            if not os.path.isfile(path):
                raise InputError(f"named graph {self.name!r}: there is no file {path}")


def parse_nn_graph(text: str) -> NamedGraph:
    """Wasmtime's `ENCODING::DIR`: the name is DIR's last part, the files in it `model.onnx`,
    `model.xml` and `model.bin`, `model.pt` or `model.tflite`.

    Raises UsageError, and InputError where the file is not there.
    """
    encoding_text, separator, folder = text.partition("::")
    if not separator or not folder:
        raise UsageError(f"nn-graph={text}: expected ENCODING::DIR")
    encoding = _encoding(encoding_text)
    name = os.path.basename(os.path.abspath(folder))
    paths = tuple(os.path.join(folder, file) for file in _MODEL_FILES[encoding])
    return NamedGraph(name, encoding, Target.CPU, paths)


def parse_nn_preload(text: str) -> NamedGraph:
    """WasmEdge's `NAME:ENCODING:TARGET:PATH[:PATH]`; encoding and target in any case, AUTO is the
    CPU. The paths are the parts of the model, in the order in which a guest passes them.

    Raises UsageError, and InputError where the file is not there.
    """
    parts = text.split(":", 3)
    if len(parts) < 4 or not all(parts):
        raise UsageError(f"--nn-preload {text}: expected NAME:ENCODING:TARGET:PATH[:PATH]")
    name, encoding_text, target_text, path = parts
    if target_text.upper() == "AUTO":
        target_text = "cpu"
    try:
        target = Target[target_text.upper()]
    except KeyError:
        known = ", ".join(target.name.lower() for target in Target)
        raise UsageError(f"{target_text!r} is no target; known are {known} and auto") from None
    return NamedGraph(name, _encoding(encoding_text), target, tuple(path.split(":")))


def _encoding(text: str) -> Encoding:
    for encoding in _MODEL_FILES:
        if encoding.name == text.upper():
            return encoding
    known = ", ".join(encoding.name.lower() for encoding in _MODEL_FILES)
    raise UsageError(f"{text!r}: named graphs can be of the encodings {known}")
