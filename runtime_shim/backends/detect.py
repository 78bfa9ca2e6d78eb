"""What a model is, by its first bytes, for `autodetect`: no backend is imported to find out."""

from __future__ import annotations

from collections.abc import Sequence

from rewriter.dialects import Encoding

__all__ = ["detect", "is_xml", "may_name_files"]

_STARTS = (
    (b"GGUF", 0, Encoding.GGML),  # https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
    (b"TFL3", 4, Encoding.TENSORFLOWLITE),  # the file identifier of tflite's schema_v3.fbs
    (b"PK\x03\x04", 0, Encoding.PYTORCH),  # TorchScript's archives are ZIP files
    (b"\x08", 0, Encoding.ONNX),  # protobuf field 1, a varint: ModelProto.ir_version
)
"""Bytes, where they are, and what begins so."""


def is_xml(builder: bytes) -> bool:
    """Whether this is the first part of an OpenVINO model."""
    return builder[:100].lstrip().startswith((b"<?xml", b"<net"))


def detect(builders: Sequence[bytes]) -> Encoding | None:
    """The encoding of a model, None for one that looks like none."""
    if len(builders) == 2 and is_xml(builders[0]):
        return Encoding.OPENVINO
    if len(builders) != 1:
        return None
    model = builders[0]
    return next((found for start, at, found in _STARTS if model.startswith(start, at)), None)


def may_name_files(onnx_model: bytes) -> bool:
    """Whether an ONNX model may have tensors whose data are in other files.

    Such a tensor says where under the key "location", which stands in the model as it is in every
    encoding of it that there is; so that of a model without these bytes it is certain.

    https://github.com/onnx/onnx/blob/main/onnx/onnx.proto (TensorProto.external_data)
    """
    return b"location" in onnx_model
