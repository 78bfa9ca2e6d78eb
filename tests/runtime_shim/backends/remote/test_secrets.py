"""Values of headers, which no text repeats in any of the forms that servers and people write."""

from __future__ import annotations

import base64
import html
import json
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives import serialization

from rewriter.errors import InputError
from runtime_shim import HostError, NNHost, read_graphs
from runtime_shim.backends.remote.access import Access
from runtime_shim.backends.remote.model import Tls
from runtime_shim.backends.remote.speaker import Speaker
from tests.runtime_shim.backends.remote.remote_graphs import host_of, inferred
from tests.runtime_shim.backends.remote.test_tls import pair
from tests.support.command import nnshim
from tests.support.inference_server import Model, grpc_server, raw_server
from tests.support.wasm import assemble

VALUE = "user=me, key=\"s3cret 'in\\two' <words>\""


@pytest.mark.parametrize(
    "write",
    [
        *(str, repr, json.dumps, str.upper, html.escape, quote, lambda text: quote(text, safe="")),
        lambda text: json.dumps(text).replace("/", r"\/"),
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: text.encode().hex(),
    ],
    ids=[
        *("as it is", "repr", "json", "capitals", "html", "percent", "percent all"),
        *("json with slashes", "base64", "hex"),
    ],
)
def test_a_value_is_not_repeated_in_any_form(write: object) -> None:
    assert callable(write)
    said = Access({"x-key": VALUE}, Tls()).without_secrets(f"wrong key: {write(VALUE)}!")
    assert said.startswith(("wrong ***: ", "wrong key: "))
    for part in ("s3cret", "two", "words"):
        assert part not in said.lower()


def test_a_number_that_is_a_value_is_not_repeated() -> None:
    speaker = Speaker("s", Access({"x-key": "12345678"}, Tls()))
    assert speaker.quoted([12345678, 2]) == "[***, 2]"


def test_a_part_of_a_value_is_not_repeated() -> None:
    access = Access({"x-keys": "a=s3cret-1,b=s3cret-2"}, Tls())
    assert access.without_secrets("no key s3cret-2 for b") == "no key *** for b"


def test_name_and_password_are_not_repeated() -> None:
    value = f"Basic {base64.b64encode(b'clerk:s3cret:x').decode()}"
    said = Access({"authorization": value}, Tls()).without_secrets("clerk may not: s3cret:x wrong")
    assert said == "*** may not: *** wrong"


def test_a_long_value_at_the_end_of_what_is_printed_is_not_repeated_in_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_TOKEN", "s3cret" * 200)
    body = b"x" * 1500 + b"s3cret" * 200

    def fails(connected: socket.socket) -> None:
        connected.recv(1 << 16)
        head = b"HTTP/1.1 500 Failed\r\nContent-Length: %d\r\n\r\n" % len(body)
        connected.sendall(head + body)

    with raw_server(fails) as port, pytest.raises(HostError) as caught:
        inferred(host_of(f"http://127.0.0.1:{port}/m", headers={"x-token": "MY_TOKEN"}))
    assert "xxx***" in caught.value.reason
    assert "s3cret" not in caught.value.reason


def test_a_value_that_is_cut_in_two_is_not_repeated_in_part() -> None:
    access = Access({"x-key": "s3cret" * 100}, Tls())
    text = "s3cret" * 100 * 200
    assert "s3cret" not in access.without_secrets(text)
    assert access.without_secrets(text[:600]) == "***"


