"""nnshim check as a pipeline has it: exit codes, what counts, and what is printed of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from rewriter import Answer, InvalidModule, check
from rewriter.codes import Severity
from rewriter.hosts.table import FAMILIES
from tests.support.command import nnshim
from tests.support.wasm import assemble

LOAD = '(import "wasi_ephemeral_nn" "load" (func (param i32 i32 i32 i32 i32) (result i32)))'
MEMORY = '(memory (export "memory") 1) (func (export "_start"))'
MODULES = {
    "runs.wasm": assemble(f"(module {LOAD} {MEMORY})"),
    "renamed.wasm": assemble(f"(module {LOAD} {MEMORY})".replace("_ephemeral", "")),
    "if.wasm": assemble(f'(module {LOAD} (import "wasmedge_image" "load_jpg" (func)) {MEMORY})'),
    "other.wasm": assemble(f'(module {LOAD} (import "env" "f" (func)) {MEMORY})'),
    "plain.wasm": assemble(f'(module (import "env" "f" (func)) {MEMORY})'),
    "component.wasm": assemble("(component)"),
    "invalid.wasm": assemble(f"(module {LOAD} {MEMORY} (func i32.add))"),
    "text.txt": b"Dear host,",
    "cut.wasm": assemble(f"(module {LOAD} {MEMORY})")[:-3],
}
WASMEDGE = "if.wasm --for wasmedge"
"""Whether the host has the module that it imports depends on a plugin."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("check")
    for name, data in MODULES.items():
        (path / name).write_bytes(data)
    return path


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(folder)

    def run(command_line: str) -> CompletedProcess[bytes]:
        return nnshim("check", *command_line.split())

    return run


@pytest.mark.parametrize(
    ("command_line", "code"),
    [
        ("runs.wasm --for wasmtime", 0),
        ("renamed.wasm --for wasmtime --strict", 1),
        ("plain.wasm --for wasmtime", 4),
        ("plain.wasm --for wamr", 5),
        (f"{WASMEDGE} --accept NN222", 0),
        ("runs.wasm --for wasmtime --strict --accept NN231 --accept NN251", 0),
        ("missing.wasm --for wasmtime", 6),
        ("text.txt --for wasmtime", 6),
        ("component.wasm --for wasmtime", 5),
        ("runs.wasm --for wasmtime --for wasmedge --for nnshim", 0),
        ("runs.wasm --for wasmtime --for wamr-2.1", 1),
        (f"{WASMEDGE} --for wasmtime", 4),
        ("renamed.wasm if.wasm --for wasmedge", 1),
        ("renamed.wasm if.wasm plain.wasm --for wasmedge", 4),
        ("renamed.wasm if.wasm plain.wasm cut.wasm runs.wasm --for wasmedge", 6),
    ],
)
def test_the_exit_code_is_that_of_the_worst_answer(run: Any, command_line: str, code: int) -> None:
    done = run(command_line)
    assert done.returncode == code, (done.stdout, done.stderr)


