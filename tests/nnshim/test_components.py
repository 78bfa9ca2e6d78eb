"""Components on the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from nnshim import check
from tests.nnshim.test_schema import problems
from tests.rewriter.rewriting.flattening.test_flatten import SUM, loads_itself
from tests.support.command import nnshim
from tests.support.components import ERRORS, component
from tests.support.forms import BY_INDEX
from tests.support.unversioned import guest as by_index
from tests.support.wit import AUGUST, JUNE, OCTOBER, importing


@pytest.fixture
def guest(tmp_path: Path) -> Path:
    path = tmp_path / "guest.wasm"
    path.write_bytes(component(ERRORS.format(OCTOBER)))
    return path


def test_inspect_says_where_a_component_runs(guest: Path) -> None:
    lines = nnshim("inspect", guest).stdout.decode().splitlines()
    assert lines[0] == f"{guest}: 250 bytes, component, imports wasi:nn@{OCTOBER}"
    assert [line.split()[:4] for line in lines[2:4]] == [
        ["wasmtime", "35", "to", "49,"],
        ["wasmtime", "24", "to", "34"],
    ]
    assert lines[2].endswith("  as it is")
    told = " ".join(" ".join(lines).split())
    assert "wasmtime 1 to 23 no 1 to 12: the host provides wasi-nn to core modules only" in told
    assert "  a command; 1 core module; WASI not imported" in lines


def test_inspect_has_a_schema_for_components(guest: Path) -> None:
    ran = nnshim("inspect", "--json", guest)
    [found] = json.loads(ran.stdout)
    assert problems("inspect", [found]) == []
    assert found["component"]["wasi_nn"] == [OCTOBER]
    assert found["runs_on"]["wasmtime 35 to 49"]["verdict"] == "runs"


@pytest.mark.parametrize(
    ("host", "code"),
    [("wasmtime", 0), ("wasmtime@30", 1), ("wasmtime@20", 4), ("wamr", 4), ("wasmtime@13", 4)],
)
def test_check_gates_components(guest: Path, host: str, code: int) -> None:
    assert nnshim("check", "--for", host, guest).returncode == code


def test_models_count_for_components(guest: Path) -> None:
    model = "samples/digits/model.tflite"
    ran = nnshim("check", "--for", "wasmtime", "--model", model, guest)
    assert ran.returncode == 4
    assert b"error[NN711]: model.tflite: the host has no tensorflowlite backend" in ran.stdout


def test_explain_says_how_to_start_a_component(guest: Path) -> None:
    ran = nnshim("check", "--for", "wasmtime", "--explain", guest)
    assert f"wasmtime run -S nn {guest}" in ran.stdout.decode()


def test_a_component_that_is_not_valid_runs_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "guest.wasm"
    exported = b"\x01\x00\x01f\x01\x07\x00"  # function 7, which does not exist
    path.write_bytes(b"\0asm\x0d\0\x01\0" + b"\x0b\x07" + exported)
    ran = nnshim("inspect", path)
    assert b"error[NN108]" in ran.stdout
    assert b"runs on no host" in ran.stdout
    assert nnshim("check", "--for", "wasmtime", path).returncode == 6


def test_a_truncated_component_is_named_with_the_offset(guest: Path) -> None:
    guest.write_bytes(guest.read_bytes()[:-3])
    ran = nnshim("inspect", guest)
    assert ran.returncode == 1
    assert b"guest.wasm" in ran.stderr
    assert b"at byte offset" in ran.stderr


def test_the_library_checks_components_too(guest: Path) -> None:
    found = check(guest.read_bytes(), ["wasmtime", "wamr"])
    assert [verdict.answer.value for verdict in found] == ["runs", "cannot"]


@pytest.mark.parametrize(
    ("version", "host"), [(OCTOBER, "wasmtime@24"), (AUGUST, "wasmtime@49"), (JUNE, "wasmtime@30")]
)
def test_the_command_that_check_prints_gives_a_component_the_version_of_the_host(
    version: str, host: str, tmp_path: Path
) -> None:
    before, after = tmp_path / "before.wasm", tmp_path / "after.wasm"
    before.write_bytes(importing(version))
    ran = nnshim("check", "--for", host, "--accept", "NN281", before)
    assert ran.returncode == 1
    [command] = re.findall(r"nnshim (rewrite .*)", ran.stdout.decode())
    words = [str(after) if word.endswith(".wasmtime.wasm") else word for word in command.split()]
    ran = nnshim(*words)
    assert ran.returncode == 0, ran.stderr
    names = [word for word in words if word == "--output-name" or word.startswith("0=")]
    assert nnshim("verify", *names, before, after).returncode == 0
    accepted = [word for code in ("NN281", "NN369") for word in ("--accept", code)]
    assert nnshim("check", "--for", host, *accepted, after).returncode == 0
    assert "wasi:nn@" in nnshim("inspect", after).stdout.decode().splitlines()[0]


def test_rewrite_takes_the_names_of_a_models_inputs_and_outputs(tmp_path: Path) -> None:
    source, out = tmp_path / "guest.wasm", tmp_path / "core.wasm"
    source.write_bytes(loads_itself(SUM))
    legacy = ("--for", "wamr-legacy@2.3.1", source, out)
    guessed = nnshim("rewrite", *legacy).stderr.decode()
    told = nnshim("rewrite", "--model", "samples/digits/model.onnx", *legacy).stderr.decode()
    assert [code in guessed for code in ("NN348", "NN349")] == [True, True]
    assert [code in told for code in ("NN348", "NN349")] == [False, False]
    lines = told.splitlines()
    assert len([line for line in lines if "adapted: compute," in line]) == 1
    assert nnshim("verify", source, out).returncode == 0
    wrong = nnshim("rewrite", "--input-name", "0", *legacy)
    assert (wrong.returncode, b"expected INDEX=NAME" in wrong.stderr) == (2, True)


def test_the_command_that_check_names_is_complete_where_indices_become_names(
    tmp_path: Path,
) -> None:
    form = next(each for each in BY_INDEX if each.title.endswith("15 to 22"))
    old = tmp_path / "old.wasm"
    old.write_bytes(by_index(form))
    for host in ("wasmtime@34", "wasmtime@49"):
        ran = nnshim("check", "--for", host, old)
        [command] = re.findall(r"help: nnshim (.*) \S+\n", ran.stdout.decode())
        assert nnshim(*command.split(), tmp_path / "new.wasm").returncode == 0
