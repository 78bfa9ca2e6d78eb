"""A registry of the test's own, which does what the test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.artifacts import Blobs, sha256

__all__ = ["Asked", "Played", "played"]


class Asked(BaseHTTPRequestHandler):
    """A request. `registry` has what was pushed, and the requests so far."""

    server: Played

    def answer(self, status: int, data: bytes = b"", **headers: str) -> bool:
        """True, for what answers in place of the registry."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
        return True

    def refuse(self, status: int, message: str) -> bool:
        return self.answer(
            status, json.dumps({"errors": [{"code": "X", "message": message}]}).encode()
        )

    def _any(self) -> None:
        registry = self.server
        size = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(size)
        registry.asked.append((self.command, self.path, self.headers.get("Authorization")))
        if registry.first is not None and registry.first(self):
            return
        path, _, query = self.path.partition("?")
        name = path.rsplit("/", 1)[1]
        if self.command == "POST":
            self.answer(202, Location=f"{path}one?state=1")
        elif self.command == "PUT" and "/uploads/" in path:
            digest = query.partition("digest=")[2].replace("%3A", ":")
            assert sha256(self.body) == digest
            registry.blobs[digest] = self.body
            self.answer(201)
        elif self.command == "PUT":
            registry.put(name, self.body, self.headers["Content-Type"])
            self.answer(201, Docker_Content_Digest=sha256(self.body))
        elif "/manifests/" in path and name in registry.manifests:
            data, media_type = registry.manifests[name]
            self.answer(200, data, Content_Type=media_type, Docker_Content_Digest=sha256(data))
        elif "/blobs/" in path and name in registry.blobs:
            self.answer(200, registry.blobs[name])
        else:
            self.refuse(404, "unknown")

    do_GET = do_HEAD = do_POST = do_PUT = _any  # noqa: N815 - as http.server calls them

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as in its base
        pass


class Played(ThreadingHTTPServer):
    """`first` may answer a request in place of the registry, and returns whether it has."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.blobs: Blobs = {}
        self.manifests: dict[str, tuple[bytes, str]] = {}
        self.asked: list[tuple[str, str, str | None]] = []
        self.first: Callable[[Asked], bool] | None = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def put(self, tag: str, data: bytes, media_type: str) -> None:
        self.manifests[tag] = self.manifests[sha256(data)] = (data, media_type)

    def publish(self, tag: str, entry: dict[str, Any], blobs: Blobs) -> str:
        """Put a manifest there with all that it names; what this returns names it."""
        self.blobs |= blobs
        for digest, data in blobs.items():
            if b"schemaVersion" in data:
                self.put(digest, data, json.loads(data)["mediaType"])
        self.put(tag, blobs[entry["digest"]], entry["mediaType"])
        return f"oci://{self.host}/some/guest:{tag}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has gone away is what some tests are about."""


@contextmanager
def played() -> Iterator[Played]:
    with Played() as registry:
        threading.Thread(target=registry.serve_forever, args=(0.02,), daemon=True).start()
        yield registry
        registry.shutdown()