def test_a_fault_is_not_taken_for_an_answer(folder: Path) -> None:
    """Exit code 1 means here that a rewrite helps, and elsewhere that anything failed."""
    code = (
        "import sys, rewriter.analysis.verdicts\nfrom nnshim.cli import main\n"
        "rewriter.analysis.verdicts.judge = lambda *_, **__: 1 / 0\n"
        f"sys.argv[1:] = ['check', {str(folder / 'runs.wasm')!r}, '--for', 'wasmtime']\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert "a bug in nnshim" in done.stderr
    assert done.returncode == 6


def test_the_page_about_verdicts_has_every_answer_and_severity() -> None:
    page = (Path(__file__).parents[2] / "docs" / "verdicts.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\d) \|", page, re.MULTILINE)
    assert rows == [(answer.value, str(answer.exit_code)) for answer in Answer]
    counting = page.split("| severity |")[1].split("\n\n")[0]
    assert re.findall(r"^\| (\w+) \|", counting, re.MULTILINE) == [*Severity]


@pytest.mark.parametrize(
    ("accepted", "message"),
    [
        ("NN999", "there is no code NN999"),
        ("NN2222", "there is no code NN2222; did you mean NN222?"),
        (
            "NN212",
            "NN212 (the host does not define an import) cannot be accepted, because it keeps",
        ),
        ("NN201", "cannot be accepted, because it needs a rewrite"),
    ],
)
def test_accepting_what_cannot_be_accepted_is_a_usage_error(
    run: Any, accepted: str, message: str
) -> None:
    done = run(f"runs.wasm --for wasmtime --accept {accepted}")
    assert (done.returncode, done.stdout) == (2, b"")
    assert message in done.stderr.decode()


def test_the_first_line_answers_and_names_what_it_depends_on(run: Any) -> None:
    first, second, *_ = run(WASMEDGE).stdout.decode().splitlines()
    assert first == "if.wasm: runs on wasmedge as it is, only if 1 condition holds (NN222)"
    assert second.startswith("  condition[NN222]: the host defines wasmedge_image.load_jpg")
    first, second, *_ = run(f"{WASMEDGE} --accept NN222").stdout.decode().splitlines()
    assert first == "if.wasm: runs on wasmedge as it is"
    assert second.startswith("  accepted[NN222]: the host defines")


def test_the_command_that_mends_it_comes_before_the_reasons(run: Any) -> None:
    first, second, *_ = run("renamed.wasm --for wasmtime").stdout.decode().splitlines()
    assert first == "renamed.wasm: runs on wasmtime after a rewrite"
    assert second == "  help: nnshim rewrite --for wasmtime renamed.wasm renamed.wasmtime.wasm"


def test_what_many_modules_need_stands_once_at_the_end(run: Any, folder: Path) -> None:
    many = [f"many{number}.wasm" for number in range(28)]
    for name in many:
        (folder / name).write_bytes(MODULES["runs.wasm"])
    done = run(f"{' '.join(many)} --for wasmtime --for wasmedge").stdout.decode()
    title, *lines = done.splitlines()[56:]
    assert title == "also needed, or not visible in a module (counts only with --strict):"
    assert [text.split("]")[0] for text in lines] == [
        "  need[NN231",
        "  need[NN251",
        "  unseen[NN240",
        "28 files: 28 run",
    ]
    strict = run(f"{' '.join(many)} --for wasmtime --strict").stdout.decode()
    assert strict.count("[NN231]") == 1
    assert "also needed, or not visible in a module:" in strict.splitlines()
    assert "many0.wasm: runs on wasmtime as it is, only if 2 conditions hold (NN231, NN251)" in (
        strict.splitlines()
    )


def test_a_need_of_some_modules_names_them(run: Any, folder: Path) -> None:
    done = run("runs.wasm plain.wasm --for wamr").stdout.decode().splitlines()
    (need,) = [text for text in done if "[NN251]" in text]
    assert need.endswith("(runs.wasm)")
    for number in range(4):
        (folder / f"{number}.wasm").write_bytes(MODULES["runs.wasm"])
    done = run("0.wasm 1.wasm 2.wasm 3.wasm plain.wasm --for wamr").stdout.decode().splitlines()
    (need,) = [text for text in done if "[NN251]" in text]
    assert need.endswith("(4 of 5 modules)")


def test_what_several_hosts_need_stands_once_with_those_that_do(run: Any) -> None:
    done = run("runs.wasm plain.wasm --for wasmtime --for wasmedge --for wamr").stdout.decode()
    ends = {
        code: text.rpartition(" (")[2]
        for text in done.splitlines()
        for code in _codes(text, "need")
    }
    assert ends["NN231"] == "wasmtime)"
    assert ends["NN251"] == "wasmtime, wasmedge; wamr: runs.wasm)"  # where plain.wasm runs
    everywhere = run("runs.wasm --for wasmtime --for wasmedge --for wamr").stdout.decode()
    (need,) = [text for text in everywhere.splitlines() if "[NN251]" in text]
    assert need.endswith("`nnshim hosts HOST` says how")


def _codes(text: str, severity: str) -> list[str]:
    return re.findall(rf"^  {severity}\[(NN\d+)\]", text)


def test_what_cannot_run_has_no_conditions_and_no_needs(run: Any) -> None:
    done = run("other.wasm --for wasmtime").stdout.decode()
    assert [text.split("]")[0] for text in done.splitlines()] == [
        "other.wasm: cannot run on wasmtime",
        "  error[NN212",
    ]


def test_json_has_the_answer_in_a_word_and_what_is_left_of_conditions(run: Any) -> None:
    found = json.loads(run(f"{WASMEDGE} --for wasmtime --accept NN222 --json").stdout)
    assert [(one["host"], one["verdict"]) for one in found] == [
        ("wasmedge", "runs"),
        ("wasmtime", "cannot"),
    ]
    assert (found[0]["only_if"], found[0]["accepted"]) == ([], ["NN222"])
    (found,) = json.loads(run(f"{WASMEDGE} --json").stdout)
    assert (found["verdict"], found["only_if"], found["accepted"]) == ("only_if", ["NN222"], [])
    (found,) = json.loads(run("renamed.wasm --for wasmtime --json").stdout)
    assert (found["verdict"], found["rewrite"]) == (
        "rewrite",
        "nnshim rewrite --for wasmtime renamed.wasm OUT",
    )
    (found,) = json.loads(run("cut.wasm --for wasmtime --json").stdout)
    assert (found["file"], found["verdict"]) == ("cut.wasm", "no_verdict")


@pytest.mark.parametrize("name", ["renamed.wasm", "if.wasm"])
def test_inspect_and_the_library_say_what_check_says(run: Any, name: str) -> None:
    hosts = " ".join(f"--for {host}" for host in FAMILIES)
    done = run(f"{name} {hosts} --json")
    checked = {one["host"]: one for one in json.loads(done.stdout)}
    (inspected,) = json.loads(nnshim("inspect", name, "--json").stdout)
    told = check(MODULES[name], FAMILIES)
    assert list(checked) == list(inspected["runs_on"]) == [one.host for one in told]
    for verdict in told:
        one, other = checked[verdict.host], inspected["runs_on"][verdict.host]
        assert one["verdict"] == other["verdict"] == verdict.answer
        assert [d["code"] for d in one["diagnostics"]] == [d["code"] for d in other["diagnostics"]]
    assert done.returncode == max(
        (verdict.answer.exit_code for verdict in told), key=[0, 5, 1, 4, 6].index
    )


@pytest.mark.parametrize(("name", "code"), [("other.wasm", 4), ("renamed.wasm", 0), ("if.wasm", 0)])
@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_rewrite_whose_result_cannot_run_ends_as_the_check_of_it(
    tmp_path: Path, name: str, code: int, more: tuple[str, ...]
) -> None:
    (tmp_path / name).write_bytes(MODULES[name])
    out = tmp_path / "out.wasm"
    done = nnshim("rewrite", "--for", "wasmedge", *more, tmp_path / name, out)
    assert (done.returncode, b"NN312" in done.stderr) == (code, code == 4), done.stderr
    checked = nnshim("check", out, "--for", "wasmedge").returncode
    assert (checked == 4) == (code == 4)  # and a condition is for check to count: 5


def test_inspect_shows_hosts_and_conditions_of_a_module_without_wasi_nn(folder: Path) -> None:
    shown = nnshim("inspect", "--all", folder / "plain.wasm").stdout.decode()
    (row,) = (line for line in shown.splitlines() if "wasmtime, wasmedge, nnshim  no  " in line)
    assert row.endswith("the host does not define env.f (NN212)")
    assert "  wamr, wamr-ephemeral,       as it is, if 1" in shown
    assert "    1  the host does not define env.f, and calling it traps (NN226)" in shown


def test_a_module_that_is_not_valid_has_no_verdict_on_any_host(run: Any) -> None:
    done = run("invalid.wasm runs.wasm --for wasmtime --for wamr --json")
    assert done.returncode == Answer.NO_VERDICT.exit_code
    invalid, *others = json.loads(done.stdout)
    assert (invalid["verdict"], [e["code"] for e in invalid["errors"]]) == ("no_verdict", ["NN108"])
    assert {other["file"] for other in others} == {"runs.wasm"}
    assert run("invalid.wasm --for wasmtime --no-validate").returncode == 0
    with pytest.raises(InvalidModule, match="type mismatch"):
        check(MODULES["invalid.wasm"], ["wasmtime"])


def test_text_is_validated_once_it_is_assembled(run: Any, folder: Path) -> None:
    (folder / "invalid.wat").write_text(f"(module {LOAD} {MEMORY} (func i32.add))")
    assert run("invalid.wat --for wasmtime").returncode == Answer.NO_VERDICT.exit_code


def test_inspect_names_no_host_for_a_module_that_is_not_valid(folder: Path) -> None:
    done = nnshim("inspect", "--json", str(folder / "invalid.wasm"))
    (found,) = json.loads(done.stdout)
    assert found["runs_on"] == {}
    assert "NN108" in [diagnostic["code"] for diagnostic in found["diagnostics"]]