@pytest.mark.parametrize(
    "headers",
    ['{ a = "Bearer s3cret" }', '{ a = "s3cret" }', '"a: s3cret"', '{ a = ["s3cret"] }'],
)
def test_a_value_in_place_of_a_variables_name_is_not_repeated(headers: str, tmp_path: Path) -> None:
    file = tmp_path / "graphs.toml"
    file.write_text(f'[graphs.m]\nremote = "http://h/m"\nheaders = {headers}')
    with pytest.raises(InputError, match="header") as caught:
        read_graphs(str(file))
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("header", ["Host", "content-length", "transfer-encoding", "x-bin"])
def test_a_header_that_says_how_a_request_is_sent_is_refused(header: str, tmp_path: Path) -> None:
    file = tmp_path / "graphs.toml"
    file.write_text(f'[graphs.m]\nremote = "http://h/m"\nheaders = {{ {header} = "PATH" }}')
    with pytest.raises(InputError, match="is reserved"):
        read_graphs(str(file))


@pytest.mark.parametrize("value", ["", "s3cr\u00e9t"], ids=["empty", "not ASCII"])
@pytest.mark.parametrize(
    ("variable", "host"),
    [
        ("NNSHIM_REMOTE_TOKEN", lambda: host_of("http://h/m", takes_token=True)),
        ("NNSHIM_REMOTE_TOKEN", lambda: NNHost(devices={"remote": "http://h"})),
        ("MY_TOKEN", lambda: host_of("http://h/m", headers={"x-token": "MY_TOKEN"})),
    ],
    ids=["token of a graph", "token of a server", "header"],
)
def test_a_value_that_cannot_be_sent_is_an_error_before_a_guest_starts(
    monkeypatch: pytest.MonkeyPatch, variable: str, host: Callable[[], NNHost], value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InputError, match=f"{variable}, for the header .* is empty or") as caught:
        host()
    assert "s3cr" not in str(caught.value)


def test_an_empty_token_ends_the_command_as_an_empty_header_does(tmp_path: Path) -> None:
    (tmp_path / "graphs.toml").write_text(
        '[graphs.m]\nremote = "http://127.0.0.1:9/m"\nheaders = { a = "EMPTY" }'
    )
    (tmp_path / "guest.wasm").write_bytes(assemble('(module (func (export "_start")))'))
    env = {"EMPTY": "", "NNSHIM_REMOTE_TOKEN": ""}
    for options in (
        ("--graphs", tmp_path / "graphs.toml"),
        ("-S", "nn-graph=remote::http://127.0.0.1:9/m"),
        ("--device", "remote=http://127.0.0.1:9"),
    ):
        inputs = ("--inputs", tmp_path / "graphs.toml", "-o", tmp_path / "out")
        for command in (("run",), ("map", *inputs)):
            done = nnshim(*command, *options, tmp_path / "guest.wasm", env=env)
            assert done.returncode == 1
            assert done.stderr.startswith(b"nnshim: error[NN001]: ")
            assert b" is empty or has characters" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_token_that_no_model_uses_may_be_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NNSHIM_REMOTE_TOKEN", "")
    NNHost().close()
    monkeypatch.setenv("MY_TOKEN", "s3cret")
    host_of("http://h/m", headers={"x-token": "MY_TOKEN"}).close()


def test_an_encrypted_key_is_an_error_and_no_question(tmp_path: Path) -> None:
    made = pair(tmp_path, "client")
    plain = serialization.load_pem_private_key(made.key.read_bytes(), None)
    made.key.write_bytes(
        plain.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"a password"),
        )
    )
    files = tuple(map(str, (made.certificate, made.key)))
    program = f"""
from runtime_shim.backends.remote.access import Access
from runtime_shim.backends.remote.model import Tls
Access({{}}, Tls(None, *{files})).context()
"""
    ran = subprocess.run(  # without a terminal, OpenSSL asks the standard input
        [sys.executable, "-c", program],
        input=b"a password\n",
        capture_output=True,
        start_new_session=True,
        check=False,
    )
    assert b"pass phrase" not in ran.stderr
    assert b"ssl.SSLError" in ran.stderr


def test_grpc_trusts_the_authorities_of_the_systems_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "0a1b2c3d.0").write_bytes(b"one")
    (tmp_path / "0a1b2c3e.0").write_bytes(b"two")
    (tmp_path / "README").write_bytes(b"other")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert Access({}, Tls()).pem() == (b"one\ntwo", None, None)


