"""TLS: which certificates are trusted, and that nothing else is."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nnshim.registries.registry import Registry
from rewriter.errors import InputError
from rewriter.oci.artifact import find
from rewriter.oci.reference import parse_registry_reference
from tests.support.artifacts import GUEST, WASM, Blobs, manifest_of
from tests.support.played_registry import Asked, Played, played

NAME = "registry.example"
VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of NAME, with its key in the same folder; it stands for itself."""
    path = tmp_path / "certificate.pem"
    openssl = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    files = ["-nodes", "-keyout", str(tmp_path / "key.pem"), "-out", str(path)]
    named = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-days", "2"]
    subprocess.run([*openssl, *files, *named], check=True, capture_output=True)
    return path


@pytest.fixture
def registry(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Played]:
    """On this machine, by a name that does not say so."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    real = socket.getaddrinfo

    def resolved(host: str, *arguments: Any, **options: Any) -> Any:
        return real("127.0.0.1" if host.endswith(".example") else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    with played() as running:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, tmp_path / "key.pem")
        running.socket = context.wrap_socket(running.socket, server_side=True)
        yield running


def published(registry: Played, host: str = NAME) -> Registry:
    blobs: Blobs = {}
    registry.publish("1", manifest_of(blobs, (WASM, GUEST)), blobs)
    text = f"oci://{host}:{registry.server_port}/some/guest:1"
    return Registry(parse_registry_reference(text, InputError), InputError)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_certificate_is_trusted_by_the_usual_variables(
    variable: str, registry: Played, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(certificate))
    assert find(published(registry)).data == GUEST


def test_no_other_certificate_is_trusted(registry: Played) -> None:
    with pytest.raises(InputError, match="self-signed certificate") as raised:
        find(published(registry))
    assert raised.value.code == "NN022"
    assert registry.asked == []


def test_a_certificate_of_another_name_is_not_trusted(
    registry: Played, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with pytest.raises(InputError, match="Hostname mismatch"):
        find(published(registry, "other.example"))
    assert registry.asked == []


def test_a_file_of_certificates_that_is_missing_is_named(
    registry: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    with pytest.raises(InputError, match=r"missing\.pem"):
        find(published(registry))


def test_a_registry_elsewhere_leads_to_no_plain_address_of_this_machine(
    registry: Played, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or it could ask the services of this machine, with the user's password for it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    config = {"auths": {f"{NAME}:{registry.server_port}": {"auth": "bWU6c2VjcmV0"}}}
    (certificate.parent / "config.json").write_text(json.dumps(config))
    with played() as plain:
        address = f"http://{plain.host}/"

        def first(asked: Asked) -> bool:
            if "/blobs/" in asked.path:
                asked.answer(307, Location=address)
                return True
            return False

        registry.first = first
        with pytest.raises(InputError, match="without TLS: that is not followed"):
            find(published(registry))
        challenge = f'Bearer realm="{address}"'
        registry.first = lambda asked: asked.answer(401, WWW_Authenticate=challenge)
        with pytest.raises(InputError, match="without TLS: that is not followed"):
            find(published(registry))
        assert plain.asked == []
