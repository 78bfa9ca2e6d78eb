"""Graphs on inference servers in a file of graphs."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from rewriter.errors import InputError
from runtime_shim import NamedGraph, read_graphs
from runtime_shim.backends.remote.endpoints import Endpoint
from runtime_shim.backends.remote.model import Tls


def read(folder: Path, text: str) -> NamedGraph:
    file = folder / "graphs.toml"
    file.write_text(f"[graphs.m]\n{text}")
    (graph,) = read_graphs(str(file))
    return graph


def test_a_table_says_all_of_a_graph_on_servers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", "s3cret")
    (tmp_path / "ca.pem").touch()
    graph = read(
        tmp_path,
        """
        remote = ["grpcs://a:8001/m", "https://b/m/versions/3"]
        deadline = 2.5
        headers = { Authorization = "MY_TOKEN" }
        tls = { ca = "ca.pem" }
        binary-tensors = false
        fallback = "local"
        paths = ["model.onnx"]
        encoding = "onnx"
        """,
    )
    assert graph.remote is not None
    assert graph.remote.endpoints == (
        Endpoint("grpcs", "a", 8001, "m"),
        Endpoint("https", "b", 443, "m", "3"),
    )
    assert graph.remote.headers == {"authorization": "MY_TOKEN"}
    assert graph.remote.tls == Tls(ca=str(tmp_path / "ca.pem"))
    assert (graph.remote.deadline, graph.remote.falls_back) == (2.5, True)
    assert graph.remote.binary_tensors is False
    assert graph.paths == (str(tmp_path / "model.onnx"),)
    assert "s3cret" not in repr(graph)
    assert pickle.loads(pickle.dumps(graph)) == graph  # for another process


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('deadline = 2\npaths = ["m.onnx"]', "deadline has no effect without remote"),
        ('remote = "grpc://h:1/m"\npaths = ["m.onnx"]', "paths has no effect"),
        ('remote = "grpc://h:1/m"\nfallback = "local"', "needs paths"),
        ('remote = "grpc://h:1/m"\nfallback = "cpu"', 'expected "local"'),
        ("remote = []", "a URL or a list"),
        ("remote = [1]", "a URL or a list"),
        ('remote = ["grpc://h:1/m", "grpc://h:1/m"]', "twice"),
        ('remote = "ftp://h/m"', "expected grpc://"),
        ('remote = "grpc://h:1/m"\ndeadline = 0', "deadline cannot be 0"),
        ('remote = "grpc://h:1/m"\ndeadline = true', "deadline cannot be True"),
        ('remote = "grpc://h:1/m"\ndeadline = nan', "deadline cannot be nan.*of seconds"),
        ('remote = "grpc://h:1/m"\ndeadline = "3s"', "a number of seconds, such as 2.5"),
        ('remote = "grpc://h:1/m"\nfallback = true', 'for fallback; expected "local"'),
        ('remote = "grpc://h:1/m"\nheaders = "TOKEN"', "name of an environment variable"),
        ('remote = "grpc://h:1/m"\nshared-memory = 1', "expected true or false"),
        ("remote = 1", "expected a URL or a list of URLs"),
        ('paths = "m.onnx"', "expected a list of files"),
        ('remote = "grpc://h:1/m"\nshared-memory = true', "this machine"),
        ('remote = "grpc://h:1/m"\ntls = { ca = "x" }', "needs grpcs:// or https://"),
        ('remote = "grpcs://h:1/m"\ntls = { ca = "x" }', "does not exist"),
        ('remote = "grpcs://h:1/m"\ntls = { key = "graphs.toml" }', "together"),
        ('remote = "grpcs://h:1/m"\ntls = { verify = "no" }', "ca, certificate, key"),
        ('remote = "grpc://h:1/m"\nheaders = { "a b" = "HOME" }', "cannot be a header"),
        (
            'remote = "grpc://h:1/m"\nheaders = { host = "HOME" }',
            "is reserved",
        ),
        ('remote = "grpc://h:1/m"\nheaders = { A = "HOME", a = "HOME" }', "twice"),
        ('remote = "grpc://h:1/m"\nheaders = { a = 1 }', "environment variable"),
        ('remote = "grpc://h:1/m"\nheaders = { a = "NOT_SET_ANYWHERE" }', "is not set"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read(tmp_path, text)


def test_a_table_that_makes_no_sense_is_named_with_its_file(tmp_path: Path) -> None:
    for text in ('remote = "grpc://h:1"', 'remote = "grpc://h:1/m"\ndeadline = 0'):
        with pytest.raises(InputError) as caught:
            read(tmp_path, text)
        assert str(caught.value).startswith(f"{tmp_path / 'graphs.toml'}: graphs.m: ")


def test_a_secret_in_place_of_a_variable_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="takes the name of an environment variable") as caught:
        read(tmp_path, 'remote = "http://h/m"\nheaders = { authorization = "Bearer s3cret" }')
    assert "s3cret" not in str(caught.value)


def test_a_header_that_cannot_be_sent_is_refused_without_its_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for value in ("s3cret\r\nX: y", "s3cr\u00e9t", ""):
        monkeypatch.setenv("MY_TOKEN", value)
        with pytest.raises(InputError, match="MY_TOKEN") as caught:
            read(tmp_path, 'remote = "http://h/m"\nheaders = { a = "MY_TOKEN" }')
        assert "s3cr" not in str(caught.value)
