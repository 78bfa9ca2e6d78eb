"""The command with the path of a profile where a host is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rewriter import Module, RewriteOptions, rewrite
from rewriter.abi.dialects import WASI_EPHEMERAL_NN, WITX, Encoding
from rewriter.hosts.profiles.file import write
from rewriter.hosts.profiles.profile import ProfiledHost
from rewriter.rewriting.provenance import read_record
from rewriter.wasm.custom import RECORD
from tests.nnshim.test_schema import problems
from tests.support.command import nnshim
from tests.support.profiles import OTHER, WASMTIME_49
from tests.support.programs import program

HOST = ProfiledHost(
    name="our device",
    command=("host", "{}"),
    version="host 1.2",
    commit="abc123",
    measured="2026-11-26",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current one, with a guest and two profiles."""
    monkeypatch.chdir(tmp_path)
    guest = program(WITX, WASI_EPHEMERAL_NN, Encoding.ONNX, unit=1)
    Path("guest.wasm").write_bytes(guest)
    Path("ours.toml").write_text(write(OTHER._replace(host=HOST)))
    Path("wasmtime.toml").write_text(write(WASMTIME_49))
    return tmp_path


def test_check_says_the_profile_and_the_command_that_helps(folder: Path) -> None:
    done = nnshim("check", "guest.wasm", "--for", "ours.toml")
    assert done.returncode == 1
    assert done.stdout.startswith(b"guest.wasm: runs on ours.toml after a rewrite")
    assert b"help: nnshim rewrite --for ours.toml guest.wasm guest.ours.wasm" in done.stdout
    done = nnshim("check", "guest.wasm", "--for", "ours.toml", "--json")
    (found,) = json.loads(done.stdout)
    assert (found["host"], found["verdict"]) == ("ours.toml", "rewrite")
    assert problems("check", [found]) == []


def test_what_was_rewritten_for_a_profile_passes_check(folder: Path) -> None:
    nnshim("rewrite", "guest.wasm", "out.wasm", "--for", "ours.toml")
    accepted = ("--accept", "NN146", "--accept", "NN222")  # as of the guest before
    done = nnshim("check", "out.wasm", "--for", "ours.toml", *accepted)
    assert (done.returncode, done.stdout.splitlines()[0]) == (
        0,
        b"out.wasm: runs on ours.toml as it is",
    )
    done = nnshim("verify", "guest.wasm", "out.wasm")
    assert done.returncode == 0, done.stdout


def test_a_record_says_which_host_was_measured(folder: Path) -> None:
    options = RewriteOptions(host="ours.toml", record=True)
    out = Module(rewrite(Path("guest.wasm").read_bytes(), options))
    (entry,) = read_record(out.custom(RECORD)) or []
    assert entry["operation"] == {
        "host": "ours.toml",
        "profile": {"name": "our device", "version": "host 1.2", "commit": "abc123"},
    }


def test_hosts_explains_a_profile(folder: Path) -> None:
    done = nnshim("hosts", "ours.toml", "--all")
    shown = done.stdout.decode()
    for line in (
        "ours.toml: our device (host 1.2), as measured",
        "    tensor types: 0 u8, 1 i32, 17 f32",
        "    encodings: 1 openvino (not measured), 7 onnx",
        "  commit: abc123",
        "  command: host {}",
        "  measured: 2026-11-26",
        "  after faults: load_garbage 9, load_encoding 43, output_small 42, name_unknown 42",
    ):
        assert line in shown.splitlines()
    value = json.loads(nnshim("hosts", "ours.toml", "--json").stdout)
    assert value[0]["measured"]["answers"]["output_small"] == 42
    assert problems("hosts", value) == []


def test_hosts_says_how_two_differ(folder: Path) -> None:
    done = nnshim("hosts", "wasmtime.toml", "wasmtime")
    assert done.stdout == (b"no known difference between wasmtime.toml and wasmtime\n")
    done = nnshim("hosts", "wasmtime.toml", "wasmtime@14")
    shown = done.stdout.decode().splitlines()
    assert [line.split() for line in shown[:3]] == [
        ["wasmtime.toml", "wasmtime@14"],
        ["types.u8", "3", "2"],
        ["types.i32", "4", "3"],
    ]
    value = json.loads(nnshim("hosts", "wasmtime.toml", "wasmtime@14", "--json").stdout)
    assert value[0]["differences"][0] == {"key": "types.u8", "this": "3", "other": "2"}
    assert value[1]["differences"][0] == {"key": "types.u8", "this": "2", "other": "3"}
    assert problems("hosts", value) == []


@pytest.mark.parametrize(
    ("command_line", "words"),
    [
        ("hosts ours.toml wasmtime wamr", "hosts compares two hosts at most, and 3 are named"),
        ("hosts ours.toml wamr-legacy", "'wamr-legacy' stands for releases that differ"),
        ("hosts no.toml", "cannot read the profile no.toml: No such file or directory"),
        ("check guest.wasm --for bad.toml", "the key 'nam' is unknown; did you mean 'name'?"),
        ("check guest.wasm --for newer.toml", "format: 2 is newer than 1, the newest that this"),
        ("check guest.wasm --for empty.toml", "has no wasi-nn functions that guests could import"),
        ("rewrite guest.wasm OUT --for bad.toml", "the profile bad.toml is not valid: host: the"),
        ("rewrite guest.wasm OUT --for wasmtime --from ours.toml", "ours.toml is a profile, but"),
        ("run --as bad.toml guest.wasm", "the profile bad.toml is not valid"),
        ("run --as guest.wasm guest.wasm", "for the profile of that name, write ./guest.wasm"),
        ("run --as ./guest.wasm guest.wasm", "./guest.wasm: this is a WebAssembly module, not a"),
    ],
)
def test_what_is_not_a_profile_is_a_usage_error(
    folder: Path, command_line: str, words: str
) -> None:
    Path("bad.toml").write_text('format = 1\n[host]\nnam = "x"\n')
    Path("newer.toml").write_text("format = 2\nanything = true\n")
    Path("empty.toml").write_text('format = 1\n[host]\nname = "x"\n')
    done = nnshim(*command_line.split())
    assert (done.returncode, done.stdout) == (2, b"")
    assert words in done.stderr.decode()
