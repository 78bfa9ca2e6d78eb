"""What a model is, by its first bytes: no backend is imported to find out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rewriter.abi.dialects import Encoding, Errno
from runtime_shim.backends.interface import Part
from runtime_shim.backends.parsing.model_parts import head
from runtime_shim.errors import HostError

__all__ = ["MOST_PARTS", "detect", "is_xml", "resolve"]

MOST_PARTS = 2
"""Of a model: OpenVINO's IR has two, whatever encoding it is loaded as."""

_STARTS = (
    (b"GGUF", 0, Encoding.GGML),  # https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
    (b"TFL3", 4, Encoding.TENSORFLOWLITE),  # the file identifier of tflite's schema_v3.fbs
    (b"ORTM", 4, Encoding.ONNX),  # that of onnxruntime/core/flatbuffers/schema/ort.fbs
    (b"PK\x03\x04", 0, Encoding.PYTORCH),  # TorchScript's archives are ZIP files
    (b"\x08", 0, Encoding.ONNX),  # protobuf field 1, a varint: ModelProto.ir_version
)
"""Bytes, where they are, and what begins so."""

_FROZEN_GRAPH = re.compile(rb"\n[\x80-\xff]{0,4}[\x00-\x7f]\n")
"""GraphDef.node, and in it NodeDef.name; both are field 1, of bytes.

https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/framework/graph.proto
"""

_FORMATS = {
    Encoding.GGML: "GGUF",
    Encoding.ONNX: "ONNX",
    Encoding.OPENVINO: "OpenVINO's IR",
    Encoding.PYTORCH: "TorchScript (a ZIP archive)",
    Encoding.TENSORFLOW: "a frozen TensorFlow graph",
    Encoding.TENSORFLOWLITE: "TensorFlow Lite",
}

_ALSO = {
    Encoding.TENSORFLOW: {Encoding.TENSORFLOWLITE, Encoding.ONNX},
    Encoding.ONNX: {Encoding.TENSORFLOW},
    Encoding.GGML: set(_FORMATS),
}
"""Formats that guests load under an encoding's number, as it once had another meaning, or has one
on another host: WAMR 1.1 called TensorFlow Lite tensorflow; until 2022-08 the specification had
tensorflow 1 and onnx 2; 6 is ggml for WasmEdge, and autodetect for WAMR."""


def is_xml(part: Part) -> bool:
    """Whether this is the first part of an OpenVINO model."""
    return head(part, 100).lstrip().startswith((b"<?xml", b"<net"))


def detect(parts: Sequence[Part]) -> Encoding | None:
    """The encoding of a model, None for one that looks like none."""
    if not parts or len(parts) > MOST_PARTS:
        return None
    if is_xml(parts[0]):
        return Encoding.OPENVINO
    if len(parts) != 1:
        return None
    start = head(parts[0], 8)
    if _FROZEN_GRAPH.match(start):
        return Encoding.TENSORFLOW
    return next((found for mark, at, found in _STARTS if start.startswith(mark, at)), None)


def resolve(parts: Sequence[Part], encoding: Encoding, only_this: bool = False) -> Encoding:
    """The encoding that a model is to be loaded as: what it is, where that may be loaded under the
    encoding that was named, which it may not with `only_this`. One that looks like nothing is left
    to the backend of the encoding.

    Raises HostError: `invalid_encoding` for a model of another format, which the reason names, and
    `invalid_argument` where autodetect finds none.
    """
    try:
        found = detect(parts)
    except OSError:  # the backend says what it misses
        return encoding
    if encoding is Encoding.AUTODETECT:
        if found is None:
            raise HostError(Errno.INVALID_ARGUMENT, "the model is not of a known format")
        return found
    if found is None or found is encoding or encoding not in _FORMATS:
        return encoding
    if found in _ALSO.get(encoding, ()) and not only_this:
        return found
    if encoding is Encoding.OPENVINO and found is Encoding.ONNX:  # which OpenVINO reads too
        return encoding
    raise HostError(
        Errno.INVALID_ENCODING,
        f"the model is {_FORMATS[found]}, and was loaded as {encoding.name.lower()}",
    )
