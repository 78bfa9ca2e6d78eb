"""Servers that are gone, slow, or not inference servers: what a guest gets, and how soon."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from rewriter.abi.dialects import TensorType
from runtime_shim import HostError, Limits, NNHost, parse_nn_graph
from runtime_shim.backends.remote import servers
from tests.runtime_shim.backends.remote.remote_graphs import (
    code_of,
    host_of,
    inferred,
    two_floats,
)
from tests.support.inference_server import (
    Model,
    Tensor,
    drip,
    grpc_server,
    http_server,
    raw_server,
)
from tests.support.ports import closed_port
from tests.support.processes import PATIENCE, wait_for
from tests.support.time_limits import with_enough_time

SERVERS = [pytest.param(grpc_server, id="grpc"), pytest.param(http_server, id="http")]
SCHEMES = ["grpc", "http"]

DEADLINE = 0.3

OVER = ("NN603", "NN604")
"""Codes of what has taken too long. A server here ends the connection after some minutes, which has
another code."""

Speak = Callable[[socket.socket], None]


def says(data: bytes) -> Speak:
    def speak(connected: socket.socket) -> None:
        connected.recv(1 << 16)
        connected.sendall(data)

    return speak


def resets(connected: socket.socket) -> None:
    connected.recv(1 << 16)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def is_silent(connected: socket.socket) -> None:
    while connected.recv(1 << 16):
        pass


def is_half_closed(connected: socket.socket) -> None:
    connected.shutdown(socket.SHUT_WR)
    is_silent(connected)


HEAD = b"HTTP/1.1 200 OK\r\n"
SETTINGS = b"\0\0\0\4\0\0\0\0\0"
"""The frame with which a server of HTTP/2 begins."""


def begins_and_stops(connected: socket.socket) -> None:
    connected.sendall(SETTINGS)
    is_silent(connected)


sends_frames_slowly = drip(SETTINGS * 100, 0.05)

OF_HTTP_2 = (begins_and_stops, sends_frames_slowly)
"""What is not an answer of HTTP/1.1, from its first byte."""

LASTING: dict[str, Speak] = {
    "is silent": is_silent,
    "sends headers slowly": drip(HEAD + b"a: b", 0.05),
    "sends frames slowly": sends_frames_slowly,
    "begins HTTP/2 and stops": begins_and_stops,
    "sends a body slowly": drip(HEAD + b"Content-Length: 999999\r\n\r\n ", 0.01),
}

ENDING: dict[str, Speak] = {
    "closes at once": lambda _: None,
    "resets": resets,
    "is half closed": is_half_closed,
    "speaks something else": says(b"SSH-2.0-OpenSSH_9.2\r\n" * 50),
    "sends zeros": says(bytes(1 << 16)),
    "promises too many bytes": says(HEAD + b"Content-Length: 99999999999999\r\n\r\n{}"),
    "sends fewer bytes than it promises": says(HEAD + b"Content-Length: 99\r\n\r\n{}"),
    "sends endless chunks": says(HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffffffff\r\n{}"),
    "sends a chunk of no size": says(HEAD + b"Transfer-Encoding: chunked\r\n\r\nz\r\n{}"),
    "continues for ever": says(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "sends no JSON": says(HEAD + b"Content-Length: 2\r\n\r\n\xff\xfe"),
    "sends a deep JSON": says(HEAD + b"Content-Length: 200000\r\n\r\n" + b"[" * 200000),
    "sends another JSON": says(HEAD + b"Content-Length: 4\r\n\r\nnull"),
    "sends JSON of other types": says(HEAD + b'Content-Length: 14\r\n\r\n{"inputs": {}}'),
    "sends elsewhere": says(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n"),
}


@pytest.mark.parametrize("speak", ENDING.values(), ids=ENDING)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_server_that_is_none_is_an_error(scheme: str, speak: Speak) -> None:
    with raw_server(speak) as port:
        code = code_of(host_of(f"{scheme}://127.0.0.1:{port}/m", deadline=DEADLINE))
    assert code in ("NN603", "NN604", "NN605", "NN606", "NN607")


@pytest.mark.parametrize("speak", LASTING.values(), ids=LASTING)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_server_that_does_not_end_is_an_error_at_the_deadline(scheme: str, speak: Speak) -> None:
    with raw_server(speak) as port:
        code = code_of(host_of(f"{scheme}://127.0.0.1:{port}/m", deadline=DEADLINE))
    assert code in (["NN607"] if scheme == "http" and speak in OF_HTTP_2 else OVER)


METADATA = json.dumps(
    {key: [{"name": "x", "datatype": "FP32", "shape": [-1, 2]}] for key in ("inputs", "outputs")}
).encode()


def then(speak: Speak) -> Speak:
    """Describe a model, and let a function answer the inference."""

    def served(connected: socket.socket) -> None:
        while (head := connected.recv(1 << 16, socket.MSG_PEEK)).startswith(b"GET"):
            connected.recv(len(head))
            connected.sendall(b"%sContent-Length: %d\r\n\r\n%s" % (HEAD, len(METADATA), METADATA))
        speak(connected)

    return served


def answers(data: bytes, header: bytes = b"") -> Speak:
    return says(b"%s%sContent-Length: %d\r\n\r\n%s" % (HEAD, header, len(data), data))


def output(parameters: str = "", more: str = "") -> bytes:
    tensor = f'{{"name": "x", "datatype": "FP32", "shape": [1, 2]{parameters}}}'
    return f'{{"outputs": [{tensor}]{more}}}'.encode()


BINARY = ', "parameters": {"binary_data_size": %s}'
LENGTH = b"Inference-Header-Content-Length: %s\r\n"

WRONG: dict[str, tuple[Speak, str]] = {
    "closed": (says(b""), "NN605"),
    "reset": (resets, "NN605"),
    "silence": (is_silent, "NN604"),
    "half closed": (says(HEAD + b"Content-Length: 99\r\n\r\n{"), "NN605"),
    "slow": (drip(HEAD + b"Content-Length: 999999\r\n\r\n ", 0.01), "NN604"),
    "garbage": (says(b"\x16\x03\x01garbage\r\n"), "NN607"),
    "an error": (says(b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\n{}"), "NN606"),
    "no data": (answers(output()), "NN607"),
    "data elsewhere": (answers(output(BINARY % 8)), "NN607"),
    "data and an error": (
        answers(
            b'{"error": "bad", "outputs": [{"name": "x", "datatype": "FP32", "shape": [1, 2],'
            b' "data": [1, 2]}]}'
        ),
        "NN607",
    ),
    "a negative size": (answers(output(BINARY % -8) + two_floats), "NN607"),
    "a size that is true": (answers(output(BINARY % "true") + two_floats), "NN607"),
    "a header that is too long": (answers(output(BINARY % 8), LENGTH % b"999999"), "NN607"),
    "a header of no length": (answers(output(BINARY % 8), LENGTH % b"-1"), "NN607"),
    "an endless header": (answers(output(BINARY % 8), LENGTH % (b"9" * 5000)), "NN607"),
    "bytes after the outputs": (
        answers(
            output(BINARY % 8) + two_floats + b"more",
            LENGTH % str(len(output(BINARY % 8))).encode(),
        ),
        "NN607",
    ),
    "outputs of another form": (answers(b'{"outputs": [1, 2]}'), "NN607"),
    "numbers too large": (answers(output(', "data": [1e99, 1e99]')), "NN607"),
    "a number with many digits": (answers(output(f', "data": [1{"0" * 5000}, 1]')), "NN607"),
}


@pytest.mark.parametrize(("speak", "code"), WRONG.values(), ids=WRONG)
def test_an_answer_that_breaks_off_or_lies_gives_no_data(speak: Speak, code: str) -> None:
    deadline = DEADLINE if code in OVER else PATIENCE
    with raw_server(then(speak)) as port:
        assert code_of(host_of(f"http://127.0.0.1:{port}/m", deadline=deadline)) in (
            OVER if code in OVER else [code]
        )


class Proxy:
    """Passes bytes on to a server, until it is cut."""

    def __init__(self, url: str) -> None:
        self._port = urlsplit(url).port
        self.is_cut = False
        self.is_gone = threading.Event()
        self._open: list[socket.socket] = []

    def __call__(self, connected: socket.socket) -> None:
        self._open.append(connected)
        with socket.create_connection(("127.0.0.1", self._port)) as other:
            ways = {connected: other, other: connected}
            while not self.is_cut:
                for ready in select.select(list(ways), [], [], 0.01)[0]:
                    data = ready.recv(1 << 16)
                    if not data:
                        return
                    ways[ready].sendall(data)
        connected.close()
        self._open.remove(connected)
        if not self._open:
            self.is_gone.set()


@pytest.mark.parametrize("serve", SERVERS)
def test_a_request_on_which_the_connection_was_lost_is_not_repeated(serve: Any) -> None:
    model = Model()
    calls = []

    def is_cut(inputs: list[Tensor]) -> list[Tensor]:
        calls.append(inputs)
        proxy.is_cut = True
        assert proxy.is_gone.wait(PATIENCE)
        return inputs

    model.infer = is_cut
    with serve(model) as url, serve(Model()) as other:
        proxy = Proxy(url)
        with raw_server(proxy) as port:
            first = f"{url.partition(':')[0]}://127.0.0.1:{port}/m"
            assert code_of(host_of(first, other)) == "NN605"
    assert len(calls) == 1


@pytest.mark.parametrize("serve", SERVERS)
def test_an_inference_ends_at_the_deadline_and_the_next_one_asks_another_server(
    serve: Any,
) -> None:
    ended = threading.Event()

    def is_slow(inputs: list[Tensor]) -> list[Tensor]:
        slow.ready = False
        ended.wait(PATIENCE)
        return inputs

    def check(deadline: float) -> None:
        slow.ready = True
        host = host_of(url, other, deadline=deadline)
        assert code_of(host) == "NN604"
        assert inferred(host) == two_floats

    slow, quick = Model(infer=is_slow), Model()
    with serve(slow) as url, serve(quick) as other:
        with_enough_time(check)
        ended.set()


@pytest.mark.parametrize("serve", SERVERS)
def test_the_guests_timeout_bounds_a_call_too(serve: Any) -> None:
    ended = threading.Event()

    def is_slow(inputs: list[Tensor]) -> list[Tensor]:
        ended.wait(PATIENCE)
        return inputs

    def check(timeout: float) -> None:
        host = NNHost(graphs=[parse_nn_graph(f"remote::{url}")], limits=Limits(timeout=timeout))
        session = host.session()
        context = session.init_execution_context(session.load_by_name("m"))
        session.set_input(context, 0, TensorType.F32, (1, 2), memoryview(two_floats))
        with pytest.raises(HostError, match="within the deadline"):
            session.compute(context)

    with serve(Model(infer=is_slow)) as url:
        with_enough_time(check)
        ended.set()


@pytest.mark.parametrize("name", ["some.invalid", f"{'a' * 70}.invalid"])
@pytest.mark.parametrize("serve", SERVERS)
def test_a_name_that_has_no_address_leads_to_the_next_server(serve: Any, name: str) -> None:
    with serve(Model()) as url:
        nowhere = f"{url.partition(':')[0]}://{name}:80/m"
        assert inferred(host_of(nowhere, url)) == two_floats


def test_a_name_that_is_not_resolved_in_time_is_an_error_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended, answers = threading.Event(), []

    def is_slow(*_: object, **__: object) -> list[object]:
        answers.append(ended.wait(PATIENCE))
        return []

    monkeypatch.setattr(socket, "getaddrinfo", is_slow)
    assert code_of(host_of("http://some.invalid/m", deadline=DEADLINE)) == "NN603"
    assert answers == []
    ended.set()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_server_that_is_not_there_is_named_with_the_reason(scheme: str) -> None:
    with closed_port() as port:
        url = f"{scheme}://127.0.0.1:{port}/m"
        with pytest.raises(HostError, match=r"(?i)connection refused") as caught:
            inferred(host_of(url))
    assert caught.value.code == "NN603"
    assert url in caught.value.reason


@pytest.mark.parametrize("serve", SERVERS)
def test_a_server_that_was_away_is_used_again(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "_RESTING", 0.0)
    monkeypatch.setattr(servers, "_CHECKING", PATIENCE)
    with closed_port() as port:
        host = host_of(f"{serve.__name__.partition('_')[0]}://127.0.0.1:{port}/m")
        with serve(Model(), port):
            session = host.session()
            context = session.init_execution_context(session.load_by_name("m"))
            session.set_input(context, 0, TensorType.F32, (1, 2), memoryview(two_floats))
            session.compute(context)
        with pytest.raises(HostError):
            session.compute(context)
        with pytest.raises(HostError, match="no output before compute"):
            session.get_output(context, 0)

        def computes() -> bool:
            with contextlib.suppress(HostError):
                session.compute(context)
                return True
            return False

        with serve(Model(), port):
            wait_for(computes)
            assert session.get_output(context, 0) == two_floats
