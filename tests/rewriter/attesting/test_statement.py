"""Statements about rewrites: what they say, and that in-toto's own reader takes them."""

from __future__ import annotations

import hashlib
import json
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage

from rewriter import RewriteOptions
from rewriter.attesting.statement import encode, statement
from rewriter.files import wasm_tools
from rewriter.hosts.profiles.file import write
from tests.support.attestations import rewritten
from tests.support.models import identity
from tests.support.profiles import WAMR_2_4


def told(folder: Path, options: RewriteOptions) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(encode(statement(rewritten(folder, options))))
    return said


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_it_names_both_files_by_what_is_on_disk(tmp_path: Path) -> None:
    said = told(tmp_path, RewriteOptions(abi="witx", drop_debug=True))
    out, app = digest(tmp_path / "out.wasm"), digest(tmp_path / "app.wasm")
    assert said["subject"] == [{"name": "out.wasm", "digest": {"sha256": out}}]
    assert said["predicate"]["buildDefinition"]["resolvedDependencies"] == [
        {"name": "input", "digest": {"sha256": app}, "annotations": {"file": "app.wasm"}}
    ]


def test_it_says_what_was_asked_for_and_what_was_done(tmp_path: Path) -> None:
    options = RewriteOptions(host="wasmtime@40", renames={"env": "other"}, drop_debug=True)
    definition = told(tmp_path, options)["predicate"]["buildDefinition"]
    assert definition["externalParameters"] == {
        "host": "wasmtime@40",
        "renames": {"env": "other"},
        "drop_debug": True,
        "validate": True,
    }
    done = definition["internalParameters"]
    assert {(each["from"], each["to"]) for each in done["renamed"]} == {
        ("wasi_nn", "wasi_ephemeral_nn"),
        ("env", "other"),
    }
    assert [each["function"] for each in done["adapted"]] == ["load"]
    assert done["dropped"] == ["sourceMappingURL"]
    assert done["host_row"].startswith("wasmtime@")


def test_it_says_by_what(tmp_path: Path) -> None:
    validated = told(tmp_path, RewriteOptions())["predicate"]["runDetails"]["builder"]
    tools = {"nnshim": metadata.version("nnshim"), "wasm-tools": wasm_tools.version().split()[1]}
    assert validated == {"id": "pkg:pypi/nnshim", "version": tools}
    unvalidated = told(tmp_path, RewriteOptions(validate=False))["predicate"]
    assert unvalidated["runDetails"]["builder"]["version"].keys() == {"nnshim"}
    assert unvalidated["buildDefinition"]["externalParameters"]["validate"] is False


def test_files_of_options_are_there_by_digest_and_without_their_folders(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    model = tmp_path / "folder" / "model.onnx"
    model.write_bytes(identity(dims=(1,)))
    options = RewriteOptions(to="wasi:nn", models=[str(model)], inputs={0: "data"})
    guest = """(module
      (import "wasi_ephemeral_nn" "compute" (func (param i32) (result i32)))
      (memory (export "memory") 1) (func (export "_start")))"""
    said = statement(rewritten(tmp_path, options, guest))
    definition = said["predicate"]["buildDefinition"]
    assert definition["externalParameters"]["models"] == ["model.onnx"]
    assert definition["externalParameters"]["inputs"] == {"0": "data"}
    assert definition["internalParameters"]["core_module_to_component"] is True
    assert definition["resolvedDependencies"][1] == {
        "name": "models/0",
        "digest": {"sha256": digest(model)},
        "annotations": {"file": "model.onnx"},
    }
    assert str(tmp_path) not in json.dumps(said)


def test_a_profile_is_there_by_digest(tmp_path: Path) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text(write(WAMR_2_4))
    definition = told(tmp_path, RewriteOptions(host=str(profile)))["predicate"]["buildDefinition"]
    assert definition["externalParameters"]["host"] == profile.name
    assert definition["resolvedDependencies"][1]["name"] == "profile"
    assert definition["resolvedDependencies"][1]["digest"] == {"sha256": digest(profile)}
    assert str(tmp_path) not in json.dumps(definition)


def test_it_says_that_the_host_cannot_run_the_result(tmp_path: Path) -> None:
    guest = """(module (import "wasi_nn" "load" (func (param i32 i32 i32 i32) (result i32)))
      (import "env" "f" (func)) (memory (export "memory") 1) (func (export "_start")))"""
    said = statement(rewritten(tmp_path, RewriteOptions(host="wasmtime"), guest))
    notes = said["predicate"]["buildDefinition"]["internalParameters"]["notes"]
    assert "NN312" in notes


def test_the_same_rewrite_gives_the_same_statement(tmp_path: Path) -> None:
    first, second = (
        encode(statement(rewritten(tmp_path, RewriteOptions(abi="witx")))) for _ in "12"
    )
    assert first == second


@pytest.mark.parametrize("options", [RewriteOptions(), RewriteOptions(host="wasmtime")])
def test_the_reader_of_in_toto_takes_it(options: RewriteOptions, tmp_path: Path) -> None:
    """No field is unknown to it, and its own checks pass."""
    said = told(tmp_path, options)
    read = Statement.copy_from_pb(ParseDict(said, StatementMessage()))
    read.validate()
    assert read.pb.subject[0].digest["sha256"] == digest(tmp_path / "out.wasm")
    predicate = ParseDict(said["predicate"], Provenance())
    assert predicate.build_definition.build_type == "urn:nnshim:rewrite:v1"
