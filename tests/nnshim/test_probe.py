"""`nnshim probe`: where its results go, and what it says of a command that runs no modules."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from rewriter.hosts.profiles import file
from tests.nnshim.test_schema import problems
from tests.support.command import nnshim
from tests.support.native import NativeWasmtime


class Done(NamedTuple):
    """How the command ended, and what it printed."""

    returncode: int
    stdout: str
    stderr: str


def probe(*arguments: str | Path) -> Done:
    done = nnshim("probe", *arguments)
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["sh", "-c", "echo cannot do that; exit 3"], "exit code 3; it printed: cannot do that"),
        (["sh", "-c", "echo to the other stream >&2"], "it printed: to the other stream"),
        (["sh", "-c", "echo first; seq 1000; echo last"], "first; 1; 2; 3"),
        (["sh", "-c", "echo first; seq 1000; echo last"], "999; 1000; last"),
        (["sh", "-c", "kill -SEGV $$"], "exit code -11; it printed: nothing"),
        (["sh", "-c", "echo on; sleep 600; true"], "it printed: on"),
        (["sh", "-c", "exit 0"], "exit code 0; it printed: nothing"),
        (["sh", "-c", "echo '[nnprobe start 1 0]'"], "exit code 0; it printed: [nnprobe start"),
        (["sh", "-c", "head -c 9000000 /dev/zero"], "exit code 0; it printed: "),
        (["sh", "-c", 'case "$0" in */app.wasm) ;; *) echo not app.wasm; exit 4; esac'], "not app"),
    ],
)
def test_a_command_that_runs_no_modules_is_an_error(
    command: list[str], says: str, tmp_path: Path
) -> None:
    output = tmp_path / "profile.toml"
    done = probe("--timeout", "1", "-o", output, "--", *command)
    assert done.returncode == 1
    assert says in done.stderr
    assert done.stdout == ""
    assert not output.exists()


def test_a_command_that_is_not_there_is_a_usage_error() -> None:
    done = probe("--", "/nowhere/host", "{}")
    assert done.returncode == 2
    assert "/nowhere/host cannot be started: No such file or directory" in done.stderr


@pytest.mark.parametrize(
    "option",
    [
        *(("--timeout", each) for each in ("0", "nan", "inf", "1e300")),
        *(("--jobs", each) for each in ("0", "65")),
    ],
)
def test_numbers_have_to_be_above_0_and_not_too_large(option: tuple[str, str]) -> None:
    assert probe(*option, "--", "true").returncode == 2


def test_a_profile_goes_to_a_file_and_to_standard_output(
    native: NativeWasmtime, tmp_path: Path
) -> None:
    """A module's path comes last where the command has no place for it, and the program is written
    down without its folder. This host has no wasi-nn, and takes modules by one name only."""
    output, host = tmp_path / "profile.toml", tmp_path / "host"
    only = tmp_path / "app.wasm"
    host.write_text(f'#!/bin/sh\ncp "$1" {only} && exec {native.command} run {only}\n')
    host.chmod(0o755)
    done = probe(
        *("-o", output, "--json", "--name", "plain", "--commit", "abc"),
        *("--option", "A=1", "--option", "B=2", "--jobs", "1", "--", host),
    )
    assert done.returncode == 0, done.stderr
    profile = file.read_file(str(output))
    assert profile.host.name == "plain"
    assert profile.host.commit == "abc"
    assert profile.host.options == ("A=1", "B=2")
    assert profile.host.command == ("host", "{}")
    assert not any(module.functions for module in profile.modules.values())
    assert profile.linking.traps is False
    assert profile.features["simd"]
    assert not profile.features["threads"]
    assert profile.imports["wasi_snapshot_preview1"]["proc_exit"] == (("i32",), (), True)
    assert "nnshim: no wasi-nn is registered" in done.stderr
    assert "nnshim: encodings: not measured" in done.stderr
    assert "\x1b" not in done.stderr
    printed = json.loads(done.stdout)
    assert problems("probe", printed) == []
    assert printed["host"]["command"] == ["host", "{}"]


def test_a_host_that_breaks_in_the_middle_is_an_error(
    native: NativeWasmtime, tmp_path: Path
) -> None:
    output, host = tmp_path / "profile.toml", tmp_path / "host"
    gone = f'test "$(wc -l < {tmp_path}/runs)" -gt 30 && echo the device is gone && exit 9'
    host.write_text(f'#!/bin/sh\necho >> {tmp_path}/runs\n{gone}\nexec {native.command} run "$1"\n')
    host.chmod(0o755)
    done = probe("-o", output, "--", host)
    assert done.returncode == 1
    assert "so no profile is written: it exited with 9" in done.stderr
    assert "the device is gone" in done.stderr
    assert done.stdout == ""
    assert not output.exists()


@pytest.mark.parametrize("graph", ["name=unknown", "=onnx"])
def test_a_graph_has_a_name_and_an_encoding_that_is_known(graph: str) -> None:
    done = probe("--graph", graph, "--", "true")
    assert done.returncode == 2
    assert "expected NAME or NAME=ENCODING, of openvino, onnx, tensorflowlite" in done.stderr


def test_what_a_host_has_started_ends_with_it(tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    probe("--timeout", "0.5", "--", "sh", "-c", f"(sleep 3; touch {mark}) & wait")
    subprocess.run(["sleep", "3"], check=True)
    assert not mark.exists()
