"""What comes from outside can do nothing to the terminal, whichever command prints it."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from onnx import helper

from rewriter import RewriteOptions, rewrite
from tests.support.command import nnshim
from tests.support.hostile_text import HOSTILE, NOT_UTF8, READABLE, assert_harmless, wat
from tests.support.models import F32
from tests.support.tflite_models import changed, identity, schema
from tests.support.wasm import HEADER, assemble, custom, import_module

NAMED = f"""(module
  (import {wat(HOSTILE)} {wat(HOSTILE)} (func))
  (import "wasi_ephemeral_nn" "load" (func (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export {wat(HOSTILE)}) 1) (export {wat(HOSTILE + "2")} (memory 0))
  (@custom {wat(HOSTILE)} "") (@custom {wat(".debug_" + HOSTILE)} ""))"""
"""A module in which every name is hostile."""

UNKNOWN_ABI = f"""(module (import "wasi_nn" {wat(HOSTILE)} (func (param i64))))"""

TRAPS = f"""(module ${wat(HOSTILE)}
  (func ${wat(HOSTILE)} unreachable)
  (func (export "_start") (call ${wat(HOSTILE)})))"""

LOADS_BY_NAME = f"""(module
  (import "wasi_ephemeral_nn" "load_by_name" (func $load (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 0) {wat(HOSTILE)})
  (func (export "_start")
    (drop (call $load (i32.const 0) (i32.const {len(HOSTILE.encode())}) (i32.const 1024)))))"""

GRAPHS = f"""[graphs.{json.dumps(HOSTILE)}]
paths = ["model.onnx"]
encoding = "onnx"
"""


def onnx_model(needed: str) -> bytes:
    """A model whose input may have any length; what its node needs may be missing."""
    node = helper.make_node("Identity", [needed], [HOSTILE + "out"], name=HOSTILE)
    ports = [
        helper.make_tensor_value_info(HOSTILE + end, F32, [HOSTILE + "dim"]) for end in ("", "out")
    ]
    graph = helper.make_graph([node], HOSTILE, ports[:1], ports[1:])
    opsets = [helper.make_opsetid("", 17)]
    data: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    return data


def tflite_model() -> bytes:
    """A model whose operator is not there."""

    def change(made: schema.ModelT) -> None:
        made.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        made.operatorCodes[0].builtinCode = schema.BuiltinOperator.CUSTOM
        made.operatorCodes[0].customCode = HOSTILE.encode()
        made.subgraphs[0].tensors[0].name = HOSTILE.encode()

    return changed(identity("float32", (1,)), change)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With files of hostile names and contents."""
    path = tmp_path_factory.mktemp("hostile")
    named = assemble(NAMED)
    files = {
        HOSTILE: named,
        f"{HOSTILE}.wat": b"(module (fun))",
        NOT_UTF8: named,
        "truncated" + HOSTILE: named[:-1],
        "component" + HOSTILE: assemble("(component)"),
        "renamed.wasm": rewrite(named, RewriteOptions(renames={HOSTILE: READABLE})),
        "env.wasm": import_module("env"),
        "unknown.wasm": assemble(UNKNOWN_ABI),
        "named.wasm": named,
        "nul.wasm": HEADER + custom("a\0b\x1b"),
        "traps.wasm": assemble(TRAPS),
        "loads.wasm": assemble(LOADS_BY_NAME),
        "takes.wasm": assemble('(module (func (export "f") (param i32)))'),
        "empty.wasm": assemble('(module (func (export "_start")))'),
        "text.wat": f"(module (func (call ${wat(HOSTILE)})))".encode(),
        "graphs.toml": GRAPHS.encode(),
        "keys.toml": GRAPHS.replace("encoding", json.dumps(HOSTILE)).encode(),
        "missing.toml": GRAPHS.replace("model.onnx", json.dumps(f"no{HOSTILE}")[1:-1]).encode(),
        "model.onnx": onnx_model(HOSTILE),
        "broken.onnx": onnx_model(HOSTILE + "missing"),
        "custom.tflite": tflite_model(),
    }
    for name, data in files.items():
        (path / name).write_bytes(data)
    return path


LINES = [
    ["inspect", HOSTILE, NOT_UTF8, f"{HOSTILE}.wat", f"truncated{HOSTILE}", f"component{HOSTILE}"],
    ["inspect", f"no{HOSTILE}", f"no{NOT_UTF8}", "nul.wasm", "text.wat", "unknown.wasm"],
    ["inspect", "--guest-abi", HOSTILE, "named.wasm"],
    ["check", "--for", "wamr-legacy", HOSTILE, NOT_UTF8, f"no{HOSTILE}", "unknown.wasm"],
    ["check", "--for", HOSTILE, "named.wasm"],
    ["verify", HOSTILE, "renamed.wasm"],
    ["verify", HOSTILE, "env.wasm"],
    ["verify", NOT_UTF8, f"no{NOT_UTF8}"],
    ["rewrite", HOSTILE, "-", "--dry-run", "--rename", f"{HOSTILE}={READABLE}"],
    ["rewrite", HOSTILE, "-", "--dry-run", "--drop-debug", "--for", "wamr-legacy"],
    ["rewrite", "named.wasm", f"no/{HOSTILE}"],
    ["rewrite", "named.wasm", "out.wasm", "--for", HOSTILE],
    ["rewrite", "named.wasm", "out.wasm", "--abi", HOSTILE],
    ["rewrite", "named.wasm", "out.wasm", "--to", HOSTILE],
    ["rewrite", "named.wasm", "out.wasm", "--rename", HOSTILE],
    ["rewrite", "text.wat", "out.wasm"],
    ["rewrite", f"component{HOSTILE}", "out.wasm"],
    ["run", HOSTILE],
    ["run", "unknown.wasm"],
    ["run", "traps.wasm"],
    ["run", "--invoke", HOSTILE, "empty.wasm"],
    ["run", "--invoke", "f", "takes.wasm", HOSTILE],
    ["run", "-v", "loads.wasm"],
    ["run", "-v", "--graphs", "graphs.toml", "--stats", "loads.wasm"],
    ["run", "-v", "--isolate", "--graphs", "graphs.toml", "--stats", "loads.wasm"],
    ["run", "--graphs", "keys.toml", "loads.wasm"],
    ["run", "--graphs", "missing.toml", "loads.wasm"],
    ["run", "--graphs", HOSTILE, "loads.wasm"],
    ["run", "--nn-preload", f"{HOSTILE}:onnx:cpu:no{HOSTILE}", "loads.wasm"],
    ["run", "--nn-preload", HOSTILE, "loads.wasm"],
    ["run", "-S", f"nn-graph={HOSTILE}::x", "loads.wasm"],
    ["run", "-S", HOSTILE, "loads.wasm"],
    ["run", "--env", f"{NOT_UTF8}", "loads.wasm"],
    ["run", "--dir", f"no{HOSTILE}", "loads.wasm"],
    ["run", "--device", f"{HOSTILE}=cpu", "loads.wasm"],
    ["run", "-v", "--device", f"onnx={HOSTILE}", "--graphs", "graphs.toml", "loads.wasm"],
    ["run", "--gpu-fallback", HOSTILE, "loads.wasm"],
    ["run", "--limit", HOSTILE, "loads.wasm"],
    ["run", "--max-memory", HOSTILE, "loads.wasm"],
    ["run", "--timeout", HOSTILE, "loads.wasm"],
    ["run", "--stats-json", f"no/{HOSTILE}", "loads.wasm"],
    ["bench", "model.onnx", "--input", "0=f32:1x2", "--seconds", "0.01"],
    ["bench", "broken.onnx", "--seconds", "0.01"],
    ["bench", "custom.tflite", "--seconds", "0.01"],
    ["bench", f"no{HOSTILE}"],
    ["bench", HOSTILE],
    ["bench", HOSTILE, "--encoding", "onnx"],
    ["bench", "model.onnx", "--encoding", HOSTILE],
    ["bench", "model.onnx", "--device", HOSTILE],
    ["bench", "model.onnx", "--input", HOSTILE],
    ["bench", "model.onnx", "--options", json.dumps({HOSTILE: 1})],
    ["bench", "model.onnx", "--plot", HOSTILE],
    ["cache", "list", HOSTILE],
    ["cache", "clear", HOSTILE],
    ["cache", HOSTILE],
    ["run", "--model-cache", "c", "--model-cache-size", HOSTILE, "loads.wasm"],
    ["doctor", HOSTILE],
    [HOSTILE],
    [f"--{HOSTILE}"],
    ["inspect", f"--{NOT_UTF8}"],
]


def named(line: list[str]) -> str:
    return ascii(" ".join(line).replace(HOSTILE, "X").replace(NOT_UTF8, "Y"))


@pytest.mark.parametrize("line", LINES, ids=named)
def test_no_name_reaches_the_terminal_as_it_is(
    line: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    done = nnshim(*line)
    assert_harmless(done.stdout, done.stderr)
    assert b"a bug in nnshim" not in done.stderr
    assert re.search(rb"(\\n|\\x0a|: ).*forged", done.stdout + done.stderr), done


JSON_LINES = [
    ["inspect", "--json", HOSTILE, NOT_UTF8, f"no{NOT_UTF8}", f"truncated{HOSTILE}", "nul.wasm"],
    ["check", "--json", "--for", "wamr-legacy", HOSTILE, NOT_UTF8, "unknown.wasm"],
    ["verify", "--json", HOSTILE, "env.wasm"],
    ["verify", "--json", HOSTILE, "renamed.wasm"],
    ["rewrite", "--json", "--rename", f"{HOSTILE}=x", NOT_UTF8, f"out{NOT_UTF8}"],
    ["bench", "--json", "--seconds", "0.01", "broken.onnx"],
]


@pytest.mark.parametrize("line", JSON_LINES, ids=named)
def test_json_is_ascii_and_gives_every_name_back(
    line: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without surrogates, which other parsers than Python's refuse or replace."""
    monkeypatch.chdir(folder)
    done = nnshim(*line)
    assert_harmless(done.stdout, done.stderr)
    assert done.stdout.isascii()
    text = json.dumps(json.loads(done.stdout), ensure_ascii=False)
    assert re.findall("[\ud800-\udfff]", text) == []
    assert json.dumps(HOSTILE, ensure_ascii=False)[1:-1] in text


def test_a_byte_of_a_name_that_is_not_utf8_is_four_characters_in_json(folder: Path) -> None:
    done = nnshim("inspect", "--json", str(folder / NOT_UTF8))
    (found,) = json.loads(done.stdout)
    expected = f"{folder}/b\\xff\\x9b\n\x1b[2Jforged"
    assert ascii(found["file"]) == ascii(expected)
    assert found["import_modules"][0] == HOSTILE


def test_the_statistics_are_json_whatever_graphs_are_called(folder: Path, tmp_path: Path) -> None:
    written = tmp_path / "stats.json"
    options = ["--graphs", str(folder / "graphs.toml"), "--stats-json", str(written)]
    assert nnshim("run", *options, str(folder / "loads.wasm")).returncode == 0
    text = written.read_bytes()
    assert text.isascii()
    assert_harmless(text)
    assert [row["name"] for row in json.loads(text)] == [HOSTILE]


@pytest.mark.parametrize(
    ("env", "shown"),
    [
        ({"PYTHONIOENCODING": "utf-8"}, READABLE),
        ({"PYTHONIOENCODING": "ascii"}, r"\xe9\u65e5\u672c\U0001f642"),
        ({"PYTHONIOENCODING": "ascii:strict"}, r"\xe9\u65e5\u672c\U0001f642"),
        ({"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}, None),
        ({"LC_ALL": "POSIX"}, READABLE),
    ],
)
def test_other_names_stay_readable_where_the_encoding_has_them(
    tmp_path: Path, env: dict[str, str], shown: str | None
) -> None:
    path = tmp_path / f"{READABLE}.wasm"
    path.write_bytes(import_module(READABLE))
    done = nnshim("inspect", "--all", str(path), str(path) + "2", env=env)
    assert done.returncode == 1
    module = r"\xe9\u65e5\u672c\U0001f642" if shown is None else shown
    assert f"imports from {module}" in done.stdout.decode()
    # In a locale of ASCII the name of the file is bytes that nobody can read.
    file = "".join(f"\\x{byte:02x}" for byte in READABLE.encode()) if shown is None else shown
    assert f"{file}.wasm2: No such file" in done.stderr.decode()


PRINTS_HOSTILE = """(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\08\\00\\00\\00\\07\\00\\00\\00\\1b[31m\\0ab")
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))
    (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 32)))))"""


def test_what_a_guest_writes_is_its_own(tmp_path: Path) -> None:
    path = tmp_path / "prints.wasm"
    path.write_bytes(assemble(PRINTS_HOSTILE))
    done = nnshim("run", path)
    assert (done.stdout, done.stderr) == (b"\x1b[31m\nb", b"\x1b[31m\nb")


FOREIGN = f"""
import logging, threading, warnings
text = {HOSTILE!r}
warnings.warn(text)
logging.getLogger(text).error(text)
def fail():
    raise ValueError(text)

thread = threading.Thread(target=fail)
thread.start()
thread.join()
raise ImportError(text)
"""
"""A package that tells of a hostile name by all means that Python has."""


def test_what_libraries_say_is_no_way_around(tmp_path: Path) -> None:
    (tmp_path / "onnxruntime.py").write_text(FOREIGN)
    done = nnshim("doctor", env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{os.getcwd()}"})
    assert_harmless(done.stdout, done.stderr)
    assert len(re.findall(rb"\\nforged", done.stderr)) >= 3
    assert b"\\nforged" in done.stdout


def test_a_fault_in_nnshim_does_not_show_names_either(tmp_path: Path) -> None:
    code = (
        "import sys, rewriter.rewriting.steps\nfrom nnshim.cli import main\n"
        f"def fail(*_, **__): raise ValueError({HOSTILE!r})\n"
        "rewriter.rewriting.steps.make_plan = fail\n"
        f"sys.argv[1:] = ['rewrite', {str(tmp_path / 'in.wasm')!r}, '-']\nmain()"
    )
    (tmp_path / "in.wasm").write_bytes(import_module("wasi_nn"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert_harmless(done.stdout, done.stderr)
    assert b"a bug in nnshim" in done.stderr


def test_a_closed_output_is_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "env.wasm"
    path.write_bytes(import_module("env"))
    command = f"{shlex.quote(sys.executable)} -m nnshim inspect {path} missing"
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        done = subprocess.run(["sh", "-c", f"{command} {closed}"], capture_output=True, check=False)
        assert done.returncode == 1
        assert b"fault" not in done.stdout + done.stderr
