"""What `nnshim inspect` shows first, and what only with --all."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewriter.wasm.custom import RECORD
from tests.support.command import nnshim
from tests.support.wasm import assemble, custom

DIGITS = Path(__file__).resolve().parents[2] / "samples/digits.wasm"

LOADS = """(module
  (import "wasi_ephemeral_nn" "load" (func (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "f{}" (func)) (memory (export "memory") 1) (func (export "_start")))"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("digits.wasm").write_bytes(DIGITS.read_bytes())
    return tmp_path


def lines(*arguments: str) -> list[str]:
    return nnshim("inspect", *arguments).stdout.decode().splitlines()


def test_the_first_screen_of_a_guest_fits_a_terminal_and_says_nothing_twice(here: Path) -> None:
    shown = lines("digits.wasm")
    assert len(shown) <= 25
    assert all(len(line) <= 100 for line in shown)
    numbered = [line for line in shown if line.lstrip()[:1].isdigit()]
    assert len(numbered) > 2
    assert len({line.split(maxsplit=1)[1] for line in numbered}) == len(numbered)
    assert not any("proc_exit" in line or "note[" in line for line in shown)


PASSES = """(module
  (import "wasi_ephemeral_nn" "load" (func (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_ephemeral_nn" "set_input" (func $set_input (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (global $sp (mut i32) (i32.const 4096))
  (func $_ZN2nn4send17h8dc29c2857f25ffaE (export "_start") (local $frame i32)
    (global.set $sp (local.tee $frame (i32.sub (global.get $sp) (i32.const 64))))
    (i32.store offset=8 (local.get $frame) (i32.const 2))
    (drop (call $set_input (i32.const 0) (i32.const 0) (local.get $frame)))))"""
"""A tensor type that has had two meanings, in a function of Rust's."""


@pytest.mark.parametrize("more", [[], ["--all"]])
def test_a_condition_of_the_table_is_said_once_with_the_functions_own_name(
    here: Path, more: list[str]
) -> None:
    Path("passes.wasm").write_bytes(assemble(PASSES))
    text = " ".join(" ".join(lines("passes.wasm", *more)).split())
    assert text.count("function 2 (nn::send) passes the constant tensor type 2, which is f64") == 1
    assert "_ZN" not in text


def test_every_code_of_the_table_has_words_on_the_first_screen(here: Path) -> None:
    shown = " ".join(" ".join(lines("digits.wasm")).split())
    for said in (
        "features, which the host refuses (NN216)",
        "the host numbers errors differently; `nnshim rewrite --for wamr-legacy@2.3.1` translates"
        " them (NN228)",
        "it never loads such a model: function 103 passes the encoding 1 (onnx), but the host has"
        " no backend for it (NN262)",
        "the released host has no backend for it (NN713)",
    ):
        assert said in shown


def test_the_rest_is_there_with_all(here: Path) -> None:
    shown = lines("digits.wasm", "--all")
    for part in ("proc_exit", "note[NN131]", "exports _start", "debug info", "warning[NN201]"):
        assert any(part in line for line in shown)
    reasons = [line for line in shown if "[NN2" in line]
    assert len(reasons) == len(set(reasons))


def test_the_command_of_a_rewrite_makes_a_file_that_is_not_there_yet(here: Path) -> None:
    commands = [line.strip() for line in lines("digits.wasm") if "nnshim rewrite" in line]
    command = "nnshim rewrite --for wamr-legacy@2.4.5 digits.wasm digits.wamr-legacy.wasm"
    assert command in commands
    assert nnshim(*command.split()[1:]).returncode == 0
    commands = [line.strip() for line in lines("digits.wasm") if "nnshim rewrite" in line]
    assert command.replace("wamr-legacy.wasm", "wamr-legacy.2.wasm") in commands


def test_a_module_without_wasi_nn_is_one_line(here: Path) -> None:
    Path("plain.wasm").write_bytes(assemble('(module (import "env" "f" (func)))'))
    (line,) = lines("plain.wasm")
    assert line.startswith("plain.wasm: 25 bytes, does not import wasi-nn")


def test_a_name_with_spaces_that_are_not_plain_is_shown_as_it_is(here: Path) -> None:
    Path("odd.wasm").write_bytes(assemble(LOADS.format(r"\c2\a0\09x")))
    shown = " ".join(" ".join(lines("odd.wasm")).split())
    assert r"the host does not define env.f\u00a0\tx (NN212)" in shown


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'[{"tool": "other 1", "sha256": "ab"}]', "record: rewritten by other 1 (no options)"),
        (b'[{"operation": 3}]', "record: rewritten by an unknown tool (no options)"),
        (b"[1]", "record: the section nnshim.record cannot be read"),
    ],
)
def test_records_are_shown(here: Path, content: bytes, expected: str) -> None:
    module = assemble(LOADS.format("")) + custom(RECORD, content)
    Path("recorded.wasm").write_bytes(module)
    assert f"  {expected}" in lines("recorded.wasm")


def test_a_check_without_a_release_says_that_it_is_about_all_and_a_rewrite_about_one(
    here: Path,
) -> None:
    Path("guest.wasm").write_bytes(assemble(LOADS.format("")))
    shown = nnshim("check", "guest.wasm", "--for", "wamr-legacy").stdout.decode()
    assert "guest.wasm: runs on wamr-legacy (all releases) after a rewrite" in shown
    assert "without a release, check is about all, and rewrite about the newest, 2.4.5" in shown
    shown = nnshim("check", "guest.wasm", "--for", "wamr-legacy@2.4.5").stdout.decode()
    assert "runs on wamr-legacy@2.4.5 after a rewrite" in shown
    assert "without a release" not in shown


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--for wamr-legacy", "it runs on wamr-legacy@2.4.5, if the conditions above hold"),
        ("--for nnshim", "it runs on nnshim"),
        ("--abi wamr", "which hosts run it: nnshim inspect out.wasm"),
    ],
)
def test_a_rewrite_ends_with_what_the_result_runs_on(
    here: Path, options: str, expected: str
) -> None:
    done = nnshim("rewrite", *options.split(), "digits.wasm", "out.wasm")
    assert done.stderr.decode().splitlines()[-1] == f"nnshim: {expected}"
