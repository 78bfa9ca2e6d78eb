"""What a message adds where a URL has the wrong scheme, or credentials are missing."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from runtime_shim import HostError, NNHost, parse_nn_graph
from tests.runtime_shim.backends.remote.remote_graphs import host_of
from tests.support.inference_server import Model, grpc_server, http_server, raw_server

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
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_port_that_speaks_another_protocol_is_answered_by_the_scheme_to_try(
    serve: Any, scheme: str, instead: str
) -> None:
    with serve() as url:
        host = host_of(scheme + url[url.index(":") :])
        assert f"try {instead} in place of {scheme}://" in reason_at(host)


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
