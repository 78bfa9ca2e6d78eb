"""--report: several reports of one run, in files that are whole or not there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from nnshim.render.reports import REPORTS
from tests.support.command import nnshim
from tests.support.reports import MODULES
from tests.support.wasm import assemble


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for kind in ("runs", "rewrite", "only_if"):
        Path(f"{kind}.wasm").write_bytes(assemble(MODULES[kind]))
    return tmp_path


def test_one_run_writes_what_each_format_prints(folder: Path) -> None:
    hostile = "a\nb%25|<i>`.wasm"
    os.rename("rewrite.wasm", hostile)
    files = ("runs.wasm", hostile, "only_if.wasm", "missing.wasm", "--for", "wasmedge")
    into = [f"--report={name}=out.{name}" for name in REPORTS]
    done = nnshim("check", *files, *into)
    codes = {done.returncode}
    for name in REPORTS:
        printed = nnshim("check", *files, "--output-format", name)
        codes.add(printed.returncode)
        written = Path(f"out.{name}").read_bytes()
        if name == "text":
            assert printed.stdout == done.stdout
            error = b"error[NN001]: cannot read missing.wasm: No such file or directory\n"
            assert error in written
            assert written.replace(error, b"") == printed.stdout
        else:
            assert written == printed.stdout
            assert printed.stderr == b""
    assert codes == {6}
    json.loads(Path("out.sarif").read_bytes())
    ElementTree.parse("out.junit")


@pytest.mark.parametrize("kind", REPORTS)
def test_what_was_not_looked_into_is_in_every_report(kind: str, folder: Path) -> None:
    with zipfile.ZipFile("package.vsix", "w") as archive:
        archive.write("rewrite.wasm")
    Path("rewrite.wasm").unlink()
    Path("only_if.wasm").unlink()
    done = nnshim("check", ".", "--for", "wasmedge", f"--report={kind}=out")
    warning = b"warning[NN008]: ./package.vsix: an archive, or a compressed module, of another kind"
    assert warning in done.stderr
    assert done.returncode == 0
    written = Path("out").read_text()
    assert "package.vsix" in written
    assert "not looked into" in written


@pytest.mark.parametrize("kind", REPORTS)
def test_text_for_wasi_nn_in_a_folder_is_in_every_report(kind: str, folder: Path) -> None:
    Path("rewrite.wasm").unlink()
    Path("only_if.wasm").unlink()
    Path("guest.wat").write_text('(module (import "wasi_nn" "compute" (func)))')
    done = nnshim("check", ".", "--for", "wasmedge", f"--report={kind}=out")
    assert b"warning[NN008]: ./guest.wat: a module in text form that names wasi-nn" in done.stderr
    assert done.returncode == 0
    written = Path("out").read_text()
    assert "guest.wat" in written
    assert "not looked into" in written


def test_what_was_not_looked_into_has_its_own_verdict_in_json(folder: Path) -> None:
    Path("package.vsix").write_bytes(b"PK\3\4")
    done = nnshim("check", ".", "--for", "wasmedge", "--quiet", "--json")
    assert [each["verdict"] for each in json.loads(done.stdout) if "vsix" in each["file"]] == [
        "not_looked_into"
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--report", "sarif"], "--report sarif: expected FORMAT=FILE"),
        (["--report", "sarif=-"], "expected FORMAT=FILE"),
        (["--report", "serif=a"], "'serif' is not a known format"),
        (["--report", "sarif=a", "--report", "json=a"], "--report is given twice for a"),
        (["--report", "sarif=./runs.wasm"], "./runs.wasm is an input"),
        (["--report", "sarif=a", "--select", "NN999"], "there is no code NN999"),
        (["--report", "sarif=a", "--json", "--statistics"], "--statistics contradicts"),
    ],
)
def test_a_wrong_call_writes_nothing(folder: Path, arguments: list[str], message: str) -> None:
    before = Path("runs.wasm").read_bytes()
    done = nnshim("check", "runs.wasm", "--for", "wasmedge", *arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert message in done.stderr.decode()
    assert not Path("a").exists()
    assert Path("runs.wasm").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "report"),
    [
        (["."], "runs.wasm"),
        (["r*.wasm"], "runs.wasm"),
        (["."], "all.zip"),
        (["--files-from", "list"], "runs.wasm"),
        (["--files-from", "list"], "./list"),
        (["runs.wasm", "--model", "model.onnx"], "model.onnx"),
        (["runs.wasm", "--config", "nnshim.toml"], "nnshim.toml"),
    ],
)
def test_a_report_does_not_take_the_place_of_what_is_read(
    folder: Path, arguments: list[str], report: str
) -> None:
    Path("list").write_text("runs.wasm\n")
    Path("nnshim.toml").write_text("strict = true\n")
    Path("model.onnx").write_bytes(b"")
    with zipfile.ZipFile("all.zip", "w") as archive:
        archive.write("runs.wasm")
    before = Path(report).read_bytes()
    done = nnshim("check", "--for", "wasmedge", *arguments, "--report", f"json={report}")
    assert (done.returncode, done.stdout) == (2, b"")
    assert Path(report).read_bytes() == before


def test_a_run_that_breaks_off_leaves_the_report_of_the_last_one(folder: Path) -> None:
    Path("old.sarif").write_text("old")
    code = (
        "import sys, rewriter.analysis.verdicts\nfrom nnshim.cli import main\n"
        "judge = rewriter.analysis.verdicts.judge\n"
        "def fails(*given, **named):\n"
        "    if calls.append(1) or len(calls) > 2: raise KeyboardInterrupt\n"
        "    return judge(*given, **named)\n"
        "calls = []\nrewriter.analysis.verdicts.judge = fails\n"
        "sys.argv[1:] = ['check', 'rewrite.wasm', 'runs.wasm', 'only_if.wasm', '--for', 'wasmtime',"
        " '--report', 'sarif=old.sarif', '--report', 'junit=new.xml']\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 130
    assert b"rewrite.wasm: runs on wasmtime after a rewrite" in done.stdout
    assert Path("old.sarif").read_text() == "old"
    assert {name for name in os.listdir() if not name.endswith(".wasm")} == {"old.sarif"}


def test_a_report_that_cannot_be_written_fails_before_any_file_is_read(folder: Path) -> None:
    done = nnshim("check", "runs.wasm", "--for", "wasmedge", "--report", "sarif=no/such/file")
    assert (done.returncode, done.stdout) == (6, b"")
    assert b"error[NN002]: cannot write no/such/file: there is no folder" in done.stderr


def test_a_report_that_does_not_fit_is_no_success(folder: Path) -> None:
    done = nnshim("check", "runs.wasm", "--for", "wasmedge", "--report", "sarif=/dev/full")
    assert done.returncode == 6
    assert b"cannot write /dev/full: No space left on device" in done.stderr


def test_a_report_on_standard_output_comes_after_what_is_there(folder: Path) -> None:
    call = ("check", "rewrite.wasm", "--for", "wasmedge")
    printed = [nnshim(*call, "--output-format", name).stdout for name in ("text", "github")]
    nnshim(*call, "--report", "github=/dev/stdout", redirected=">both")
    assert sorted(Path("both").read_bytes().splitlines()) == sorted(
        line for one in printed for line in one.splitlines()
    )


def test_a_model_that_cannot_be_read_is_in_every_report(folder: Path) -> None:
    done = nnshim(
        *("check", "runs.wasm", "rewrite.wasm", "--for", "wasmedge", "--model", "no.onnx"),
        *("--output-format", "json", "--report", "sarif=a.sarif"),
    )
    assert done.returncode == 6
    assert [each["verdict"] for each in json.loads(done.stdout)] == ["no_verdict"] * 2
    (run,) = json.loads(Path("a.sarif").read_text())["runs"]
    assert [each["ruleId"] for each in run["results"]] == ["NN001"] * 2
    assert run["invocations"][0]["exitCode"] == 6


def test_the_exit_code_is_the_same_in_every_format(folder: Path) -> None:
    for file, code in (("runs.wasm", 0), ("rewrite.wasm", 1), ("only_if.wasm", 5)):
        for name in ("text", "sarif", "junit"):
            more = ("--for", "wasmedge", "--output-format", name)
            assert nnshim("check", file, *more).returncode == code
            assert nnshim("check", file, *more, "--ignore", "NN", "-q").returncode == code
        assert nnshim("check", file, *more, "--exit-zero").returncode == 0
    missing = nnshim("check", "missing.wasm", "--for", "wasmedge", "--exit-zero")
    assert missing.returncode == 6
