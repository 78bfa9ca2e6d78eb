"""The conformance suite's modules are what its text gives, and its folder is whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from rewriter.files import wasm_tools
from tests.tools import conformance_models

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "conformance"
CASES = json.loads((FOLDER / "expected.json").read_text())


def python(*arguments: str | Path, wasm_tools_at: str = "") -> subprocess.CompletedProcess[str]:
    """With nothing of this project on the path of modules."""
    return subprocess.run(
        [sys.executable, "-I", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": wasm_tools_at},
    )


def test_modules_and_expectations_are_what_the_cases_give() -> None:
    tools = str(Path(wasm_tools.find()).parent)
    ran = python(FOLDER / "build.py", "--check", wasm_tools_at=tools)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_models_are_what_their_command_writes() -> None:
    there = {
        path.relative_to(conformance_models.MODELS).as_posix(): path.read_bytes()
        for path in conformance_models.MODELS.rglob("*")
        if path.is_file()
    }
    assert there == dict(conformance_models.files())


def test_each_case_names_a_line_at_a_commit() -> None:
    for case in CASES:
        for source in case["sources"]:
            address, _, line = source["url"].partition("#L")
            commit = address.split("/blob/")[1].partition("/")[0]
            assert len(commit) == 40, case["name"]
            assert int(line) > 0
            assert source["text"]


def test_no_two_cases_are_the_same_module() -> None:
    for encoding in ("openvino", "onnx", "tensorflowlite"):
        modules = [path.read_bytes() for path in (FOLDER / "modules" / encoding).rglob("*.wasm")]
        assert len(set(modules)) == len(modules) > 150


def test_what_is_judged_is_expected_to_print_something() -> None:
    silent = [case["name"] for case in CASES if case["judged"] != bool(case["expected"])]
    assert silent == []


def test_the_folder_has_the_licence_of_the_project() -> None:
    assert (FOLDER / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_the_page_is_what_the_results_give() -> None:
    ran = python(FOLDER / "table.py")
    assert ran.stdout == (ROOT / "docs" / "conformance.md").read_text()
