"""Credentials from docker's config file and its helpers."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from nnshim.registries import credentials
from nnshim.registries.credentials import Credentials, credentials_for
from rewriter.errors import InputError, OutputError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    return tmp_path


def configure(folder: Path, **fields: Any) -> None:
    (folder / "config.json").write_text(json.dumps(fields))


def helper(folder: Path, name: str, script: str) -> None:
    path = folder / "bin" / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\nread -r host\n{script}\n")
    path.chmod(0o755)


def auth(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("key", "host"),
    [
        ("h:5000", "h:5000"),
        ("https://h/v1/", "h"),
        ("http://h", "h"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("docker.io", "docker.io"),
    ],
)
def test_an_entry_is_found_by_its_host(key: str, host: str, folder: Path) -> None:
    configure(folder, auths={"other": {"auth": auth("x:y")}, key: {"auth": auth("me:pass:word")}})
    assert credentials_for(host, InputError) == Credentials("me", "pass:word")


@pytest.mark.parametrize("host", ["h", "h:5001", "evil-h:5000", "h:5000.evil"])
def test_an_entry_is_for_no_other_host(host: str, folder: Path) -> None:
    configure(folder, auths={"h:5000": {"auth": auth("me:secret")}})
    assert credentials_for(host, InputError) is None


def test_the_home_folder_is_read_without_docker_config(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert credentials_for("h", InputError) is None
    monkeypatch.delenv("DOCKER_CONFIG")
    monkeypatch.setenv("HOME", str(folder / "home"))
    (folder / "home" / ".docker").mkdir(parents=True)
    configure(folder / "home" / ".docker", auths={"h": {"username": "me", "password": "secret"}})
    assert credentials_for("h", InputError) == Credentials("me", "secret")


def test_a_helper_is_asked_and_one_for_the_host_comes_first(folder: Path) -> None:
    configure(folder, credsStore="all", credHelpers={"h": "one"}, auths={"h": {}})
    helper(folder, "all", """echo '{"Username": "<token>", "Secret": "t"}'""")
    helper(folder, "one", """echo "{\\"Username\\": \\"$host\\", \\"Secret\\": \\"s\\"}" """)
    assert credentials_for("h", InputError) == Credentials("h", "s")
    assert credentials_for("other", InputError) == Credentials("<token>", "t", is_token=True)


def test_a_helper_may_have_nothing_for_a_host(folder: Path) -> None:
    configure(folder, credsStore="x")
    helper(folder, "x", "echo credentials not found in native keychain; exit 1")
    assert credentials_for("h", InputError) is None


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo s3cret; echo s3cret >&2; exit 1", "docker-credential-x failed"),
        ("echo s3cret", "docker-credential-x failed"),
        ("""echo '{"Secret": "s3cret"}'""", "printed no user and secret"),
        ("while :; do :; done", "did not answer within 0.5 s"),
    ],
)
def test_a_helper_that_fails_is_an_error_without_what_it_prints(
    script: str, expected: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "_HELPER_TIMEOUT", 0.5)
    configure(folder, credsStore="x")
    helper(folder, "x", script)
    for kind in (InputError, OutputError):
        with pytest.raises(kind, match=expected) as raised:
            credentials_for("h", kind)
        assert raised.value.code == "NN023"
        assert "s3cret" not in str(raised.value)


def test_a_helper_that_is_missing_or_is_a_path_is_an_error(folder: Path) -> None:
    configure(folder, credsStore="x")
    with pytest.raises(InputError, match=r"docker-credential-x, which .* is not installed"):
        credentials_for("h", InputError)
    configure(folder, credsStore="../../x")
    with pytest.raises(InputError, match="is not valid"):
        credentials_for("h", InputError)


@pytest.mark.parametrize(
    "text",
    [
        "{s3cret",
        "[]",
        "\\",
        '{"auths": {"h": {"auth": "s3cret!"}}}',
        '{"auths": {"h": {"user": "s3cret"}}}',
        '{"auths": {"h": {"auth": "/w=="}}}',
    ],
)
def test_a_broken_file_is_an_error_without_what_is_in_it(text: str, folder: Path) -> None:
    (folder / "config.json").write_text(text)
    with pytest.raises(InputError) as raised:
        credentials_for("h", InputError)
    assert raised.value.code == "NN023"
    assert "s3cret" not in str(raised.value)


def test_credentials_do_not_show_what_they_are() -> None:
    assert "secret" not in repr(Credentials("me", "secret")) + str(Credentials("me", "secret"))
