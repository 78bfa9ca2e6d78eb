"""Named graphs that a program makes, and arguments that make no sense."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from rewriter.abi.dialects import Encoding, Target
from rewriter.errors import InputError, UsageError
from runtime_shim import Endpoint, NamedGraph, NNHost, RemoteModel, Tls, parse_endpoint

HERE = parse_endpoint("http://127.0.0.1:9/m")
SECURE = parse_endpoint("https://h/m")


def endpoint(*parts: Any) -> Endpoint:
    """One of these parts, whatever their types."""
    return Endpoint(*parts)


@pytest.mark.parametrize(
    ("endpoints", "words"),
    [
        ("http://me:s3cret@h/m", "endpoints cannot be of type str: expected a tuple"),
        (["http://me:s3cret@h/m"], "cannot have a value of type str"),
        (HERE, "single Endpoint"),
        ((), "cannot be empty"),
        (None, "type NoneType"),
        ((HERE, HERE), "twice"),
        ((Endpoint("ftp", "h", 21, "m"),), "expected grpc://HOST:PORT"),
        ((endpoint("http", "h", "80", "m"),), "parse_endpoint"),
        ((Endpoint("http", "h", 0, "m"),), "expected grpc://HOST:PORT"),
        ((Endpoint("http", "h\r\nX: y", 80, "m"),), "expected grpc://HOST:PORT"),
        ((Endpoint("http", "h", 80, ".."),), "expected http://HOST:PORT/MODEL"),
        ((endpoint("http", None, 80, "m"),), "wrong type"),
        ((endpoint("http", "h", 80, 3),), "wrong type"),
        ((Endpoint("http", "a@h", 80, "m"),), "may not have a user"),
    ],
)
def test_endpoints_that_are_none_are_refused(endpoints: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        RemoteModel(endpoints)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("deadline", ["2s", 0, -1, float("nan"), float("inf"), True, None])
def test_a_deadline_that_is_no_number_of_seconds_is_refused(deadline: Any) -> None:
    with pytest.raises(UsageError, match=r"deadline cannot be .*: expected a number of seconds"):
        RemoteModel((HERE,), deadline=deadline)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"headers": "TOKEN"}, "headers cannot be of type str"),
        ({"headers": {"a": 1}}, "name of an environment variable"),
        ({"headers": {"a b": "HOME"}}, "cannot be a header"),
        ({"headers": {"Host": "HOME"}}, "is reserved: nnshim or gRPC sets it"),
        ({"tls": "ca.pem"}, "expected Tls"),
        ({"tls": Tls(ca=cast(str, 3))}, "ca cannot be of type int"),
        ({"tls": Tls(key="k")}, "together"),
        ({"tls": Tls(ca="ca.pem")}, "needs grpcs:// or https://"),
        ({"falls_back": "local"}, "falls_back cannot be 'local': expected True or False"),
        ({"shared_memory": 1}, "shared_memory cannot be 1"),
    ],
)
def test_settings_of_servers_that_make_no_sense_are_refused(
    settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        RemoteModel((HERE,), **settings)


@pytest.mark.parametrize("value", ["Bearer s3cret", "s3cret", "a=s3cret", ""])
def test_a_value_in_place_of_a_variables_name_is_refused_without_it(value: str) -> None:
    with pytest.raises(UsageError, match="takes the name of an environment variable") as caught:
        RemoteModel((HERE,), headers={"authorization": value})
    assert "s3cret" not in str(caught.value)


def test_any_variable_that_is_set_may_have_a_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("my_token", "Bearer 1234")
    assert RemoteModel((HERE,), headers={"a": "my_token"}).headers == {"a": "my_token"}


def test_a_variable_that_is_not_set_is_an_error_that_names_the_graph(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MY_TOKEN", raising=False)
    remote = RemoteModel((HERE,), headers={"x-token": "MY_TOKEN"})
    graph = NamedGraph("digits", "autodetect", "auto", (), remote=remote)
    with pytest.raises(InputError, match=r"graph 'digits': the header x-token is in .*MY_TOKEN"):
        NNHost(graphs=[graph])


def test_shared_memory_with_a_server_elsewhere_is_refused() -> None:
    with pytest.raises(UsageError, match="this machine"):
        RemoteModel((HERE, SECURE), shared_memory=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": 3}, "name of a graph cannot be 3"),
        ({"encoding": "onyx"}, "unknown encoding 'onyx'.*did you mean onnx"),
        ({"encoding": 1}, "expected an Encoding, or a name such as 'onnx'"),
        ({"target": None}, "expected a Target, or a name such as 'auto'"),
        ({"paths": "m.onnx"}, "expected a sequence of files"),
        ({"paths": Path("m.onnx")}, "expected a sequence of files"),
        ({"paths": [3]}, "paths cannot have 3"),
        ({"paths": ()}, "paths cannot be empty without remote"),
        ({"options": "threads"}, "options cannot be 'threads'"),
        ({"remote": "http://me:s3cret@h/m"}, "type str: expected a RemoteModel"),
        ({"remote": RemoteModel((HERE,))}, "paths has no effect"),
        ({"remote": RemoteModel((HERE,), falls_back=True), "paths": ()}, "local model"),
        ({"remote": RemoteModel((HERE._replace(model=""),)), "paths": ()}, "names no model"),
    ],
)
def test_a_graph_that_makes_no_sense_is_refused(change: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {
        "name": "m",
        "encoding": Encoding.ONNX,
        "target": Target.CPU,
        "paths": ("m.onnx",),
    }
    with pytest.raises(UsageError, match=words) as caught:
        NamedGraph(**(given | change))
    assert "s3cret" not in str(caught.value)


def test_names_lists_and_paths_are_taken_for_what_they_mean() -> None:
    assert NamedGraph("m", "onnx", "GPU", [Path("m.onnx")]) == NamedGraph(
        "m", Encoding.ONNX, Target.GPU, ("m.onnx",)
    )
    assert NamedGraph("m", "AutoDetect", "NPU", ["m"]).target == "NPU"
    model = RemoteModel([HERE, SECURE], headers={"Authorization": "TOKEN"})  # type: ignore[arg-type]  # the test
    assert model == RemoteModel((HERE, SECURE), headers={"authorization": "TOKEN"})


@pytest.mark.parametrize(
    ("graphs", "words"),
    [
        (["graphs.toml"], "read_graphs"),
        ("graphs.toml", "read_graphs"),
        ([[]], "something of type list"),
        (NamedGraph("m", "onnx", "cpu", ["m.onnx"]), "single one"),
        (None, "type NoneType"),
    ],
)
def test_a_host_refuses_graphs_that_are_none(graphs: Any, words: str) -> None:
    with pytest.raises(UsageError, match=f"graphs: .*{words}"):
        NNHost(graphs=graphs)
