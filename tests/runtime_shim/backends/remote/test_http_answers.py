"""The forms that an answer over HTTP can have, and what is not one."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable

import pytest

from rewriter.abi.dialects import TensorType
from runtime_shim import HostError
from tests.runtime_shim.backends.remote.remote_graphs import code_of, host_of, inferred, two_floats
from tests.support.inference_server import raw_server

TENSOR = {"name": "x", "datatype": "FP32", "shape": [1, 2]}
METADATA = json.dumps({"inputs": [TENSOR], "outputs": [TENSOR]}).encode()
BODY = json.dumps({"id": "I" * 64, "outputs": [TENSOR | {"data": [3, 4]}]}).encode()
"""An answer, with a place for the id of its request."""

HALF = len(BODY) - 30

HEAD = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"%x\r\n%s\r\n%X;name=value\r\n%s\r\n" % (
    HALF,
    BODY[:HALF],
    len(BODY) - HALF,
    BODY[HALF:],
)
LONG = b"a: %s\r\n" % (b"b" * (1 << 16))


def answering(
    answer: bytes, connections: list[socket.socket], *, closes: bool
) -> Callable[[socket.socket], None]:
    """A server that describes a model, and answers each inference so."""

    def speak(connected: socket.socket) -> None:
        connections.append(connected)
        while asked := connected.recv(1 << 16):
            if asked.startswith(b"GET"):
                head = HEAD + b"Content-Length: %d\r\n\r\n" % len(METADATA)
                connected.sendall(head + METADATA)
                continue
            request_id = json.loads(asked.partition(b"\r\n\r\n")[2])["id"].encode()
            said = request_id + b'"' + b" " * (64 - len(request_id))
            connected.sendall(answer.replace(b"I" * 64 + b'"', said))
            if closes:
                return

    return speak


def inferred_twice(port: int, times: int = 2) -> list[tuple[float, ...] | str | None]:
    """The outputs of two inferences, or of more, or the codes of their errors."""
    with host_of(f"http://127.0.0.1:{port}/m").session() as session:
        context = session.init_execution_context(session.load_by_name("m"))
        session.set_input(context, 0, TensorType.F32, (1, 2), memoryview(two_floats))
        found: list[tuple[float, ...] | str | None] = []
        for _ in range(times):
            try:
                session.compute(context)
                found.append(struct.unpack("<2f", session.get_output(context, 0)))
            except HostError as error:
                found.append(getattr(error, "code", None))
    return found


USABLE: dict[str, tuple[bytes, bool]] = {
    "a length": (HEAD + LENGTH + b"\r\n" + BODY, True),
    "lines that end without CR": (
        (HEAD + LENGTH + b"\r\n").replace(b"\r\n", b"\n") + BODY,
        True,
    ),
    "no reason": (b"HTTP/1.1 200\r\n" + LENGTH + b"\r\n" + BODY, True),
    "a reason that is not ASCII": (b"HTTP/1.1 200 \xc3\xa0\r\n" + LENGTH + b"\r\n" + BODY, True),
    "names in small letters": (HEAD + LENGTH.lower() + b"\r\n" + BODY, True),
    "no space before a value": (HEAD + LENGTH.replace(b": ", b":") + b"\r\n" + BODY, True),
    "spaces after a value": (HEAD + LENGTH.replace(b"\r", b" \t\r") + b"\r\n" + BODY, True),
    "an empty value": (HEAD + LENGTH + b"a:\r\nb: \r\n\r\n" + BODY, True),
    "the same length twice": (HEAD + LENGTH + LENGTH + b"\r\n" + BODY, True),
    "chunks": (HEAD + CHUNKED + b"\r\n" + CHUNKS + b"0\r\n\r\n", True),
    "chunks and trailers": (HEAD + CHUNKED + b"\r\n" + CHUNKS + b"0\r\na: b\r\n\r\n", True),
    "the connection's end": (HEAD + b"\r\n" + BODY, False),
    "the last one": (HEAD + LENGTH + b"Connection: a, Close\r\n\r\n" + BODY, False),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\n" + LENGTH + b"\r\n" + BODY, False),
    "HTTP/1.0 that goes on": (
        b"HTTP/1.0 200 OK\r\n" + LENGTH + b"Connection: keep-alive\r\n\r\n" + BODY,
        True,
    ),
}


@pytest.mark.parametrize(("answer", "is_kept"), USABLE.values(), ids=USABLE)
def test_an_answer_is_read_and_its_connection_used_again_if_it_can_be(
    answer: bytes, is_kept: bool
) -> None:
    connections: list[socket.socket] = []
    with raw_server(answering(answer, connections, closes=not is_kept)) as port:
        assert inferred_twice(port, 3) == [(3, 4)] * 3
    assert len(connections) == (2 if is_kept else 3)  # the first was for metadata


GARBLED: dict[str, bytes] = {
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "another version": b"HTTP/2.0 200 OK\r\n" + LENGTH + b"\r\n" + BODY,
    "no status": b"HTTP/1.1 OK\r\n" + LENGTH + b"\r\n" + BODY,
    "a long status": b"HTTP/1.1 2000 OK\r\n" + LENGTH + b"\r\n" + BODY,
    "a header without a colon": HEAD + LENGTH + b"a\r\n\r\n" + BODY,
    "a header without a name": HEAD + LENGTH + b": a\r\n\r\n" + BODY,
    "a space before the colon": HEAD + LENGTH.replace(b":", b" :") + b"\r\n" + BODY,
    "a line that continues another": HEAD + LENGTH + b"a: b\r\n c\r\n\r\n" + BODY,
    "a CR in a value": HEAD + LENGTH + b"a: b\rContent-Length: 5\r\n\r\n" + BODY,
    "a NUL in a value": HEAD + LENGTH + b"a: \0\r\n\r\n" + BODY,
    "long headers": HEAD + LONG + LENGTH + b"\r\n" + BODY,
    "two lengths": HEAD + LENGTH + b"Content-Length: 5\r\n\r\n" + BODY,
    "two lengths in a header": HEAD + b"Content-Length: 5, 5\r\n\r\n" + BODY,
    "a length with a sign": HEAD + b"Content-Length: +5\r\n\r\n" + BODY,
    "a length in other digits": HEAD
    + "Content-Length: \N{ARABIC-INDIC DIGIT FIVE}\r\n\r\n".encode()
    + BODY,
    "a length and chunks": HEAD + LENGTH + CHUNKED + b"\r\n" + CHUNKS + b"0\r\n\r\n",
    "another encoding": HEAD + b"Transfer-Encoding: gzip\r\n\r\n" + BODY,
    "two encodings": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNKS,
    "chunks in HTTP/1.0": b"HTTP/1.0 200 OK\r\n" + CHUNKED + b"\r\n" + CHUNKS + b"0\r\n\r\n",
    "a chunk of another size": HEAD + CHUNKED + b"\r\n5\r\n" + BODY,
    "a chunk of no size": HEAD + CHUNKED + b"\r\n\r\n" + BODY,
    "a chunk's size that ends without CR": HEAD + CHUNKED + b"\r\n5\n" + BODY,
    "a chunk that ends without CR": HEAD + CHUNKED + b"\r\n1\r\n{\n0\r\n\r\n",
    "a space before a chunk's size": HEAD + CHUNKED + b"\r\n 5\r\n" + BODY,
    "a CR in a chunk's extension": HEAD + CHUNKED + b"\r\n5;a\rb\r\n" + BODY,
    "a trailer that is not a header": HEAD + CHUNKED + b"\r\n" + CHUNKS + b"0\r\na\r\n\r\n",
    "chunked twice": HEAD + CHUNKED + CHUNKED + b"\r\n" + CHUNKS + b"0\r\n\r\n",
    "a control character in a value": HEAD + LENGTH + b"a: \x1b\r\n\r\n" + BODY,
    "a size with a prefix": HEAD + CHUNKED + b"\r\n0x5\r\n" + BODY,
    "a chunk that is too large": HEAD + CHUNKED + b"\r\n7fffffff\r\n" + BODY,
    "a long line before a chunk": HEAD + CHUNKED + b"\r\n5;" + LONG,
    "too many bytes": HEAD + b"Content-Length: 99999999999\r\n\r\n" + BODY,
}


@pytest.mark.parametrize("answer", GARBLED.values(), ids=GARBLED)
def test_an_answer_that_is_not_one_or_says_two_things_is_refused(answer: bytes) -> None:
    connections: list[socket.socket] = []
    with raw_server(answering(answer, connections, closes=False)) as port:
        assert inferred_twice(port) == ["NN607"] * 2
    assert len(connections) == 3  # one for metadata


BROKEN: dict[str, bytes] = {
    "no answer": b"",
    "half a status": HEAD[:9],
    "half the headers": HEAD + b"a: b\r\n",
    "half a length": HEAD + b"Content-Length: 99\r\n\r\n{",
    "half a chunk": HEAD + CHUNKED + b"\r\nff\r\n{",
    "no last chunk": HEAD + CHUNKED + b"\r\n" + CHUNKS,
    "no end of the trailers": HEAD + CHUNKED + b"\r\n" + CHUNKS + b"0\r\n",
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_an_answer_that_breaks_off_is_lost(answer: bytes) -> None:
    with raw_server(answering(answer, [], closes=True)) as port:
        assert inferred_twice(port) == ["NN605"] * 2


def test_a_large_answer_in_pieces_is_whole() -> None:
    tensor = bytes(range(256)) * (1 << 14)
    described = TENSOR | {"shape": [1 << 20]}
    output = {**described, "parameters": {"binary_data_size": len(tensor)}}
    text = json.dumps({"outputs": [output]}).encode()
    metadata = json.dumps({"inputs": [TENSOR], "outputs": [described]}).encode()

    def speak(connected: socket.socket) -> None:
        while asked := connected.recv(1 << 16):
            body = metadata if asked.startswith(b"GET") else text + tensor
            head = b"Inference-Header-Content-Length: %d\r\n" % len(text)
            more = head if body is not metadata else b""
            connected.sendall(HEAD + b"%sContent-Length: %d\r\n\r\n" % (more, len(body)))
            for start in range(0, len(body), 99_999):
                connected.sendall(body[start : start + 99_999])

    with raw_server(speak) as port, host_of(f"http://127.0.0.1:{port}/m").session() as session:
        context = session.init_execution_context(session.load_by_name("m"))
        session.set_input(context, 0, TensorType.F32, (1, 2), memoryview(two_floats))
        session.compute(context)
        assert session.get_output(context, 0) == tensor


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher", "xn--bcher-kva"),
        ("x." + "\N{GREEK SMALL LETTER ALPHA}" * 50, "x.xn--mxa" + "a" * 49),
    ],
)
def test_a_request_names_its_host_in_ascii(
    host: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []

    def speak(connected: socket.socket) -> None:
        asked.append(connected.recv(1 << 16))

    with raw_server(speak) as port:
        there = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [there])
        assert code_of(host_of(f"http://{host}:{port}/m")) == "NN603"
    expected = f"GET /v2/models/m HTTP/1.1\r\nHost: {named}:{port}\r\n"
    assert asked[0].startswith(expected.encode())


def refusal(answer: bytes) -> str:
    """The reason of the error for an answer to an inference."""
    with raw_server(answering(answer, [], closes=True)) as port:
        host = host_of(f"http://127.0.0.1:{port}/m")
        with pytest.raises(HostError) as caught:
            inferred(host)
    return caught.value.reason


def test_a_refusal_has_the_servers_words_or_those_of_its_status() -> None:
    page = b"Content-Length: 6\r\n\r\n<html>"
    assert refusal(b"HTTP/1.1 502 Bad Gateway\r\n" + page).endswith("502: Bad Gateway")
    assert refusal(b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nwe").endswith("500: we")
    assert "302: nnshim does not go" in refusal(b"HTTP/1.1 302 Found\r\n" + page)
    assert refusal(
        b"HTTP/1.1 500 No\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b"
    ).endswith("500: No")
    assert "a page for people" in refusal(HEAD + page)
    told = refusal(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b")
    assert told.endswith("nobody asked for its Content-Encoding 'gzip'")
