"""Passwords and tokens: which host gets them."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from rewriter.errors import InputError
from tests.nnshim.registries.using import BASIC, SECRET, guest, log_in, pull, put, refused
from tests.support.artifacts import GUEST
from tests.support.played_registry import Asked, Played


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
