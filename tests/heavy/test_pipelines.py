"""What is offered to pipelines, as they run it: the hooks by pre-commit, the steps of the GitHub
action and of the GitLab component as shell, make and just. Needs the indices of packages, make, and
the packages pre-commit and rust-just.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.wasm import assemble

ROOT = Path(__file__).resolve().parents[2]
DIGITS = ROOT / "samples" / "digits.wasm"
PLAIN = '(module (import "env" "f" (func)))'
"""It does not use wasi-nn, and no host links it."""

ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
GITLAB, JOBS = yaml.safe_load_all((ROOT / "templates/check.yml").read_text())

Done = subprocess.CompletedProcess[str]


def shell(
    script: str,
    folder: Path,
    more: Mapping[str, str],
    interpreter: tuple[str, ...] = ("bash", "-c"),
) -> Done:
    without = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [*interpreter, script],
        cwd=folder,
        env={**without, **more},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder $RUNNER_TEMP, with nnshim as the action's own step installs it."""
    folder = tmp_path_factory.mktemp("runner")
    done = step("Install nnshim", folder, folder, {})
    assert done.returncode == 0, done.stderr
    return folder


def step(name: str, folder: Path, runner: Path, inputs: Mapping[str, str]) -> Done:
    """One step of the action, as GitHub's runner starts it."""
    (found,) = (each for each in ACTION["runs"]["steps"] if each.get("name") == name)
    known = {f"inputs.{key}": str(of["default"]) for key, of in ACTION["inputs"].items()}
    known |= {f"inputs.{key}": text for key, text in inputs.items()}
    known |= {"runner.temp": str(runner), "github.action_path": str(ROOT)}
    outputs = runner / "output"
    if outputs.exists():
        lines = dict(line.split("=", 1) for line in outputs.read_text().splitlines())
        known |= {f"steps.check.outputs.{key}": text for key, text in lines.items()}

    def filled(text: str) -> str:
        return re.sub(r"\$\{\{ ([\w.-]+) \}\}", lambda found: known[found[1]], text)

    assert found["shell"] == "bash"
    assert "${{" not in found["run"], "what comes from outside goes through the environment"
    files = {"GITHUB_OUTPUT": str(outputs), "GITHUB_STEP_SUMMARY": str(runner / "summary.md")}
    env = {key: filled(text) for key, text in found.get("env", {}).items()}
    bash = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")
    return shell(found["run"], folder, {**files, "RUNNER_TEMP": str(runner), **env}, bash)


@pytest.fixture
def workspace(tmp_path: Path, runner: Path) -> Path:
    """A repository with a guest, a module without wasi-nn, and a name that shells take apart."""
    for name in ("output", "summary.md", "nnshim.md"):
        (runner / name).unlink(missing_ok=True)
    folder = tmp_path / "workspace"
    (folder / "build").mkdir(parents=True)
    shutil.copy(DIGITS, folder / "build/a guest;$(touch broken).wasm")
    (folder / "build/plain.wasm").write_bytes(assemble(PLAIN))
    return folder


def test_the_action_annotates_and_writes_sarif_and_a_summary(workspace: Path, runner: Path) -> None:
    inputs = {"paths": "build\n", "for": "wamr-legacy@2.3.1\nwasmedge@0.17.1\n"}
    done = step("Check", workspace, runner, inputs)
    assert done.returncode == 0, done.stderr
    assert "::warning file=build/a guest;$(touch broken).wasm" in done.stdout
    found = json.loads((workspace / "nnshim.sarif").read_text())
    assert {each["ruleId"] for each in found["runs"][0]["results"]} > {"NN201"}
    assert "wamr-legacy@2.3.1" in (runner / "summary.md").read_text()
    assert step("Fail if a module does not pass", workspace, runner, inputs).returncode == 1
    assert not (workspace / "broken").exists()


def test_the_action_passes_what_runs(workspace: Path, runner: Path) -> None:
    inputs = {"paths": "build\n", "for": "wasmedge@0.17.1", "arguments": "--strict\n--exit-zero"}
    assert step("Check", workspace, runner, inputs).returncode == 0
    assert step("Fail if a module does not pass", workspace, runner, inputs).returncode == 0


def test_the_action_fixes_in_place(workspace: Path, runner: Path) -> None:
    guest = workspace / "build/a guest;$(touch broken).wasm"
    inputs = {"paths": "build", "for": "wamr-legacy@2.3.1", "fix": "true"}
    inputs["arguments"] = "--accept=NN262"
    done = step("Check", workspace, runner, inputs)
    assert done.returncode == 0, done.stderr
    assert step("Fail if a module does not pass", workspace, runner, inputs).returncode == 0
    assert guest.read_bytes() != DIGITS.read_bytes()
    again = step("Check", workspace, runner, inputs | {"fix": "false"})
    assert again.returncode == 0, again.stderr
    assert step("Fail if a module does not pass", workspace, runner, inputs).returncode == 0