def test_what_a_server_says_of_itself_is_told_without_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_TOKEN", "s3cret")
    tensor = {"name": "x", "datatype": "FP32", "shape": [1]}
    said = json.dumps({"platform": "for s3cret", "inputs": [tensor], "outputs": [tensor]}).encode()

    def speak(connected: socket.socket) -> None:
        connected.recv(1 << 16)
        connected.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(said), said))

    with raw_server(speak) as port:
        host = host_of(f"http://127.0.0.1:{port}/m", headers={"x-token": "MY_TOKEN"})
        host.load_by_name("m")
    assert host.stats()[0].device.endswith("(for ***)")


S3CRET = "s3cret-" * 30
TENSOR = {"name": "x", "datatype": "FP32", "shape": [1, 2]}
DESCRIBED = {"inputs": [TENSOR], "outputs": [TENSOR]}
ANSWER = {"outputs": [TENSOR | {"data": [1, 2]}]}


@pytest.mark.parametrize(
    ("described", "answer", "header"),
    [
        (DESCRIBED | {"name": S3CRET}, ANSWER, ""),
        (DESCRIBED | {"inputs": [TENSOR | {"name": S3CRET}]}, ANSWER, ""),
        (DESCRIBED | {"inputs": [TENSOR | {"shape": [S3CRET]}]}, ANSWER, ""),
        (DESCRIBED, {"error": S3CRET}, ""),
        (DESCRIBED, ANSWER | {"model_name": S3CRET}, ""),
        (DESCRIBED, ANSWER | {"id": [S3CRET]}, ""),
        (DESCRIBED, {"outputs": [TENSOR | {"name": S3CRET, "data": [1, 2]}]}, ""),
        (DESCRIBED, {"outputs": [TENSOR | {"datatype": S3CRET, "data": [1, 2]}]}, ""),
        (DESCRIBED, {"outputs": [TENSOR | {"shape": [[S3CRET]], "data": [1, 2]}]}, ""),
        (DESCRIBED, {"outputs": [TENSOR | {"parameters": {"binary_data_size": S3CRET}}]}, ""),
        (DESCRIBED, ANSWER, f"Content-Length: {S3CRET}"),
        (DESCRIBED, ANSWER, f"Transfer-Encoding: {S3CRET}"),
        (DESCRIBED, ANSWER, f"Content-Encoding: {S3CRET}"),
        (DESCRIBED, ANSWER, f"Inference-Header-Content-Length: {S3CRET}"),
    ],
)
def test_a_value_that_an_answer_has_in_it_is_not_told(
    described: object, answer: object, header: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", S3CRET)

    def speak(connected: socket.socket) -> None:
        while asked := connected.recv(1 << 16):
            is_inference = asked.startswith(b"POST")
            body = json.dumps(answer if is_inference else described).encode()
            length = f"Content-Length: {len(body)}"
            more = header if is_inference else ""
            lines = [more] if more[:9] in ("Content-L", "Transfer-") else [length, more]
            head = "".join(f"{each}\r\n" for each in ("HTTP/1.1 200 OK", *lines) if each)
            connected.sendall(f"{head}\r\n".encode() + body)

    with raw_server(speak) as port, pytest.raises(HostError) as caught:
        inferred(host_of(f"http://127.0.0.1:{port}/m", headers={"x-token": "MY_TOKEN"}))
    assert caught.value.code == "NN607"
    assert "s3cret" not in caught.value.reason


def test_an_unknown_output_over_grpc_is_told_without_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_TOKEN", S3CRET)
    model = Model(infer=lambda inputs: [*inputs, (S3CRET, *inputs[0][1:])])
    with grpc_server(model) as url, pytest.raises(HostError, match="no output") as caught:
        inferred(host_of(url, headers={"x-token": "MY_TOKEN"}))
    assert "s3cret" not in caught.value.reason
