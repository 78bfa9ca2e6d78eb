"""A small inference server for tests, over gRPC and HTTP, that answers what the test chooses."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat
from typing import Any

import grpc

from runtime_shim.backends.remote.over_grpc.messages import SERVICE, message
from tests.support.processes import PATIENCE
from tests.support.typed_contents import add_contents, bytes_of_contents

__all__ = [
    "Model",
    "Tensor",
    "drip",
    "grpc_server",
    "http_server",
    "raw_server",
]

Tensor = tuple[str, str, list[int], bytes]
"""Name, type, shape and bytes."""


class Model:
    """A model that returns its inputs as its outputs, or what `infer` makes of them. `calls` are
    the methods that were called, and `headers` those of the last call."""

    def __init__(
        self,
        inputs: Sequence[tuple[str, str, list[int]]] = (("x", "FP32", [-1, 2]),),
        outputs: Sequence[tuple[str, str, list[int]]] | None = None,
        infer: Callable[[list[Tensor]], list[Tensor]] = list,
        binary: bool = True,
        raw: bool = True,
    ) -> None:
        self.inputs = inputs
        self.outputs = inputs if outputs is None else outputs
        self.infer = infer
        self.extensions = ["binary_tensor_data"] * binary
        self.raw = raw
        self.sent_raw = 0
        """Inputs of the last request over gRPC that are raw."""
        self.ready = True
        self.down: tuple[int, str] | None = None
        """A status, and the end of the paths that get it. gRPC then answers UNAVAILABLE, or
        UNAUTHENTICATED for 401."""
        self.described: dict[str, Any] = {"name": "m", "versions": ["1"]}
        self.told: dict[str, Any] = {"model_name": "m", "model_version": "1"}
        """What metadata and answers say beside tensors."""
        self.repeats_ids = True
        self.garbage: bytes | None = None
        """What gRPC answers to ModelInfer instead."""
        self.calls: list[str] = []
        self.headers: dict[str, str] = {}
        self.segments: dict[str, int] = {}
        """Descriptors of what is registered as shared memory over HTTP, by name."""
        self.sends_placed = False
        """Whether outputs are sent that the client wants in shared memory."""
        self.tells_places: dict[str, Any] | None = None
        """What is said of where outputs are in shared memory, beside the truth; None for nothing.
        """
        self.offsets: dict[str, int] = {}
        """Where the last request wants outputs in shared memory."""
        self.keys: list[str] = []
        """What shm_open was to open for them."""

    def answer(self, request_id: str) -> dict[str, Any]:
        """What an answer says beside tensors."""
        return {**({"id": request_id} if self.repeats_ids else {}), **self.told}

    def share(self, path: str, body: bytes) -> None:
        """Register or unregister shared memory."""
        *_, name, action = path.split("/")
        if action == "register":
            self.keys.append(json.loads(body)["key"])
            self.segments[name] = os.open(f"/dev/shm{self.keys[-1]}", os.O_RDWR)
        else:
            os.close(self.segments.pop(name))

    def place(self, tensor: dict[str, Any]) -> tuple[int, int, int]:
        """Where a tensor is: descriptor, size and offset."""
        found = tensor["parameters"]
        size, offset = found["shared_memory_byte_size"], found["shared_memory_offset"]
        return self.segments[found["shared_memory_region"]], size, offset


@contextlib.contextmanager
def grpc_server(
    model: Model,
    port: int = 0,
    tls: tuple[bytes, bytes] | None = None,
    trusts: bytes | None = None,
) -> Iterator[str]:
    """Serve a model; its URL. `tls` is a key with its certificate, and `trusts` the one that a
    client has to have."""

    def handle(method: str) -> Callable[[bytes, grpc.ServicerContext], bytes]:
        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            model.calls.append(method)
            model.headers = dict(context.invocation_metadata())
            if model.down is not None and method.lower().endswith(model.down[1]):
                if model.down[0] == 401:
                    context.abort(grpc.StatusCode.UNAUTHENTICATED, "who is it?")
                context.abort(grpc.StatusCode.UNAVAILABLE, "nothing behind the proxy")
            if method == "ModelInfer":
                return _inferred(model, request) if model.garbage is None else model.garbage
            made = message(f"{method}Response")()
            if method == "ModelReady":
                made.ready = model.ready
            elif method == "ServerMetadata":
                made.extensions.extend(model.extensions)
            else:
                made = message(f"{method}Response")(**model.described)
                for name, tensors in (("inputs", model.inputs), ("outputs", model.outputs)):
                    for each in tensors:
                        getattr(made, name).add(name=each[0], datatype=each[1], shape=each[2])
            return bytes(made.SerializeToString())

        return answer

    methods = ("ServerMetadata", "ModelReady", "ModelMetadata", "ModelInfer")
    handlers = {name: grpc.unary_unary_rpc_method_handler(handle(name)) for name in methods}
    server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    if tls is None:
        bound = server.add_insecure_port(f"127.0.0.1:{port}")
    else:
        credentials = grpc.ssl_server_credentials([tls], trusts, trusts is not None)
        bound = server.add_secure_port(f"127.0.0.1:{port}", credentials)
    server.start()
    try:
        yield f"grpc{'s' if tls else ''}://{'localhost' if tls else '127.0.0.1'}:{bound}/m"
    finally:
        server.stop(None).wait()


def _inferred(model: Model, request: bytes) -> bytes:
    asked = message("ModelInferRequest").FromString(request)
    model.sent_raw = len(asked.raw_input_contents)
    raw = asked.raw_input_contents or map(bytes_of_contents, asked.inputs)
    inputs = [
        (each.name, each.datatype, list(each.shape), data)
        for each, data in zip(asked.inputs, raw, strict=True)
    ]
    made = message("ModelInferResponse")(**model.answer(asked.id))
    for name, datatype, shape, data in model.infer(inputs):
        output = made.outputs.add(name=name, datatype=datatype, shape=shape)
        if model.raw:
            made.raw_output_contents.append(data)
        else:
            add_contents(output.contents, datatype, data)
    return bytes(made.SerializeToString())


@contextlib.contextmanager
def http_server(
    model: Model, port: int = 0, tls: ssl.SSLContext | None = None, version: str = "HTTP/1.1"
) -> Iterator[str]:
    """Serve a model; its URL."""
    connections: list[socket.socket] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = version

        def setup(self) -> None:
            super().setup()
            connections.append(self.connection)

        def do_GET(self) -> None:
            tensors = {
                key: [
                    dict(zip(("name", "datatype", "shape"), each, strict=True)) for each in listed
                ]
                for key, listed in (("inputs", model.inputs), ("outputs", model.outputs))
            }
            found: dict[str, Any] = {"/v2": {"extensions": model.extensions}}.get(
                self.path, {**model.described, **tensors}
            )
            is_ready = model.ready or not self.path.endswith("/ready")
            self.answer(json.dumps(found).encode(), 200 if is_ready else 503)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path.startswith("/v2/systemsharedmemory/"):
                model.share(self.path, body)
                self.answer(b"", 200)
                return
            length = int(self.headers.get("Inference-Header-Content-Length", len(body)))
            asked, rest = json.loads(body[:length]), body[length:]
            tensors = (*asked["inputs"], *asked.get("outputs", []))
            regions = {each.get("parameters", {}).get("shared_memory_region") for each in tensors}
            if not regions <= {None, *model.segments}:
                self.answer(json.dumps({"error": "no such shared memory"}).encode(), 404)
                return
            inputs: list[Tensor] = []
            for each in asked["inputs"]:
                if "shared_memory_region" in each.get("parameters", {}):
                    data = os.pread(*model.place(each))
                elif "data" in each:
                    data = json.dumps(each["data"]).encode()
                else:
                    size = each["parameters"]["binary_data_size"]
                    data, rest = rest[:size], rest[size:]
                inputs.append((each["name"], each["datatype"], each["shape"], data))
            model.headers = {name.lower(): value for name, value in self.headers.items()}
            wanted = {each["name"]: each for each in asked.get("outputs", [])}
            placed = {
                name: model.place(each)
                for name, each in wanted.items()
                if "shared_memory_region" in each["parameters"]
            }
            model.offsets = {name: offset for name, (_, _, offset) in placed.items()}
            try:
                inferred = model.infer(inputs)
            except ValueError as error:
                self.answer(json.dumps({"error": str(error)}).encode(), 500)
                return
            said = {each["parameters"].get("binary_data") for each in wanted.values()} - {None}
            binary = True in said if said else bool(model.extensions)
            outputs, after = [], b""
            for name, datatype, shape, data in inferred:
                output: dict[str, Any] = {"name": name, "datatype": datatype, "shape": shape}
                if name in placed and not model.sends_placed:
                    file, _, offset = placed[name]
                    os.pwrite(file, data, offset)
                    if model.tells_places is not None:
                        output["parameters"] = wanted[name]["parameters"] | model.tells_places
                elif binary:
                    output["parameters"] = {"binary_data_size": len(data)}
                    after += data
                else:
                    output["data"] = json.loads(data)
                outputs.append(output)
            text = json.dumps({**model.answer(asked["id"]), "outputs": outputs}).encode()
            self.answer(text + after, 200, len(text))

        def answer(self, body: bytes, status: int, header_length: int | None = None) -> None:
            model.calls.append(self.path)
            if model.down is not None and self.path.endswith(model.down[1]):
                status = model.down[0]
            model.headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if header_length is not None:
                self.send_header("Inference-Header-Content-Length", str(header_length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    host = "localhost" if tls else "127.0.0.1"

    def end() -> None:
        server.shutdown()
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    with server, _in_thread(lambda: server.serve_forever(0.01), end):
        yield f"http{'s' if tls else ''}://{host}:{server.server_address[1]}/m"


@contextlib.contextmanager
def raw_server(speak: Callable[[socket.socket], None], port: int = 0) -> Iterator[int]:
    """A port, a free one by default, on which each connection is handled by a function, in a
    thread of its own, from its first byte on: a client may give a connection up that it has just
    made. It is closed if nothing is sent for PATIENCE seconds."""
    server = socket.create_server(("127.0.0.1", port))
    server.settimeout(0.05)
    ended = threading.Event()

    def handle(connected: socket.socket) -> None:
        connected.settimeout(PATIENCE)
        with connected, contextlib.suppress(OSError):
            if connected.recv(1, socket.MSG_PEEK):
                speak(connected)

    def accept() -> None:
        while not ended.is_set():
            with contextlib.suppress(TimeoutError):
                threading.Thread(target=handle, args=(server.accept()[0],), daemon=True).start()

    with server, _in_thread(accept, ended.set):
        yield server.getsockname()[1]


@contextlib.contextmanager
def _in_thread(work: Callable[[], None], end: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        end()
        thread.join()


def drip(data: bytes, pause: float) -> Callable[[socket.socket], None]:
    """Send these bytes one by one, and the last one again and again."""

    def speak(connected: socket.socket) -> None:
        connected.recv(1 << 16)
        until = time.monotonic() + PATIENCE
        for byte in chain(data, repeat(data[-1])):
            connected.sendall(bytes([byte]))
            time.sleep(pause)
            if time.monotonic() > until:
                return

    return speak
