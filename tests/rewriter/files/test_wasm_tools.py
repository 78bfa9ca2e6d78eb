from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from rewriter.errors import DependencyMissing, InvalidModule, ToolError
from rewriter.files import wasm_tools
from tests.support.wasm import HEADER, assemble


def test_the_binary_itself_is_called_not_the_python_launcher() -> None:
    with open(wasm_tools.find(), "rb") as file:
        assert file.read(4) == b"\x7fELF"


def test_the_version_is_told() -> None:
    assert wasm_tools.version().startswith("wasm-tools 1.")


def test_every_proposal_is_valid() -> None:
    wasm_tools.validate(
        assemble(
            '(module (import "a" "b" (memory i64 1 2 shared)) (global (ref null any) ref.null any))'
        )
    )


def test_a_path_is_validated_as_its_bytes_are(tmp_path: Path) -> None:
    path = tmp_path / "-dash.wasm"
    path.write_bytes(HEADER)
    wasm_tools.validate(str(path))
    path.write_bytes(HEADER + b"\x01\x02")
    with pytest.raises(InvalidModule) as caught:
        wasm_tools.validate(str(path))
    assert caught.value.offset == 10


def test_a_module_is_validated_alone_whatever_was_validated_before() -> None:
    long = assemble(f"(module {'(func nop)' * 1000})")
    for module in (long, HEADER, long[:-1], HEADER, long, HEADER + b"\0", long, long[:-2]):
        if module in (long, HEADER):
            wasm_tools.validate(module)
        else:
            with pytest.raises(InvalidModule):
                wasm_tools.validate(module)


def test_the_reason_is_one_line_without_the_offset() -> None:
    module = assemble("(module (func (result i32) i32.const 1))").replace(b"\x41\x01", b"\x01\x01")
    with pytest.raises(InvalidModule) as caught:
        wasm_tools.validate(module)
    assert caught.value.reason.startswith("func 0 failed to validate: type mismatch")
    assert "offset" not in caught.value.reason


def hide_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)


def test_without_the_package_the_one_on_path_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    binary = tmp_path / "wasm-tools"
    binary.symlink_to(wasm_tools.find())
    hide_package(monkeypatch)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert wasm_tools.find() == str(binary)


def test_with_neither_the_install_line_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    hide_package(monkeypatch)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DependencyMissing, match=wasm_tools.PACKAGE):
        wasm_tools.validate(HEADER)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param("#!/bin/sh\necho boom >&2\nexit 7\n", "status 7: boom", id="fails"),
        pytest.param("#!/bin/sh\nkill -9 $$\n", "status -9", id="is killed"),
        pytest.param("#!/no/such/interpreter\n", "cannot be started", id="does not start"),
    ],
)
def test_a_tool_that_fails_is_not_blamed_on_the_module(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, words: str
) -> None:
    binary = tmp_path / "wasm-tools"
    binary.write_text(script)
    binary.chmod(0o755)
    hide_package(monkeypatch)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    with pytest.raises(ToolError, match=words):
        wasm_tools.validate(HEADER)
