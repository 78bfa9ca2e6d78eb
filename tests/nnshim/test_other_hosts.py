"""What `nnshim run` does with the command lines of other hosts."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from nnshim.cli import build
from nnshim.other_hosts import FLAGS, Flag, hint
from nnshim.run_options import Folder, parse_dirs, parse_preloads, parse_wasi
from rewriter.errors import UsageError
from tests.support.command import nnshim
from tests.support.models import identity
from tests.support.wasm import assemble
from tests.tools.site.flag_table import tables

ROOT = Path(__file__).resolve().parents[2]
ENDS = '(module (memory (export "memory") 1) (func (export "_start")))'

OPENS = """(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_dir_name"
    (func $name (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 64) "new")
  (func (export "creates") (result i32)
    (call $open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 3) (i32.const 1)
      (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 8)))
  (func (export "letter") (result i32)
    (drop (call $name (i32.const 3) (i32.const 128) (i32.const 1)))
    (i32.load8_u (i32.const 128))))"""
"""`creates` opens a file that is not there yet, for writing, in the first folder; `letter` is the
path of that folder, which has one letter."""


PRINTS_VARIABLES = """(module
  (import "wasi_snapshot_preview1" "environ_sizes_get"
    (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 4)
  (func (export "_start")
    (drop (call $sizes (i32.const 0) (i32.const 12)))
    (drop (call $get (i32.const 1024) (i32.const 65536)))
    (i32.store (i32.const 8) (i32.const 65536))
    (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16)))))"""


def refusal(flag: Flag) -> str:
    """Why the words of its example are not taken; nothing where they are."""
    command: Any = typer.main.get_command(build(["run"]))
    command = command.commands["run"] if hasattr(command, "commands") else command
    try:
        given = command.make_context("run", [*flag.example, "guest.wasm"]).params
        parse_wasi(given["wasi"] or [])
    except typer.TyperException as error:
        return hint(getattr(error, "option_name", "")) or ""
    except UsageError as error:
        return str(error)
    return ""


def name(flag: Flag) -> str:
    return f"{flag.command} {' '.join(flag.example)}"


@pytest.mark.parametrize("flag", [flag for flag in FLAGS if not flag.taken], ids=name)
def test_a_flag_that_is_not_taken_is_refused_with_what_to_write(flag: Flag) -> None:
    assert refusal(flag).endswith(f": {flag.what}")


@pytest.mark.parametrize("flag", [flag for flag in FLAGS if flag.taken], ids=name)
def test_a_flag_that_is_taken_runs_a_guest(flag: Flag, tmp_path: Path) -> None:
    (tmp_path / "guest.wasm").write_bytes(assemble(ENDS))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "model.onnx").write_bytes(identity())
    (tmp_path / "model.gguf").write_bytes(b"GGUF")  # read when a guest asks for it
    done = subprocess.run(
        [sys.executable, "-m", "nnshim", "run", *flag.example, "guest.wasm"],
        cwd=tmp_path, capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_command_says_what_to_write_in_place_of_an_option_of_another_host() -> None:
    done = nnshim("run", "--gas-limit", "5", "guest.wasm")
    assert done.returncode == 2
    assert done.stderr.decode().endswith(
        "error: --gas-limit is an option of wasmedge: use --fuel N, which is about N instructions\n"
    )


def test_an_option_of_nobody_is_not_said_to_be_of_another_host() -> None:
    assert hint("--gas") is None
    assert b"No such option: --gas" in nnshim("run", "--gas", "guest.wasm").stderr


def test_the_probe_says_where_the_options_of_a_host_go() -> None:
    said = b"No such option: -S; an option of the host's command goes after --\n"
    assert nnshim("probe", "wasmtime", "run", "-S", "nn").stderr.endswith(said)


def test_the_page_has_the_tables_of_flags() -> None:
    found = re.findall(
        r"<!-- python -m tests.tools.site.flag_table -->\n(.*?)\n<!-- end -->",
        (ROOT / "docs/command-lines.md").read_text(),
        re.DOTALL,
    )
    assert found == [tables()], "python -m tests.tools.site.flag_table"


@pytest.mark.parametrize(
    ("option", "path", "creates"),
    [
        ("--dir={host}::g", "g", 0),
        ("--dir=g:{host}", "g", 0),
        ("--dir=g:{host}:readonly", "g", 63),  # EPERM
        ("--map-dir=g::{host}", "g", 0),
    ],
)
def test_a_folder_of_the_host_gets_the_path_that_each_form_says(
    option: str, path: str, creates: int, tmp_path: Path
) -> None:
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(assemble(OPENS))
    (tmp_path / "data").mkdir()
    option = option.format(host=tmp_path / "data")
    letter = nnshim("run", option, "--invoke", "letter", guest)
    assert letter.stdout.decode() == f"{ord(path)}\n"
    assert nnshim("run", option, "--invoke", "creates", guest).stdout.decode() == f"{creates}\n"
    assert (tmp_path / "data" / "new").exists() == (creates == 0)


def test_a_folder_with_a_colon_in_its_name_is_found_before_the_colon_divides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a:b").mkdir()
    assert parse_dirs(["a:b"], []) == [Folder("a:b", "a:b")]
    (tmp_path / "b").mkdir()
    with pytest.raises(UsageError, match=r"ambiguous.*--dir a:b::a:b or --dir b::a"):
        parse_dirs(["a:b"], [])
    assert parse_dirs(["a:b::a:b"], []) == [Folder("a:b", "a:b")]
    assert parse_dirs(["b::a"], []) == [Folder("a", "b")]
    assert parse_dirs(["a::b:c"], []) == [Folder("b:c", "a")]


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("here:/models", r"no folder /models: for HOST::GUEST, write --dir here::/models"),
        (r"C:\models", "a path of Windows"),
        ("a:here:readwrite", "expected HOST::GUEST, GUEST:HOST or GUEST:HOST:readonly"),
        ("a:here:", "expected HOST::GUEST, GUEST:HOST or GUEST:HOST:readonly"),
        (":here", "expected HOST::GUEST, GUEST:HOST"),
        ("here:", "expected HOST::GUEST, GUEST:HOST"),
        ("::here", "expected HOST, HOST::GUEST or GUEST:HOST"),
    ],
)
def test_a_folder_that_cannot_be_told_is_refused(
    option: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    with pytest.raises(UsageError, match=words):
        parse_dirs([option], [])


@pytest.mark.parametrize("option", ["here", "a:b", "::", "a::", "::b"])
def test_a_mapped_folder_has_two_sides(option: str) -> None:
    with pytest.raises(UsageError, match=r"--map-dir .*: expected GUEST::HOST"):
        parse_dirs([], [option])


def test_two_folders_for_one_path_are_refused_in_any_form() -> None:
    with pytest.raises(UsageError, match="--dir is given twice for g"):
        parse_dirs(["a::g"], ["g::b"])


def test_a_graph_is_preloaded_from_the_variable_of_the_guest_or_of_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variable = "WASMEDGE_WASINN_PRELOAD"
    monkeypatch.setenv(variable, "mine:ONNX:CPU:a.onnx")
    guests = {variable: "guests:GGML:AUTO:b.gguf"}
    assert [graph.name for graph in parse_preloads(["x:onnx:cpu:c"], {})] == ["x", "mine"]
    assert [graph.paths for graph in parse_preloads([], guests)] == [("b.gguf",)]
    with pytest.raises(UsageError, match=f"--nn-preload and the variable {variable} both name"):
        parse_preloads(["mine:onnx:cpu:c"], {})
    monkeypatch.setenv(variable, "mine")
    with pytest.raises(UsageError, match=f"the variable {variable}: .*expected NAME:ENCODING"):
        parse_preloads([], {})
    monkeypatch.setenv(variable, "")
    assert parse_preloads([], {}) == []


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("nn=n", "nn is always on"),
        ("inherit-stdin=no", "inherit-stdin is always on"),
        ("threads=y", "no threads, no network"),
        ("tcplisten=127.0.0.1:80", "no threads, no network"),
        ("http", "for components, nnshim has only WASI 0.2 and wasi:nn"),
        ("cli=maybe", "cli is always on"),
        ("no-such", "known are nn"),
        ("inherit-env=perhaps", "known are nn"),
        ("", "known are nn"),
    ],
)
def test_a_key_of_wasi_that_asks_for_another_state_is_refused(option: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_wasi([f"nn,{option}"])


def test_the_guest_gets_the_variables_of_the_host_and_its_own_before_them(tmp_path: Path) -> None:
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(assemble(PRINTS_VARIABLES))
    options = ("-S", "nn,inherit-env", "--env", "ONE=2")
    printed = nnshim("run", *options, guest, env={"ONE": "1", "TWO": "3"}).stdout.split(b"\0")
    assert {b"ONE=2", b"TWO=3"} <= {*printed}
    assert b"ONE=1" not in printed
    assert nnshim("run", "-S", "inherit-env=n", guest).stdout == b""
