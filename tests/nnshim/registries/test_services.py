"""Stand-ins for the services that people use: how they let users in, and where their layers are.

They do what the services' documentation says, and what their challenges are known to be:
https://docs.github.com/en/packages/working-with-a-github-packages-registry/working-with-the-container-registry,
https://docs.docker.com/reference/api/registry/auth/,
https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html,
https://cloud.google.com/artifact-registry/docs/docker/authentication,
https://learn.microsoft.com/en-us/azure/container-registry/container-registry-authentication
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from rewriter.errors import OutputError
from tests.nnshim.registries.using import SECRET, guest, pull, put, refused
from tests.support.artifacts import GUEST
from tests.support.played_registry import Asked, Played

PULL, PUSH = "repository:some/guest:pull", "repository:some/guest:pull,push"
DENIED = "requested access to the resource is denied"


class Tokens:
    """A service for tokens, which are good for one scope and for `uses` requests each."""

    def __init__(self, registry: Played, service: Played, *, uses: int = 1000) -> None:
        self.scopes: list[str] = []
        self.users: list[str | None] = []
        self.uses = uses
        self._left: dict[str, tuple[str, int]] = {}
        self._realm = f"http://{service.host}/token"
        registry.first, service.first = self.registry, self.service

    def service(self, asked: Asked) -> bool:
        query = parse_qs(urlsplit(asked.path).query)
        assert query["service"] == ["registry.example"]
        (scope,) = query["scope"]
        user = asked.headers["Authorization"]
        self.users.append(user)
        if "push" in scope and user is None:
            return asked.refuse(403, DENIED)
        self.scopes.append(scope)
        token = f"token{len(self.scopes)}"
        self._left[f"Bearer {token}"] = scope, self.uses
        return asked.answer(200, json.dumps({"token": token, "expires_in": 300}).encode())

    def registry(self, asked: Asked) -> bool:
        wanted = PULL if asked.command in ("GET", "HEAD") else PUSH
        scope, left = self._left.get(asked.headers["Authorization"] or "", ("", 0))
        if left and wanted == PUSH and scope == PULL:
            return asked.refuse(403, DENIED)  # not a challenge for another scope
        if left:
            self._left[asked.headers["Authorization"]] = scope, left - 1
            return False
        challenge = f'Bearer realm="{self._realm}",service="registry.example",scope="{wanted}"'
        return asked.answer(401, WWW_Authenticate=challenge)


def config(folder: Path, **fields: object) -> None:
    (folder / "config.json").write_text(json.dumps(fields))


def basic(user: str) -> str:
    return base64.b64encode(f"{user}:{SECRET}".encode()).decode()


def helper(folder: Path, monkeypatch: pytest.MonkeyPatch, user: str) -> None:
    script = folder / "docker-credential-test"
    script.write_text(f"#!/bin/sh\necho '{json.dumps({'Username': user, 'Secret': SECRET})}'\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_anybody_pulls_with_an_anonymous_token_of_one_scope(
    registry: Played, other: Played
) -> None:
    """ghcr.io and Docker Hub, for public images."""
    tokens = Tokens(registry, other)
    assert pull(guest(registry)).data == GUEST
    assert (tokens.scopes, tokens.users) == ([PULL], [None])


def test_nobody_pushes_with_one_and_the_service_s_reason_is_shown(
    registry: Played, other: Played
) -> None:
    Tokens(registry, other)
    with pytest.raises(OutputError, match=f"tokens answers 403, without a token: {DENIED}") as no:
        put(f"oci://{registry.host}/some/guest:1")
    assert no.value.code == "NN023"
    assert registry.manifests == {}


def test_a_push_asks_for_a_token_to_push_from_its_first_request(
    registry: Played, other: Played, tmp_path: Path
) -> None:
    config(tmp_path, auths={registry.host: {"auth": basic("me")}})
    tokens = Tokens(registry, other)
    put(f"oci://{registry.host}/some/guest:1")
    assert tokens.scopes == [PUSH]
    assert pull(f"oci://{registry.host}/some/guest:1").data == GUEST


@pytest.mark.parametrize("uses", [1, 2, 3])
def test_a_token_that_expires_is_fetched_again(
    uses: int, registry: Played, other: Played, tmp_path: Path
) -> None:
    config(tmp_path, auths={registry.host: {"auth": basic("me")}})
    tokens = Tokens(registry, other, uses=uses)
    put(f"oci://{registry.host}/some/guest:1")
    assert pull(f"oci://{registry.host}/some/guest:1").data == GUEST
    assert len(tokens.scopes) > 2


def test_a_service_for_tokens_that_is_busy_is_not_a_refusal(
    registry: Played, other: Played
) -> None:
    Tokens(registry, other)
    reference = guest(registry)
    other.first = lambda asked: asked.answer(429, Retry_After="0")
    assert "the service for tokens answers 429" in refused(reference, "NN022")
    assert len(other.asked) == 3


def test_layers_elsewhere_get_no_token(registry: Played, other: Played) -> None:
    """Layers of Docker Hub, ECR and Artifact Registry are in a storage with signed addresses."""
    tokens = Tokens(registry, other)
    reference = guest(registry)
    other.blobs |= registry.blobs

    def storage(asked: Asked) -> bool:
        if asked.path.startswith("/token"):
            return tokens.service(asked)
        assert asked.headers["Authorization"] is None
        assert asked.path.endswith("?X-Amz-Signature=abc")
        return False

    def first(asked: Asked) -> bool:
        if tokens.registry(asked):
            return True
        place = f"http://{other.host}{asked.path}?X-Amz-Signature=abc"
        return "/blobs/" in asked.path and asked.answer(307, Location=place)

    registry.first, other.first = first, storage
    assert pull(reference).data == GUEST


def test_a_signed_address_is_not_shown_in_an_error(registry: Played, other: Played) -> None:
    reference = guest(registry)
    place = f"http://{other.host}/x?X-Amz-Signature=abc"
    registry.first = lambda asked: "/blobs/" in asked.path and asked.answer(307, Location=place)
    other.first = lambda asked: asked.refuse(403, "Request has expired")
    assert "abc" not in refused(reference, "NN023")


@pytest.mark.parametrize("user", ["AWS", "oauth2accesstoken", "_json_key"])
def test_a_helper_s_password_is_for_one_registry(
    user: str, registry: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ECR (amazon-ecr-credential-helper) and Artifact Registry (gcloud)."""
    helper(tmp_path, monkeypatch, user)
    config(tmp_path, credHelpers={registry.host: "test"})
    challenge = 'Basic realm="https://registry.example/",service="ecr.amazonaws.com"'
    expected = f"Basic {basic(user)}"
    registry.first = lambda asked: (
        asked.headers["Authorization"] != expected and asked.answer(401, WWW_Authenticate=challenge)
    )
    put(f"oci://{registry.host}/some/guest:1")
    assert pull(f"oci://{registry.host}/some/guest:1").data == GUEST


