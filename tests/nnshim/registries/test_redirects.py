"""A registry that redirects: what is sent where."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewriter.errors import InputError, OutputError
from tests.nnshim.registries.using import BASIC, guest, log_in, pull, put, refused
from tests.support.artifacts import GUEST
from tests.support.played_registry import Asked, Played


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
