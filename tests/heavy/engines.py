"""The modules of tests.heavy.engine_cases on real hosts.

    python -m tests.heavy.engines [--new] ENGINES.TOML [NAME ...]

ENGINES.TOML says which hosts there are, and how each is started:

    [[engine]]
    name = "wamr-2.3.1"
    commit = "WAMR-2.3.1"
    options = "as its CMake has them"     # of the build
    for = ["wamr-legacy@2.3.1"]           # the rows that it is an example of
    command = ["bin/iwasm"]               # the module comes after it
    only = ["nothing", "tail-call"]       # the first and the last case; all where it is missing

A relative command is one of the file's folder. With names, only these hosts are run, and the
results of the others stay, and with --new those of cases that a host has been run with. The results
are written to engines.json beside this file: for each case 0 where the module ran to its end, else
the exit code (negative for a signal), and what the host said.
"""

from __future__ import annotations

import datetime
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.heavy.engine_cases import assembled

RESULTS = Path(__file__).with_name("engines.json")

SECONDS = 60
"""No case takes one second on an idle machine."""

_FAILED = "[Ee]xception: |load failed|instantiate failed|execute application failed|memory failed"
"""What WAMR 1.1.1 says, and exits with 0."""

_LONGEST = 60
"""Of what a host says, in characters."""


def run(command: Sequence[str], module: Path) -> int | str:
    """How one ended: 0, or the exit code and what the host said."""
    try:
        done = subprocess.run(
            [*command, str(module)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return "timeout"
    said = (done.stdout + done.stderr).decode(errors="replace")
    said = re.sub(r"\x1b\[[0-9;]*m|\[\d{4}-[^]]*\] |\[[\d:]+ - [0-9A-F]+\]: ", "", said)
    said = said.replace(str(module), "MODULE")
    said = " ".join(re.sub(r"0x[0-9a-f]{6,}|/\S*/", "", said).split())[:_LONGEST]
    failed = done.returncode or re.search(_FAILED, said)
    return f"{done.returncode}: {said}" if failed else 0


def _measure(
    engine: dict[str, Any], folder: Path, modules: Path, known: dict[str, int | str]
) -> dict[str, Any]:
    """What a host does with the cases that are not known."""
    program, *options = engine["command"]
    command = [str((folder / program).absolute()), *options]
    names = list(assembled())
    first, last = engine.get("only", (names[0], names[-1]))
    names = names[names.index(first) : names.index(last) + 1]
    there = {name: known[name] for name in assembled() if name in known}
    new = {name: run(command, modules / f"{name}.wasm") for name in names if name not in known}
    return {
        **{key: engine[key] for key in ("commit", "options", "for")},
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "cases": {**there, **new},
    }


def main(arguments: Sequence[str]) -> None:
    new = "--new" in arguments
    path, *wanted = (argument for argument in arguments if argument != "--new")
    folder = Path(path).absolute().parent
    engines = tomllib.loads(Path(path).read_text())["engine"]
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    with tempfile.TemporaryDirectory() as scratch:
        modules = Path(scratch)
        for name, content in assembled().items():
            (modules / f"{name}.wasm").write_bytes(content)
        for engine in engines:
            name = engine["name"]
            if not wanted or name in wanted:
                print(name, flush=True)
                known = results.get(name, {}).get("cases", {}) if new else {}
                results[name] = _measure(engine, folder, modules, known)
                RESULTS.write_text(json.dumps(results, indent=0) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
