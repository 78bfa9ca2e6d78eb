"""Keys: three kinds, in PEM, and passwords from the environment or a terminal."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from nnshim.attesting.keys import PASSWORD, read_private_key, read_public_key
from rewriter import AttestationError, DependencyMissing, InputError, UsageError
from tests.support.attestations import KINDS, pair


@pytest.mark.parametrize("kind", KINDS)
def test_both_halves_have_one_id(kind: str, tmp_path: Path) -> None:
    keys = pair(tmp_path, kind)
    private = read_private_key(str(keys.private)).public_key
    assert private.keyid == read_public_key(str(keys.public)).keyid
    assert len(private.keyid) == 64


@pytest.mark.parametrize("kind", KINDS)
def test_the_password_comes_from_the_environment(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = pair(tmp_path, kind, password=b"secret")
    monkeypatch.setenv(PASSWORD, "secret")
    public = read_public_key(str(keys.public))
    assert read_private_key(str(keys.private)).public_key.keyid == public.keyid
    for wrong in ("other", ""):
        monkeypatch.setenv(PASSWORD, wrong)
        with pytest.raises(AttestationError, match="with this password") as caught:
            read_private_key(str(keys.private))
        assert caught.value.code == "NN437"


def test_without_a_terminal_no_password_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(PASSWORD, raising=False)
    monkeypatch.setattr(sys, "stdin", None)
    keys = pair(tmp_path, password=b"secret")
    with pytest.raises(UsageError, match=f"set {PASSWORD}"):
        read_private_key(str(keys.private))


@pytest.mark.parametrize(
    ("kind", "bits", "curve"),
    [("rsa", 1024, None), ("ecdsa", 0, ec.SECP384R1()), ("ecdsa", 0, ec.SECP256K1())],
    ids=["short", "P-384", "secp256k1"],
)
def test_keys_of_other_kinds_are_refused(
    kind: str, bits: int, curve: ec.EllipticCurve | None, tmp_path: Path
) -> None:
    keys = pair(tmp_path, kind, bits=bits, curve=curve)
    with pytest.raises(AttestationError, match="use ECDSA with P-256, Ed25519, or RSA") as caught:
        read_private_key(str(keys.private))
    assert caught.value.code == "NN437"
    with pytest.raises(AttestationError, match="use ECDSA with P-256, Ed25519, or RSA"):
        read_public_key(str(keys.public))


def test_files_that_are_not_such_a_key_are_refused(tmp_path: Path) -> None:
    keys, file = pair(tmp_path), tmp_path / "file"
    with pytest.raises(AttestationError, match="is a private key: pass the public one"):
        read_public_key(str(keys.private))
    with pytest.raises(AttestationError, match="is not a private key"):
        read_private_key(str(keys.public))
    for content in (b"", b"\0", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"):
        file.write_bytes(content)
        with pytest.raises(AttestationError, match="is not a public key"):
            read_public_key(str(file))
        with pytest.raises(AttestationError, match="is not a private key"):
            read_private_key(str(file))
    file.write_bytes(bytes(1 << 17))
    with pytest.raises(AttestationError, match="too large"):
        read_public_key(str(file))
    with pytest.raises(InputError, match="cannot read the key"):
        read_public_key(str(tmp_path / "missing"))


def test_without_the_packages_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = pair(tmp_path)
    monkeypatch.setitem(sys.modules, "securesystemslib", None)
    with pytest.raises(DependencyMissing, match="install"):
        read_public_key(str(keys.public))
