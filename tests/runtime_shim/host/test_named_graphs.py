"""Named graphs: what command lines say of them, and what a guest gets by a name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rewriter.abi.dialects import Encoding, Errno, Target
from rewriter.errors import UsageError
from runtime_shim import (
    HostError,
    NamedGraph,
    NNHost,
    parse_nn_graph,
    parse_nn_preload,
    read_graphs,
)
from tests.support.models import identity


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "digits"
    path.mkdir()
    (path / "model.onnx").write_bytes(identity(dims=(1,)))
    return path


def test_wasmtimes_named_graph_is_called_as_its_folder(folder: Path) -> None:
    graph = parse_nn_graph(f"onnx::{folder}/")
    paths = (f"{folder}/model.onnx",)
    assert graph.name == "digits"
    assert [Path(path) for path in graph.paths] == [Path(path) for path in paths]
    assert NNHost(graphs=[graph]).session().load_by_name("digits") == 1


@pytest.mark.parametrize("words", ["onnx:cpu", "ONNX:CPU", "Onnx:Cpu"])
def test_wasmedges_preload_is_read_in_any_case(folder: Path, words: str) -> None:
    path = f"{folder}/model.onnx"
    graph = parse_nn_preload(f"default:{words}:{path}")
    assert graph == NamedGraph("default", Encoding.ONNX, Target.CPU, (path,))


def test_a_preload_has_the_parts_of_a_model_in_order(tmp_path: Path) -> None:
    paths = tmp_path / "m.xml", tmp_path / "m.bin"
    for path in paths:
        path.touch()
    graph = parse_nn_preload(f"it:openvino:cpu:{paths[0]}:{paths[1]}")
    assert graph == NamedGraph("it", Encoding.OPENVINO, Target.CPU, tuple(map(str, paths)))


def test_the_weights_of_an_xml_file_are_those_beside_it(tmp_path: Path) -> None:
    both = str(tmp_path / "m.xml"), str(tmp_path / "m.bin")
    assert parse_nn_preload(f"it:openvino:cpu:{both[0]}").paths == both
    (tmp_path / "graphs.toml").write_text('[graphs.it]\npaths = ["m.xml"]')
    (graph,) = read_graphs(str(tmp_path / "graphs.toml"))
    assert graph.paths == both


def test_a_named_graph_is_loaded_once_at_its_first_use(folder: Path) -> None:
    host = NNHost(graphs=[parse_nn_graph(f"onnx::{folder}")])
    assert host.load_by_name("digits") is host.load_by_name("digits")


def test_a_named_graph_that_is_broken_is_an_invalid_argument(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"junk")
    host = NNHost(graphs=[parse_nn_graph(f"onnx::{folder}")])
    with pytest.raises(HostError) as caught:
        host.load_by_name("digits")
    assert caught.value.errno is Errno.INVALID_ARGUMENT
    (folder / "model.onnx").unlink()
    with pytest.raises(HostError, match="does not exist") as caught:
        host.load_by_name("digits")
    assert caught.value.errno is Errno.NOT_FOUND


def test_two_graphs_of_one_name_are_refused(folder: Path) -> None:
    graph = parse_nn_graph(f"onnx::{folder}")
    with pytest.raises(UsageError, match="two named graphs are called 'digits'"):
        NNHost(graphs=[graph, graph])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("onnx", "expected ENCODING::DIR"),
        ("onnx::", "expected ENCODING::DIR"),
        ("whisper::x", "expected openvino, tensorflow, ggml"),
    ],
)
def test_a_named_graph_that_makes_no_sense_is_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_nn_graph(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x:onnx:cpu", "expected NAME"),
        (":onnx:cpu:x", "expected NAME"),
        ("x:onnx:npu:x", "unknown target 'npu'"),
        ("x:caffe:cpu:x", "'caffe'"),
    ],
)
def test_a_preload_that_makes_no_sense_is_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_nn_preload(text)


@pytest.mark.parametrize(
    ("encoding", "file", "errno"),
    [
        ("onnx", "model.onnx", Errno.NOT_FOUND),
        ("openvino", "model.xml", Errno.NOT_FOUND),
        ("ggml", "model.gguf", Errno.MODEL_NOT_FOUND),
    ],
)
def test_a_named_graph_without_its_file_is_warned_of_and_not_found(
    encoding: str, file: str, errno: Errno, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    host = NNHost(graphs=[parse_nn_graph(f"{encoding}::{tmp_path}")])
    words = f"named graph {tmp_path.name!r}: {tmp_path / file} does not exist"
    assert [record.getMessage() for record in caplog.records] == [
        f"{words}; guests that load this graph get an error"
    ]
    for options in ({}, {"threads": 1}):
        with pytest.raises(HostError, match=re.escape(words)) as caught:
            host.load_by_name(tmp_path.name, options)
        assert caught.value.errno is errno


def test_a_named_graph_is_found_once_its_file_is_there(tmp_path: Path) -> None:
    host = NNHost(graphs=[parse_nn_graph(f"onnx::{tmp_path}")])
    with pytest.raises(HostError, match="does not exist"):
        host.load_by_name(tmp_path.name)
    (tmp_path / "model.onnx").write_bytes(identity())
    assert host.load_by_name(tmp_path.name).device == "cpu"


def test_an_unknown_name_is_answered_with_some_that_are_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    for name in ("a.onnx", "notes.txt", "deeper/b.xml", "deeper/b.bin"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "out.onnx").symlink_to(__file__)
    host = NNHost(graph_files=str(tmp_path))
    with pytest.raises(HostError, match=r"known: 'a\.onnx', 'deeper/b\.xml'$"):
        host.load_by_name("c.onnx")
    for number in range(1000):
        (tmp_path / f"{number:04}.onnx").write_bytes(b"")
    with pytest.raises(HostError) as caught:
        NNHost(graph_files=str(tmp_path)).load_by_name("c.onnx")
    assert caught.value.reason.count(".onnx'") == 21
