"""What works on macOS and Windows, whose names tests.support.elsewhere leaves. No test has run on
either."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rewriter import RewriteOptions, rewrite
from rewriter.hosts.table import is_profile
from rewriter.terminal import command_line
from tests.support.command import nnshim
from tests.support.models import identity
from tests.support.wasm import import_module

SYSTEMS = ("macos", "windows")
DIGITS = Path(__file__).parents[2] / "samples" / "digits.wasm"
GUEST = import_module("wasi_ephemeral_nn")


def elsewhere(
    system: str, *arguments: str, stdin: bytes = b"", cwd: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "tests.support.elsewhere", system, *arguments]
    paths = os.pathsep.join((str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")))
    return subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        check=False,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": paths},
    )


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_module_is_rewritten_into_the_same_bytes_as_on_linux(system: str, tmp_path: Path) -> None:
    """With the bytes that text files on Windows do not keep: line ends, and the end of text."""
    guest = GUEST + b"\x00\x06\x01x\r\n\n\x1a"  # a custom section
    (tmp_path / "in.wasm").write_bytes(guest)
    done = elsewhere(system, "rewrite", "in.wasm", "out.wasm", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.wasm").read_bytes() == rewrite(guest)
    assert sorted(os.listdir(tmp_path)) == ["in.wasm", "out.wasm"]


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_module_is_rewritten_in_place(system: str, tmp_path: Path) -> None:
    path = tmp_path / "guest.wasm"
    guest = DIGITS.read_bytes()
    path.write_bytes(guest)
    done = elsewhere(system, "rewrite", "--for", "wamr-legacy", str(path), str(path))
    assert done.returncode == 0, done.stderr
    assert path.read_bytes() == rewrite(guest, RewriteOptions(host="wamr-legacy"))
    assert os.listdir(tmp_path) == ["guest.wasm"]


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_layout_is_written_and_read(system: str, tmp_path: Path) -> None:
    (tmp_path / "in.wasm").write_bytes(GUEST)
    for source, output in (("in.wasm", "oci-layout:out:1"), ("oci-layout:out:1", "out.wasm")):
        done = elsewhere(system, "rewrite", source, output, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.wasm").read_bytes() == rewrite(GUEST)


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_is_refused_leaves_the_file_and_no_other(system: str, tmp_path: Path) -> None:
    path = tmp_path / "guest.wasm"
    path.write_bytes(GUEST + b"\x01\x01\x7f")  # a second type section, which is not one
    before = path.read_bytes()
    done = elsewhere(system, "rewrite", str(path), str(path))
    assert (done.returncode, path.read_bytes()) == (1, before), done.stderr
    assert os.listdir(tmp_path) == ["guest.wasm"]
    assert elsewhere(system, "inspect", str(tmp_path)).stderr.endswith(b"it is a folder\n")


@pytest.mark.parametrize("system", SYSTEMS)
def test_modules_and_text_pass_through_a_pipe(system: str) -> None:
    done = elsewhere(system, "rewrite", "-", "-", stdin=GUEST)
    assert (done.returncode, done.stdout) == (0, rewrite(GUEST)), done.stderr
    text = b'(module (import "wasi_nn" "x" (func)))'
    assert b"wasi_nn" in elsewhere(system, "inspect", "-", stdin=text).stdout


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "--for", "wasmtime", "--for", "wamr-legacy", "--explain", str(DIGITS)),
        ("inspect", str(DIGITS), "--json"),
        ("hosts",),
        ("--help",),
    ],
    ids=lambda arguments: arguments[0],
)
def test_what_is_said_is_the_same_as_on_linux(system: str, arguments: tuple[str, ...]) -> None:
    """To the byte: lines end alike."""
    here, there = nnshim(*arguments), elsewhere(system, *arguments)
    assert here.stdout
    assert (there.returncode, there.stdout) == (here.returncode, here.stdout), there.stderr


@pytest.mark.parametrize("system", SYSTEMS)
def test_models_are_looked_at(system: str, tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(identity())
    done = elsewhere(system, "check", "--for", "wasmtime", "--model", str(model), str(DIGITS))
    assert done.stdout.startswith(os.fsencode(DIGITS)), done.stderr


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_profile_is_read_and_a_rewrite_verified(system: str, tmp_path: Path) -> None:
    profile = Path(__file__).parents[2] / "docs" / "profiles"
    names = sorted(name for name in os.listdir(profile) if name.endswith(".toml"))
    host = str(profile / names[0])
    done = elsewhere(system, "rewrite", "--for", host, str(DIGITS), "out.wasm", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = elsewhere(system, "verify", str(DIGITS), "out.wasm", cwd=tmp_path)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("system", SYSTEMS)
def test_guests_and_models_are_refused_with_the_reason(system: str, tmp_path: Path) -> None:
    path = tmp_path / "guest.wasm"
    path.write_bytes(GUEST)
    for command in (("run", str(path)), ("bench", str(path))):
        done = elsewhere(system, *command)
        assert done.returncode == 3, done.stderr
        assert b"on Linux only" in done.stderr
    done = elsewhere(system, "doctor")
    assert done.returncode == 0, done.stderr
    assert b"wasm-tools" in done.stdout
    assert b"on Linux only" in done.stderr


def test_a_host_is_not_measured_on_windows() -> None:
    done = elsewhere("windows", "probe", "--", "iwasm")
    assert done.returncode == 2
    assert b"on Linux and macOS" in done.stderr


def test_windows_removes_temporary_files_that_are_old(tmp_path: Path) -> None:
    """There are no locks by which those that are in use could be told."""
    old, new = tmp_path / ".nnshim-0", tmp_path / ".nnshim-1"
    old.touch()
    new.touch()
    two_days_ago = time.time() - 2 * 24 * 60 * 60
    os.utime(old, (two_days_ago, two_days_ago))
    elsewhere("windows", "rewrite", "-", str(tmp_path / "out.wasm"), stdin=GUEST)
    assert sorted(os.listdir(tmp_path)) == [".nnshim-1", "out.wasm"]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("C:\\guests\\a.wasm", "C:\\guests\\a.wasm"),
        ("C:\\my guests\\", '"C:\\my guests\\\\"'),
        ("numpy>=1.26", '"numpy>=1.26"'),
        ("nnshim[onnx]", '"nnshim[onnx]"'),
        ('a\\"b', '"a\\\\\\"b"'),
        ("", '""'),
    ],
)
def test_commands_are_quoted_for_the_shells_of_windows(word: str, expected: str) -> None:
    assert command_line([word], windows=True) == expected


@pytest.mark.parametrize("path", ["C:\\device.toml", "C:\\device", ".\\device", "d.TOML", "./d"])
def test_paths_of_windows_name_profiles(path: str) -> None:
    assert is_profile(path)
