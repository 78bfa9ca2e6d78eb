"""Bills of materials about rewrites, which CycloneDX's own library takes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from rewriter import RewriteOptions
from rewriter.attesting.cyclonedx import bill
from tests.support.attestations import rewritten


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_its_own_library_finds_it_valid_and_reads_the_ancestor(tmp_path: Path) -> None:
    about = rewritten(tmp_path, RewriteOptions(abi="witx", drop_debug=True))
    data = bill([about])
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(data.decode()) is None
    (component,) = Bom.from_json(json.loads(data)).components  # type: ignore[attr-defined]  # by a decorator
    (digest,) = component.hashes
    assert (component.name, digest.content) == ("out.wasm", sha256(tmp_path / "out.wasm"))
    (ancestor,) = component.pedigree.ancestors
    (digest,) = ancestor.hashes
    assert (ancestor.name, digest.content) == ("app.wasm", sha256(tmp_path / "app.wasm"))
    assert component.pedigree.notes == (
        "nnshim 0.1.0: imports from wasi_nn are from wasi_ephemeral_nn; the adapters of load "
        "changed; the section sourceMappingURL was removed."
    )


def test_several_outputs_are_several_components(tmp_path: Path) -> None:
    about = rewritten(tmp_path, RewriteOptions(renames={"env": "other"}))
    data = bill([about, about])
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(data.decode()) is None
    assert len(json.loads(data)["components"]) == 2
    assert len(json.loads(data)["metadata"]["tools"]["components"]) == 2


def test_the_validator_sees_what_is_wrong(tmp_path: Path) -> None:
    document = json.loads(bill([rewritten(tmp_path, RewriteOptions())]))
    document["components"][0]["hashes"][0]["alg"] = "sha256"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document)) is not None
