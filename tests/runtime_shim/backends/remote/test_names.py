"""Which names and URLs lead to a server."""

from __future__ import annotations

import pytest

from nnshim.run_options import parse_devices
from rewriter.abi.dialects import Errno, TensorType
from rewriter.errors import UsageError
from runtime_shim import HostError, NNHost, RunOptions, parse_nn_graph, run
from runtime_shim.backends.remote.endpoints import parse_endpoint, parse_server
from tests.runtime_shim.backends.remote.remote_graphs import (
    host_of,
    two_floats,
)
from tests.support.inference_server import Model, http_server
from tests.support.wasm import assemble


def test_models_of_a_server_that_is_named_as_a_device_are_found_by_name() -> None:
    model = Model()
    model.described = {}  # of any name
    with http_server(model) as url:
        session = NNHost(devices={"remote": url.removesuffix("/m")}).session()
        session.init_execution_context(session.load_by_name("a model"))
        assert model.calls == ["/v2/models/a%20model"]
        for name in ("..", ".", "a/b", "../../secret", "a\n", "", "..\\..\\secret"):
            with pytest.raises(HostError) as caught:
                session.load_by_name(name)
            assert caught.value.errno is Errno.NOT_FOUND
        assert len(model.calls) == 1


def test_models_that_guests_choose_are_kept_up_to_a_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("runtime_shim.host.named_graphs._MOST_ON_SERVER", 2)
    model = Model()
    model.described = {}  # of any name
    with http_server(model) as url:
        host = NNHost(devices={"remote": url.removesuffix("/m")})
        held = host.load_by_name("a")
        for name in "bcbca":
            host.load_by_name(name)
        assert [path[-1] for path in model.calls] == ["a", "b", "c", "a"]
        assert host.load_by_name("a") is not held


def test_statistics_have_a_row_for_each_model_that_guests_choose_up_to_a_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("runtime_shim.host.stats._MOST_CHOSEN", 2)
    model = Model()
    model.described, model.told = {}, {}  # of any name
    with http_server(model) as url:
        server = url.removesuffix("/m")
        host = NNHost(devices={"remote": server}, graphs=[parse_nn_graph(f"remote::{server}/z")])
        for name in "abcdaz":
            session = host.session()
            context = session.init_execution_context(session.load_by_name(name))
            session.set_input(context, 0, TensorType.F32, (1, 2), memoryview(two_floats))
            session.compute(context)
    rows = [(row.name, row.device, row.loads, row.inferences) for row in host.stats()]
    assert rows == [
        ("a", f"{server}/a", 1, 2),
        ("b", f"{server}/b", 1, 1),
        (None, server, 2, 2),
        ("z", f"{server}/z", 1, 1),
    ]


def test_a_guest_reaches_no_server_that_was_not_named() -> None:
    model = Model()
    with http_server(model) as url:
        session = NNHost(graphs=[parse_nn_graph(f"remote::{url}")]).session()
        for name in (url, f"remote::{url}", "m2", f"{url}/../m"):
            with pytest.raises(HostError) as caught:
                session.load_by_name(name)
            assert caught.value.errno is Errno.NOT_FOUND
    assert not model.calls


def test_a_guest_that_runs_as_on_a_host_gets_no_model_on_a_server() -> None:
    guest = assemble(
        """(module
          (import "wasi_ephemeral_nn" "load_by_name" (func $load (param i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1) (data (i32.const 0) "m")
          (func (export "_start")
            (call $exit (call $load (i32.const 0) (i32.const 1) (i32.const 8)))))"""
    )
    with http_server(Model()) as url:
        host = host_of(url)
        assert run(guest, host).exit_code == Errno.SUCCESS
        outcome = run(guest, host, RunOptions(as_host="wasmtime"))
    assert outcome.refused is not None
    assert "has no models on inference servers" in outcome.refused[1].reason


@pytest.mark.parametrize(
    "url",
    [
        *("m", "grpc://h/m", "grpc://h:8001", "grpc://h:8001/", "ftp://h:21/m", "grpc://:8001/m"),
        *("http://h/a/b", "http://h/m/versions/", "http://h/m?x=1", "http://h/m#x", "http://h/.."),
        *("http://h/%2e%2e", "http://h/a%2fb", "http://h:99999/m", "http://h/m\r\nX: y"),
        *("http://a b/m", "http://h%2f..:80/m", "http://h?/m", "http://h\\a/m"),
    ],
)
def test_urls_that_name_no_model_are_refused(url: str) -> None:
    with pytest.raises(UsageError, match="expected"):
        parse_endpoint(url)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("remote:http://h/m", "nn-graph=remote:http://h/m: expected remote::URL, with two colons"),
        ("remote::", "expected remote::URL"),
        ("onnx:digits", "nn-graph=onnx:digits: expected onnx::DIR, with two colons"),
        ("digits", "nn-graph=digits: expected ENCODING::DIR"),
        ("remote::https://h:1/", "https://h:1/ names no model; expected https://HOST:PORT/MODEL"),
        (
            "remote::grpc://h/m",
            "grpc://h/m has no port, and gRPC needs one; expected grpc://HOST:PORT",
        ),
        ("remote::http://h/a/b", "http://h/a/b: expected http://HOST:PORT/MODEL or "),
    ],
)
def test_a_mistyped_graph_is_answered_by_what_is_missing(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_nn_graph(text)
    assert said in str(caught.value)


def test_a_url_with_a_password_is_refused_without_repeating_it() -> None:
    for parse in (parse_endpoint, parse_server, lambda url: parse_nn_graph(f"remote::{url}")):
        with pytest.raises(UsageError, match="NNSHIM_REMOTE_TOKEN") as caught:
            parse("https://me:s3cret@h/m")
        assert "s3cret" not in str(caught.value)


def test_a_mistyped_url_is_refused_without_its_secrets() -> None:
    for parse in (
        lambda: parse_nn_graph("remote:https://me:s3cret@h/m"),
        lambda: parse_nn_graph("remote::https://h/m?token=s3cret"),
        lambda: parse_server("https://h/#s3cret"),
        lambda: parse_devices(["remote:https://me:s3cret@h"]),
    ):
        with pytest.raises(UsageError, match="expected") as caught:
            parse()
        assert "s3cret" not in str(caught.value)


def test_a_server_is_a_device_in_capitals_too() -> None:
    with pytest.raises(UsageError, match="may not have a user"):
        NNHost(devices={"Remote": "https://me:s3cret@h"})


def test_urls_are_shown_as_they_are_used() -> None:
    for url in ("grpc://[::1]:8001/m", "https://h:443/a%20b/versions/2", "grpcs://h:1/m"):
        assert str(parse_endpoint(url)) == url
    assert parse_nn_graph("remote::http://h/a%20b").name == "a b"
