"""A registry that lies, refuses, redirects or never ends: what is believed, and what is sent
where."""

from __future__ import annotations

import base64
import json
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nnshim.registries import connection
from nnshim.registries.registry import Registry
from rewriter.errors import InputError, OutputError
from rewriter.oci.artifact import Artifact, find, push
from rewriter.oci.changing import new
from rewriter.oci.reference import parse_registry_reference
from tests.support.artifacts import GUEST, INDEX, MANIFEST, WASM, Blobs, descriptor, manifest_of
from tests.support.played_registry import Asked, Played, played

SECRET = "pass:word"
BASIC = "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode()


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Played]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with played() as running:
        yield running


@pytest.fixture
def other() -> Iterator[Played]:
    with played() as running:
        yield running


def log_in(folder: Path, registry: Played) -> None:
    auth = BASIC.removeprefix("Basic ")
    (folder / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": auth}}}))


def guest(registry: Played) -> str:
    blobs: Blobs = {}
    return registry.publish("1", manifest_of(blobs, (WASM, GUEST)), blobs)


def pull(reference: str) -> Artifact:
    return find(Registry(parse_registry_reference(reference, InputError), InputError))


def put(reference: str) -> str:
    sink = Registry(parse_registry_reference(reference, OutputError), OutputError)
    return push(new(GUEST, None), sink, None)


def refused(reference: str, code: str) -> str:
    with pytest.raises(InputError) as raised:
        pull(reference)
    assert raised.value.code == code, raised.value
    assert SECRET not in str(raised.value)
    return str(raised.value)


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
    asked.wfile.write(b"HTTP/1.1 200 OK\r\nX: " if header else b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(100):
        asked.wfile.write(b" ")
        asked.wfile.flush()
        time.sleep(0.05)


@pytest.mark.parametrize("header", [True, False], ids=["a header", "a body"])
def test_what_comes_byte_by_byte_is_given_up(
    header: bool, registry: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "ANSWERING", 0.5)
    monkeypatch.setattr(connection, "SLOWEST", 1 << 30)

    def first(asked: Asked) -> bool:
        drip(asked, header=header)
        return True

    registry.first = first
    started = time.monotonic()
    refused(guest(registry), "NN022")
    assert time.monotonic() - started < 3


def test_silence_is_given_up(registry: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "WAITING", 0.2)
    done = threading.Event()
    registry.first = lambda _: done.wait(5)
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


def test_a_password_is_sent_only_when_asked_for_and_only_to_its_registry(
    registry: Played, other: Played, tmp_path: Path
) -> None:
    log_in(tmp_path, registry)
    reference = guest(registry)
    assert pull(reference).data == GUEST
    assert {sent for _, _, sent in registry.asked} == {None}

    def first(asked: Asked) -> bool:
        if asked.headers["Authorization"] == BASIC:
            return False
        asked.answer(401, WWW_Authenticate='Basic realm="x"')
        return True

    registry.first = other.first = first
    assert pull(reference).data == GUEST
    refused(guest(other), "NN023")
    assert {sent for _, _, sent in other.asked} == {None}


def test_a_redirect_takes_no_credentials_to_another_host(
    registry: Played, other: Played, tmp_path: Path
) -> None:
    log_in(tmp_path, registry)
    reference = guest(registry)
    other.blobs |= registry.blobs

    def first(asked: Asked) -> bool:
        if asked.headers["Authorization"] != BASIC:
            asked.answer(401, WWW_Authenticate='Basic realm="x"')
        elif "/blobs/" in asked.path:
            asked.answer(307, Location=f"http://{other.host}{asked.path}")
        else:
            return False
        return True

    registry.first = first
    assert pull(reference).data == GUEST
    assert len(other.asked) == 2
    assert {sent for _, _, sent in other.asked} == {None}


def test_an_upload_to_another_host_takes_no_credentials(
    registry: Played, other: Played, tmp_path: Path
) -> None:
    log_in(tmp_path, registry)

    def first(asked: Asked) -> bool:
        if asked.headers["Authorization"] != BASIC:
            asked.answer(401, WWW_Authenticate='Basic realm="x"')
        elif asked.command == "POST":
            asked.answer(202, Location=f"http://{other.host}{asked.path}two")
        else:
            return False
        return True

    registry.first = first
    put(f"oci://{registry.host}/some/guest:1")
    assert [method for method, _, _ in other.asked] == ["PUT", "PUT"]
    assert {sent for _, _, sent in other.asked} == {None}


def test_a_host_that_asks_for_a_password_after_a_redirect_gets_none(
    registry: Played, other: Played, tmp_path: Path
) -> None:
    log_in(tmp_path, registry)
    other.first = lambda asked: asked.answer(401, WWW_Authenticate='Basic realm="x"')
    registry.first = lambda asked: asked.answer(307, Location=f"http://{other.host}{asked.path}")
    refused(guest(registry), "NN023")
    assert {sent for _, _, sent in (*other.asked, *registry.asked)} == {None}


@pytest.mark.parametrize(
    "location",
    [
        "http://registry.example/",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "http://[::1]:1@example.com/",
    ],
)
def test_a_redirect_leads_nowhere_without_tls(location: str, registry: Played) -> None:
    registry.first = lambda asked: asked.answer(307, Location=location)
    refused(guest(registry), "NN022")


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_what_is_sent_follows_no_redirect(method: str, registry: Played, other: Played) -> None:
    def first(asked: Asked) -> bool:
        place = f"http://{other.host}{asked.path}"
        return asked.command == method and asked.answer(307, Location=place)

    registry.first = first
    with pytest.raises(OutputError):
        put(f"oci://{registry.host}/some/guest:1")
    assert other.asked == []


@pytest.mark.parametrize("place", ["http://[", "//[", "http://127.0.0.1:port/"])
def test_a_place_that_is_not_an_address_is_an_error(place: str, registry: Played) -> None:
    registry.first = lambda asked: asked.command == "POST" and asked.answer(202, Location=place)
    with pytest.raises(OutputError):
        put(f"oci://{registry.host}/some/guest:1")
    registry.first = lambda asked: asked.answer(307, Location=place)
    with pytest.raises(InputError):
        pull(guest(registry))


def test_redirects_come_to_an_end(registry: Played) -> None:
    registry.first = lambda asked: asked.answer(307, Location=asked.path)
    assert "redirects too often" in refused(guest(registry), "NN022")


def test_a_token_is_fetched_with_the_password_and_sent_in_its_place(
    registry: Played, other: Played, tmp_path: Path
) -> None:
    log_in(tmp_path, registry)
    reference = guest(registry)
    realm = f"http://{other.host}/token"
    scope = "repository:some/guest:pull,push"
    challenge = f'Bearer realm="{realm}",service="s",scope="{scope}"'

    def first(asked: Asked) -> bool:
        if asked.headers["Authorization"] == "Bearer t0ken":
            return False
        asked.answer(401, WWW_Authenticate=challenge)
        return True

    registry.first = first
    other.first = lambda asked: asked.answer(200, b'{"token": "t0ken"}')
    assert pull(reference).data == GUEST
    put(reference)
    asked_for = f"/token?service=s&scope={scope.replace(':', '%3A').replace('/', '%2F')}"
    asked_for = asked_for.replace(",", "%2C")
    assert set(other.asked) == {("GET", asked_for, BASIC)}
    assert {sent for _, _, sent in registry.asked} == {None, "Bearer t0ken"}


def test_a_token_without_a_password_is_asked_for_anonymously(
    registry: Played, other: Played
) -> None:
    challenge = f'Bearer realm="http://{other.host}/token"'

    def first(asked: Asked) -> bool:
        if asked.headers["Authorization"] == "Bearer anyone":
            return False
        asked.answer(401, WWW_Authenticate=challenge)
        return True

    registry.first = first
    other.first = lambda asked: asked.answer(200, b'{"access_token": "anyone"}')
    assert pull(guest(registry)).data == GUEST
    assert {sent for _, _, sent in other.asked} == {None}


def test_a_refresh_token_is_exchanged(registry: Played, other: Played, tmp_path: Path) -> None:
    entry = {"auth": "", "identitytoken": "refresh"}
    (tmp_path / "config.json").write_text(json.dumps({"auths": {registry.host: entry}}))
    forms = []

    def token(asked: Asked) -> bool:
        forms.append((asked.command, asked.body))
        asked.answer(200, b'{"access_token": "t"}')
        return True

    def first(asked: Asked) -> bool:
        if asked.headers["Authorization"] == "Bearer t":
            return False
        asked.answer(401, WWW_Authenticate=f'Bearer realm="http://{other.host}/",service="s"')
        return True

    registry.first, other.first = first, token
    assert pull(guest(registry)).data == GUEST
    expected = b"grant_type=refresh_token&client_id=nnshim&service=s&refresh_token=refresh"
    assert set(forms) == {("POST", expected)}


def test_a_refresh_token_follows_no_redirect(
    registry: Played, other: Played, tmp_path: Path
) -> None:
    entry = {"auth": "", "identitytoken": "refresh"}
    (tmp_path / "config.json").write_text(json.dumps({"auths": {registry.host: entry}}))

    def first(asked: Asked) -> bool:
        if asked.command == "POST":
            return asked.answer(307, Location=f"http://{other.host}/")
        realm = f"http://{registry.host}/token"
        return asked.answer(401, WWW_Authenticate=f'Bearer realm="{realm}"')

    registry.first = first
    refused(guest(registry), "NN023")
    assert [method for method, _, _ in registry.asked] == ["GET", "POST"]
    assert other.asked == []


@pytest.mark.parametrize(
    "realm", ["http://tokens.example/", "ftp://x/", "", "nothing", "http://[", "http://h:port/"]
)
def test_a_service_for_tokens_without_tls_gets_no_password(
    realm: str, registry: Played, tmp_path: Path
) -> None:
    log_in(tmp_path, registry)
    challenge = f'Bearer realm="{realm}"'
    registry.first = lambda asked: asked.answer(401, WWW_Authenticate=challenge)
    with pytest.raises(InputError) as raised:
        pull(guest(registry))
    assert raised.value.code in ("NN022", "NN023")
    assert {sent for _, _, sent in registry.asked} == {None}


@pytest.mark.parametrize(
    "token",
    [b"", b"[]", b'{"token": 1}', b'{"token": "a\\r\\nX: b"}', bytes(3 << 20), b"{" * 100_000],
    ids=["empty", "list", "number", "line break", "long", "deep"],
)
def test_a_token_that_is_not_one_is_not_sent(token: bytes, registry: Played, other: Played) -> None:
    challenge = f'Bearer realm="http://{other.host}/token"'
    registry.first = lambda asked: asked.answer(401, WWW_Authenticate=challenge)
    other.first = lambda asked: asked.answer(200, token)
    refused(guest(registry), "NN023")
    assert {sent for _, _, sent in registry.asked} == {None}


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


def test_no_netrc_no_proxy_and_no_cookie_gets_in_between(
    registry: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    cookies = []

    def first(asked: Asked) -> bool:
        cookies.append(asked.headers["Cookie"])
        if "/manifests/" in asked.path and len(cookies) == 1:
            asked.answer(307, Location=asked.path, Set_Cookie="a=b; Path=/")
            return True
        return False

    registry.first = first
    assert pull(guest(registry)).data == GUEST
    assert {sent for _, _, sent in registry.asked} == {None}
    assert set(cookies) == {None}


def test_an_index_of_several_modules_is_refused_with_their_digests(registry: Played) -> None:
    blobs: Blobs = {}
    both = [manifest_of(blobs, (WASM, GUEST), annotations={"n": str(n)}) for n in range(2)]
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": both}
    entry = descriptor(INDEX, json.dumps(index).encode(), blobs)
    reference = registry.publish("1", entry, blobs)
    said = refused(reference, "NN025")
    assert all(each["digest"] in said for each in both)
    assert pull(reference.replace(":1", f"@{both[1]['digest']}")).digest == both[1]["digest"]


def test_nothing_of_a_password_is_logged(
    registry: Played, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    log_in(tmp_path, registry)
    registry.first = lambda asked: asked.answer(401, WWW_Authenticate='Basic realm="x"')
    refused(guest(registry), "NN023")
    assert registry.asked[-1][2] == BASIC
    assert BASIC.removeprefix("Basic ") not in caplog.text
    assert SECRET not in caplog.text
