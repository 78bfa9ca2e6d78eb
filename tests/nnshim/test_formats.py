"""--format of the commands that look at several files."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from nnshim.render import FORMATS
from tests.support.command import nnshim as run
from tests.support.wasm import assemble


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_a_file_that_has_what_the_commands_need(name: str) -> None:
    renderer = import_module(f"nnshim.render.{name}")
    assert {"inspected", "failed"} <= {*renderer.__all__}
    assert name == "text" or "document" in renderer.__all__


@pytest.mark.parametrize("command", [("inspect",), ("check", "--for", "wasmtime")])
def test_json_is_a_format(command: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "guest.wasm"
    path.write_bytes(
        assemble('(module (import "wasi_nn" "compute" (func (param i32) (result i32))))')
    )
    files = (path, f"{path}.missing")
    outputs = [
        run(*command, *files, *how)
        for how in (["--json"], ["--format", "json"], ["--json", "--format", "json"])
    ]
    assert len({(done.returncode, done.stdout, done.stderr) for done in outputs}) == 1
    assert outputs[0].stdout.startswith(b"[")
    text, plain = (run(*command, *files, *how) for how in (["--format", "text"], []))
    assert (text.stdout, text.stderr) == (plain.stdout, plain.stderr)
    assert text.stdout != outputs[0].stdout


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (["--format", "xml"], "'xml' is not a known format (text, json"),
        (["--json", "--format", "text"], "--json contradicts --output-format text"),
    ],
)
def test_a_format_that_makes_no_sense_is_refused(how: list[str], message: str) -> None:
    done = run("inspect", "missing.wasm", *how)
    assert (done.returncode, done.stdout) == (2, b"")
    assert message in done.stderr.decode()
