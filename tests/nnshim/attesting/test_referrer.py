"""Documents as referrers of a manifest: JSON that a registry takes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from nnshim.attesting.envelope import sign
from nnshim.attesting.keys import read_private_key
from nnshim.attesting.referrer import (
    ENVELOPE,
    SBOM,
    STATEMENT,
    documents_of,
    fallback_tag,
    referrer,
    referrers_in,
    with_referrer,
)
from rewriter import AttestationError, RewriteOptions
from rewriter.attesting.cyclonedx import bill
from rewriter.attesting.statement import encode, statement
from tests.support.attestations import pair, rewritten

SUBJECT = {
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "digest": f"sha256:{'a' * 64}",
    "size": 700,
    "annotations": {"of": "a list, not of the manifest"},
}


@pytest.fixture
def documents(tmp_path: Path) -> dict[str, bytes]:
    about = rewritten(tmp_path, RewriteOptions())
    said = encode(statement(about))
    envelope = encode(sign(said, read_private_key(str(pair(tmp_path).private))))
    return {ENVELOPE: envelope + b"\n", STATEMENT: said, SBOM: bill([about])}


@pytest.mark.parametrize("kind", [ENVELOPE, STATEMENT, SBOM])
def test_the_manifest_names_its_subject_and_all_blobs(
    kind: str, documents: dict[str, bytes]
) -> None:
    made = referrer(documents[kind], SUBJECT)
    manifest = json.loads(made.manifest)
    assert (manifest["schemaVersion"], manifest["artifactType"]) == (2, kind)
    assert manifest["subject"] == {key: SUBJECT[key] for key in ("mediaType", "digest", "size")}
    assert manifest["config"]["mediaType"] == "application/vnd.oci.empty.v1+json"
    named = [manifest["config"], *manifest["layers"]]
    for descriptor, blob in zip(named, made.blobs, strict=True):
        assert descriptor["size"] == len(blob)
        assert descriptor["digest"] == f"sha256:{hashlib.sha256(blob).hexdigest()}"
    assert made.blobs[1] == documents[kind]
    assert made.descriptor["artifactType"] == kind
    digest = hashlib.sha256(made.manifest).hexdigest()
    assert made.descriptor["digest"] == f"sha256:{digest}"


def test_the_empty_config_has_the_digest_of_the_specification(documents: dict[str, bytes]) -> None:
    config = json.loads(referrer(documents[SBOM], SUBJECT).manifest)["config"]
    assert config["digest"].endswith(
        "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    )


def test_attestations_say_which_predicate_they_have(documents: dict[str, bytes]) -> None:
    made = referrer(documents[ENVELOPE], SUBJECT)
    predicate = {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v1"}
    assert made.descriptor["annotations"] == predicate
    assert "annotations" not in referrer(documents[SBOM], SUBJECT).descriptor


def test_a_document_of_several_lines_or_of_nothing_known_is_refused(
    documents: dict[str, bytes],
) -> None:
    for document in (documents[ENVELOPE] * 2, b"", b"{}", b"[]", b"\xff"):
        with pytest.raises(AttestationError):
            referrer(document, SUBJECT)


@pytest.mark.parametrize(
    ("digest", "tag"),
    [
        (f"sha256:{'0a' * 32}", f"sha256-{'0a' * 32}"),
        (f"sha512:{'0a' * 64}", f"sha512-{'0a' * 32}"),
        ("test+algorithm+using+algorithm+separators+and+lots+of+characters:"
         "excessive+digest+encoded+value+that+should+be+cut+off+after+64+characters",
         "test-algorithm-using-algorithm-s-"
         "excessive-digest-encoded-value-that-should-be-cut-off-after-64-c"),
    ],
)  # fmt: skip
def test_the_fallback_tag_is_the_specifications(digest: str, tag: str) -> None:
    assert fallback_tag(digest) == tag
    assert len(tag) <= 128


def test_an_index_gets_each_referrer_once(documents: dict[str, bytes]) -> None:
    one, other = (referrer(documents[kind], SUBJECT) for kind in (ENVELOPE, SBOM))
    index = with_referrer(None, one.descriptor)
    both = with_referrer(index, other.descriptor)
    assert json.loads(both)["manifests"] == [one.descriptor, other.descriptor]
    again = with_referrer(both, one.descriptor)
    assert json.loads(again)["manifests"] == [other.descriptor, one.descriptor]
    assert [each["digest"] for each in referrers_in(both)] == [one.descriptor["digest"]]
    assert [each["digest"] for each in referrers_in(both, SBOM)] == [other.descriptor["digest"]]


def test_what_else_is_in_an_index_stays(documents: dict[str, bytes]) -> None:
    index: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "annotations": {"a": "b"},
        "manifests": [{"mediaType": "x", "digest": "sha256:0", "size": 1}],
    }
    made = referrer(documents[ENVELOPE], SUBJECT)
    found = json.loads(with_referrer(encode(index), made.descriptor))
    assert found == {**index, "manifests": [*index["manifests"], made.descriptor]}


@pytest.mark.parametrize(
    "index",
    [b"", b"[]", b"{}", b'{"mediaType": "other", "manifests": []}', b'{"manifests": [1]}'],
)
def test_what_is_not_an_index_is_not_replaced(index: bytes, documents: dict[str, bytes]) -> None:
    made = referrer(documents[ENVELOPE], SUBJECT)
    with pytest.raises(AttestationError):
        with_referrer(index, made.descriptor)


def test_a_referrer_to_another_manifest_is_refused(documents: dict[str, bytes]) -> None:
    manifest = referrer(documents[ENVELOPE], SUBJECT).manifest
    (layer,) = documents_of(manifest, str(SUBJECT["digest"]))
    assert layer["mediaType"] == ENVELOPE
    with pytest.raises(AttestationError, match="is not about"):
        documents_of(manifest, f"sha256:{'b' * 64}")
