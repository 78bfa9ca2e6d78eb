"""What commands make of a configuration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nnshim.config.merged import Given, in_force
from nnshim.config.reading import configured
from nnshim.many.searching import search
from tests.support.command import nnshim
from tests.support.wasm import assemble

LOAD = '(import "wasi_ephemeral_nn" "load" (func $load (param i32 i32 i32 i32 i32) (result i32)))'
GUEST = assemble(
    f'(module {LOAD} (memory (export "memory") 1) (export "load" (func $load))'
    ' (func (export "_start")))'
)
CONDITIONAL = assemble(
    f'(module {LOAD} (import "wasmedge_image" "load_jpg" (func)) (memory (export "memory") 1)'
    ' (func (export "_start")))'
)
"""Runs on WasmEdge if a plugin is there (NN222)."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "old").mkdir()
    (tmp_path / "guest.wasm").write_bytes(GUEST)
    (tmp_path / "if.wasm").write_bytes(CONDITIONAL)
    (tmp_path / "old" / "if.wasm").write_bytes(CONDITIONAL)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def verdicts(*arguments: str) -> list[tuple[str, str, str]]:
    done = nnshim("check", "--json", *arguments)
    assert done.returncode in (0, 1, 4, 5), done.stderr
    return [(one["file"], one["host"], one["verdict"]) for one in json.loads(done.stdout)]


def test_files_and_hosts_are_those_of_the_file_unless_the_command_line_has_some(
    folder: Path,
) -> None:
    (folder / "nnshim.toml").write_text('hosts = ["wasmedge"]\nfiles = ["guest.wasm", "if.wasm"]\n')
    assert verdicts() == [
        ("guest.wasm", "wasmedge", "runs"),
        ("if.wasm", "wasmedge", "only_if"),
    ]
    assert verdicts("--for", "nnshim", "guest.wasm") == [("guest.wasm", "nnshim", "runs")]


def test_codes_are_accepted_for_some_files(folder: Path) -> None:
    (folder / "nnshim.toml").write_text(
        'hosts = ["wasmedge"]\n[accept-by-path]\n"old/*" = ["NN222"]\n'
    )
    both = ("if.wasm", "old/if.wasm")
    assert [one[2] for one in verdicts(*both)] == ["only_if", "runs"]
    assert [one[2] for one in verdicts("--accept", "NN222", *both)] == ["runs", "runs"]
    assert [one[2] for one in verdicts("--accept", "NN226", *both)] == ["only_if", "runs"]
    assert [one[2] for one in verdicts("--no-config", "--for", "wasmedge", *both)] == [
        "only_if",
        "only_if",
    ]


def test_strictness_can_be_switched_off_again(folder: Path) -> None:
    (folder / "nnshim.toml").write_text('hosts = ["wasmedge"]\nstrict = true\n')
    assert [one[2] for one in verdicts("guest.wasm")] == ["only_if"]
    assert [one[2] for one in verdicts("--no-strict", "guest.wasm")] == ["runs"]


def test_a_policy_decides_and_nothing_on_the_command_line_changes_it(folder: Path) -> None:
    (folder / "nnshim.toml").write_text("[policy]\nencodings = ['onnx']\n")
    done = nnshim("check", "guest.wasm", "--for", "nnshim", "--no-strict")
    assert done.returncode == 4
    assert done.stdout.decode().splitlines()[:2] == [
        "guest.wasm: may not run on nnshim, by the policy",
        "  error[NN806]: load can be called in ways that are not seen, with any encoding",
    ]
    assert nnshim("check", "guest.wasm", "--accept", "NN806").returncode == 2
    (folder / "nnshim.toml").write_text("[policy]\nencodings = ['onnx']\nunknown = 'allow'\n")
    done = nnshim("check", "guest.wasm", "--for", "nnshim")
    assert done.returncode == 0
    assert b"note[NN807]: load can be called in ways" in done.stdout


def test_a_policy_is_no_reason_to_say_that_the_host_cannot_run_a_module(folder: Path) -> None:
    (folder / "nnshim.toml").write_text("[policy]\nfunctions = []\n")
    (folder / "other.wasm").write_bytes(assemble(f'(module {LOAD} (import "env" "f" (func)))'))
    done = nnshim("check", "other.wasm", "--for", "wasmtime")
    assert done.stdout.startswith(b"other.wasm: cannot run on wasmtime\n")
    assert b"NN212" in done.stdout
    assert b"NN801" in done.stdout


