"""The formats of models: a row for each encoding that nnshim has a backend for."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from rewriter.abi.dialects import Encoding, TensorType
from runtime_shim.backends.common.smoke_models import Trial, identity

__all__ = ["FORMATS", "HEAD", "MOST_PARTS", "Format"]

HEAD = 100
"""Bytes of a model that tell its format."""


class Format(NamedTuple):
    """`module` is the backend's, in runtime_shim.backends, and `extra` installs what that needs.
    `title` is how messages call the format, and `begins` a pattern for the first HEAD bytes of its
    first part. `files` are those of a graph's folder, one for each part, as Wasmtime names them
    where it has the encoding. `also` has encodings whose models guests load under this one's
    number, see FORMATS; `reads` has those that its own backend runs besides. `trial` is a small
    model with known answers.

    https://github.com/bytecodealliance/wasmtime/tree/e6b33de/crates/wasi-nn/src/backend
    """

    module: str
    extra: str
    title: str
    begins: bytes
    files: tuple[str, ...]
    trial: Trial
    also: tuple[Encoding, ...] = ()
    reads: tuple[Encoding, ...] = ()


FORMATS: Mapping[Encoding, Format] = MappingProxyType(
    {
        Encoding.OPENVINO: Format(
            module="openvino.entry",
            extra="openvino",
            title="OpenVINO's IR",
            begins=rb"\s*<(\?xml|net)",
            files=("model.xml", "model.bin"),
            trial=identity("identity.onnx"),
            reads=(Encoding.ONNX,),
        ),
        # GraphDef.node, and in it NodeDef.name; both are field 1, of bytes.
        # https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/framework/graph.proto
        Encoding.TENSORFLOW: Format(
            module="tensorflow",
            extra="tensorflow",
            title="a frozen TensorFlow graph",
            begins=rb"\n[\x80-\xff]{0,4}[\x00-\x7f]\n",
            files=("model.pb",),
            trial=identity("identity.pb"),
            also=(Encoding.TENSORFLOWLITE, Encoding.ONNX),
        ),
        # https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
        Encoding.GGML: Format(
            module="ggml.backend",
            extra="ggml",
            title="GGUF",
            begins=rb"GGUF",
            files=("model.gguf",),
            trial=Trial("successors.gguf.xz", TensorType.U8, ((b"a", b"bc</s>"), (b"b", b"c</s>"))),
            also=tuple(Encoding),
        ),
        # The file identifier of tflite's schema_v3.fbs
        Encoding.TENSORFLOWLITE: Format(
            module="litert.backend",
            extra="litert",
            title="TensorFlow Lite",
            begins=rb"(?s).{4}TFL3",
            files=("model.tflite",),
            trial=identity("identity.tflite"),
        ),
        # That of onnxruntime/core/flatbuffers/schema/ort.fbs; or protobuf field 1, a varint, which
        # is ModelProto.ir_version
        Encoding.ONNX: Format(
            module="onnx.backend",
            extra="onnx",
            title="ONNX",
            begins=rb"(?s).{4}ORTM|\x08",
            files=("model.onnx",),
            trial=identity("identity.onnx"),
            also=(Encoding.TENSORFLOW,),
        ),
        # TorchScript's archives are ZIP files
        Encoding.PYTORCH: Format(
            module="torch.backend",
            extra="torch",
            title="TorchScript (a ZIP archive)",
            begins=rb"PK\x03\x04",
            files=("model.pt",),
            trial=identity("identity.pt"),
        ),
    }
)
"""In the order in which a model is held against them.

What guests load under another encoding's number, as that once had another meaning, or has one on
another host: WAMR 1.1 called TensorFlow Lite tensorflow; until 2022-08 the specification had
tensorflow 1 and onnx 2; 6 is ggml for WasmEdge, and autodetect for WAMR. A table and no entry
points, because looking those up would add to the start of every guest."""

MOST_PARTS = max(len(row.files) for row in FORMATS.values())
"""Of a model, whatever encoding it is loaded as."""
