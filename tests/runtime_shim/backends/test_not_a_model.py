"""Bytes that are not a model, but of a known kind: the reason says what they are."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import openvino
import openvino.opset13 as ops
import pytest

from rewriter.abi.dialects import Encoding, Errno, Target
from rewriter.file_kinds import HEAD
from runtime_shim import HostError, NNHost
from runtime_shim.backends.interface import NO_OPTIONS, Options, Part, Place
from runtime_shim.backends.parsing.loading import load_explained
from runtime_shim.testing import FakeBackend, FakeGraph
from tests.support import tensorflow_models, tflite_models
from tests.support.models import identity


def npz() -> bytes:
    made = io.BytesIO()
    np.savez(made, x=np.zeros(4))
    return made.getvalue()


def keras() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("metadata.json", "{}")
    return made.getvalue()


def tar() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("model.onnx"))
    return made.getvalue()


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 1\n"

PAGE = b"<?xml version='1.0'?>\n<!DOCTYPE html><html><body>404</body></html>"

KNOWN = {
    "a Git LFS pointer": POINTER,
    "a web page": PAGE,
    "compressed with gzip": gzip.compress(b"model"),
    "compressed with zstd": b"\x28\xb5\x2f\xfd" + bytes(30),
    "a tar archive": tar(),
    "a Keras model": keras(),
    "NumPy arrays": npz(),
    "a WebAssembly module": b"\0asm\1\0\0\0",
    "a WebAssembly component": b"\0asm\x0d\0\1\0",
    "JSON": b'{"version": 1}',
    "a text file": b"not found\n",
}

ENCODINGS = [
    Encoding.OPENVINO,
    Encoding.ONNX,
    Encoding.TENSORFLOW,
    Encoding.TENSORFLOWLITE,
    Encoding.GGML,
    Encoding.AUTODETECT,
]
"""PyTorch is in tests/heavy/test_torch.py."""


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_reason_says_what_the_bytes_are(encoding: Encoding) -> None:
    host = NNHost()
    for kind, data in KNOWN.items():
        if encoding in (Encoding.GGML, Encoding.AUTODETECT) and data.startswith(b"PK"):
            continue  # these load ZIP archives with PyTorch
        with pytest.raises(HostError, match=f"this is {kind}") as caught:
            host.load([data], encoding, Target.CPU)
        assert caught.value.errno in (Errno.INVALID_ARGUMENT, Errno.INVALID_ENCODING)


def test_the_reason_says_what_the_bytes_are_with_isolation_too() -> None:
    with (
        NNHost(isolate=True) as host,
        pytest.raises(HostError, match="this is a Git LFS pointer") as caught,
    ):
        host.load([POINTER], Encoding.TENSORFLOWLITE, Target.CPU)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


def ir(folder: Path, size: int) -> tuple[bytes, bytes]:
    """A model that adds `size` numbers to its input, and its weights."""
    port = ops.parameter([size], np.float32)
    added = ops.add(port, ops.constant(np.ones(size, np.float32)))
    xml, weights = folder / "model.xml", folder / "model.bin"
    openvino.serialize(openvino.Model([added], [port]), xml, weights)
    return xml.read_bytes(), weights.read_bytes()


@pytest.mark.parametrize("size", [1, 1000])
def test_a_pointer_in_the_place_of_weights_is_not_computed_with(tmp_path: Path, size: int) -> None:
    xml, weights = ir(tmp_path, size)
    NNHost().load([xml, weights], Encoding.OPENVINO, Target.CPU)
    with pytest.raises(HostError, match="the weights are a Git LFS pointer") as caught:
        NNHost().load([xml, POINTER], Encoding.OPENVINO, Target.CPU)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


class Refusing(FakeBackend):
    """Refuses every model with one error."""

    def __init__(self, error: HostError) -> None:
        super().__init__()
        self._error = error

    def load(self, parts: Sequence[Part], place: Place, options: Options = NO_OPTIONS) -> FakeGraph:
        raise self._error


def test_a_model_is_loaded_whatever_it_looks_like() -> None:
    for data in KNOWN.values():
        _, device = load_explained(FakeBackend(), [data], Target.CPU, NO_OPTIONS)
        assert device == "fake"


@pytest.mark.parametrize(
    "model",
    [
        identity(),
        tensorflow_models.identity((1,)),
        tflite_models.identity(np.float32, [1]),
        b"<?xml version='1.0'?><net>" + bytes(HEAD),
        b"GGUF" + bytes(HEAD),
        b"\0\1\2\3" * HEAD,
    ],
    ids=["onnx", "tensorflow", "tflite", "openvino", "gguf", "unknown"],
)
def test_the_error_of_a_backend_about_a_model_stays(model: bytes) -> None:
    error = HostError(Errno.INVALID_ARGUMENT, "an operator is missing")
    with pytest.raises(HostError, match="an operator is missing"):
        load_explained(Refusing(error), [model], Target.CPU, NO_OPTIONS)


def test_another_error_of_a_backend_stays() -> None:
    error = HostError(Errno.UNSUPPORTED_OPERATION, "there is no GPU")
    with pytest.raises(HostError, match="there is no GPU"):
        load_explained(Refusing(error), [POINTER], Target.CPU, NO_OPTIONS)


def test_a_backend_of_the_embedder_explains_its_own_errors() -> None:
    backend = Refusing(HostError(Errno.INVALID_ARGUMENT, "two files are needed in the archive"))
    host = NNHost(backends={Encoding.ONNX: backend})
    with pytest.raises(HostError, match="two files are needed"):
        host.load([tar()], Encoding.ONNX, Target.CPU)
