"""Completion: what is offered for a word, the scripts in a real bash, and where they are put."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nnshim.cli import COMMANDS
from nnshim.help.shells import SHELLS, current_shell, install, script
from nnshim.render.reports import REPORTS
from rewriter.abi.dialects import DIALECTS, Encoding
from rewriter.codes import all_codes
from rewriter.errors import UsageError
from rewriter.hosts.table import FAMILIES
from tests.support.command import nnshim
from tests.support.shell import completed


def offered(*words: str) -> tuple[bool, dict[str, str]]:
    """Whether files fit in place of the last word, and the values that are offered, each with what
    is said of it, as zsh and fish ask for them."""
    done = nnshim(*words, env={"_NNSHIM_COMPLETE": "zsh"})
    assert (done.returncode, done.stderr) == (0, b"")
    mode, *lines = done.stdout.decode().splitlines()
    assert mode in ("files", "values")
    return mode == "files", dict(zip(lines[::2], lines[1::2], strict=True))


def values(*words: str) -> set[str]:
    return set(offered(*words)[1])


def test_commands_are_offered_with_their_summaries() -> None:
    files, found = offered("")
    assert not files
    assert set(found) == set(COMMANDS)
    assert found["check"] == "Say whether hosts run modules: the gate of a pipeline."
    assert values("cache", "") == {"list", "dir", "clear"}
    assert values("help", "r") == {"rewrite", "run"}


def test_options_are_offered_with_their_help() -> None:
    _, found = offered("run", "--t")
    assert set(found) == {"--threads", "--timeout", "--trap-unknown-imports"}
    assert found["--threads"] == "Threads for one inference."
    assert {"-h", "-V", "--help"} & values("-") == {"-V", "--help"}
    assert "--no-validate" in values("rewrite", "a.wasm", "--")


@pytest.mark.parametrize("words", [("check", "--fo"), ("run", "--as"), ("rewrite", "--fo")])
def test_what_is_said_of_an_option_names_the_hosts(words: tuple[str, ...]) -> None:
    said = " ".join(offered(*words)[1].values())
    assert "wamr-legacy" in said
    assert "{" not in said


def test_what_a_guest_is_given_is_not_nnshims() -> None:
    assert offered("run", "guest.wasm", "--ti") == (True, {})
    assert values("run", "--ti") == {"--timeout"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("check", "--for", ""), set(FAMILIES)),
        (("check", "--for", "wamr-l"), {"wamr-legacy"}),
        (("run", "--as", "wamr-legacy@2.4"), {"wamr-legacy@2.4.0", "wamr-legacy@2.4.5"}),
        (("check", "--for=wasmt"), {"--for=wasmtime"}),
        (("hosts", "as-"), {"as-wasi-nn"}),
        (("rewrite", "--from", "wasi-nn@0.5"), {"wasi-nn@0.5.0"}),
        (("inspect", "--guest-abi", ""), set(DIALECTS)),
        (("bench", "--encoding", ""), {each.name.lower() for each in Encoding}),
        (("explain", ""), {code.number for code in all_codes()}),
        (("explain", "NN201", "nn20"), {f"nn20{digit}" for digit in range(1, 10)}),
        (("check", "--accept", "NN70"), {"NN701", "NN702"}),
        (("inspect", "--format", ""), {"text", "json"}),
        (("check", "--output-format", ""), set(REPORTS)),
        (("check", "--report", "j"), {"json=", "jsonl=", "junit="}),
        (("rewrite", "--to", "wasi_e"), {"wasi_ephemeral_nn"}),
        (("run", "--device", "on"), {"onnx="}),
        (("run", "--limit", "g"), {"graphs="}),
        (("run", "-S", "nn-graph=on"), {"nn-graph=onnx::"}),
        (("run", "--nn-preload", "a:on"), {"a:onnx:"}),
        (("run", "--nn-preload", "a:onnx:g"), {"a:onnx:gpu:"}),
        (("probe", "--graph", "a=on"), {"a=onnx"}),
        (("run", "--timeout", ""), set()),
        (("--show-completion", "f"), {"fish"}),
    ],
    ids=lambda it: " ".join(it) if isinstance(it, tuple) else "",
)
def test_values_are_offered_where_they_are_known(
    words: tuple[str, ...], expected: set[str]
) -> None:
    assert values(*words) == expected


def test_files_are_offered_where_they_fit(tmp_path: Path) -> None:
    for words in (("inspect", ""), ("check", "--model", ""), ("check", "--for", "./m")):
        assert offered(*words)[0], words
    for words in (("inspect", "--guest-abi", ""), ("run", "--fuel", ""), ("doctor", "")):
        assert not offered(*words)[0], words
    (tmp_path / "model.onnx").touch()
    (tmp_path / "models").mkdir()
    begun = f"a:onnx:cpu:{tmp_path}/mod"
    assert values("run", "--nn-preload", begun) == {f"{begun}el.onnx", f"{begun}els/"}


@pytest.mark.parametrize(
    ("line", "replaced", "expected"),
    [
        ("nnshim check --for wasmt", "wasmt", ["wasmtime"]),
        ("nnshim check --for wamr-legacy@2.4.", "2.4.", ["2.4.0", "2.4.5"]),
        ("nnshim check --for wamr-legacy@2.4.", "@2.4.", ["@2.4.0", "@2.4.5"]),
        ("nnshim check --for=wasmt", "wasmt", ["wasmtime"]),
        ("nnshim run --nn-preload a:on", "on", ["onnx:"]),
        ("nnshim check 'a b.wasm' --for wasmt", "wasmt", ["wasmtime"]),
        ('nnshim check --for "wasmt', "wasmt", ["wasmtime"]),
        ("nnshim cache ", "", ["list", "dir", "clear"]),
    ],
)
def test_bash_gets_the_part_of_a_word_that_it_replaces(
    line: str, replaced: str, expected: list[str]
) -> None:
    done = nnshim(line, replaced, env={"_NNSHIM_COMPLETE": "bash"})
    assert done.stdout.decode().splitlines()[1::2] == expected


@pytest.mark.parametrize(
    ("typed", "arguments"),
    [
        ("nnshim che\t x", "<check><x>"),
        ("nnshim check --for wamr-leg\tx", "<check><--for><wamr-legacy><x>"),
        ("nnshim check --for wamr-legacy@2.4.5\tx", "<check><--for><wamr-legacy@2.4.5><x>"),
        ("nnshim hosts wasmtime@4\t9\tx", "<hosts><wasmtime@49><x>"),
        ("nnshim check --for=wasmt\tx", "<check><--for=wasmtime><x>"),
        ("nnshim run --nn-preload a:pyt\tg\tx", "<run><--nn-preload><a:pytorch:gpu:x>"),
        ("nnshim inspect gue\t", "<inspect><guest one.wasm>"),
        ("nnshim check --for ./pro\tx", "<check><--for><./profile.toml><x>"),
        ("nnshim inspect --guest-abi gue\t", "<inspect><--guest-abi><gue>"),
    ],
)  # fmt: skip
def test_a_real_bash_completes_what_is_typed(typed: str, arguments: str, tmp_path: Path) -> None:
    for name in ("guest one.wasm", "profile.toml"):
        (tmp_path / name).touch()
    (tmp_path / "script").write_text(script("bash"))
    bash = ["bash", "--norc", "--noprofile", "-i"]
    assert completed(bash, "script", typed, tmp_path, {"HISTFILE": ""}) == arguments


def test_the_scripts_are_shown_and_those_of_other_shells_are_usage_errors() -> None:
    for shell in SHELLS:
        done = nnshim("--show-completion", shell)
        assert (done.returncode, done.stdout.decode()) == (0, script(shell))
        assert f"_NNSHIM_COMPLETE={shell}" in script(shell)
    done = nnshim("--show-completion", "zhs")
    assert (done.returncode, done.stdout) == (2, b"")
    assert (
        b"no completion for the shell 'zhs', only for bash, zsh, fish; did you mean" in done.stderr
    )


def test_the_shell_is_the_one_that_starts_the_command() -> None:
    done = subprocess.run(
        ["bash", "-c", "python -m nnshim --show-completion; :"],
        env={"PATH": str(Path(sys.executable).parent) + ":/bin:/usr/bin", "SHELL": "/bin/zsh"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == script("bash")
    assert current_shell({"SHELL": "/usr/bin/fish"}, process=1) == "fish"
    with pytest.raises(UsageError, match="cannot tell which shell this is"):
        current_shell({"SHELL": "/bin/tcsh"}, process=1)


def test_an_installation_adds_one_line_and_loses_none(tmp_path: Path) -> None:
    own = tmp_path / ".bashrc"
    own.write_bytes(b"alias ll='ls -l' # \xff")
    env = {"HOME": str(tmp_path)}
    first = install("bash", env)
    assert [path.name for path in first] == ["completion.bash", ".bashrc"]
    assert first[0].read_text() == script("bash")
    assert own.read_bytes() == b"alias ll='ls -l' # \xff\nsource %s\n" % bytes(first[0])
    assert install("bash", env) == first[:1]
    assert own.read_bytes().count(b"source") == 1


def test_each_shell_reads_what_is_installed_from_its_own_place(tmp_path: Path) -> None:
    env = {
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "ZDOTDIR": str(tmp_path / "z"),
    }
    assert install("fish", env) == [tmp_path / "config/fish/completions/nnshim.fish"]
    assert install("zsh", env) == [tmp_path / "data/nnshim/completion.zsh", tmp_path / "z/.zshrc"]
    assert (tmp_path / "z/.zshrc").read_text().endswith("data/nnshim/completion.zsh\n")


def test_the_command_installs_and_says_which_files_it_wrote(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path), "XDG_DATA_HOME": ""}
    done = nnshim("--install-completion", "bash", env=env)
    assert done.returncode == 0
    assert f"written: {tmp_path}/.bashrc" in done.stdout.decode()
    (tmp_path / "file").touch()
    done = nnshim("--install-completion", "bash", env={**env, "XDG_DATA_HOME": f"{tmp_path}/file"})
    assert done.returncode == 1
    assert b"cannot make" in done.stderr
