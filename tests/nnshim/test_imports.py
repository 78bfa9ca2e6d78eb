"""What each command imports: starting is most of what a short run takes."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nnshim.cli import COMMANDS, build
from tests.support.models import identity
from tests.support.native import openvino_model
from tests.support.wasm import assemble

TEXTS = (
    "differences",
    "files",
    "hosts",
    "installed",
    "modules",
    "rewriting",
    "running",
)
"""Of codes, which what has nothing to say does not need."""

WATCHED = {
    *("numpy", "onnxruntime", "openvino", "pydantic", "rich", "wasmtime"),
    *("asyncio", "email", "hashlib", "importlib.metadata", "json", "random", "socket", "tempfile"),
    "zipfile",
    *(
        "rewriter.adapters.adapter",
        "rewriter.functions.code",
        "rewriter.analysis.inspect",
        "rewriter.rewriting.pipeline",
    ),
    *("rewriter.verifying.compare", "rewriter.files.wasm_tools"),
    *("nnshim.render.json", "rewriter.codes", *(f"rewriter.codes.{name}" for name in TEXTS)),
    *("runtime_shim", "runtime_shim.abi.wamr", "runtime_shim.abi.witx"),
    *("runtime_shim.engine.backtrace", "runtime_shim.engine.streams"),
    *("runtime_shim.backends.onnx.backend", "runtime_shim.backends.openvino.entry"),
}
"""What takes a millisecond or more, and not every command needs."""

COMPARING = {
    *("rewriter.functions.code", "rewriter.analysis.inspect", "rewriter.verifying.compare"),
    *("json", "rewriter.adapters.adapter", "rewriter.codes"),
}
RENAMING = {"rewriter.rewriting.pipeline", "rewriter.files.wasm_tools"}
LOOKING = {
    *("rewriter.analysis.inspect", "rewriter.adapters.adapter", "rewriter.codes"),
    *("rewriter.functions.code", "rewriter.files.wasm_tools"),
}
RUNNING = {
    *("rewriter.analysis.inspect", "runtime_shim", "runtime_shim.abi.witx", "wasmtime"),
    *("rewriter.codes", "runtime_shim.backends.openvino.entry"),
}

BEGINS = '(module (memory (export "memory") 1) (func (export "_start")))'
LOADS = """(module
  (import "wasi_ephemeral_nn" "load_by_name" (func $load_by_name (param i32 i32 i32) (result i32)))
  (import "wasi_ephemeral_nn" "init_execution_context" (func $init (param i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 0) "model")
  (func (export "_start")
    (if (call $load_by_name (i32.const 0) (i32.const 5) (i32.const 8)) (then unreachable))
    (if (call $init (i32.load (i32.const 8)) (i32.const 8)) (then unreachable))))"""


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--help"], set()),
        (["run", "--help"], set()),
        (["rewrite", "--help"], set()),
        (["rewrite", "guest.wasm", "out.wasm"], RENAMING),
        (["inspect", "guest.wasm"], LOOKING),
        (["check", "guest.wasm", "--for", "wasmtime"], LOOKING),
        (["check", "guest.wasm", "--for", "wasmtime", "--model", "model/model.xml"], LOOKING),
        (["hosts"], set()),
        (["hosts", "wamr@2.2"], {"rewriter.codes", "rewriter.codes.hosts"}),
        (["explain", "--help"], set()),
        (["verify", "guest.wasm", "guest.wasm"], COMPARING),
        (
            ["run", "guest.wasm"],
            {"rewriter.analysis.inspect", "rewriter.codes", "runtime_shim", "wasmtime"},
        ),
        (["run", "-S", "nn-graph=openvino::model", "loads.wasm"], RUNNING),
    ],
    ids=lambda it: " ".join(it[:2]) if isinstance(it, list) else "",
)
def test_a_command_imports_what_it_needs(
    arguments: list[str], expected: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("guest.wasm").write_bytes(assemble(BEGINS))
    Path("loads.wasm").write_bytes(assemble(LOADS))
    Path("model").mkdir()
    openvino_model(identity(dims=(1,)), Path("model"))
    code = f"""
import os, sys
from nnshim.__main__ import main
os._exit = sys.exit
sys.argv[1:] = {arguments!r}
try: main()
except SystemExit as exit: assert not exit.code, exit.code
print(*sorted({WATCHED!r} & set(sys.modules)), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert set(done.stderr.splitlines()[-1].split()) == expected


def test_typer_finds_the_annotations_of_commands_evaluated() -> None:
    app = build()
    groups = [group.typer_instance for group in app.registered_groups if group.typer_instance]
    commands = [command for each in (app, *groups) for command in each.registered_commands]
    assert len(commands) > len(COMMANDS)
    for command in commands:
        assert command.callback is not None
        annotations = inspect.get_annotations(command.callback)
        assert annotations
        assert not any(isinstance(annotation, str) for annotation in annotations.values())


def test_one_folder_uses_what_wasmtime_keeps_to_itself() -> None:
    private = r"wasmtime\._|from wasmtime import _|\._(?:func|from_ptr|from_raw|consume|context)\("
    root = Path(__file__).resolve().parents[2]
    using = {
        str(file.parent.relative_to(root))
        for package in ("nnshim", "runtime_shim", "rewriter")
        for file in (root / package).rglob("*.py")
        if re.search(private, file.read_text())
    }
    assert using == {"runtime_shim/engine/binding"}
