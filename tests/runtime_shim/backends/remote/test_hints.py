"""What a message adds where a URL has the wrong scheme, or credentials are missing."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from time import monotonic
from typing import Any

import pytest

from runtime_shim import HostError, NNHost, parse_nn_graph
from runtime_shim.backends.remote.access import Access
from runtime_shim.backends.remote.endpoints import parse_endpoint
from runtime_shim.backends.remote.failures import NotTaken
from runtime_shim.backends.remote.model import Tls
from runtime_shim.backends.remote.over_grpc.server import GrpcServer
from tests.runtime_shim.backends.remote.remote_graphs import host_of
from tests.support.inference_server import Model, grpc_server, http_server, raw_server
from tests.support.processes import PATIENCE

SERVERS = [pytest.param(grpc_server, id="grpc"), pytest.param(http_server, id="http")]


def reason_at(host: NNHost) -> str:
    with pytest.raises(HostError) as caught:
        host.load_by_name("m")
    return caught.value.reason


@contextlib.contextmanager
def tls_server() -> Iterator[str]:
    """What a server of TLS says to a request without it: an alert."""

    def speak(connected: socket.socket) -> None:
        connected.recv(1 << 16)
        connected.sendall(b"\x15\x03\x01\x00\x02\x02\x16")

    with raw_server(speak) as port:
        yield f"http://127.0.0.1:{port}/m"


@contextlib.contextmanager
def deaf_server(port: int = 0) -> Iterator[str]:
    """Ends each connection that does not begin with a request of HTTP/1.1, as Triton's port for
    HTTP does."""
    with raw_server(lambda connected: assert_not_http(connected.recv(1 << 16)), port) as port:
        yield f"grpc://127.0.0.1:{port}/m"


def assert_not_http(sent: bytes) -> None:
    assert sent.startswith(b"PRI * HTTP/2.0")


@pytest.mark.parametrize(
    ("serve", "scheme", "instead"),
    [
        (lambda: http_server(Model()), "https", "http://"),
        (lambda: http_server(Model()), "grpc", "http://"),
        (lambda: http_server(Model()), "grpcs", "grpc://"),
        (lambda: grpc_server(Model()), "http", "grpc://"),
        (lambda: grpc_server(Model()), "https", "http://"),
        (lambda: grpc_server(Model()), "grpcs", "grpc://"),
        (tls_server, "http", "https://"),
        (deaf_server, "grpc", "http://"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_port_that_speaks_another_protocol_is_answered_by_the_scheme_to_try(
    serve: Any, scheme: str, instead: str
) -> None:
    with serve() as url:
        host = host_of(scheme + url[url.index(":") :])
        assert f"try {instead} in place of {scheme}://" in reason_at(host)


def test_a_port_that_has_spoken_grpc_is_not_taken_for_one_of_http() -> None:
    with grpc_server(Model()) as url:
        server = GrpcServer(parse_endpoint(url), Access({}, Tls()))
        server.metadata(monotonic() + PATIENCE)
    until = monotonic() + PATIENCE
    with deaf_server(int(url.rsplit(":", 1)[1].partition("/")[0])):
        said = ""
        while not said.endswith(": Socket closed") and "in place of" not in said:
            with pytest.raises((NotTaken, HostError)) as caught:
                server.metadata(until)
            said = str(caught.value)
    server.close()
    assert said.startswith(f"{url}: failed to connect")
    assert said.endswith(": Socket closed")


def test_what_cannot_be_connected_within_the_deadline_is_said_in_words() -> None:
    with raw_server(lambda connected: assert_nothing(connected.recv(1))) as port:
        reason = reason_at(host_of(f"https://127.0.0.1:{port}/m", deadline=0.2))
    assert reason.endswith(f"//127.0.0.1:{port}/m: could not connect within the time allowed")


def assert_nothing(_: bytes) -> None:
    time.sleep(1)


@pytest.mark.parametrize("serve", SERVERS)
def test_a_graph_that_is_refused_without_headers_says_that_the_token_is_not_sent_for_it(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model()
    model.down = 401, ""
    with serve(model) as url:
        monkeypatch.delenv("NNSHIM_REMOTE_TOKEN", raising=False)
        assert reason_at(host_of(url)).endswith("; the graph has no headers to send")
        monkeypatch.setenv("NNSHIM_REMOTE_TOKEN", "s3cret-token")
        reason = reason_at(host_of(url))
        assert reason.endswith(
            "; the graph has no headers to send, and NNSHIM_REMOTE_TOKEN is only sent for models"
            " that the command line names"
        )
        monkeypatch.setenv("MY_KEY", "s3cret-key")
        reason += reason_at(host_of(url, headers={"authorization": "MY_KEY"}))
        assert "nnshim sent the header authorization, and NNSHIM" in reason
    assert "s3cret" not in reason


@pytest.mark.parametrize("serve", SERVERS)
def test_a_model_that_the_command_line_names_and_that_is_refused_says_what_was_sent(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model()
    model.down = 401, ""
    with serve(model) as url:
        graph = parse_nn_graph(f"remote::{url}")
        monkeypatch.delenv("NNSHIM_REMOTE_TOKEN", raising=False)
        assert "because NNSHIM_REMOTE_TOKEN is not set" in reason_at(NNHost(graphs=[graph]))
        monkeypatch.setenv("NNSHIM_REMOTE_TOKEN", "s3cret-token")
        reason = reason_at(NNHost(graphs=[graph]))
        assert reason.endswith("the bearer token in NNSHIM_REMOTE_TOKEN was sent")
