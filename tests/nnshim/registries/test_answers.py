"""Answers that are hardly HTTP: whatever a registry sends, an error of nnshim comes of it."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from nnshim.registries import connection
from nnshim.registries.registry import Registry
from rewriter.errors import InputError, OutputError
from rewriter.oci.artifact import find, push
from rewriter.oci.changing import new
from rewriter.oci.reference import parse_registry_reference
from tests.support.artifacts import GUEST, MANIFEST, WASM, Blobs, manifest_of

BLOBS: Blobs = {}
ENTRY = manifest_of(BLOBS, (WASM, GUEST))
HEADERS = (
    f"Content-Type: {MANIFEST}",
    f"Docker-Content-Digest: {ENTRY['digest']}",
    "Location: /v2/x",
    'WWW-Authenticate: Bearer realm="http://127.0.0.1:1/",service="x"',
    "Transfer-Encoding: chunked",
    f"Content-Length: {ENTRY['size']}",
)
SEED = 7


def answer(chance: random.Random) -> bytes:
    """A whole answer of which some headers and bytes are missing, changed or added."""
    status = chance.choice(["100 X", "200 OK", "201 X", "202 X", "307 X", "401 X"])
    headers = [header for header in HEADERS if chance.random() < 0.7]
    data = bytearray("\r\n".join((f"HTTP/1.1 {status}", *headers, "", "")).encode())
    data += BLOBS[ENTRY["digest"]]
    for _ in range(chance.randrange(8)):
        at = chance.randrange(len(data))
        length = chance.choice([0, 1, chance.randrange(40)])
        data[at : at + length] = chance.randbytes(chance.randrange(20))
    return bytes(data)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setattr(connection, "WAITING", 0.5)
    chance = random.Random(SEED)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    with server.accept()[0] as client, suppress(OSError):
                        client.settimeout(0.5)
                        client.recv(1 << 16)
                        client.sendall(answer(chance))

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


def test_any_answer_is_an_error_with_a_code(host: str) -> None:
    text = f"oci://{host}/some/guest:1"
    codes = set()
    for _ in range(150):
        with pytest.raises(InputError) as unread:
            find(Registry(parse_registry_reference(text, InputError), InputError))
        codes.add(unread.value.code)
        with suppress(OutputError):  # a registry may say that it has taken what is sent
            sink = Registry(parse_registry_reference(text, OutputError), OutputError)
            push(new(GUEST, None), sink, None)
    assert {"NN022", "NN023", "NN026"} <= codes
