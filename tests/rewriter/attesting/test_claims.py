"""What is read of statements, and what is refused because it could be understood in two ways."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from rewriter import AttestationError, RewriteOptions
from rewriter.attesting.claims import read_claims
from rewriter.attesting.statement import encode, statement
from tests.support.attestations import rewritten

Said = dict[str, Any]

DIGEST = {"sha256": "0" * 64}
STATEMENT: Said = {
    "_type": "https://in-toto.io/Statement/v1",
    "subject": [{"name": "out.wasm", "digest": DIGEST}],
    "predicateType": "https://slsa.dev/provenance/v1",
    "predicate": {
        "buildDefinition": {
            "buildType": "urn:nnshim:rewrite:v1",
            "externalParameters": {"renames": {"a": "b"}, "outputs": {"0": "y"}},
            "internalParameters": {"renamed": [], "adapted": [], "dropped": [], "notes": []},
            "resolvedDependencies": [{"name": "input", "digest": DIGEST}],
        },
        "runDetails": {"builder": {"id": "pkg:pypi/nnshim", "version": {"nnshim": "0.1.0"}}},
    },
}


def definition(said: Said) -> Said:
    found: Said = said["predicate"]["buildDefinition"]
    return found


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    options = RewriteOptions(abi="witx", renames={"env": "other"}, guest_abi="wamr")
    about = rewritten(tmp_path, options)
    claims = read_claims(encode(statement(about)))
    assert (*claims.subjects,) == (about.output,)
    assert claims.input == about.files[0]
    assert (claims.renames, claims.outputs) == ({"env": "other"}, {})
    assert claims.change.adapted == {"load"}
    assert ("env", "other") in claims.change.renamed


def test_unknown_fields_are_passed_over() -> None:
    said = deepcopy(STATEMENT)
    said["more"] = said["subject"][0]["uri"] = definition(said)["more"] = "x"
    assert read_claims(json.dumps(said).encode()).outputs == {0: "y"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda said: said.update(_type="https://in-toto.io/Statement/v0.1"), "NN434"),
        (lambda said: said.update(predicateType="https://example.com/other"), "NN434"),
        (lambda said: definition(said).update(buildType="urn:other"), "NN434"),
        (lambda said: said["predicate"]["runDetails"]["builder"].update(id="x"), "NN434"),
        (lambda said: said.update(subject=[]), "NN431"),
        (lambda said: said.update(subject={}), "NN431"),
        (lambda said: said["subject"].append({"name": "other"}), "NN431"),
        (lambda said: said["subject"].append("other"), "NN431"),
        (lambda said: said["subject"].append({"digest": {"sha512": "0" * 128}}), "NN431"),
        (lambda said: said["subject"][0].update(digest={"sha256": "0" * 63}), "NN431"),
        (lambda said: said["subject"][0].update(digest={"sha256": "A" * 64}), "NN431"),
        (lambda said: said["subject"][0].update(digest={"sha256": "0" * 64 + "\n"}), "NN431"),
        (lambda said: said["subject"][0].update(name=7), "NN431"),
        (lambda said: said.pop("predicate"), "NN431"),
        (lambda said: said["predicate"].pop("runDetails"), "NN431"),
        (lambda said: definition(said).update(resolvedDependencies=[]), "NN431"),
        (lambda said: definition(said)["resolvedDependencies"].append(
            {"name": "input", "digest": {"sha256": "1" * 64}}), "NN431"),
        (lambda said: definition(said)["externalParameters"].update(renames=["a"]), "NN431"),
        (lambda said: definition(said)["externalParameters"].update(outputs={"x": "y"}), "NN431"),
        (lambda said: definition(said)["internalParameters"].update(dropped=[1]), "NN431"),
        (lambda said: definition(said)["internalParameters"].update(marked=1), "NN431"),
        (lambda said: definition(said)["internalParameters"].pop("renamed"), "NN431"),
        (lambda said: said["predicate"]["runDetails"]["builder"]["version"].update(a=1), "NN431"),
    ],
)  # fmt: skip
def test_what_is_missing_or_of_another_kind_is_refused(
    change: Callable[[Said], object], code: str
) -> None:
    said = deepcopy(STATEMENT)
    read_claims(json.dumps(said).encode())
    change(said)
    with pytest.raises(AttestationError) as caught:
        read_claims(json.dumps(said).encode())
    assert caught.value.code == code


@pytest.mark.parametrize(
    "broken",
    [
        lambda text: text.replace('"_type"', '"_type": "other", "_type"', 1),
        lambda text: text.replace('{"sha256"', '{"sha256": "1", "sha256"', 1),
        lambda text: text.replace('"predicateType"', '"more": NaN, "predicateType"', 1),
        lambda text: text + "{}",
        lambda text: f"[{text}]",
        lambda text: text[:-1],
        lambda text: "[" * 100_000,
        lambda text: f"\ufeff{text}",
        lambda text: "9" * 5000,
    ],
    ids=["twice", "digest-twice", "nan", "two", "list", "cut", "deep", "mark", "number"],
)
def test_json_that_parsers_read_differently_is_refused(broken: Callable[[str], str]) -> None:
    with pytest.raises(AttestationError) as caught:
        read_claims(broken(json.dumps(STATEMENT)).encode())
    assert caught.value.code == "NN431"


def test_other_encodings_than_utf_8_are_refused() -> None:
    for encoding in ("utf-16", "utf-32", "utf-16-le"):
        with pytest.raises(AttestationError):
            read_claims(json.dumps(STATEMENT).encode(encoding))