def test_a_helper_s_refresh_token_is_exchanged(
    registry: Played, other: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Azure's registry (docker-credential-acr-env), whose helper has the user `<token>`."""
    helper(tmp_path, monkeypatch, "<token>")
    config(tmp_path, credsStore="test")
    forms = []

    def service(asked: Asked) -> bool:
        forms.append({key: value for key, (value,) in parse_qs(asked.body.decode()).items()})
        return asked.answer(200, b'{"access_token": "t"}')

    challenge = f'Bearer realm="http://{other.host}/oauth2/token",service="a",scope="{PULL}"'
    other.first = service
    registry.first = lambda asked: (
        asked.headers["Authorization"] != "Bearer t"
        and asked.answer(401, WWW_Authenticate=challenge)
    )
    assert pull(guest(registry)).data == GUEST
    expected = {"grant_type": "refresh_token", "client_id": "nnshim", "service": "a"}
    assert forms == [{**expected, "scope": PULL, "refresh_token": SECRET}]


def test_what_a_registry_sends_back_of_a_password_is_not_shown(
    registry: Played, tmp_path: Path
) -> None:
    config(tmp_path, auths={registry.host: {"auth": basic("me")}})

    def first(asked: Asked) -> bool:
        sent = asked.headers["Authorization"]
        if sent is None:
            return asked.answer(401, WWW_Authenticate='Basic realm="x"')
        return asked.refuse(403, f"{SECRET} and {sent} " * 9)

    registry.first = first
    said = refused(guest(registry), "NN023")
    assert "***" in said
    assert basic("me") not in said


def test_a_token_that_is_sent_back_is_not_shown(registry: Played, other: Played) -> None:
    tokens = Tokens(registry, other)
    reference = guest(registry)
    registry.first = lambda asked: (
        tokens.registry(asked) or asked.refuse(500, f"bad {asked.headers['Authorization']}")
    )
    assert refused(reference, "NN022").endswith("bad Bearer ***")
