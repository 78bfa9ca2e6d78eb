"""How to recognise models of each format, and what messages call the formats."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rewriter.abi.numbers import Encoding

__all__ = ["BEGINS", "HEAD", "TITLES"]

HEAD = 100
"""How many bytes of a model show its format."""

BEGINS: Mapping[Encoding, bytes] = MappingProxyType(
    {
        Encoding.OPENVINO: rb"\s*<(\?xml|net)",
        # GraphDef.node, and in it NodeDef.name; both are field 1, of bytes.
        # https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/framework/graph.proto
        Encoding.TENSORFLOW: rb"\n[\x80-\xff]{0,4}[\x00-\x7f]\n",
        # https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
        Encoding.GGML: rb"GGUF",
        # The file identifier of tflite's schema_v3.fbs
        Encoding.TENSORFLOWLITE: rb"(?s).{4}TFL3",
        # The identifier of onnxruntime/core/flatbuffers/schema/ort.fbs; or protobuf field 1, the
        # varint ModelProto.ir_version
        Encoding.ONNX: rb"(?s).{4}ORTM|\x08",
        # TorchScript archives are ZIP files
        Encoding.PYTORCH: rb"PK\x03\x04",
    }
)
"""Patterns for the first HEAD bytes, in the order in which they are tried."""

TITLES: Mapping[Encoding, str] = MappingProxyType(
    {
        Encoding.OPENVINO: "OpenVINO's IR",
        Encoding.TENSORFLOW: "a frozen TensorFlow graph",
        Encoding.GGML: "GGUF",
        Encoding.TENSORFLOWLITE: "TensorFlow Lite",
        Encoding.ONNX: "ONNX",
        Encoding.PYTORCH: "TorchScript (a ZIP archive)",
    }
)