def test_it_is_said_which_file_is_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "nnshim.toml").write_text("")
    (folder / "pyproject.toml").write_text("[tool.nnshim]\n")
    monkeypatch.chdir(folder / "old")
    done = nnshim("check", "if.wasm", "--for", "wasmedge")
    assert done.stderr == b"nnshim: using ../nnshim.toml, and not pyproject.toml beside it\n"
    done = nnshim("check", "if.wasm", "--for", "wasmedge", "--isolated")
    assert done.stderr == b""


def test_rewrite_takes_the_only_host(folder: Path) -> None:
    (folder / "nnshim.toml").write_text('hosts = ["wamr-legacy@2.4.5"]\n')
    done = nnshim("rewrite", "guest.wasm", "out.wasm")
    assert b"using ./nnshim.toml\n" in done.stderr
    assert b"it runs on wamr-legacy@2.4.5" in done.stderr
    done = nnshim("rewrite", "--to", "wasi_nn", "guest.wasm", "out.wasm")
    assert b"nnshim.toml" not in done.stderr
    (folder / "nnshim.toml").write_text('hosts = ["wamr", "wasmtime"]\n')
    done = nnshim("rewrite", "guest.wasm", "out.wasm")
    assert b"nnshim: ./nnshim.toml names 2 hosts: choose one with --for\n" in done.stderr


@pytest.mark.parametrize("command", ["check", "rewrite"])
def test_a_wrong_file_is_a_usage_error_even_if_all_is_on_the_command_line(
    folder: Path, command: str
) -> None:
    (folder / "nnshim.toml").write_text("hosts = 1\n")
    done = nnshim(command, "guest.wasm", "--for", "wamr", *["o.wasm"] * (command == "rewrite"))
    assert done.returncode == 2
    assert b"./nnshim.toml:1: hosts: expected a list, found 1" in done.stderr


@pytest.mark.parametrize(
    "words", [("inspect", "guest.wasm"), ("verify", "guest.wasm", "guest.wasm"), ("hosts",)]
)
def test_other_commands_read_no_configuration(folder: Path, words: tuple[str, ...]) -> None:
    (folder / "nnshim.toml").write_text("this is wrong")
    done = nnshim(*words)
    assert (done.returncode, done.stderr) == (0, b"")


def test_models_and_profiles_are_relative_to_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = Path(__file__).parents[3] / "docs" / "profiles" / "wamr-legacy-2.3.1.toml"
    (folder / "mine.toml").write_bytes(profile.read_bytes())
    (folder / "nnshim.toml").write_text('hosts = ["mine.toml"]\nmodels = ["missing.onnx"]\n')
    monkeypatch.chdir(folder / "old")
    done = nnshim("check", "if.wasm")
    assert b"../missing.onnx" in done.stderr
    (folder / "nnshim.toml").write_text('hosts = ["mine.toml"]\n')
    assert [one[1] for one in verdicts("if.wasm")] == ["../mine.toml"]


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("vendor/**", {"app/own/c", "app/vendor/b"}),
        ("app/vendor/**", {"app/own/c"}),
        ("app/vendor", {"app/own/c"}),
        ("vendor", {"app/own/c"}),
        ("./app/own/*", {"app/vendor/b"}),
        ("app/../app/own/", {"app/vendor/b"}),
    ],
)
def test_what_a_file_excludes_is_the_same_wherever_a_command_starts(
    pattern: str, left: set[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patterns start from the folder of the file, as those of Ruff do."""
    for name in ("app/vendor/b", "app/own/c"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(GUEST)
    (folder / "nnshim.toml").write_text(f'exclude = ["{pattern}"]')

    def judged(start: str, name: str | None, listed: str | None = None) -> set[str]:
        monkeypatch.chdir(folder / start)
        exclude = in_force(configured(None, False), Given()).exclude
        found = search([] if name is None else [name], listed, exclude, None, 1).found()
        return {str(Path(item.name).resolve().relative_to(folder)) for item in found}

    for start, name in ((".", "app"), ("app", "."), ("app/own", ".."), (".", str(folder / "app"))):
        assert judged(start, name) == left
    (folder / "list").write_text("app/vendor/b\napp/own/c\n")
    assert judged(".", None, str(folder / "list")) == left
