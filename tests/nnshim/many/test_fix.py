"""check --fix: what a rewrite mends is rewritten in place; --diff: what that would change."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from rewriter import RewriteOptions, rewrite
from tests.support.command import nnshim
from tests.support.wasm import assemble

DIGITS = Path(__file__).parents[3] / "samples" / "digits.wasm"
HOST = "wamr-legacy@2.3.1"
RULES = ("--for", HOST, "--accept", "NN262")
UNKNOWN = assemble(
    """(module
      (import "wasi_ephemeral_nn" "compute" (func (param i32) (result i32)))
      (import "env" "g" (global i32))
      (memory (export "memory") 1)
      (func (export "_start")))"""
)
"""No host has the global env.g."""

PLAIN = assemble('(module (memory (export "memory") 1) (func (export "_start")))')


def check(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    done = nnshim("check", *RULES, *map(str, arguments))
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Three guests that a rewrite mends, one of them below a folder, and others."""
    folder = tmp_path / "tree"
    (folder / "below").mkdir(parents=True)
    for name in ("a.wasm", "b.wasm", "below/c.wasm"):
        shutil.copy(DIGITS, folder / name)
    (folder / "plain.wasm").write_bytes(PLAIN)
    (folder / "notes.txt").write_text("left alone")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_what_a_rewrite_mends_is_rewritten_and_checked_again(tree: Path) -> None:
    before = contents(tree)
    os.chmod(tree / "a.wasm", 0o750)
    done = check("--fix", tree)
    assert done.returncode == 0, done.stdout
    assert f"{tree}/a.wasm: rewritten\n  wasi_ephemeral_nn -> wasi_nn: 5 imports" in done.stdout
    assert f"{tree}/a.wasm: runs on {HOST} as it is" in done.stdout
    assert "4 files: 3 run, 1 has nothing to do (3 rewritten)" in done.stdout
    mended = rewrite(DIGITS.read_bytes(), RewriteOptions(host=HOST))
    changed = dict.fromkeys(("a.wasm", "b.wasm", "below/c.wasm"), mended)
    assert contents(tree) == before | changed
    assert (tree / "a.wasm").stat().st_mode & 0o777 == 0o750
    again = check("--fix", tree)
    assert (again.returncode, "rewritten" in again.stdout) == (0, False)
    assert contents(tree) == before | changed


def test_what_is_excluded_is_not_rewritten_through_a_link(tree: Path) -> None:
    (tree / "use.wasm").symlink_to("below/c.wasm")
    done = check("--fix", "--exclude", "below/*", tree)
    assert done.returncode == 1
    assert f"{tree}/use.wasm: not rewritten: it is a link to a file that is excluded" in done.stdout
    assert (tree / "below/c.wasm").read_bytes() == DIGITS.read_bytes()
    assert (tree / "use.wasm").is_symlink()


def test_the_exit_code_is_that_of_what_is_left(tree: Path) -> None:
    (tree / "cannot.wasm").write_bytes(UNKNOWN)
    before = contents(tree)["cannot.wasm"]
    done = check("--fix", tree)
    assert done.returncode == 4
    assert f"{tree}/cannot.wasm: cannot run on {HOST}" in done.stdout
    assert contents(tree)["cannot.wasm"] == before
    (tree / "broken.wasm").write_bytes(DIGITS.read_bytes()[:500])
    assert check("--fix", tree).returncode == 6


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_nothing_is_rewritten_behind_the_first_failure(jobs: str, tree: Path) -> None:
    for number in range(20):
        shutil.copy(DIGITS, tree / f"c{number}.wasm")
    (tree / "b.wasm").write_bytes(UNKNOWN)
    before = contents(tree)
    done = check("--fix", "--fail-fast", "--jobs", jobs, tree)
    assert done.returncode == 4
    assert "--fail-fast skipped the rest" in done.stdout
    after = contents(tree)
    assert [name for name in before if after[name] != before[name]] == ["a.wasm"]


def test_the_diff_shows_what_would_change_and_writes_nothing(tree: Path) -> None:
    before = contents(tree)
    done = check("--diff", tree / "a.wasm")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[:2] == [f"--- {tree}/a.wasm", f"+++ {tree}/a.wasm"]
    assert "-import wasi_ephemeral_nn compute (param i32) (result i32)" in lines
    assert "+import wasi_nn compute (param i32) (result i32)" in lines
    assert contents(tree) == before
    assert check("--fix", "--diff", tree).returncode == 1
    assert contents(tree) == before


def archive(folder: Path) -> Path:
    with tarfile.open(folder / "all.tar", "w") as made:
        made.add(DIGITS, "a.wasm")
    return folder / "all.tar"


