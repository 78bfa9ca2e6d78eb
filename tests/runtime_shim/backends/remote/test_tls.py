"""TLS, client certificates, and headers from the environment."""

from __future__ import annotations

import datetime
import ssl
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from runtime_shim import HostError, NNHost, read_graphs
from tests.runtime_shim.backends.remote.remote_graphs import (
    code_of,
    host_of,
    inferred,
    two_floats,
)
from tests.support.inference_server import Model, grpc_server, http_server


class Pair(NamedTuple):
    """A key and its certificate, which it has signed itself, in PEM."""

    key: Path
    certificate: Path


def pair(folder: Path, name: str) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    made = Pair(folder / f"{name}.key", folder / f"{name}.pem")
    made.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    made.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return made


@contextmanager
def served(protocol: str, model: Model, server: Pair, client: Pair) -> Iterator[str]:
    """A server that trusts one client."""
    if protocol == "grpc":
        found = server.key.read_bytes(), server.certificate.read_bytes()
        with grpc_server(model, tls=found, trusts=client.certificate.read_bytes()) as url:
            yield url
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(server.certificate, server.key)
        context.load_verify_locations(client.certificate)
        context.verify_mode = ssl.CERT_REQUIRED
        with http_server(model, tls=context) as url:
            yield url


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_server_and_client_prove_who_they_are_by_the_files_of_the_table(
    protocol: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", "s3cret-token")
    server, client, other = (pair(tmp_path, name) for name in ("server", "client", "other"))
    model = Model()
    graphs = tmp_path / "graphs.toml"

    def table(url: str, ca: Pair, mine: Pair) -> str:
        return f"""[graphs.m]
            remote = "{url}"
            deadline = 3
            headers = {{ x-token = "MY_TOKEN" }}
            tls = {{ ca = "{ca.certificate.name}", certificate = "{mine.certificate.name}",
                     key = "{mine.key.name}" }}
            """.replace(",\n                    ", ",")

    with served(protocol, model, server, client) as url:
        graphs.write_text(table(url, server, client))
        assert inferred(NNHost(graphs=read_graphs(str(graphs)))) == two_floats
        assert model.headers["x-token"] == "s3cret-token"
        graphs.write_text(table(url, other, client))
        assert code_of(NNHost(graphs=read_graphs(str(graphs)))) == "NN603"
        graphs.write_text(table(url, server, other))
        with pytest.raises(HostError) as caught:
            inferred(NNHost(graphs=read_graphs(str(graphs))))
        assert caught.value.code in ("NN603", "NN605")
        said = "".join(traceback.format_exception(caught.value))
        assert "s3cret" not in said
        assert code_of(host_of(url, deadline=3)) in ("NN603", "NN605")


def test_headers_to_another_machine_are_warned_of_unless_they_are_encrypted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MY_TOKEN", "s3cret-token")
    for url in ("http://other.invalid/m", "https://other.invalid/m"):
        host = host_of(url, headers={"x-token": "MY_TOKEN"}, deadline=2)
        with pytest.raises(HostError, match="NN603"):
            host.load_by_name("m")
    assert caplog.messages == [
        "the headers for http://other.invalid:80/m are sent unencrypted",
    ]
