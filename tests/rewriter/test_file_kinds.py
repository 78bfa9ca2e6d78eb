from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import socket
import struct
import tarfile
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import wasmtime

from rewriter.file_kinds import HEAD, Family, kind_of, mistaken, special
from rewriter.models.reading import read_model
from runtime_shim.backends.common.smoke_models import identity
from tests.support.tensorflow_models import field


def tarred(name: str, content: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


def zipped(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in names:
            archive.writestr(name, b"content")
    return made.getvalue()


def arrays(*, one: bool) -> bytes:
    made = io.BytesIO()
    if one:
        np.save(made, np.zeros(3))
    else:
        np.savez(made, a=np.zeros(3))
    return made.getvalue()


def precompiled() -> bytes:
    return bytes(wasmtime.Module(wasmtime.Engine(), "(module)").serialize())


SAVED_MODEL = field(1, 1) + field(2, field(1, field(1, "tag")))
"""SavedModel.saved_model_schema_version, and a meta graph with MetaInfoDef.meta_graph_version."""

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0000\nsize 12\n"

HEADER_OF_WEIGHTS = b'{"__metadata__":{"format":"pt"}}'


@pytest.mark.parametrize(
    ("content", "title"),
    [
        pytest.param(b"\0asm\x01\0\0\0", "a WebAssembly module", id="module"),
        pytest.param(b"\0asm\x0d\0\x01\0", "a WebAssembly component", id="component"),
        pytest.param(precompiled(), "Wasmtime's .cwasm", id="cwasm"),
        pytest.param(b"\x7fELF\x02\x01\x01\0" + bytes(56), "an ELF file", id="elf"),
        pytest.param(b"\0aot\x05\0\0\0", "WAMR's .aot", id="aot"),
        pytest.param(b"\xcf\xfa\xed\xfe\x0c\0\0\1", "Mach-O", id="macho"),
        pytest.param(identity("identity.onnx").model(), "an ONNX model", id="onnx"),
        pytest.param(identity("identity.pb").model(), "a frozen TensorFlow graph", id="graphdef"),
        pytest.param(identity("identity.tflite").model(), "a TensorFlow Lite model", id="tflite"),
        pytest.param(identity("identity.pt").model(), "a PyTorch file", id="torchscript"),
        pytest.param(SAVED_MODEL, "a TensorFlow SavedModel", id="savedmodel"),
        pytest.param(b"GGUF\x03\0\0\0", "a GGUF model", id="gguf"),
        pytest.param(b"\x18\0\0\0ORTM", "an ONNX Runtime model", id="ort"),
        pytest.param(b'<?xml version="1.0"?>\n<net name="a">', "an OpenVINO model", id="ir"),
        pytest.param(b'<!-- a -->\n<net name="a">', "an OpenVINO model", id="ir, commented"),
        pytest.param(b'<?xml version="1.0"?><svg xmlns="x">', "XML, but not", id="svg"),
        pytest.param(zipped("metadata.json", "config.json"), "a Keras model", id="keras"),
        pytest.param(b"\x89HDF\r\n\x1a\n" + bytes(8), "an HDF5 file", id="hdf5"),
        pytest.param(
            struct.pack("<Q", len(HEADER_OF_WEIGHTS)) + HEADER_OF_WEIGHTS,
            "weights in safetensors' format",
            id="safetensors",
        ),
        pytest.param(arrays(one=True), "a NumPy array", id="npy"),
        pytest.param(arrays(one=False), "NumPy arrays", id="npz"),
        *(
            pytest.param(pickle.dumps(value, version), "a Python pickle", id=f"pickle {version}")
            for version, value in ((2, [1]), (2, {}), (4, {"a": 1}), (5, (1, 2)))
        ),
        pytest.param(gzip.compress(b"a"), "compressed with gzip", id="gzip"),
        pytest.param(bz2.compress(b"a"), "compressed with bzip2", id="bzip2"),
        pytest.param(lzma.compress(b"a"), "compressed with xz", id="xz"),
        pytest.param(b"\x28\xb5\x2f\xfd\x04\0", "compressed with zstd", id="zstd"),
        pytest.param(tarred("a", b"a"), "a tar archive", id="tar"),
        pytest.param(zipped("model.onnx"), "a ZIP archive", id="zip"),
        pytest.param(LFS, "a Git LFS pointer", id="lfs"),
        pytest.param(b"<!DOCTYPE html>\n<html>", "a web page", id="html"),
        pytest.param(b"\n<!-- a --><HTML lang=en>", "a web page", id="html, commented"),
        pytest.param(json.dumps({"a": 1}).encode(), "JSON", id="object"),
        pytest.param(json.dumps([{"a": 1}]).encode(), "JSON", id="list"),
        pytest.param(b"[graphs.a]\npaths = []\n", "a text file", id="toml"),
        pytest.param(b";; a\n(module)", "WebAssembly text", id="wat"),
        pytest.param("\ufeff(module)".encode(), "text with a byte order mark", id="bom"),
        pytest.param("(module)".encode("utf-16"), "text in UTF-16", id="utf-16"),
        pytest.param(
            '(module (func (export "_start")))'.encode("utf-16-le"), "text in UTF-16", id="no mark"
        ),
        pytest.param(b"#!/bin/sh\n", "a script", id="script"),
        pytest.param(b"one\ntwo\n", "a text file", id="text"),
        pytest.param("ä".encode() * HEAD, "a text file", id="whole characters"),
        pytest.param(b"a" + "ä".encode() * HEAD, "a text file", id="a character that is cut off"),
        pytest.param(bytes(2 * HEAD), "a file that starts with zeros", id="zeros"),
        pytest.param(b"", "empty", id="empty"),
    ],
)
def test_files_are_known_by_their_first_bytes(content: bytes, title: str) -> None:
    kind = kind_of(content)
    assert kind is not None
    assert title in kind.title


@pytest.mark.parametrize("content", [bytes(range(200, 256)), b"\x08", b"\xff", b"a\0b", b"\0"])
def test_what_is_not_known_is_not_guessed(content: bytes) -> None:
    assert kind_of(content) is None
    assert mistaken(content, "a model") is None


def test_the_message_says_what_it_is_and_what_to_do() -> None:
    assert mistaken(LFS, "a model") == (
        "this is a Git LFS pointer, not a model",
        "`git lfs pull` fetches the file",
    )
    assert mistaken(b"", "a model") == ("the file is empty", "make it again, or download it again")


def test_text_is_not_mistaken_where_text_is_wanted() -> None:
    assert mistaken(b"a = 1\n", "a profile", text=True) is None
    assert mistaken(b'{"a": 1}\n', "a profile", text=True) is not None


@pytest.mark.parametrize("name", ["identity.onnx", "identity.pb", "identity.pt", "identity.tflite"])
def test_whatever_a_reader_of_models_takes_may_be_a_model(tmp_path: Path, name: str) -> None:
    path = tmp_path / "model"
    path.write_bytes(identity(name).model())
    assert read_model(path).encoding is not None
    kind = kind_of(path.read_bytes())
    assert kind is not None
    assert kind.family is Family.MODEL


@pytest.mark.parametrize(
    "evil",
    [
        *(b"<!---->", b";;", b";;\n", b" ", b"\n", b"<", b"(module", b"{ ", b"[ ", b"[1", b"[[1,"),
        *(b"<!--", b"PK\x03\x04a/", b"\n<", b"<a ", b"<a:"),
    ],
)
def test_no_repetition_takes_long(evil: bytes) -> None:
    """Where a pattern can match in many ways, the time doubles with each repetition."""
    started = time.process_time()
    kind_of(evil * HEAD)
    kind_of(b'<?xml version="1.0"?>' + evil * HEAD)
    assert time.process_time() - started < 5


def test_what_is_not_a_regular_file_is_named(tmp_path: Path) -> None:
    import os

    (tmp_path / "file").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
    found = {name: special(tmp_path / name) for name in ("file", "none", "pipe", "socket", ".")}
    assert found == {
        "file": None,
        "none": None,
        "pipe": "a pipe",
        "socket": "a socket",
        ".": "a folder",
    }
    assert special("/dev/null") == "a device"
