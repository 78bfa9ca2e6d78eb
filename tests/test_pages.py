"""Every block of code in docs/ does what its page shows, with nnshim from a wheel.

`sh` and `python` are run, in order and in one folder for each page; `text` is the standard output
of the block before, with `…` where lines are left out, and any lines of its standard error. A page
that copies the samples first is gone through in an empty folder, and shows what its programs print.
A block with a title is that file. `toml` is read by what the page says reads it, and of `yaml`,
nnshim takes the commands. `yaml` with a title is a file of a pipeline, which uses what the
repository offers to pipelines, and `make` is a file in samples/. A `console` takes something that
is not here: of it, the programs are known, nnshim takes the words, and the files that pytest and
podman are given are there.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import os
import re
import shlex
import shutil
import signal
import subprocess
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from nnshim.cli import build
from nnshim.config.reading import configured
from rewriter.hosts.profiles.file import read_file
from runtime_shim import read_graphs
from tests.support.processes import PATIENCE, wait_for
from tests.support.wasm import assemble

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
GENERATED = ("codes.md", "conformance.md", "reference/commands.md", "reference/json.md")
"""What is in these is held to its source elsewhere."""

_BLOCK = re.compile(r"^```(\w*)(?: title=\"([^\"]*)\")?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
Block = tuple[str, str, str]

BLOCKS: dict[str, list[Block]] = {
    name: _BLOCK.findall(page.read_text())
    for page in sorted(DOCS.rglob("*.md"))
    if (name := page.relative_to(DOCS).as_posix()) not in GENERATED
}
WITH = [name for name, blocks in BLOCKS.items() if blocks]
GUIDES = [name for name in WITH if name.startswith("adding-")]
RUN = [name for name in WITH if any(kind in ("sh", "python") for kind, _, _ in BLOCKS[name])]

STARTING = [
    name
    for name in RUN
    if any(kind == "sh" and re.search(r" &$", body, re.MULTILINE) for kind, _, body in BLOCKS[name])
]
"""Pages that start processes in the background."""

PROGRAMS = {
    *("bash", "docker", "iwasm", "jq", "lint-imports", "mypy", "nnshim", "podman", "pytest", "ray"),
}
PROGRAMS |= {"cat", "cp", "pip", "python", "skopeo"}
"""What blocks of `console` start."""

_VERDICTS = """
nnshim() {
    local code=0
    command nnshim "$@" || code=$?
    case "$1 $code" in "check "[145]) ;; *) return $code ;; esac
}
"""
"""Any verdict of `nnshim check` will do, but not that it could not give one."""

GUEST = assemble(
    """(module
      (import "wasi_ephemeral_nn" "load" (func (param i32 i32 i32 i32 i32) (result i32)))
      (import "wasi_ephemeral_nn" "set_input" (func (param i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "path_open" (func
        (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "_start")))"""
)


COPY = 'cp -r "$(nnshim doctor --samples)" samples\n'
NEWCOMERS = [
    name
    for name in RUN
    if next((body for kind, title, body in BLOCKS[name] if not title), "").startswith(COPY)
]
"""Pages that can be gone through from an empty folder."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With the files that pages other than those for newcomers speak of."""
    shutil.copytree(ROOT / "samples", tmp_path / "samples")
    for name in ("guest.wasm", "app.wasm", "app.orig.wasm", "in.wasm"):
        (tmp_path / name).write_bytes(GUEST)
    shutil.copy(ROOT / "samples/digits/model.tflite", tmp_path)
    shutil.copy(DOCS / "profiles/wamr-legacy-2.3.1.toml", tmp_path / "device.toml")
    return tmp_path


@pytest.mark.parametrize("page", [name for name in RUN if name not in GUIDES])
def test_every_block_of_a_page_does_what_is_shown_below_it(
    page: str, installed: dict[str, str], request: pytest.FixtureRequest
) -> None:
    newcomer = page in NEWCOMERS
    here: Path = request.getfixturevalue("tmp_path" if newcomer else "folder")
    stdout = stderr = ""
    for kind, title, body in BLOCKS[page]:
        if title:
            (here / title).parent.mkdir(parents=True, exist_ok=True)
            (here / title).write_text(body)
        elif kind in ("sh", "python"):
            script = body if newcomer else _VERDICTS + body
            command = ["bash", "-e", "-c", script] if kind == "sh" else ["python", "-c", body]
            stdout, stderr = ran(command, here, installed)
        elif kind == "text":
            assert shows(body, stdout, stderr), (body, stdout, stderr)


def ran(
    command: list[str], here: Path, env: dict[str, str], patience: float = PATIENCE
) -> tuple[str, str]:
    """What a command prints that succeeds, in time, and leaves no process behind. One that ends
    with it may take so many seconds."""
    process = subprocess.Popen(
        command, cwd=here, env=env, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        stdout, stderr = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, (command, stdout, stderr)
        wait_for(lambda: not in_session(process.pid), patience)
    finally:
        for pid in in_session(process.pid):
            os.kill(pid, signal.SIGKILL)
        process.wait()
    return stdout, stderr


def in_session(leader: int) -> list[int]:
    """The processes of a session that have not ended."""
    found = []
    for path in Path("/proc").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, NotADirectoryError):
            if path.name.isdigit():
                state, _, _, session = (path / "stat").read_text().rpartition(")")[2].split()[:4]
                if int(session) == leader and state not in "ZX":
                    found.append(int(path.name))
    return found


@pytest.mark.parametrize("page", STARTING)
def test_the_commands_of_a_page_that_starts_servers_run_in_one_shell_too(
    page: str, installed: dict[str, str], tmp_path: Path
) -> None:
    for _, title, body in BLOCKS[page]:
        if title:
            (tmp_path / title).write_text(body)
    script = "".join(body for kind, title, body in BLOCKS[page] if kind == "sh" and not title)
    stdout, _ = ran(["bash", "-e", "-c", script], tmp_path, installed)
    blocks = [body for kind, title, body in BLOCKS[page] if kind == "text" and not title]
    assert stdout == "".join(blocks)


def test_pages_with_commands_in_the_background_are_known() -> None:
    assert STARTING == ["remote-models.md"]


@pytest.mark.parametrize(
    "script", ["sleep 600 > /dev/null 2>&1 &", "exit 3"], ids=["left behind", "failed"]
)
def test_commands_that_leave_a_process_or_fail_are_found(script: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        ran(["bash", "-c", script], tmp_path, {**os.environ}, patience=0.5)


def shows(shown: str, stdout: str, stderr: str) -> bool:
    """Whether a page shows what was printed."""
    printed, told = stdout.splitlines(), iter(stderr.splitlines())
    omits = False
    for line in shown.splitlines():
        if line == "…":
            omits = True
        elif line in (printed if omits else printed[:1]):
            del printed[: printed.index(line) + 1]
            omits = False
        elif line not in told:
            return False
    return omits or not printed


def test_lines_that_a_page_leaves_out_are_marked() -> None:
    assert shows("a\nb\n", "a\nb\n", "")
    assert shows("a\n…\nd\n", "a\nb\nc\nd\n", "")
    assert shows("…\nb\n…\n", "a\nb\nc\n", "")
    assert shows("w\na\n", "a\n", "v\nw\nx\n")
    for shown in ("b\n", "a\n", "b\na\n", "a\nb\nc\n", "", "…\na\n"):
        assert not shows(shown, "a\nb\n", ""), shown


def test_pages_for_newcomers_bring_their_samples_themselves() -> None:
    starts = {name for name in RUN if name.startswith("start/")}
    assert starts | {"fleets.md", "python.md"} <= {*NEWCOMERS}


@pytest.mark.parametrize("page", NEWCOMERS)
def test_a_page_for_newcomers_shows_what_each_program_prints(page: str) -> None:
    for (kind, _, body), after in itertools.pairwise([*BLOCKS[page], ("", "", "")]):
        if kind == "python" and "print(" in body and not after[1]:
            assert after[0] == "text" or (after[0] == "sh" and "python " in after[2]), body


@pytest.mark.parametrize("page", WITH)
def test_what_is_not_run_takes_something_that_is_not_here(page: str) -> None:
    for kind, title, body in BLOCKS[page]:
        assert kind in ("sh", "python", "text", "console", "toml", "yaml", "make"), body
        if kind == "make":
            assert body == (ROOT / "samples/pipelines" / title).read_text()
        elif kind == "yaml" and title:
            offered(title, yaml.safe_load(body))
        elif kind == "yaml":
            lines = [line for line in strings(yaml.safe_load(body)) if line.startswith("nnshim ")]
            assert lines
            for line in lines:
                taken(shlex.split(line))
        if kind == "console":
            for line in re.sub(r"(\\|(?<=\|))\n", " ", body).splitlines():
                for command in commands(line):
                    taken(command)


def strings(value: object) -> Iterator[str]:
    """Each line of each string in what YAML has."""
    if isinstance(value, str):
        yield from value.splitlines()
    elif isinstance(value, dict):
        yield from itertools.chain.from_iterable(map(strings, value.values()))
    elif isinstance(value, list):
        yield from itertools.chain.from_iterable(map(strings, value))


def offered(title: str, pipeline: Any) -> None:
    """Asserts that a file of a pipeline names what the repository has, and inputs it takes."""
    if title == ".github/workflows/wasm.yml":
        (given,) = (step["with"] for step in pipeline["jobs"]["wasm"]["steps"] if "with" in step)
        assert given.keys() <= yaml.safe_load((ROOT / "action.yml").read_text())["inputs"].keys()
    elif title == ".gitlab-ci.yml":
        (component,) = pipeline["include"]
        name = component["component"].split("@")[0].split("/")[-1]
        spec, _ = yaml.safe_load_all((ROOT / f"templates/{name}.yml").read_text())
        assert component["inputs"].keys() <= spec["spec"]["inputs"].keys()
    else:
        assert title == ".pre-commit-config.yaml"
        hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
        entries = {hook["id"]: hook["entry"] for hook in hooks}
        for hook in pipeline["repos"][0]["hooks"]:
            taken([*entries[hook["id"]].split(), *hook["args"]])


def commands(line: str) -> Iterator[list[str]]:
    """The words of each command of a line of shell."""
    words = shlex.shlex(line, posix=True, punctuation_chars="|&;")
    words.whitespace_split = True
    for joint, command in itertools.groupby(words, lambda word: word in ("|", "||", "&&", ";")):
        if not joint:
            yield [*command]


def taken(words: list[str]) -> None:
    """Asserts that the command is known, and would get as far as doing something."""
    program, *arguments = words
    assert program in PROGRAMS
    if program == "pytest":
        assert [name for name in arguments if not (ROOT / name).exists()] == []
    if program == "podman" and "-f" in arguments:
        assert (ROOT / arguments[arguments.index("-f") + 1]).is_file()
    elif program == "podman":
        (image,) = (at for at, word in enumerate(arguments) if word.startswith("nnshim"))
        taken(["nnshim", *arguments[image + 1 :]])
    if program == "nnshim":
        command: Any = typer.main.get_command(build())
        command.commands[arguments[0]].make_context(arguments[0], arguments[1:])


def test_a_command_that_is_not_taken_is_found() -> None:
    with pytest.raises(typer.TyperException, match="--fro"):
        taken(["nnshim", "check", "a.wasm", "--fro", "wamr"])
    with pytest.raises(AssertionError):
        taken(["pytest", "tests/test_nothing.py"])
    with pytest.raises(AssertionError):
        taken(["rm", "a.wasm"])


def test_toml_is_read_by_what_takes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = dict.fromkeys(name for name in WITH for kind, _, _ in BLOCKS[name] if kind == "toml")
    assert [*read] == [
        "adding-a-backend.md", "ci.md", "configuration.md", "models.md", "profiles.md",
        "remote-models.md",
    ]  # fmt: skip
    shutil.copytree(ROOT / "samples/digits", tmp_path / "digits")
    for page in read:
        (body,) = (body for kind, _, body in BLOCKS[page] if kind == "toml")
        (tmp_path / page).write_text(body)
    points = tomllib.loads((tmp_path / "adding-a-backend.md").read_text())
    assert [*points["project"]["entry-points"]] == ["nnshim.backends"]
    assert configured(str(tmp_path / "ci.md"), False).accept == ["NN262"]
    assert configured(str(tmp_path / "configuration.md"), False).policy is not None
    (graph,) = read_graphs(str(tmp_path / "models.md"))
    assert graph.name == "digits"
    monkeypatch.setenv("DIGITS_AUTHORIZATION", "Bearer 1234")
    both = read_graphs(str(tmp_path / "remote-models.md"))
    assert [graph.name for graph in both if graph.remote is not None] == ["digits", "large"]
    assert read_file(str(tmp_path / "profiles.md")).host.name == "device"


NAMES = {
    "adding-a-backend.md": ("runtime_shim.backends.formats",),
    "adding-a-command.md": (),
    "adding-a-host.md": ("rewriter.hosts.wamr", "rewriter.hosts.wasmtime"),
    "adding-an-abi.md": (
        "rewriter.abi.numbers",
        "rewriter.abi.dialects",
        "runtime_shim.abi.wasmedge",
    ),
    "adding-an-output-format.md": (),
}
"""The files that the examples of a guide for contributors would stand in."""


@pytest.mark.parametrize("page", GUIDES)
def test_what_a_guide_adds_fits_where_it_would_stand(page: str) -> None:
    """What is indented is a part of a function, or of a dict, and is compiled."""
    names: dict[str, object] = {"__name__": page}
    for module in NAMES[page]:
        names |= vars(importlib.import_module(module))
    for kind, _, body in BLOCKS[page]:
        if kind == "python" and body.startswith(" "):
            part = textwrap.dedent(body)
            compile(f"{{{part}}}" if part.rstrip().endswith("),") else part, page, "exec")
        elif kind == "python":
            exec(body, names)
