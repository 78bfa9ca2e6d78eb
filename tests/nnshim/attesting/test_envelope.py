"""Envelopes: openssl agrees with the signature, and nothing else than what was signed verifies."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nnshim.attesting.envelope import PAYLOAD_TYPE, sign, verified_payload
from nnshim.attesting.keys import read_private_key, read_public_key
from rewriter import AttestationError
from rewriter.attesting.statement import encode
from tests.support.attestations import KINDS, Pair, pair

PAYLOAD = b'{"_type":"https://in-toto.io/Statement/v1","a":"\xc3\xa4"}'

OPENSSL = {
    "ecdsa": ("dgst", "-sha256", "-verify", "{key}", "-signature", "sig", "signed"),
    "ed25519": (
        *("pkeyutl", "-verify", "-pubin", "-inkey", "{key}", "-rawin", "-in", "signed"),
        *("-sigfile", "sig"),
    ),
    "rsa": (
        *("dgst", "-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"),
        *("-verify", "{key}", "-signature", "sig", "signed"),
    ),
}

Envelope = dict[str, Any]


def enveloped(keys: Pair, payload: bytes = PAYLOAD) -> Envelope:
    return sign(payload, read_private_key(str(keys.private)))


def refusal(line: bytes, keys: Pair) -> str | None:
    with pytest.raises(AttestationError) as caught:
        verified_payload(line, read_public_key(str(keys.public)))
    return caught.value.code


@pytest.mark.parametrize("kind", KINDS)
def test_openssl_verifies_the_signature(kind: str, tmp_path: Path) -> None:
    keys = pair(tmp_path, kind)
    envelope = enveloped(keys)
    payload = base64.b64decode(envelope["payload"])
    about = PAYLOAD_TYPE.encode()
    signed = b"DSSEv1 %d %b %d %b" % (len(about), about, len(payload), payload)
    (tmp_path / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    command = ["openssl", *(word.format(key=keys.public) for word in OPENSSL[kind])]

    def verifies() -> bool:
        return subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0

    (tmp_path / "signed").write_bytes(signed)
    assert verifies()
    (tmp_path / "signed").write_bytes(signed + b" ")
    assert not verifies()


@pytest.mark.parametrize("kind", KINDS)
def test_openssl_makes_a_signature_that_verifies(kind: str, tmp_path: Path) -> None:
    keys = pair(tmp_path, kind)
    about = PAYLOAD_TYPE.encode()
    (tmp_path / "signed").write_bytes(
        b"DSSEv1 %d %b %d %b" % (len(about), about, len(PAYLOAD), PAYLOAD)
    )
    how = {
        "ecdsa": ["dgst", "-sha256", "-sign", str(keys.private), "-out", "sig", "signed"],
        "ed25519": [
            *("pkeyutl", "-sign", "-inkey", str(keys.private), "-rawin", "-in", "signed"),
            *("-out", "sig"),
        ],
        "rsa": [
            *("dgst", "-sha256", "-sigopt", "rsa_padding_mode:pss", "-sign", str(keys.private)),
            *("-out", "sig", "signed"),
        ],
    }
    subprocess.run(["openssl", *how[kind]], cwd=tmp_path, check=True)
    line = {
        "payload": base64.b64encode(PAYLOAD).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"sig": base64.b64encode((tmp_path / "sig").read_bytes()).decode()}],
    }
    assert verified_payload(encode(line), read_public_key(str(keys.public))) == PAYLOAD


def test_the_id_of_the_key_is_what_openssl_and_sha256sum_say(tmp_path: Path) -> None:
    keys = pair(tmp_path)
    command = f"openssl pkey -pubin -in {keys.public} -outform DER | sha256sum"
    told = subprocess.run(command, shell=True, capture_output=True, check=True, text=True)
    (signature,) = enveloped(keys)["signatures"]
    assert signature["keyid"] == told.stdout.split()[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_another_key_does_not_verify_it(kind: str, other: str, tmp_path: Path) -> None:
    line = encode(enveloped(pair(tmp_path, kind)))
    assert refusal(line, pair(tmp_path, other)) == "NN432"


def test_key_ids_are_not_trusted(tmp_path: Path) -> None:
    """Nothing signs them: one that is wrong or missing changes nothing, and one that is right
    makes no other key right."""
    keys, other = pair(tmp_path), pair(tmp_path)
    public = read_public_key(str(keys.public))
    envelope, forged = enveloped(keys), enveloped(other)
    forged["signatures"][0]["keyid"] = envelope["signatures"][0]["keyid"]
    assert refusal(encode(forged), keys) == "NN432"
    envelope["signatures"][0]["keyid"] = "other"
    assert verified_payload(encode(envelope), public) == PAYLOAD
    del envelope["signatures"][0]["keyid"]
    assert verified_payload(encode(envelope), public) == PAYLOAD


def test_one_of_several_signatures_is_enough(tmp_path: Path) -> None:
    keys, other = pair(tmp_path), pair(tmp_path, "ed25519")
    envelope = enveloped(other)
    envelope["signatures"] += enveloped(keys)["signatures"]
    for each in (keys, other):
        assert verified_payload(encode(envelope), read_public_key(str(each.public))) == PAYLOAD
    assert refusal(encode(envelope), pair(tmp_path)) == "NN432"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda e: e.update(payload=base64.b64encode(PAYLOAD + b" ").decode()), "NN432"),
        (lambda e: e.update(payload=""), "NN431"),
        (lambda e: e.update(payload=e["payload"] + "\n"), "NN431"),
        (lambda e: e.update(payload=e["payload"].rstrip("=")), "NN431"),
        (lambda e: e.update(payload=[e["payload"]]), "NN431"),
        (lambda e: e.pop("payload"), "NN431"),
        (lambda e: e.update(payloadType="application/json"), "NN434"),
        (lambda e: e.update(payloadType=PAYLOAD_TYPE + " "), "NN434"),
        (lambda e: e.pop("payloadType"), "NN431"),
        (lambda e: e.update(signatures=[]), "NN431"),
        (lambda e: e.pop("signatures"), "NN431"),
        (lambda e: e.update(signatures=e["signatures"][0]), "NN431"),
        (lambda e: e.update(signatures=[None]), "NN431"),
        (lambda e: e["signatures"][0].pop("sig"), "NN431"),
        (lambda e: e["signatures"][0].update(sig=""), "NN431"),
        (lambda e: e["signatures"][0].update(sig="AAAA"), "NN432"),
        (lambda e: e["signatures"][0].update(sig="\u00e4AAA"), "NN431"),
    ],
)
def test_a_changed_envelope_is_refused(
    change: Callable[[Envelope], object], code: str, tmp_path: Path
) -> None:
    keys = pair(tmp_path)
    envelope = enveloped(keys)
    change(envelope)
    assert refusal(encode(envelope), keys) == code


def test_a_signature_of_other_bytes_is_refused(tmp_path: Path) -> None:
    """Of the payload alone, and of the payload with another type."""
    keys = pair(tmp_path)
    signer = read_private_key(str(keys.private))
    about = b"application/json"
    for signed in (PAYLOAD, b"DSSEv1 %d %b %d %b" % (len(about), about, len(PAYLOAD), PAYLOAD)):
        envelope = enveloped(keys)
        signature = bytes.fromhex(signer.sign(signed).signature)
        envelope["signatures"][0]["sig"] = base64.b64encode(signature).decode()
        assert refusal(encode(envelope), keys) == "NN432"


def test_a_key_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    keys = pair(tmp_path)
    line = json.dumps(enveloped(keys))
    twice = line.replace('"payload"', '"payload": "e30=", "payload"', 1)
    assert refusal(twice.encode(), keys) == "NN431"


def test_base64_for_urls_is_read_too(tmp_path: Path) -> None:
    keys = pair(tmp_path)
    payload = b"\xfb\xff\xfe" * 5
    envelope = enveloped(keys, payload)
    envelope["payload"] = base64.urlsafe_b64encode(payload).decode()
    assert "-" in envelope["payload"]
    assert "_" in envelope["payload"]
    assert verified_payload(encode(envelope), read_public_key(str(keys.public))) == payload


def mutations(line: bytes) -> Iterator[bytes]:
    """One byte changed, gone, more or twice, at each position."""
    others = (*(1 << bit for bit in range(8)), 0xFF)
    for at in range(len(line)):
        for mask in others:
            yield line[:at] + bytes([line[at] ^ mask]) + line[at + 1 :]
        for byte in b'"A= \0{,\\':
            yield line[:at] + bytes([byte]) + line[at + 1 :]
            yield line[:at] + bytes([byte]) + line[at:]
        yield line[:at] + line[at + 1 :]
        yield line[:at]


@pytest.mark.parametrize("kind", KINDS)
def test_no_changed_byte_verifies_another_payload(kind: str, tmp_path: Path) -> None:
    """Whatever verifies has the payload and the signature that were signed."""
    keys = pair(tmp_path, kind)
    line = encode(enveloped(keys))
    public = read_public_key(str(keys.public))
    signature = json.loads(line)["signatures"][0]["sig"]
    verified = refused = 0
    for mutant in mutations(line):
        try:
            assert verified_payload(mutant, public) == PAYLOAD
        except AttestationError:
            refused += 1
            continue
        verified += 1
        told = json.loads(mutant)
        assert told["payloadType"] == PAYLOAD_TYPE
        assert told["signatures"][0]["sig"].translate({45: 43, 95: 47}) == signature
    assert verified > 100  # changes of the id of the key, which nothing signs, and spaces
    assert refused > 5000
