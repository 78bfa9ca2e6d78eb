"""Documents about an artifact, beside it in its registry: attestations and bills of materials.

Specification: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnshim.attesting.referrer import (
    ENVELOPE,
    INDEX,
    MANIFEST,
    STATEMENT,
    documents_of,
    fallback_tag,
    referrer,
    referrers_in,
    with_referrer,
)
from nnshim.registries.registry import Registry
from rewriter.errors import AttestationError, InputError, OutputError
from rewriter.oci.descriptor import Descriptor, describe, parse_descriptor
from rewriter.oci.reference import REGISTRY, parse_registry_reference

__all__ = ["attach", "attestations_of", "has_referrers"]

_MOST = 1000
"""The most attestations of one artifact that are read."""

_LARGEST = 1 << 24
"""The most bytes of one of them: a line has 3,000."""


def has_referrers(path: str) -> bool:
    """Whether an argument names an artifact that documents can be beside: in a registry."""
    return path.startswith(REGISTRY)


def attach(output: str, digest: str, documents: Sequence[bytes]) -> None:
    """Attach documents to the artifact `output` with this digest. A registry that does not list
    referrers gets the list under the fallback tag. Raises AttestationError and OutputError."""
    registry = _registry(output, digest, OutputError)
    (subject,) = registry.roots()
    stated = {"mediaType": subject.media_type, "digest": subject.digest, "size": subject.size}
    for document in documents:
        made = referrer(document, stated)
        for data in made.blobs:
            blob = describe("application/octet-stream", data)
            if not registry.has(blob):
                registry.put_blob(blob, data)
        manifest = describe(MANIFEST, made.manifest)
        if registry.put_at(manifest.digest, manifest, made.manifest):
            continue
        tag = fallback_tag(digest)
        index = with_referrer(registry.manifest_at(tag), made.descriptor)
        registry.put_at(tag, describe(INDEX, index), index)


def attestations_of(path: str, digest: str, *, signed: bool) -> list[bytes]:
    """The attestations that are attached to the artifact with this digest, a line each: envelopes,
    or bare Statements. Everything is compared with its digest. Raises AttestationError and
    InputError."""
    registry = _registry(path, digest, InputError)
    lists = registry.referrers(digest)
    if lists is None:
        index = registry.manifest_at(fallback_tag(digest))
        lists = [] if index is None else [index]
    kind = ENVELOPE if signed else STATEMENT
    listed = [each for index in lists for each in referrers_in(index, kind)]
    if len(listed) > _MOST:
        raise AttestationError(f"{path} has more than {_MOST} attestations", "NN431")
    found = []
    for each in listed:
        entry = _descriptor(each, path)
        manifest = entry.check(registry.manifest(entry), path)
        for layer in documents_of(manifest, digest):
            content = _descriptor(layer, path)
            found.append(content.check(registry.blob(content), path).strip())
    return found


def _descriptor(value: Any, path: str) -> Descriptor:
    found = parse_descriptor(value, path)
    if found.size > _LARGEST:
        raise AttestationError(
            f"{path}: an attestation of {found.size} bytes is too large", "NN431"
        )
    return found


def _registry(path: str, digest: str, error: type[InputError | OutputError]) -> Registry:
    reference = parse_registry_reference(path, error)
    return Registry(reference._replace(tag=None, digest=digest), error)
