"""An attestation or a bill of materials in a registry, as a referrer of a module's manifest: JSON
only, without a registry.

https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md
https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from nnshim.attesting.envelope import is_envelope
from rewriter.attesting import strict_json
from rewriter.attesting.statement import PREDICATE_TYPE
from rewriter.errors import AttestationError

__all__ = [
    "ENVELOPE",
    "INDEX",
    "MANIFEST",
    "SBOM",
    "STATEMENT",
    "Referrer",
    "documents_of",
    "fallback_tag",
    "referrer",
    "referrers_in",
    "with_referrer",
]

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"

ENVELOPE = "application/vnd.in-toto.provenance+dsse"
"""https://github.com/in-toto/attestation/blob/main/spec/v1/envelope.md"""

STATEMENT = "application/vnd.in-toto+json"
"""An unsigned one, as BuildKit stores them."""

SBOM = "application/vnd.cyclonedx+json"
"""https://www.iana.org/assignments/media-types/application/vnd.cyclonedx+json"""

_EMPTY = b"{}"
_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"

Descriptor = Mapping[str, Any]
"""With `mediaType`, `digest` (`sha256:` and hexadecimal digits) and `size` (in bytes)."""


class Referrer(NamedTuple):
    """What to push: the `blobs` first, then the `manifest`. `descriptor` is the manifest's in a
    list of referrers."""

    manifest: bytes
    blobs: Sequence[bytes]
    descriptor: Descriptor


def referrer(document: bytes, subject: Descriptor) -> Referrer:
    """The manifest that attaches a document to `subject`, the manifest of a module. A document is
    what `nnshim rewrite` wrote for one output. Raises AttestationError for anything else."""
    kind, annotations = _kind(document)
    layer = {**_descriptor(kind, document), **annotations}
    manifest = _encode(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": kind,
            "config": _descriptor(_EMPTY_TYPE, _EMPTY),
            "layers": [layer],
            "subject": {name: subject[name] for name in ("mediaType", "digest", "size")},
            **annotations,
        }
    )
    descriptor = {**_descriptor(MANIFEST, manifest), "artifactType": kind, **annotations}
    return Referrer(manifest, (_EMPTY, document), descriptor)


def fallback_tag(digest: str) -> str:
    """The tag of the index of referrers, in a registry that does not list them itself. `digest` is
    that of the subject's manifest."""
    algorithm, _, encoded = digest.partition(":")
    return re.sub(r"[^\w.-]", "-", f"{algorithm[:32]}-{encoded[:64]}", flags=re.ASCII)


def with_referrer(index: bytes | None, descriptor: Descriptor) -> bytes:
    """The index of referrers with another one, once. `index` is the existing one, or None. Raises
    AttestationError if it is not an index, which must not be replaced."""
    found = (
        {"schemaVersion": 2, "mediaType": INDEX, "manifests": []}
        if index is None
        else _read(index, INDEX)
    )
    listed = _descriptors(found, "manifests")
    others = [each for each in listed if each.get("digest") != descriptor["digest"]]
    return _encode({**found, "manifests": [*others, dict(descriptor)]})


def referrers_in(index: bytes, kind: str = ENVELOPE) -> Sequence[Descriptor]:
    """The descriptors of all manifests in a list of referrers, by the registry or a fallback tag,
    that have documents of this kind. Raises AttestationError."""
    listed = _descriptors(_read(index, INDEX), "manifests")
    return [each for each in listed if each.get("artifactType") == kind]


def documents_of(manifest: bytes, subject: str) -> Sequence[Descriptor]:
    """The descriptors of the documents in a referrer. Raises AttestationError if it refers to
    another manifest than the one with the digest `subject`: a list may say anything."""
    found = _read(manifest, MANIFEST)
    about = found.get("subject")
    if not isinstance(about, dict) or about.get("digest") != subject:
        raise AttestationError(f"a referrer is not about {subject}", "NN433")
    return _descriptors(found, "layers")


def _kind(document: bytes) -> tuple[str, dict[str, Any]]:
    try:
        told = strict_json.loads(document)
    except ValueError as error:
        raise AttestationError(f"this is not one document: {error}", "NN431") from error
    annotations = {"annotations": {"in-toto.io/predicate-type": PREDICATE_TYPE}}
    if is_envelope(told):
        return ENVELOPE, annotations
    if isinstance(told, dict) and "_type" in told:
        return STATEMENT, annotations
    if isinstance(told, dict) and told.get("bomFormat") == "CycloneDX":
        return SBOM, {}
    raise AttestationError("this is neither an attestation nor a bill of materials", "NN431")


def _descriptor(kind: str, data: bytes) -> dict[str, Any]:
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    return {"mediaType": kind, "digest": digest, "size": len(data)}


def _read(data: bytes, kind: str) -> dict[str, Any]:
    try:
        found = strict_json.loads(data)
    except ValueError as error:
        raise AttestationError(
            f"a registry has something else than JSON: {error}", "NN431"
        ) from error
    if not isinstance(found, dict) or found.get("mediaType", kind) != kind:
        raise AttestationError(f"a registry has something else than {kind}", "NN431")
    return found


def _descriptors(found: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    listed = found.get(name)
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise AttestationError(f"a registry's JSON has no list {name}", "NN431")
    return listed


def _encode(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
