"""A file of another kind than a command takes: the error names it, and says what it is."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from tests.support.command import nnshim
from tests.support.models import identity
from tests.support.native import openvino_model
from tests.support.wasm import assemble

HTML = b"<!DOCTYPE html>\n<title>Not found</title>"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "guest.wasm").write_bytes(assemble('(module (func (export "_start")))'))
    (tmp_path / "model.onnx").write_bytes(identity())
    (tmp_path / "model.onnx.gz").write_bytes(gzip.compress(identity()))
    (tmp_path / "page.onnx").write_bytes(HTML)
    (tmp_path / "page.toml").write_bytes(HTML)
    (tmp_path / "graphs.toml").write_text('[graphs.a]\npaths = ["model.onnx"]')
    (tmp_path / "profile.toml").write_text('format = 1\n[host]\nname = "x"')
    return tmp_path


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        *(
            (command, code, "model.onnx: this is an ONNX model, not WebAssembly; `nnshim bench` ")
            for command, code in (
                ("rewrite model.onnx out.wasm", 1),
                ("inspect model.onnx", 1),
                ("check model.onnx --for wasmtime", 6),
                ("verify guest.wasm model.onnx", 1),
                ("run model.onnx", 1),
                ("run --as wamr model.onnx", 1),
            )
        ),
        ("inspect .", 1, "cannot read .: it is a folder"),
        ("rewrite guest.wasm folder/", 2, "folder/ is a folder: name a file, or the folder with -"),
        ("rewrite guest.wasm", 2, "OUT is missing: name a file or a folder, or - for"),
        ("verify guest.wasm", 2, "not 1; with --attestation FILE, REWRITTEN is enough"),
        (
            "check guest.wasm -o x.json",
            2,
            "-o; --report FORMAT=FILE writes a report to a file, such",
        ),
        ("check guest.wasm --output=x", 2, "--output; --report FORMAT=FILE writes a report to a"),
        ("inspect guest.wasm -o x", 2, "-o; the result is printed; write it to a file with > FILE"),
        ("check no*.wasm --for wamr", 6, "cannot read no*.wasm: no file matches this pattern"),
        (
            "check --fix --for wamr --for wasmtime guest.wasm",
            2,
            "is for one host, and there are 2",
        ),
        ("run --graphs . guest.wasm", 1, ". is a folder, not a file that names graphs"),
        ("run --graphs model.onnx guest.wasm", 1, "this is an ONNX model, not a file that names"),
        ("run --graphs profile.toml guest.wasm", 1, "this is a host's profile, which --as and"),
        ("run --graph-files model.onnx guest.wasm", 1, "model.onnx is not a folder with models"),
        ("run -S nn-graph=onnx::model.onnx guest.wasm", 2, "model.onnx is a file, and this takes"),
        ("run --as ./page.toml guest.wasm", 2, "./page.toml: this is a web page (HTML), not a"),
        ("check guest.wasm --for ./model.onnx", 2, "./model.onnx: this is an ONNX model, not a"),
        ("check guest.wasm --for ./graphs.toml", 2, "this file names graphs: `nnshim run --graphs"),
        (
            "check guest.wasm --for wasmtime --model page.onnx",
            6,
            "page.onnx: this is a web page (HTML), not a model; the download probably failed",
        ),
        ("bench guest.wasm", 1, "guest.wasm: this is a WebAssembly module, not a model; `nnshim r"),
        ("bench model.onnx.gz", 1, "this is compressed with gzip, not a model; decompress it "),
        ("bench .", 1, ". is a folder, not a model's file"),
        ("bench pipe", 1, "pipe is a pipe, not a model's file"),
    ],
)
def test_the_error_names_the_file_and_what_it_is(
    folder: Path, command: str, code: int, words: str
) -> None:
    os.mkfifo(folder / "pipe")
    done = nnshim(*command.split())
    assert words in done.stderr.decode()
    assert done.returncode == code


def test_a_named_graph_that_is_something_else_is_warned_of_and_the_guest_runs(folder: Path) -> None:
    done = nnshim("run", "--nn-preload", "m:onnx:cpu:model.onnx.gz", "guest.wasm")
    assert done.stderr.decode() == (
        "nnshim: named graph 'm': model.onnx.gz: this is compressed with gzip, not a model;"
        " decompress it with gunzip; guests that load this graph get an error\n"
    )
    assert done.returncode == 0


def test_weights_beside_an_xml_file_are_taken_and_missed(folder: Path) -> None:
    openvino_model(identity(), folder)
    assert nnshim("bench", "model.xml", "--seconds", "0.02").returncode == 0
    preload = "run", "--nn-preload", "m:openvino:cpu:model.xml", "guest.wasm"
    assert nnshim(*preload).stderr == b""
    done = nnshim("bench", "model.bin")
    assert b"weights of an OpenVINO model; name model.xml instead" in done.stderr
    (folder / "model.bin").unlink()
    words = b"model.bin does not exist; it has the weights of model.xml"
    for command in (("bench", "model.xml"), preload):
        assert words in nnshim(*command).stderr
