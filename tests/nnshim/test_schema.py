"""What commands print with --json, held to the schema that is in the package."""

from __future__ import annotations

import inspect
import json
from copy import deepcopy
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import nnshim.render
from nnshim.attesting.finished import finished
from nnshim.cli import COMMANDS
from rewriter import RewriteOptions, rewrite, rewrite_file
from rewriter.attesting.statement import encode, statement
from tests.support.command import nnshim as run
from tests.support.models import identity
from tests.support.wasm import assemble, custom

SCHEMA = json.loads((Path(nnshim.render.__file__).parent / "schema.json").read_text())

GUEST = assemble(
    """(module
      (import "wasi_nn" "load" (func $load (param i32 i32 i32 i32) (result i32)))
      (import "wasi_nn" "set_input" (func (param i32 i32 i32) (result i32)))
      (import "env" "abort" (func))
      (memory (export "memory") 1)
      (func (export "_start") (drop (call $load (i32.const 0) (i32.const 1)
        (i32.const 0) (i32.const 8)))))"""
)


UNLINKED = '(module (import "env" "__linear_memory" (memory 0)))'


def closed(schema: Any) -> Any:
    """The same, where no object may have a field that is not named."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(value) for key, value in schema.items()}
    if "properties" in schema:
        found["additionalProperties"] = False
    return found


def problems(name: str, value: object) -> list[str]:
    """What of a value is not as the schema of a command has it, with every field known."""
    schema = {**closed(deepcopy(SCHEMA)), "$ref": f"#/$defs/{name}"}
    return [str(error) for error in Draft202012Validator(schema).iter_errors(value)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("schema")
    files = {
        "guest.wasm": GUEST,
        "adapted.wasm": rewrite(GUEST, RewriteOptions(abi="witx")),
        "other.wasm": rewrite(GUEST, RewriteOptions(abi="witx")) + custom("other"),
        "debug.wasm": GUEST + custom("sourceMappingURL", b"\0"),
        "object.wasm": assemble(UNLINKED) + custom("linking", b"\x02"),
        "streaming.wasm": assemble(
            '(module (import "wasi_nn" "fini_single" (func (param i32) (result i32)))'
            ' (memory (export "memory") 1))'
        ),
        "truncated.wasm": GUEST[:-3],
        "model.onnx": identity(dims=(1,)),
    }
    for name, data in files.items():
        (path / name).write_bytes(data)
    source, output = str(path / "guest.wasm"), str(path / "adapted.wasm")
    options = RewriteOptions(abi="witx")
    result = rewrite_file(source, output, options, digests=True)
    about = finished(source, output, options, result, ())
    (path / "adapted.jsonl").write_bytes(encode(statement(about)))
    return path


@pytest.mark.parametrize(
    ("command_line", "code"),
    [
        ("inspect guest.wasm adapted.wasm object.wasm truncated.wasm missing.wasm", 1),
        ("inspect guest.wasm --guest-abi wamr", 0),
        ("check guest.wasm streaming.wasm truncated.wasm --for wasmtime --for wamr-legacy", 6),
        ("check guest.wasm --for wamr-legacy@2.4.5 --strict --accept NN226", 5),
        ("check guest.wasm --for wamr-legacy@2.4.5 --for nnshim --model model.onnx --explain", 4),
        ("rewrite guest.wasm out.wasm", 0),
        ("rewrite guest.wasm --abi witx --dry-run", 0),
        ("rewrite debug.wasm out.wasm --abi witx --drop-debug", 0),
        ("rewrite debug.wasm out.wasm --to wasi_ephemeral_nn", 0),
        ("rewrite guest.wasm out.wasm --attestation auto --unsigned --sbom auto", 0),
        ("rewrite guest.wasm out.wasm --sbom out.json", 0),
        ("rewrite truncated.wasm out.wasm", 1),
        ("rewrite streaming.wasm out.wasm --for wasmtime", 1),
        ("rewrite guest.wasm out.wasm --require", 1),
        ("rewrite missing.wasm out.wasm", 1),
        ("verify guest.wasm adapted.wasm", 0),
        ("verify guest.wasm other.wasm", 1),
        ("verify guest.wasm truncated.wasm", 1),
        ("verify adapted.wasm --attestation adapted.jsonl --unsigned", 0),
        ("verify guest.wasm adapted.wasm --attestation adapted.jsonl --unsigned", 0),
        ("verify guest.wasm --attestation adapted.jsonl --unsigned", 1),
        ("hosts", 0),
        ("hosts wamr-legacy", 0),
        ("hosts wasi-nn@0.5", 0),
        ("explain nn204 NN101", 0),
        ("explain", 0),
        ("doctor", 0),
        ("bench model.onnx --seconds 0.02", 0),
        ("bench model.onnx --seconds 0.02 --backend onnx --device nowhere", 1),
    ],
)
def test_what_a_command_prints_is_as_the_schema_has_it(
    command_line: str, code: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    name, *arguments = command_line.split()
    done = run(name, *arguments, "--json")
    assert done.returncode == code, done.stderr
    assert problems(name, json.loads(done.stdout)) == []


def test_the_list_of_a_cache_is_as_the_schema_has_it(tmp_path: Path) -> None:
    done = run("cache", "list", tmp_path, "--json")
    assert problems("cache-list", json.loads(done.stdout)) == []
    item = {"path": "a", "runtime": "b", "size": 1, "used": 2.5}
    assert problems("cache-list", [item]) == []


def test_the_configuration_in_force_is_as_the_schema_has_it(tmp_path: Path) -> None:
    file = tmp_path / "nnshim.toml"
    file.write_text('strict = true\naccept-by-path = { "a" = [] }\n[policy]\ntargets = []\n')
    for arguments in (["--no-config"], ["--config", file], ["--config", file, "--for", "wamr"]):
        done = run("config", "show", *arguments, "--json")
        assert problems("config-show", json.loads(done.stdout)) == []


def test_every_command_that_takes_json_has_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    taking = [
        name
        for name in COMMANDS
        if name not in ("cache", "config", "help")
        and "as_json"
        in inspect.signature(import_module(f"nnshim.commands.{name}").command).parameters
    ]
    assert taking
    assert {*taking, "cache-list", "config-show"} <= SCHEMA["$defs"].keys()


def test_a_field_that_is_missing_or_not_named_is_seen() -> None:
    code = {"code": "NN101", "severity": "error", "title": "", "meaning": "", "remedy": ""}
    assert problems("explain", [code]) == []
    assert problems("explain", [{**code, "more": 1}])
    assert problems("explain", [{**code, "code": "E1"}])
    del code["remedy"]
    assert problems("explain", [code])
