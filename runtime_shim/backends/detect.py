"""What a model is, by its first bytes, for `autodetect`: no backend is imported to find out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rewriter.dialects import Encoding
from runtime_shim.backends.base import Part
from runtime_shim.backends.parts import head

__all__ = ["detect", "is_xml"]

_STARTS = (
    (b"GGUF", 0, Encoding.GGML),  # https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
    (b"TFL3", 4, Encoding.TENSORFLOWLITE),  # the file identifier of tflite's schema_v3.fbs
    (b"PK\x03\x04", 0, Encoding.PYTORCH),  # TorchScript's archives are ZIP files
    (b"\x08", 0, Encoding.ONNX),  # protobuf field 1, a varint: ModelProto.ir_version
)
"""Bytes, where they are, and what begins so."""

_FROZEN_GRAPH = re.compile(rb"\n[\x80-\xff]{0,4}[\x00-\x7f]\n")
"""GraphDef.node, and in it NodeDef.name; both are field 1, of bytes.

https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/framework/graph.proto
"""


def is_xml(part: Part) -> bool:
    """Whether this is the first part of an OpenVINO model."""
    return head(part, 100).lstrip().startswith((b"<?xml", b"<net"))


def detect(parts: Sequence[Part]) -> Encoding | None:
    """The encoding of a model, None for one that looks like none."""
    if len(parts) == 2 and is_xml(parts[0]):
        return Encoding.OPENVINO
    if len(parts) != 1:
        return None
    start = head(parts[0], 8)
    if _FROZEN_GRAPH.match(start):
        return Encoding.TENSORFLOW
    return next((found for mark, at, found in _STARTS if start.startswith(mark, at)), None)
