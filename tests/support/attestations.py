"""A rewrite that is attested, and keys to sign it with."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from nnshim.attesting.finished import finished, option_files
from rewriter import RewriteOptions, rewrite_file
from rewriter.attesting.rewritten import Rewritten
from tests.support.wasm import assemble

__all__ = ["GUEST", "KINDS", "Pair", "pair", "rewritten"]

GUEST = """(module
  (import "wasi_nn" "load" (func $load (param i32 i32 i32 i32) (result i32)))
  (import "env" "abort" (func))
  (memory (export "memory") 1)
  (@custom "sourceMappingURL" "\\00")
  (func (export "_start")
    (drop (call $load (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 8)))))"""

KINDS = ("ecdsa", "ed25519", "rsa")

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


class Pair(NamedTuple):
    """The files of a private key and of its public key."""

    private: Path
    public: Path


def pair(
    folder: Path,
    kind: str = "ecdsa",
    password: bytes | None = None,
    bits: int = 2048,
    curve: ec.EllipticCurve | None = None,
) -> Pair:
    """New keys, in PEM."""
    key: PrivateKey
    if kind == "ecdsa":
        key = ec.generate_private_key(curve or ec.SECP256R1())
    elif kind == "ed25519":
        key = ed25519.Ed25519PrivateKey.generate()
    else:
        key = rsa.generate_private_key(65537, bits)
    encryption = NoEncryption() if password is None else BestAvailableEncryption(password)
    name = f"{kind}-{len(list(folder.iterdir()))}"
    made = Pair(folder / f"{name}.pem", folder / f"{name}.pub")
    made.private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    public = key.public_key()
    made.public.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return made


def rewritten(folder: Path, options: RewriteOptions, guest: str = GUEST) -> Rewritten:
    """app.wasm becomes out.wasm."""
    source, output = str(folder / "app.wasm"), str(folder / "out.wasm")
    Path(source).write_bytes(assemble(guest))
    before = option_files(options)
    result = rewrite_file(source, output, options, digests=True)
    return finished(source, output, options, result, before)
