"""Several endpoints, a local model that stands in, and which names lead to a server."""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto

from nnshim.run_options import parse_devices
from rewriter.abi.dialects import Errno, TensorType
from rewriter.errors import UsageError
from runtime_shim import HostError, NNHost, RunOptions, parse_nn_graph, run
from runtime_shim.backends.remote.model import parse_endpoint, parse_server
from tests.runtime_shim.backends.remote.remote_graphs import (
    code_of,
    host_of,
    inferred,
    two_floats,
)
from tests.support.inference_server import Model, grpc_server, http_server, raw_server
from tests.support.models import identity
from tests.support.ports import closed_port
from tests.support.processes import PATIENCE, wait_for
from tests.support.wasm import assemble

SERVERS = [pytest.param(grpc_server, id="grpc"), pytest.param(http_server, id="http")]


@pytest.fixture
def local(tmp_path: Path) -> str:
    """A model that returns its input, with the names and shapes of the servers' one."""
    path = tmp_path / "model.onnx"
    path.write_bytes(identity(dims=(2,)))
    return str(path)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime_shim.backends.remote.servers._RESTING", 0.0)
    monkeypatch.setattr("runtime_shim.backends.remote.servers._CHECKING", PATIENCE)


@pytest.fixture
def port() -> Iterator[int]:
    with closed_port() as found:
        yield found


LOCAL = Model([("x", "FP32", [2])], [("y", "FP32", [2])])


@pytest.mark.parametrize("serve", SERVERS)
def test_the_first_endpoint_that_takes_the_request_computes_it(serve: Any) -> None:
    first, second = Model(), Model()
    with serve(first) as url, serve(second) as other, closed_port() as port:
        host = host_of(f"{url.partition(':')[0]}://127.0.0.1:{port}/m", url, other)
        assert inferred(host) == inferred(host) == two_floats
    assert first.calls
    assert not second.calls


@pytest.mark.parametrize("serve", SERVERS)
def test_a_server_that_has_failed_is_asked_whether_it_is_ready_first(serve: Any) -> None:
    model = Model()
    with closed_port() as port:
        with serve(model, port) as url:
            host = host_of(url)
            assert inferred(host) == two_floats
        assert code_of(host) in ("NN603", "NN605")
        model.calls.clear()
        model.ready = False
        with serve(model, port):

            def is_asked() -> bool:
                assert code_of(host) == "NN603"
                return "ModelReady" in model.calls or "/v2/models/m/ready" in model.calls

            wait_for(is_asked)
            assert not [call for call in model.calls if "infer" in call.lower()]
            model.ready = True
            assert inferred(host) == two_floats


DOWN = [
    pytest.param(grpc_server, 503, id="grpc"),
    *(pytest.param(http_server, status, id=str(status)) for status in (502, 503, 504)),
]


@pytest.mark.parametrize(("serve", "status"), DOWN)
def test_a_proxy_without_a_server_behind_it_is_passed_over_before_anything_is_computed(
    serve: Any, status: int, local: str
) -> None:
    first = Model()
    first.down = status, ""
    with serve(first) as url:
        with serve(Model()) as other:
            assert inferred(host_of(url, other)) == two_floats
        assert code_of(host_of(url)) == "NN603"
        assert host_with_local(url, local).load_by_name("m").device == "cpu"


@pytest.mark.parametrize(("serve", "status"), DOWN)
def test_an_inference_that_a_proxy_may_have_passed_on_is_not_repeated_and_the_next_goes_elsewhere(
    serve: Any, status: int
) -> None:
    first, second = Model(), Model()
    with serve(first) as url, serve(second) as other:
        host = host_of(url, other)
        assert inferred(host) == two_floats
        first.down = status, "infer"
        assert code_of(host) == "NN606"
        assert not second.calls
        assert inferred(host) == two_floats
        assert second.calls


@pytest.mark.parametrize("serve", SERVERS)
def test_statistics_have_the_inferences_of_each_server(serve: Any) -> None:
    with serve(Model()) as second:
        with serve(Model()) as first:
            host = host_of(first, second)
            session = host.session()
            context = session.init_execution_context(session.load_by_name("m"))
            session.set_input(context, 0, TensorType.F32, (1, 2), memoryview(two_floats))
            session.compute(context)
        for _ in range(3):  # the first may have ended within an inference
            with contextlib.suppress(HostError):
                session.compute(context)
    counted = {row.device: (row.loads, row.inferences) for row in host.stats()}
    assert counted[first] == (1, 1)
    assert counted[second] in ((0, 3), (0, 2))


def host_with_local(url: str, local: str) -> NNHost:
    return host_of(url, paths=[local], falls_back=True)


def test_a_local_model_runs_while_no_server_does_and_that_is_said(
    port: int, local: str, caplog: pytest.LogCaptureFixture
) -> None:
    host = host_with_local(f"grpc://127.0.0.1:{port}/m", local)
    session = host.session()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            context = session.init_execution_context(session.load_by_name("m"))
            session.set_input(context, 0, TensorType.F32, (2,), memoryview(two_floats))
            session.compute(context)
            assert session.get_output(context, 0) == two_floats
    (said,) = (text for text in caplog.messages if "NN609" in text)
    assert "'m' runs on its local model" in said
    assert "Connection refused" in said
    (stats,) = host.stats()
    assert (stats.encoding, stats.device, stats.inferences) == ("onnx", "cpu", 3)


