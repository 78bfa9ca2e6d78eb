"""Keys in PEM files: ECDSA with P-256, Ed25519, and RSA with PSS, all with SHA-256 or better."""

from __future__ import annotations

import os
import sys
from getpass import getpass
from typing import TYPE_CHECKING

from rewriter.errors import AttestationError, DependencyMissing, InputError, UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
    from securesystemslib.signer import CryptoSigner, SSlibKey

__all__ = ["PASSWORD", "read_private_key", "read_public_key"]

PASSWORD = "NNSHIM_KEY_PASSWORD"  # noqa: S105 - the name of a variable
"""The environment variable with the password of an encrypted private key."""

_LARGEST = 1 << 16
"""The largest file of a key, in bytes. One of RSA with 16,384 bits has 13,000."""

_SMALLEST_RSA = 2048
"""In bits. NIST SP 800-131A disallows shorter ones."""

_KINDS = "use ECDSA with P-256, Ed25519, or RSA of at least 2048 bits"


def read_private_key(path: str) -> CryptoSigner:
    """What signs with the key in a PEM file. If that is encrypted, the password comes from the
    environment, or from a prompt on the terminal.

    Raises InputError if the file cannot be read, AttestationError if it is not such a key or the
    password is wrong, UsageError if there is nowhere to get the password from, and
    DependencyMissing.
    """
    _check_installed()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.signer import CryptoSigner

    pem = _read(path)
    try:
        key = load_pem_private_key(pem, None)
    except TypeError:  # it is encrypted
        key = _decrypted(pem, path)
    except ValueError as error:
        raise _refused(path, "is not a private key in PEM", "") from error
    except UnsupportedAlgorithm as error:
        raise _refused(path, f"cannot be used: {error}") from error
    return CryptoSigner(key, _public(key.public_key(), path))


def read_public_key(path: str) -> SSlibKey:
    """The key in a PEM file. Raises what `read_private_key` does, except UsageError."""
    _check_installed()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    pem = _read(path)
    if b"PRIVATE KEY-----" in pem:
        raise _refused(path, "is a private key: pass the public one", "")
    try:
        key = load_pem_public_key(pem)
    except ValueError as error:
        raise _refused(path, "is not a public key in PEM", "") from error
    except UnsupportedAlgorithm as error:
        raise _refused(path, f"cannot be used: {error}") from error
    return _public(key, path)


def _decrypted(pem: bytes, path: str) -> PrivateKeyTypes:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    password = os.environ.get(PASSWORD)
    if password is None:
        if not (sys.stdin and sys.stdin.isatty()):
            raise UsageError(f"{path} is encrypted: set {PASSWORD} to its password")
        password = getpass(f"Password of {path}: ")
    try:
        return load_pem_private_key(pem, os.fsencode(password))
    except (ValueError, TypeError) as error:  # TypeError is for an empty password
        raise _refused(path, "cannot be decrypted with this password", "") from error


def _public(key: PublicKeyTypes, path: str) -> SSlibKey:
    """The key, by the id that others compute too: `openssl pkey -pubin -outform DER | sha256sum`.
    Raises AttestationError for a key of another kind."""
    from hashlib import sha256

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from securesystemslib.signer import SSlibKey

    _check_kind(key, path)
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return SSlibKey.from_crypto(key, sha256(der).hexdigest())


def _check_kind(key: object, path: str) -> None:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    if isinstance(key, EllipticCurvePublicKey):
        if not isinstance(key.curve, SECP256R1):
            raise _refused(path, f"is of the curve {key.curve.name}")
    elif isinstance(key, RSAPublicKey):
        if key.key_size < _SMALLEST_RSA:
            raise _refused(path, f"has {key.key_size} bits")
    elif not isinstance(key, Ed25519PublicKey):
        raise _refused(path, f"is of another kind ({type(key).__name__})")


def _refused(path: str, reason: str, remedy: str = _KINDS) -> AttestationError:
    return AttestationError(f"the key {path} {reason}{remedy and f'; {remedy}'}", "NN437")


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise InputError(f"cannot read the key {path}: {error.strerror}") from error
    if len(data) > _LARGEST:
        raise _refused(path, "is not a key: it is too large", "")
    return data


def _check_installed() -> None:
    try:
        import cryptography  # noqa: F401 - whether it is there
        import securesystemslib  # noqa: F401 - the same
    except ImportError as error:
        from rewriter.installation import install_line

        raise DependencyMissing(
            f"signatures need packages that are not installed; {install_line('attest')}"
        ) from error
