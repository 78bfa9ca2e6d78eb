"""Files that an ONNX model names for its weights.

Such a tensor has the key "location" in TensorProto.external_data. Where NN runtimes look for the
file differs by release: beside the model, in the current folder, or at any path.

https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from rewriter.abi.dialects import Errno
from rewriter.models.onnx import MESSAGES
from rewriter.models.protobuf import Data, fields, find
from runtime_shim.backends.parsing.model_parts import mapped
from runtime_shim.errors import HostError

__all__ = ["check_files", "may_name_files", "named_files"]


def may_name_files(model: Data) -> bool:
    """Whether an ONNX model may have tensors with data in other files. Without the bytes of the
    key, which every encoding stores unchanged, it certainly has none."""
    return model.find(b"location") != -1


def check_files(model: Path) -> None:
    """Raise HostError with `invalid_argument` for a model that names a file outside of its own
    folder, by a symbolic link too, or that cannot be read far enough to tell."""
    named = named_files(model)
    folder = os.path.realpath(model.parent)
    folders = {folder, os.path.dirname(os.path.realpath(model))}
    for name in named:
        target = os.path.realpath(os.path.join(folder, name))
        if not any(os.path.commonpath((inside, target)) == inside for inside in folders):
            raise HostError(
                Errno.INVALID_ARGUMENT,
                f"{model} refers to {name!r}, which is outside its folder",
            )


def named_files(model: Path) -> set[str]:
    """The files that an ONNX model names, by the paths that are in it. Raises HostError with
    `invalid_argument` for one that cannot be read far enough to tell, and OSError."""
    with mapped(model) as content:
        if not may_name_files(content):
            return set()
        try:
            return set(_named(content))
        except (IndexError, ValueError) as error:
            raise HostError(Errno.INVALID_ARGUMENT, f"cannot read {model}: {error}") from error


def _named(model: Data) -> Iterator[str]:
    """The files that a model names. Raises IndexError and ValueError."""
    for start, stop in find(model, MESSAGES, "model", "entry"):
        entry = {number: model[a:b] for number, _, a, b in fields(model, start, stop)}
        if entry.get(1) == b"location":
            yield entry.get(2, b"").decode()
