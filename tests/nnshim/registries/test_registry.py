"""A registry that lies or never ends: what is believed."""

from __future__ import annotations

import json
import threading
import time

import pytest

from nnshim.registries import connection
from rewriter.errors import OutputError
from tests.nnshim.registries.using import guest, pull, put, refused
from tests.support.artifacts import GUEST, INDEX, MANIFEST, WASM, Blobs, descriptor, manifest_of
from tests.support.played_registry import Asked, Played
from tests.support.processes import PATIENCE


def test_a_module_is_pushed_and_pulled(registry: Played) -> None:
    reference = f"oci://{registry.host}/some/guest:1"
    digest = put(reference)
    artifact = pull(reference)
    assert (artifact.data, artifact.digest) == (GUEST, digest)
    assert pull(reference.replace(":1", f"@{digest}")).data == GUEST


def test_what_is_there_is_not_sent_again(registry: Played) -> None:
    reference = f"oci://{registry.host}/some/guest:1"
    put(reference)
    registry.asked.clear()
    put(reference)
    assert [method for method, _, _ in registry.asked] == ["HEAD", "HEAD", "PUT"]


@pytest.mark.parametrize("part", ["manifests", "blobs"])
@pytest.mark.parametrize("lie", ["changed", "shorter", "longer"])
def test_content_with_another_digest_or_size_is_refused(
    part: str, lie: str, registry: Played
) -> None:
    reference = guest(registry)
    digest = pull(reference).digest
    reference = reference.replace(":1", f"@{digest}")

    def first(asked: Asked) -> bool:
        if f"/{part}/" not in asked.path:
            return False
        name = asked.path.rpartition("/")[2]
        data = registry.manifests[name][0] if part == "manifests" else registry.blobs[name]
        wrong = {"changed": data[:-1] + b"!", "shorter": data[:-1], "longer": data + b" "}
        asked.answer(200, wrong[lie], Content_Type=MANIFEST)
        return True

    registry.first = first
    refused(reference, "NN026")


def test_a_stated_digest_of_a_tag_is_compared(registry: Played) -> None:
    reference = guest(registry)

    def first(asked: Asked) -> bool:
        if "/manifests/" not in asked.path:
            return False
        data = registry.manifests["1"][0]
        asked.answer(200, data, Content_Type=MANIFEST, Docker_Content_Digest="sha256:" + "0" * 64)
        return True

    registry.first = first
    refused(reference, "NN026")


def test_a_type_that_differs_from_the_stated_one_is_refused(registry: Played) -> None:
    """Or the same digest would be a manifest to one reader and an index to another."""
    blobs: Blobs = {}
    entry = manifest_of(blobs, (WASM, GUEST))
    reference = registry.publish("1", entry, blobs)
    registry.manifests["1"] = (blobs[entry["digest"]], INDEX)
    assert "was stated" in refused(reference, "NN026")


@pytest.mark.parametrize("part", ["manifests", "blobs"])
def test_an_endless_body_is_read_up_to_the_stated_size(part: str, registry: Played) -> None:
    reference = guest(registry)
    sent = []

    def first(asked: Asked) -> bool:
        if f"/{part}/" not in asked.path:
            return False
        asked.send_response(200)
        asked.send_header("Content-Type", MANIFEST)
        asked.end_headers()
        for _ in range(1000):
            asked.wfile.write(bytes(1 << 20))
            sent.append(1)
        return True

    registry.first = first
    refused(reference, "NN026")
    assert len(sent) < 100


def drip(asked: Asked, *, header: bool) -> None:
    """A byte now and then, until nobody reads them any more, or for minutes."""
    asked.wfile.write(b"HTTP/1.1 200 OK\r\nX: " if header else b"HTTP/1.1 200 OK\r\n\r\n")
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        asked.wfile.write(b" ")
        asked.wfile.flush()
        time.sleep(0.05)


@pytest.mark.parametrize("header", [True, False], ids=["a header", "a body"])
def test_what_comes_byte_by_byte_is_given_up(
    header: bool, registry: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "ANSWERING", 0.5)
    monkeypatch.setattr(connection, "SLOWEST", 1 << 30)

    ended = []

    def first(asked: Asked) -> bool:
        drip(asked, header=header)
        ended.append(True)
        return True

    registry.first = first
    refused(guest(registry), "NN022")
    assert not ended


def test_silence_is_given_up(registry: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "WAITING", 0.2)
    done = threading.Event()
    registry.first = lambda _: done.wait(PATIENCE)
    assert "does not answer in time" in refused(guest(registry), "NN022")
    done.set()


def test_a_body_that_breaks_off_is_refused(registry: Played) -> None:
    def first(asked: Asked) -> bool:
        asked.send_response(200)
        asked.send_header("Content-Length", "1000")
        asked.end_headers()
        asked.wfile.write(b"{")
        return True

    registry.first = first
    refused(guest(registry), "NN022")


@pytest.mark.parametrize(
    ("status", "code"), [(401, "NN023"), (403, "NN023"), (404, "NN024"), (500, "NN022")]
)
def test_an_error_has_the_code_of_its_status_and_what_the_registry_says(
    status: int, code: str, registry: Played
) -> None:
    registry.first = lambda asked: asked.refuse(status, "we are closed")
    assert refused(guest(registry), code).endswith(": we are closed")


@pytest.mark.parametrize(
    ("method", "status", "code"),
    [("POST", 403, "NN023"), ("POST", 404, "NN027"), ("PUT", 413, "NN027"), ("PUT", 307, "NN027")],
)
def test_what_is_not_taken_is_an_error_and_the_tag_is_untouched(
    method: str, status: int, code: str, registry: Played
) -> None:
    def first(asked: Asked) -> bool:
        if asked.command == method:
            asked.refuse(status, "no")
        return asked.command == method

    registry.first = first
    with pytest.raises(OutputError) as raised:
        put(f"oci://{registry.host}/some/guest:1")
    assert raised.value.code == code
    assert registry.manifests == {}


def test_a_registry_that_keeps_something_else_is_an_error(registry: Played) -> None:
    def first(asked: Asked) -> bool:
        if "/manifests/" in asked.path:
            asked.answer(201, Docker_Content_Digest="sha256:" + "0" * 64)
        return "/manifests/" in asked.path

    registry.first = first
    with pytest.raises(OutputError, match="says that it has sha256:000"):
        put(f"oci://{registry.host}/some/guest:1")


def test_an_index_of_several_modules_is_refused_with_their_digests(registry: Played) -> None:
    blobs: Blobs = {}
    both = [manifest_of(blobs, (WASM, GUEST), annotations={"n": str(n)}) for n in range(2)]
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": both}
    entry = descriptor(INDEX, json.dumps(index).encode(), blobs)
    reference = registry.publish("1", entry, blobs)
    said = refused(reference, "NN025")
    assert all(each["digest"] in said for each in both)
    assert pull(reference.replace(":1", f"@{both[1]['digest']}")).digest == both[1]["digest"]
