"""What `nnshim run` says of a guest that has failed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from rewriter.abi.dialects import Errno
from rewriter.installation import install_line
from runtime_shim import HostError, NNHost, run
from runtime_shim.engine.backtrace import folded
from tests.support.command import nnshim
from tests.support.models import identity
from tests.support.wasm import assemble

LOADS = """(module
  (import "wasi_nn" "load_by_name" (func $load (param i32 i32 i32) (result i32)))
  (import "wasi_nn" "init_execution_context" (func $init (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1) (data (i32.const 16) "{name}")
  (func (export "_start") (local $errno i32)
    (local.set $errno (call $load (i32.const 16) (i32.const {length}) (i32.const 0)))
    {then}))"""


def loads(name: str, then: str = "(call $exit (local.get $errno))") -> bytes:
    return assemble(LOADS.format(name=name, length=len(name), then=then))


TRAP = "(if (local.get $errno) (then unreachable))"


@pytest.mark.parametrize(("then", "code"), [("(call $exit (local.get $errno))", 8), (TRAP, 134)])
def test_the_last_refused_call_is_said_with_what_helps(
    tmp_path: Path, then: str, code: int
) -> None:
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(loads("digits", then))
    done = nnshim("run", guest)
    assert done.returncode == code
    lines = done.stderr.decode().splitlines()
    assert (
        "nnshim: the last call that the host refused was load_by_name: not_found: there is no"
        " graph named 'digits'; known: none"
    ) in lines
    assert lines[-1].startswith("nnshim: --nn-preload NAME:ENCODING:TARGET:PATH, ")


def test_with_v_it_is_said_once(tmp_path: Path) -> None:
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(loads("digits"))
    assert nnshim("run", "-v", guest).stderr.count(b"there is no graph named") == 1


def test_a_limit_is_said_with_its_option(tmp_path: Path) -> None:
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(loads("digits"))
    done = nnshim("run", "--limit", "names=3", guest)
    assert b"--limit names=SIZE changes that limit" in done.stderr


def test_a_guest_that_ends_well_is_not_spoken_of(tmp_path: Path) -> None:
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(loads("digits", "(call $exit (i32.const 0))"))
    done = nnshim("run", guest)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_missing_package_is_said_once(tmp_path: Path) -> None:
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(loads("x.pt"))
    (tmp_path / "x.pt").write_bytes(b"PK\3\4" + bytes(100))
    (tmp_path / "torch.py").write_text("raise ImportError('no such package')")
    environment = {"PYTHONPATH": f"{tmp_path}:{os.getcwd()}"}
    for isolate in ((), ("--isolate",)):
        for verbose in ((), ("-v",)):
            options = "--graph-files", str(tmp_path), *isolate, *verbose
            done = nnshim("run", *options, guest, env=environment)
            assert done.returncode == Errno.INVALID_ENCODING
            assert done.stderr.count(install_line("torch").encode()) == 1, done.stderr
            assert b"warning[NN501]: cannot import the backend for pytorch models" in done.stderr


@pytest.mark.parametrize(
    ("functions", "said"),
    [
        ('(export "main" (func 0))', b"nothing of it ran; --invoke NAME (invoke) calls another"),
        ('(export "main" (func 0)) (export "_initialize" (func 0))', b"only its _initialize ran"),
        ('(export "_start" (func 0))', b""),
        ('(export "main" (func 0)) (start 0)', b""),
    ],
)
def test_a_module_of_which_nothing_runs_is_told_of(
    tmp_path: Path, functions: str, said: bytes
) -> None:
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(assemble(f"(module (func) {functions})"))
    done = nnshim("run", guest)
    assert done.returncode == 0
    if not said:
        assert done.stderr == b""
        return
    assert said in done.stderr
    assert done.stderr.endswith(b"of which it exports main\n")
    assert nnshim("run", "--invoke", "main", guest).stderr == b""


def test_a_named_graph_whose_file_is_not_there_is_the_guests_business(tmp_path: Path) -> None:
    asks, asks_not = tmp_path / "asks.wasm", tmp_path / "asks_not.wasm"
    asks.write_bytes(loads("a"))
    asks_not.write_bytes(assemble('(module (func (export "_start")))'))
    (tmp_path / "graphs.toml").write_text('[graphs.a]\npaths = ["none.onnx"]\nencoding = "onnx"')
    for options in (
        ["--nn-preload", f"a:onnx:cpu:{tmp_path}/none.onnx"],
        ["--graphs", tmp_path / "graphs.toml"],
    ):
        done = nnshim("run", *options, asks_not)
        assert done.returncode == 0
        assert b"named graph 'a': " in done.stderr
        assert b"none.onnx does not exist; guests that load this graph get an error" in done.stderr
        assert nnshim("run", *options, asks).returncode == Errno.NOT_FOUND


def test_where_stats_cannot_be_written_the_guest_does_not_start(tmp_path: Path) -> None:
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(loads("digits", "(call $exit (i32.const 77))"))
    for path, words in (
        (tmp_path / "none" / "stats.json", "there is no folder"),
        (tmp_path, "it is a folder"),
        (guest / "stats.json", "there is no folder"),
    ):
        done = nnshim("run", "--stats-json", path, guest)
        assert done.returncode == 1
        assert f"cannot write {path}: {words}" in done.stderr.decode()


def test_programs_get_the_refused_call() -> None:
    outcome = run(loads("digits"), NNHost())
    assert outcome.refused is not None
    function, error = outcome.refused
    assert (function, error.remedy) == ("load_by_name", "graphs")
    assert isinstance(error, HostError)


FRAMES = [
    "error while executing at wasm backtrace:",
    "    0:   0x8f - guest.wasm!__rust_start_panic",
    "    1:   0x7d - guest.wasm!__rustc[d131491b17107b07]::rust_panic",
    "    2:   0x6b - guest.wasm!std::panicking::rust_panic_with_hook::h0123456789abcdef",
    "    3:   0x5c - guest.wasm!core::panicking::panic_fmt::h0123456789abcdef",
    "                    at /rustc/library/core/src/panicking.rs:72:14",
    "    4:   0x4d - guest.wasm!core::result::unwrap_failed::h0123456789abcdef",
    "    5:   0x3e - guest.wasm!guest::main::h0123456789abcdef",
    "    6:   0x2f - guest.wasm!_start",
    "",
    "Caused by:",
    "    wasm trap: wasm `unreachable` instruction executed",
]


def test_the_frames_of_a_panic_are_one_line() -> None:
    assert folded(FRAMES) == [
        FRAMES[0],
        "    5 frames of the Rust panic handler (--backtrace shows them)",
        *FRAMES[7:],
    ]
    assert folded(FRAMES[:1] + FRAMES[7:]) == FRAMES[:1] + FRAMES[7:]


def test_the_models_of_a_folder_are_named_by_their_paths(tmp_path: Path) -> None:
    models, outside = tmp_path / "models", tmp_path / "outside.onnx"
    (models / "deeper").mkdir(parents=True)
    for path in (models / "a.onnx", models / "deeper" / "b.onnx", outside):
        path.write_bytes(identity())
    os.symlink(outside, models / "link.onnx")
    (models / "text.onnx").write_text("no model")
    guest = tmp_path / "guest.wasm"
    found = {}
    for name in (
        *("a.onnx", "./a.onnx", "deeper/b.onnx", "./deeper/../a.onnx", "../outside.onnx"),
        *(str(models / "a.onnx"), "link.onnx", "deeper", "", ".", "text.onnx", "c.onnx"),
    ):
        guest.write_bytes(loads(name))
        found[name] = nnshim("run", "--graph-files", models, guest).returncode
    assert found == {
        **dict.fromkeys(found, 8),
        **dict.fromkeys(("a.onnx", "./a.onnx", "deeper/b.onnx"), 0),
        "text.onnx": 1,
    }
    assert nnshim("run", "--graph-files", models / "none", guest).returncode == 1


def test_a_folder_of_models_that_the_guest_may_write_to_is_warned_of(tmp_path: Path) -> None:
    models, beside = tmp_path / "models", tmp_path / "models2"
    (models / "deeper").mkdir(parents=True)
    beside.mkdir()
    link = tmp_path / "link"
    os.symlink(models, link)
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(assemble('(module (func (export "_start")))'))
    warned = {}
    for folder in (models, tmp_path, models / "deeper", link, beside):
        done = nnshim("run", "--graph-files", models, "--dir", folder, guest)
        assert done.returncode == 0
        words = f"--dir {folder} lets the guest write to --graph-files {models}, whose models are"
        warned[folder] = words in done.stderr.decode()
    assert warned == {**dict.fromkeys(warned, True), beside: False}
    read_only = nnshim("run", "--graph-files", models, "--dir", f"/:{models}:readonly", guest)
    assert read_only.stderr == b""
    assert nnshim("run", "--dir", models, guest).stderr == b""


def test_a_model_of_a_folder_is_loaded_once_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(identity())
    host = NNHost(graph_files=str(tmp_path))
    with host.session() as session:
        for name in ("a.onnx", "./a.onnx", "././/a.onnx"):
            session.load_by_name(name)
    assert [(row.name, row.loads) for row in host.stats()] == [("a.onnx", 1)]


def test_json_of_stats_is_written_all_the_same(tmp_path: Path) -> None:
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(loads("digits"))
    nnshim("run", "--stats-json", tmp_path / "stats.json", guest)
    assert json.loads((tmp_path / "stats.json").read_text()) == []


@pytest.mark.parametrize(
    "command_line", ["run BAD", "verify BAD BAD", "rewrite BAD OUT", "inspect BAD"]
)
def test_text_that_does_not_assemble_is_an_error_that_names_the_file_once(
    tmp_path: Path, command_line: str
) -> None:
    bad = tmp_path / "bad.wat"
    bad.write_text("(module (func")
    names = {"BAD": str(bad), "OUT": str(tmp_path / "out.wasm")}
    done = nnshim(*(names.get(word, word) for word in command_line.split()))
    assert done.returncode == 1
    assert done.stderr.decode().count(f"{bad}: the text does not assemble") == 1
    assert done.stderr.decode().count(str(bad)) == 1


def test_a_guest_that_is_out_of_fuel_is_told_the_option(tmp_path: Path) -> None:
    guest = tmp_path / "loop.wasm"
    guest.write_bytes(assemble('(module (func (export "_start") (loop $again (br $again))))'))
    done = nnshim("run", "--fuel", "1000", guest)
    assert done.returncode == 134
    assert done.stderr.decode().splitlines()[-1] == "nnshim: --fuel N gives it more"


OPENS = """(module
  (import "wasi_snapshot_preview1" "path_open" (func $open
    (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1) (data (i32.const 16) "model")
  (func (export "_start")
    (drop (call $open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 5) (i32.const 0)
      (i64.const 2) (i64.const 2) (i32.const 0) (i32.const 8)))
    {then}))"""

NO_FOLDER = (
    b"nnshim: the guest can open files, but was given no folder; --dir DIR before MODULE gives it"
    b" one\n"
)


@pytest.mark.parametrize("then", ["(call $exit (i32.const 1))", "unreachable"])
def test_a_guest_that_opens_files_and_has_no_folder_is_told_of_dir(
    tmp_path: Path, then: str
) -> None:
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(assemble(OPENS.format(then=then)))
    assert nnshim("run", guest).stderr.endswith(NO_FOLDER)
    assert NO_FOLDER not in nnshim("run", "--dir", tmp_path, guest).stderr


def test_a_package_in_a_version_that_does_not_fit_is_named(tmp_path: Path) -> None:
    for name, about in (
        ("nnshim-0.1.0", "Name: nnshim\nVersion: 0.1.0\nRequires-Dist: wasmtime<51,>=50\n"),
        ("wasmtime-25.0.0", "Name: wasmtime\nVersion: 25.0.0\n"),
    ):
        (tmp_path / f"{name}.dist-info").mkdir()
        (tmp_path / f"{name}.dist-info" / "METADATA").write_text(f"Metadata-Version: 2.4\n{about}")
    (tmp_path / "wasmtime.py").write_text("")
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(assemble('(module (func (export "_start")))'))
    paths = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    ended = nnshim("run", guest, env={"PYTHONPATH": paths})
    assert ended.returncode == 3
    said = b"nnshim: error: wasmtime 25.0.0 is installed, and nnshim needs wasmtime<51,>=50: "
    assert ended.stderr.startswith(said)
    assert ended.stderr.endswith(b"'wasmtime<51,>=50'\n")


def test_doctor_names_a_package_in_a_version_that_does_not_fit(tmp_path: Path) -> None:
    about = tmp_path / "nnshim-0.1.0.dist-info" / "METADATA"
    about.parent.mkdir()
    needed = "Name: nnshim\nVersion: 0.1.0\nRequires-Dist: typer<0.1\n"
    about.write_text(f"Metadata-Version: 2.4\n{needed}")
    paths = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    ended = nnshim("doctor", env={"PYTHONPATH": paths})
    assert ended.returncode == 1
    assert b"is installed, and nnshim needs typer<0.1: " in ended.stderr


def test_dir_is_not_spoken_of_where_it_does_not_help(tmp_path: Path) -> None:
    ends_well, opens_nothing, stopped = (tmp_path / f"{name}.wasm" for name in "abc")
    ends_well.write_bytes(assemble(OPENS.format(then="")))
    opens_nothing.write_bytes(assemble('(module (func (export "_start") unreachable))'))
    loop = OPENS.format(then="(loop (br 0))")
    stopped.write_bytes(assemble(loop))
    assert nnshim("run", ends_well).stderr == b""
    assert b"--dir" not in nnshim("run", opens_nothing).stderr
    assert b"--dir" not in nnshim("run", "--fuel", "1000", stopped).stderr