def test_a_local_model_does_not_get_the_bytes_of_another_type(port: int, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(identity(TensorProto.UINT8, dims=(2,)))
    bytes_of_i8 = Model([("x", "INT8", [2])], [("y", "UINT8", [2])])
    host = host_with_local(f"http://127.0.0.1:{port}/m", str(path))
    with host.session() as session:
        with http_server(bytes_of_i8, port):
            context = session.init_execution_context(session.load_by_name("m"))
        session.set_input(context, 0, TensorType.U8, (2,), memoryview(b"\xff\xfe"))
        with pytest.raises(HostError, match="it has the type u8 for the input 'x', INT8"):
            session.compute(context)


def silent(connected: socket.socket) -> None:
    """A server that takes connections and requests, and says nothing."""
    while connected.recv(1 << 16):
        pass


@pytest.mark.parametrize("serve", SERVERS)
def test_a_server_that_says_nothing_leaves_time_for_the_next_and_is_remembered(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime_shim.backends.remote.servers._CHECKING", 0.1)
    monkeypatch.setattr("runtime_shim.backends.remote.servers._RESTING", PATIENCE)
    with raw_server(silent) as silent_port:
        with serve(Model()) as other:
            scheme = other.partition(":")[0]
            first = f"{scheme}://127.0.0.1:{silent_port}/m"
            host = host_of(first, other, deadline=4.0)
            assert host.load_by_name("m").device.startswith(other)
        alone = host_of(first, deadline=0.5)
        with pytest.raises(HostError, match="NN604"):
            alone.load_by_name("m")
        for reason in ("does not say that it is ready", "has just failed"):
            with pytest.raises(HostError, match=f"NN603.*{reason}"):
                alone.load_by_name("m")


def test_guests_that_wait_for_one_load_do_not_wait_one_after_the_other() -> None:
    with raw_server(silent) as port:
        host = host_of(f"http://127.0.0.1:{port}/m", deadline=1.0)

        def code() -> str | None:
            with pytest.raises(HostError) as caught:
                host.load_by_name("m")
            return caught.value.code

        since = time.monotonic()
        with ThreadPoolExecutor(6) as pool:
            codes = [each.result() for each in [pool.submit(code) for _ in range(6)]]
        assert set(codes) <= {"NN603", "NN604"}
        assert time.monotonic() - since < 4


@pytest.mark.parametrize(
    ("data", "words"), [(None, "does not exist"), (b"<html>", "this is a web page (HTML)")]
)
def test_a_local_model_that_cannot_stand_in_is_said_at_the_start_and_with_what_it_is_for(
    data: bytes | None, words: str, port: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "model.onnx"
    if data is not None:
        path.write_bytes(data)
    host = host_with_local(f"http://127.0.0.1:{port}/m", str(path))
    (said,) = caplog.messages
    assert words in said
    assert said.endswith("; it cannot run in place of the model on a server")
    with http_server(LOCAL, port):
        assert host.load_by_name("m").device.startswith("http:")
    with pytest.raises(HostError) as caught:
        host_with_local(f"http://127.0.0.1:{port}/m", str(path)).load_by_name("m")
    assert (caught.value.errno, caught.value.code) == (Errno.RUNTIME_ERROR, "NN603")
    assert "Connection refused; and the local model cannot be used: " in caught.value.reason


def test_a_local_model_goes_on_when_the_server_ends_and_the_server_when_it_is_back(
    port: int, local: str, caplog: pytest.LogCaptureFixture
) -> None:
    host = host_with_local(f"http://127.0.0.1:{port}/m", local)
    session = host.session()
    with http_server(LOCAL, port):
        context = session.init_execution_context(session.load_by_name("m"))
        session.set_input(context, 0, TensorType.F32, (2,), memoryview(two_floats))
        LOCAL.infer = lambda inputs: [("y", "FP32", [2], inputs[0][3][::-1])]
        session.compute(context)
        assert session.get_output(context, 0) == two_floats[::-1]
    session.compute(context)
    assert session.get_output(context, 0) == two_floats
    with http_server(LOCAL, port):
        session.compute(context)
        assert session.get_output(context, 0) == two_floats[::-1]
    assert {row.device.partition(":")[0]: row.inferences for row in host.stats()} == {
        "http": 2,
        "cpu": 1,
    }
    assert [text for text in caplog.messages if "runs on its" in text][1:] == [
        "the named graph 'm' runs on its server again"
    ]


def test_a_local_model_with_other_names_does_not_stand_in(port: int, local: str) -> None:
    host = host_with_local(f"http://127.0.0.1:{port}/m", local)
    session = host.session()
    with http_server(Model([("other", "FP32", [2])]), port):
        context = session.init_execution_context(session.load_by_name("m"))
        session.set_input(context, 0, TensorType.F32, (2,), memoryview(two_floats))
    with pytest.raises(HostError, match="cannot stand in") as caught:
        session.compute(context)
    assert caught.value.code == "NN608"
    with pytest.raises(HostError):
        session.get_output(context, 0)


@pytest.mark.parametrize("known", [("y", "FP64", [2]), ("y", "FP32", [3])], ids=["type", "shape"])
def test_a_local_model_with_other_outputs_does_not_stand_in(
    known: tuple[str, str, list[int]], port: int, local: str
) -> None:
    session = host_with_local(f"http://127.0.0.1:{port}/m", local).session()
    with http_server(Model([("x", "FP32", [2])], [known]), port):
        context = session.init_execution_context(session.load_by_name("m"))
        session.set_input(context, 0, TensorType.F32, (2,), memoryview(two_floats))
    with pytest.raises(HostError, match=r"NN608.*cannot stand in"):
        session.compute(context)
    with pytest.raises(HostError, match="no output before compute"):
        session.get_output(context, 0)


def test_a_refusal_by_the_server_is_not_hidden_by_the_local_model(local: str) -> None:
    model = Model([])
    with http_server(model) as url, pytest.raises(HostError) as caught:
        inferred(host_with_local(url, local))
    assert caught.value.code == "NN608"


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
