"""The files that an NN runtime reads besides those of a model that are named."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime_shim import NamedGraph

__all__ = ["beside"]

_OF_ONNX = ("ONNX", "OPENVINO", "AUTODETECT")
"""Encodings of which a model may be an ONNX file."""

_SPLIT = re.compile(r"(.*)-\d{5}-of-(\d{5})\.gguf", re.DOTALL)
"""https://github.com/ggml-org/llama.cpp/blob/master/tools/gguf-split/README.md"""


def beside(graph: NamedGraph, path: str) -> Sequence[tuple[str, str]]:
    """Of a model's file: those that an ONNX model names for its weights, and the other parts of a
    split GGUF file. Each with its path from the model's folder, and where it is; it need not exist,
    and it is in two places if the model is a symbolic link."""
    split = _SPLIT.fullmatch(path)
    if split is not None:
        count = int(split[2])
        parts = (f"{split[1]}-{part:05}-of-{count:05}.gguf" for part in range(1, count + 1))
        return [(os.path.basename(part), part) for part in parts]
    if graph.encoding.name not in _OF_ONNX or not os.path.isfile(path):
        return []
    from runtime_shim.backends.onnx.files import named_files
    from runtime_shim.errors import HostError

    try:
        named = sorted(named_files(Path(path)))
    except (HostError, OSError):  # loading or reading the model raises the same
        return []
    folders = dict.fromkeys((os.path.dirname(path), os.path.dirname(os.path.realpath(path))))
    return [(name, os.path.join(folder, name)) for folder in folders for name in named]
