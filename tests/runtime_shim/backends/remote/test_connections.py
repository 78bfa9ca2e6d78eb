"""Answers that could be taken for those of other requests, and requests that are not repeated."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from rewriter.abi.dialects import TensorType
from runtime_shim import HostError
from runtime_shim.backends.remote.endpoints import parse_endpoint
from runtime_shim.backends.remote.over_grpc.messages import SERVICE, message
from runtime_shim.backends.remote.over_grpc.server import GrpcServer
from tests.runtime_shim.backends.remote.remote_graphs import (
    code_of,
    host_of,
    inferred,
    two_floats,
)
from tests.support.inference_server import Model, grpc_server, http_server, raw_server

HEAD = b"HTTP/1.1 200 OK\r\n"
TENSOR = {"name": "x", "datatype": "FP32", "shape": [1, 2]}
METADATA = json.dumps({"inputs": [TENSOR], "outputs": [TENSOR]}).encode()
FREE = json.dumps({"inputs": [TENSOR | {"shape": [-1]}], "outputs": [TENSOR]}).encode()


def whole(body: bytes) -> bytes:
    return b"%sContent-Length: %d\r\n\r\n%s" % (HEAD, len(body), body)


def counting(
    write: Callable[[socket.socket, int, bytes], None], *, repeats_ids: bool = True, more: str = ""
) -> Callable[[socket.socket], None]:
    """A server that answers an inference of n, n with n, n, written by a function."""

    def speak(connected: socket.socket) -> None:
        while asked := connected.recv(1 << 16):
            if asked.startswith(b"GET"):
                connected.sendall(whole(METADATA))
                continue
            request = json.loads(asked.partition(b"\r\n\r\n")[2])
            count = int(request["inputs"][0]["data"][0])
            found = {"outputs": [TENSOR | {"data": [count, count]}]}
            if repeats_ids:
                found["id"] = request["id"]
            write(connected, count, (json.dumps(found)[:-1] + more + "}").encode())

    return speak


def results(port: int, count: int) -> list[float | str | None]:
    """What the inferences of 1, 2, 3 and so on give in one context: numbers, or codes of errors."""
    with host_of(f"http://127.0.0.1:{port}/m").session() as session:
        context = session.init_execution_context(session.load_by_name("m"))
        found: list[float | str | None] = []
        for number in range(1, count + 1):
            data = struct.pack("<2f", number, number)
            session.set_input(context, 0, TensorType.F32, (1, 2), memoryview(data))
            try:
                session.compute(context)
                found.append(struct.unpack("<2f", session.get_output(context, 0))[0])
            except HostError as error:
                found.append(getattr(error, "code", None))
    return found


@pytest.mark.parametrize(
    ("interim", "expected"), [("103 Early Hints", 1), ("100 Continue", 1), ("101 Other", "NN607")]
)
def test_the_answer_after_interim_ones_is_that_of_its_request(
    interim: str, expected: float | str
) -> None:
    def write(connected: socket.socket, count: int, body: bytes) -> None:
        connected.sendall(f"HTTP/1.1 {interim}\r\nLink: <a>\r\n\r\n".encode() * 2)
        time.sleep(0.1)
        connected.sendall(whole(body))

    with raw_server(counting(write)) as port:
        assert results(port, 2) == [expected, 2 if expected == 1 else expected]


@pytest.mark.parametrize("name", ["Content-Length", "Inference-Header-Content-Length"])
def test_an_answer_with_two_lengths_is_refused(name: str) -> None:
    def write(connected: socket.socket, count: int, body: bytes) -> None:
        same = f"{name}: {len(body)}\r\n" * 2
        other = f"{name}: 5\r\n" * (count > 1)
        connected.sendall(whole(body).replace(b"\r\n", f"\r\n{same}{other}".encode(), 1))

    with raw_server(counting(write)) as port:
        assert results(port, 2) == [1, "NN607"]


def test_a_connection_with_bytes_after_an_answer_is_not_used_again() -> None:
    def write(connected: socket.socket, count: int, body: bytes) -> None:
        connected.sendall(whole(body) + HEAD)

    with raw_server(counting(write)) as port:
        assert results(port, 2) == [1, 2]


@pytest.mark.parametrize("repeats_ids", [False, True])
def test_an_answer_too_many_is_not_taken_for_the_next_one(repeats_ids: bool) -> None:
    def write(connected: socket.socket, count: int, body: bytes) -> None:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        connected.sendall(whole(body))
        if count == 2:  # the kernel may hold it back until the next request
            connected.sendall(whole(body))

    with raw_server(counting(write, repeats_ids=repeats_ids)) as port:
        found = results(port, 6)
    assert [each for each in found if each != "NN607"] == [
        count for count, each in enumerate(found, 1) if each != "NN607"
    ]
    assert found.count("NN607") <= int(repeats_ids)


@pytest.mark.parametrize("repeats_ids", [False, True])
def test_an_answer_after_that_of_another_kind_is_not_taken_for_the_first_inferences(
    repeats_ids: bool,
) -> None:
    def speak(connected: socket.socket) -> None:
        is_used = False
        while asked := connected.recv(1 << 16):
            if asked.startswith(b"GET"):
                connected.sendall(whole(METADATA))
                is_used = True
                continue
            request = json.loads(asked.partition(b"\r\n\r\n")[2])
            data = [9, 9] if is_used else request["inputs"][0]["data"]
            found = {"outputs": [TENSOR | {"data": data}]}
            if repeats_ids and not is_used:
                found["id"] = request["id"]
            connected.sendall(whole(json.dumps(found).encode()))

    with raw_server(speak) as port:
        assert results(port, 1) == [1]


def test_an_answer_with_the_id_of_another_request_is_refused() -> None:
    ids: list[str] = []

    def speak(connected: socket.socket) -> None:
        while asked := connected.recv(1 << 16):
            if asked.startswith(b"GET"):
                connected.sendall(whole(METADATA))
                continue
            ids.append(json.loads(asked.partition(b"\r\n\r\n")[2])["id"])
            tensor = TENSOR | {"data": [1, 1]}
            connected.sendall(whole(json.dumps({"id": ids[0], "outputs": [tensor]}).encode()))

    with raw_server(speak) as port:
        assert results(port, 2) == [1, "NN607"]
    assert len(set(ids)) == 2


def test_an_id_that_the_server_has_made_is_accepted() -> None:
    def write(connected: socket.socket, count: int, body: bytes) -> None:
        connected.sendall(whole(body))

    with raw_server(counting(write, repeats_ids=False, more=', "id": "7"')) as port:
        assert results(port, 2) == [1, 2]


def test_an_answer_over_grpc_with_the_id_of_another_request_is_refused() -> None:
    model = Model()
    output = message("ModelInferResponse")(id="nnshim-another", raw_output_contents=[two_floats])
    output.outputs.add(name="x", datatype="FP32", shape=[1, 2])
    with grpc_server(model) as url:
        model.garbage = output.SerializeToString()
        assert code_of(host_of(url)) == "NN607"


@pytest.mark.parametrize("size", [b"-1", b"-5"])
def test_a_chunk_of_a_negative_size_is_refused(size: bytes) -> None:
    def write(connected: socket.socket, count: int, body: bytes) -> None:
        connected.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + size + b"\r\n" + body)

    with raw_server(counting(write)) as port:
        assert results(port, 1) == ["NN607"]


def test_a_length_with_many_zeros_is_refused() -> None:
    def write(connected: socket.socket, count: int, body: bytes) -> None:
        length = b"Inference-Header-Content-Length: %s1\r\n" % (b"0" * 5000)
        connected.sendall(whole(body).replace(HEAD, HEAD + length))

    with raw_server(counting(write)) as port:
        assert results(port, 1) == ["NN607"]


@pytest.mark.parametrize("is_connected", [True, False])
def test_a_request_that_a_server_could_not_pass_on_is_not_sent_to_the_next(
    is_connected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_connected:  # the server has ended the connection after its answer
        monkeypatch.setattr(GrpcServer, "_is_connected", lambda _: False)
    calls: list[bytes] = []

    def describe(_: bytes, __: grpc.ServicerContext) -> bytes:
        made = message("ModelMetadataResponse")()
        made.inputs.add(name="x", datatype="FP32", shape=[1, 2])
        made.outputs.add(name="x", datatype="FP32", shape=[1, 2])
        return bytes(made.SerializeToString())

    def infer(request: bytes, context: grpc.ServicerContext) -> bytes:
        calls.append(request)
        context.abort(grpc.StatusCode.UNAVAILABLE, "failed to connect to all addresses; last: ...")
        raise AssertionError

    handlers = {
        name: grpc.unary_unary_rpc_method_handler(does)
        for name, does in (("ModelMetadata", describe), ("ModelInfer", infer))
    }
    server = grpc.server(ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    second = Model()
    try:
        with grpc_server(second) as url:
            assert code_of(host_of(f"grpc://127.0.0.1:{port}/m", url)) == "NN606"
    finally:
        server.stop(None).wait()
    assert len(calls) == 1
    assert not second.calls


def answering_early(answer: bytes) -> Callable[[socket.socket], None]:
    """A server that answers an inference before it has the whole request."""

    def speak(connected: socket.socket) -> None:
        while connected.recv(1 << 12, socket.MSG_PEEK).startswith(b"GET"):
            connected.recv(1 << 16)
            connected.sendall(whole(FREE))
        connected.recv(100)
        connected.sendall(answer)

    return speak


def test_a_refusal_before_the_end_of_a_request_is_told_and_not_taken_for_no_answer() -> None:
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\ntoo large"
    tensor = bytes(16 << 20)
    with (
        raw_server(answering_early(refusal)) as port,
        host_of(f"http://127.0.0.1:{port}/m").session() as session,
    ):
        context = session.init_execution_context(session.load_by_name("m"))
        session.set_input(context, 0, TensorType.F32, (4 << 20,), memoryview(tensor))
        with pytest.raises(HostError, match=r"NN606.*413: too large"):
            session.compute(context)


def test_an_answer_before_the_end_of_a_request_is_not_taken_for_no_answer() -> None:
    result = whole(json.dumps({"outputs": [TENSOR | {"data": [1, 2]}]}).encode())
    other = Model([("x", "FP32", [-1])], [("x", "FP32", [1, 2])])
    with raw_server(answering_early(result)) as port, http_server(other) as second:
        host = host_of(f"http://127.0.0.1:{port}/m", second)
        with host.session() as session:
            context = session.init_execution_context(session.load_by_name("m"))
            data = memoryview(bytes(16 << 20))
            session.set_input(context, 0, TensorType.F32, (4 << 20,), data)
            with pytest.raises(HostError, match=r"NN605.*before it had the whole request"):
                session.compute(context)
    assert not other.calls


def test_a_server_that_does_not_finish_its_handshake_leaves_time_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def is_silent(connected: socket.socket) -> None:
        while connected.recv(1 << 16):
            pass

    monkeypatch.setattr("runtime_shim.backends.remote.over_http.sockets._CONNECTING", 0.1)
    with raw_server(is_silent) as port, http_server(Model()) as url:
        assert inferred(host_of(f"https://127.0.0.1:{port}/m", url)) == two_floats


def test_a_host_is_not_taken_for_a_scheme_of_grpc() -> None:
    with pytest.raises(HostError) as caught:
        host_of("grpc://unix:8001/m", deadline=2).load_by_name("m")
    assert "unix:8001" in caught.value.reason
    assert "No such file" not in caught.value.reason
    assert parse_endpoint("grpc://unix:8001/m").address == "unix:8001"
