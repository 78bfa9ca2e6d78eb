"""DSSE envelopes: signs a payload, and reads one whose signature is right.

https://github.com/secure-systems-lab/dsse/blob/v1.0.2/envelope.md
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from rewriter.attesting import strict_json
from rewriter.errors import AttestationError

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner, SSlibKey

__all__ = ["PAYLOAD_TYPE", "is_envelope", "sign", "verified_payload"]

PAYLOAD_TYPE = "application/vnd.in-toto+json"


def sign(payload: bytes, signer: CryptoSigner) -> dict[str, Any]:
    """An envelope of JSON values."""
    from securesystemslib.dsse import Envelope

    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(signer)
    made: dict[str, Any] = envelope.to_dict()
    return made


def is_envelope(told: object) -> bool:
    """Whether JSON means to be an envelope, right or wrong. A Statement has none of these keys."""
    return isinstance(told, dict) and not told.keys().isdisjoint(
        ("payload", "payloadType", "signatures")
    )


def verified_payload(line: bytes, key: SSlibKey) -> bytes:
    """The payload of an envelope that is signed with this key.

    Key ids are not looked at, because nothing signs them. Raises AttestationError if the line is
    not an envelope, if its payload is of another type, and if none of its signatures is of this key
    and these bytes.
    """
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import UnverifiedSignatureError
    from securesystemslib.signer import Signature

    payload, payload_type, signatures = _read(line)
    if payload_type != PAYLOAD_TYPE:
        reason = f"the payload is of the type {payload_type!r}, not {PAYLOAD_TYPE}"
        raise AttestationError(reason, "NN434")
    signed = Envelope(payload, payload_type, {}).pae()
    for signature in signatures:
        try:
            key.verify_signature(Signature(key.keyid, signature.hex()), signed)
        except UnverifiedSignatureError:  # also one that this kind of key cannot have made
            continue
        return payload
    raise AttestationError("no signature of this envelope is of this key and this payload", "NN432")


def _read(line: bytes) -> tuple[bytes, str, list[bytes]]:
    """The payload, its type, and the signatures. Raises AttestationError."""
    try:
        told = strict_json.loads(line)
    except ValueError as error:
        raise _malformed(f"it is not JSON: {error}") from error
    if not is_envelope(told):
        raise AttestationError("it is not signed, and a key is given", "NN438")
    payload_type, signatures = told.get("payloadType"), told.get("signatures")
    if not isinstance(payload_type, str):
        raise _malformed("payloadType is missing")
    if not (isinstance(signatures, list) and signatures):
        raise _malformed("there is no signature")
    found = [each.get("sig") if isinstance(each, dict) else None for each in signatures]
    return _decoded(told.get("payload")), payload_type, [_decoded(each) for each in found]


def _decoded(text: object) -> bytes:
    """The bytes of base64, with the alphabet for URLs or without, in the one way to write them."""
    if isinstance(text, str) and text:
        plain = text.replace("-", "+").replace("_", "/")
        try:
            data = base64.b64decode(plain.encode("ascii"), validate=True)
        except (UnicodeEncodeError, binascii.Error):
            data = b""
        if base64.b64encode(data).decode() == plain:
            return data
    raise _malformed("a payload or a signature is not base64")


def _malformed(reason: str) -> AttestationError:
    return AttestationError(f"this is not an envelope: {reason}", "NN431")
