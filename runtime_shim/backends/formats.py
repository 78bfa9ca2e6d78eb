"""The formats of models: a row for each encoding that nnshim has a backend for."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from rewriter.abi.dialects import Encoding, TensorType
from rewriter.models.formats import BEGINS, HEAD, TITLES
from runtime_shim.backends.common.smoke_models import Trial, identity

__all__ = ["FORMATS", "HEAD", "MOST_PARTS", "Format"]


class Format(NamedTuple):
    """A format of models. `module` is its backend, in runtime_shim.backends, and `extra` installs
    the backend's packages. `title` is the format's name in messages, and `begins` a pattern for the
    first HEAD bytes of its first part. `files` are the files of a graph's folder, one for each
    part, with the names that Wasmtime uses if it has the encoding. `also` lists encodings whose
    models guests load under this one's number, see FORMATS; `reads` lists encodings that its own
    backend also runs. `trial` is a small model with known answers.

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
            title=TITLES[Encoding.OPENVINO],
            begins=BEGINS[Encoding.OPENVINO],
            files=("model.xml", "model.bin"),
            trial=identity("identity.onnx"),
            reads=(Encoding.ONNX,),
        ),
        Encoding.TENSORFLOW: Format(
            module="tensorflow",
            extra="tensorflow",
            title=TITLES[Encoding.TENSORFLOW],
            begins=BEGINS[Encoding.TENSORFLOW],
            files=("model.pb",),
            trial=identity("identity.pb"),
            also=(Encoding.TENSORFLOWLITE, Encoding.ONNX),
        ),
        Encoding.GGML: Format(
            module="ggml.backend",
            extra="ggml",
            title=TITLES[Encoding.GGML],
            begins=BEGINS[Encoding.GGML],
            files=("model.gguf",),
            trial=Trial("successors.gguf.xz", TensorType.U8, ((b"a", b"bc</s>"), (b"b", b"c</s>"))),
            also=tuple(Encoding),
        ),
        Encoding.TENSORFLOWLITE: Format(
            module="litert.backend",
            extra="litert",
            title=TITLES[Encoding.TENSORFLOWLITE],
            begins=BEGINS[Encoding.TENSORFLOWLITE],
            files=("model.tflite",),
            trial=identity("identity.tflite"),
        ),
        Encoding.ONNX: Format(
            module="onnx.backend",
            extra="onnx",
            title=TITLES[Encoding.ONNX],
            begins=BEGINS[Encoding.ONNX],
            files=("model.onnx",),
            trial=identity("identity.onnx"),
            also=(Encoding.TENSORFLOW,),
        ),
        Encoding.PYTORCH: Format(
            module="torch.backend",
            extra="torch",
            title=TITLES[Encoding.PYTORCH],
            begins=BEGINS[Encoding.PYTORCH],
            files=("model.pt",),
            trial=identity("identity.pt"),
        ),
    }
)
"""In the order in which a model is compared with them.

Guests load some formats under another encoding's number, because the number once meant something
else, or does on another host: WAMR 1.1 called TensorFlow Lite tensorflow; until 2022-08 the
specification had tensorflow 1 and onnx 2; 6 is ggml for WasmEdge, and autodetect for WAMR. This is
a table, not entry points, because looking those up would slow down the start of every guest.
"""

MOST_PARTS = max(len(row.files) for row in FORMATS.values())
"""Maximum number of parts of a model, whatever its encoding."""