def gitlab(folder: Path, **inputs: str) -> Done:
    """The component's job, as GitLab's runner starts it: all lines in one shell."""
    known = {key: str(of.get("default")) for key, of in GITLAB["spec"]["inputs"].items()} | inputs
    job: dict[str, Any] = JOBS["nnshim-check"]
    variables = {
        name: re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", lambda found: known[found[1]], text)
        for name, text in job["variables"].items()
    }
    assert "$[[" not in "".join(job["script"])
    return shell("\n".join(job["script"]), folder, variables, ("sh", "-e", "-c"))


def test_the_component_writes_what_gitlab_shows(workspace: Path) -> None:
    inputs = {"paths": "build", "for": "wamr-legacy@2.3.1", "package": str(ROOT)}
    done = gitlab(workspace, arguments="--accept NN262", **inputs)
    assert done.returncode == 1, done.stderr
    quality = json.loads((workspace / "nnshim-quality.json").read_text())
    assert "NN201" in {each["check_name"] for each in quality}
    assert "<failure" in (workspace / "nnshim-junit.xml").read_text()
    reports = JOBS["nnshim-check"]["artifacts"]["reports"]
    assert all((workspace / name).exists() for name in reports.values())
    fixed = gitlab(workspace, arguments="--accept NN262 --fix", **inputs)
    assert fixed.returncode == 0, fixed.stderr
    assert not (workspace / "broken").exists()


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A repository with this tree as its one commit, and the commit."""
    folder = tmp_path_factory.mktemp("hooks")
    names = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for name in filter(None, names):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder, commit(folder)


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b.example")
    command = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def commit(folder: Path) -> str:
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "a", "--no-verify")
    return git(folder, "rev-parse", "HEAD").strip()


def pre_commit(folder: Path, home: Path, hook: str) -> Done:
    command = [sys.executable, "-m", "pre_commit", "run", "--all-files", "--verbose", hook]
    return shell(subprocess.list2cmdline(command), folder, {"PRE_COMMIT_HOME": str(home)})


def test_the_hooks_check_and_fix_what_is_committed(
    hooks: tuple[Path, str], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    source, revision = hooks
    home = tmp_path_factory.getbasetemp() / "pre-commit"
    arguments = {"args": ["--for=wamr-legacy@2.3.1", "--accept=NN262"]}
    both = [{"id": name, **arguments} for name in ("nnshim-check", "nnshim-fix")]
    config = {"repos": [{"repo": source.as_uri(), "rev": revision, "hooks": both}]}
    (tmp_path / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    (tmp_path / "plain.wasm").write_bytes(assemble(PLAIN))
    (tmp_path / "README.md").write_text("nothing to check\n")
    guest = tmp_path / "a guest.wasm"
    shutil.copy(DIGITS, guest)
    commit(tmp_path)

    refused = pre_commit(tmp_path, home, "nnshim-check")
    assert refused.returncode == 1, refused.stdout + refused.stderr
    assert "a guest.wasm: runs on wamr-legacy@2.3.1 after a rewrite" in refused.stdout
    assert "plain.wasm" not in refused.stdout
    fixed = pre_commit(tmp_path, home, "nnshim-fix")
    assert "files were modified by this hook" in fixed.stdout
    assert guest.read_bytes() != DIGITS.read_bytes()
    git(tmp_path, "commit", "-qam", "fixed", "--no-verify")
    for hook in ("nnshim-check", "nnshim-fix"):
        passed = pre_commit(tmp_path, home, hook)
        assert passed.returncode == 0, passed.stdout + passed.stderr


@pytest.fixture
def project(workspace: Path) -> Path:
    """A project that builds one guest, with the samples' Makefile and justfile."""
    shutil.rmtree(workspace / "build")
    (workspace / "build").mkdir()
    shutil.copy(DIGITS, workspace / "build/digits.wasm")
    for name in ("Makefile", "justfile"):
        shutil.copy(ROOT / "samples/pipelines" / name, workspace)
    return workspace


@pytest.mark.parametrize(
    "deploy",
    [
        pytest.param("make HOST={host} NNSHIM={nnshim} deploy", id="make"),
        pytest.param("{just} host={host} nnshim={nnshim} deploy", id="just"),
    ],
)
def test_what_is_deployed_was_checked(deploy: str, project: Path, runner: Path) -> None:
    nnshim = runner / "nnshim/bin/nnshim"
    just = Path(sys.executable).parent / "just"
    (project / "nnshim.toml").write_text('accept = ["NN262"]\n')

    def run(host: str) -> Done:
        return shell(deploy.format(host=host, nnshim=nnshim, just=just), project, {})

    shutil.copy(DIGITS, project / "build/older.wasm")
    for guests in (["digits.wasm", "older.wasm"], ["digits.wasm"]):
        done = run("wamr-legacy@2.3.1")
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.splitlines()[-1] == "copy dist/ to the devices here"
        assert sorted(each.name for each in (project / "dist").iterdir()) == guests
        (project / "build/older.wasm").unlink(missing_ok=True)
    assert (project / "dist/digits.wasm").read_bytes() != DIGITS.read_bytes()
    stopped = run("wamr@2.1.1")
    assert stopped.returncode != 0
    assert "devices" not in stopped.stdout.splitlines()[-1:]