def compressed(folder: Path) -> Path:
    path = folder / "a.wasm.gz"
    path.write_bytes(gzip.compress(DIGITS.read_bytes()))
    return path


def text(folder: Path) -> Path:
    path = folder / "a.wat"
    path.write_text(
        '(module (import "wasi_ephemeral_nn" "compute" (func (param i32) (result i32)))'
        ' (memory (export "memory") 1) (func (export "_start")))'
    )
    return path


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (archive, "it is in an archive; `nnshim rewrite -o` makes a new archive"),
        (compressed, "it is compressed; `nnshim rewrite -o` compresses the result again"),
        (text, "it is text, and the result is binary; `nnshim rewrite` writes it elsewhere"),
    ],
)
def test_what_cannot_be_written_in_place_is_left_and_does_not_pass(
    make: object, reason: str, tmp_path: Path
) -> None:
    assert callable(make)
    path: Path = make(tmp_path)
    before = path.read_bytes()
    done = check("--fix", path)
    assert done.returncode == 1
    assert f"not rewritten: {reason}" in done.stdout
    assert "after a rewrite" in done.stdout
    assert path.read_bytes() == before


def test_a_blob_of_an_oci_layout_keeps_to_its_digest(tmp_path: Path) -> None:
    layout = tmp_path / "layout"
    pushed = nnshim("rewrite", "--rename", "x=y", str(DIGITS), f"oci-layout:{layout}:tag")
    assert pushed.returncode == 0
    before = contents(layout)
    (blob,) = (layout / name for name, data in before.items() if data == DIGITS.read_bytes())
    (tmp_path / "link.wasm").symlink_to(blob)
    for named in (layout, blob, tmp_path / "link.wasm"):
        done = check("--fix", named)
        assert done.returncode == 1
        why = "it is in an OCI layout" if named == layout else "cannot change"
        assert f"not rewritten: {why}" in done.stdout
        assert contents(layout) == before
    for named in (blob, tmp_path / "link.wasm"):
        assert nnshim("rewrite", "--for", HOST, str(named), str(named)).returncode in (1, 2)
        assert contents(layout) == before


def test_what_a_rewrite_refuses_is_left_and_says_why(tmp_path: Path) -> None:
    signed = tmp_path / "signed.wasm"
    content = b"\x09signature" + b"\x01"
    signed.write_bytes(DIGITS.read_bytes() + bytes([0, len(content)]) + content)
    before = signed.read_bytes()
    done = check("--fix", signed)
    assert done.returncode == 1
    assert f"{signed}: not rewritten: " in done.stdout
    assert "--drop-signature" in done.stdout
    assert signed.read_bytes() == before


def test_standard_input_is_left(tmp_path: Path) -> None:
    done = nnshim("check", *RULES, "--fix", "-", stdin=DIGITS.read_bytes())
    assert done.returncode == 1
    assert b"not rewritten: it is not a file" in done.stdout


def test_json_says_what_was_done(tree: Path) -> None:
    done = check("--fix", "--json", tree / "a.wasm", tree / "plain.wasm")
    first, plain = json.loads(done.stdout)
    assert first["verdict"] == "runs"
    assert first["fix"]["changes"][0] == "wasi_ephemeral_nn -> wasi_nn: 5 imports"
    assert (first["fix"]["left"], first["fix"]["diff"]) == (None, [])
    assert plain["fix"] is None


@pytest.mark.parametrize("hosts", [(), ("--for", "wasmtime", "--for", "wamr")])
@pytest.mark.parametrize("option", ["--fix", "--diff"])
def test_it_takes_one_host(hosts: tuple[str, ...], option: str, tree: Path) -> None:
    before = contents(tree)
    done = nnshim("check", option, *hosts, tree)
    assert (done.returncode, done.stdout) == (2, b"")
    assert f"{option} is for one host".encode() in done.stderr
    assert contents(tree) == before


def test_with_only_wasi_nn_what_does_not_use_it_has_nothing_to_do(tmp_path: Path) -> None:
    module = '(module (import "env" "g" (global i32)) (memory (export "memory") 1))'
    (tmp_path / "other.wasm").write_bytes(assemble(module))
    judged = check(tmp_path / "other.wasm")
    assert judged.returncode == 4
    left = check("--only-wasi-nn", "--json", tmp_path / "other.wasm")
    assert (left.returncode, json.loads(left.stdout)[0]["verdict"]) == (0, "nothing_to_do")
    (tmp_path / "cannot.wasm").write_bytes(UNKNOWN)
    assert check("--only-wasi-nn", tmp_path / "cannot.wasm").returncode == 4
