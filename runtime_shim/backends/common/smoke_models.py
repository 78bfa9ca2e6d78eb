"""Small models with a known answer, to try NN runtimes with."""

from __future__ import annotations

import lzma
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType

from rewriter.abi.dialects import Encoding, TensorType

__all__ = ["TRIALS", "Trial"]


@dataclass(frozen=True)
class Trial:
    """A model in one part, among the package's files (tests/tools/trials.py makes them), and what
    it gives for one tensor with one dimension: for several, so that no answer can be left over."""

    file: str
    type: TensorType
    answers: tuple[tuple[bytes, bytes], ...]

    def model(self) -> bytes:
        """The model's bytes."""
        data = (files("runtime_shim") / "trials" / self.file).read_bytes()
        return lzma.decompress(data) if self.file.endswith(".xz") else data


def _identity(file: str) -> Trial:
    numbers = [struct.pack("<f", value) for value in (2.5, -1.25)]
    return Trial(file, TensorType.F32, tuple((number, number) for number in numbers))


TRIALS: Mapping[Encoding, Trial] = MappingProxyType(
    {
        Encoding.GGML: Trial(
            "successors.gguf.xz", TensorType.U8, ((b"a", b"bc</s>"), (b"b", b"c</s>"))
        ),
        Encoding.ONNX: _identity("identity.onnx"),
        Encoding.OPENVINO: _identity("identity.onnx"),
        Encoding.PYTORCH: _identity("identity.pt"),
        Encoding.TENSORFLOW: _identity("identity.pb"),
        Encoding.TENSORFLOWLITE: _identity("identity.tflite"),
    }
)
