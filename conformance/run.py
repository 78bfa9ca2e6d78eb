"""Run the conformance suite on a host of wasi-nn. This is one file that needs only Python's
standard library.

    python run.py -- wasmtime run -S nn --dir . {}
    python run.py --encoding tensorflowlite --abi wamr --json out.json -- iwasm {}

The host's command follows `--`; `{}` stands for the path of the module. Each module runs in its own
process. Exit code: 0 if all judged cases pass, 1 if not, 2 if nothing could be run.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import datetime
import fnmatch
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent

RESULTS: Mapping[str, str] = {
    "pass": "the expected output",
    "errno": "an error, as expected, but with the number of a different error",
    "fail": "something else",
    "trap": "the host stopped the guest",
    "crash": "a signal ended the host itself",
    "timeout": "not finished in time",
    "link": "the host does not accept the module, or lacks a function that it calls",
    "blocked": "not judged, because a prerequisite does not work on this host",
    "recorded": "nothing is expected: see the output",
}

_LINE = re.compile(r"start|end|blocked [a-z_]+=\d+|[a-z]\w*=[0-9a-f]*")
"""A line printed by a module. Hosts may print other lines in between."""

_UNLINKED = re.compile(
    r"unknown import|unlinked import|incompatible import|failed to check signature"
)
"""Messages of hosts that link at the first call: WAMR (interpreter), WasmEdge."""

_SIGNALS = {
    128 + number.value: number.name for number in signal.Signals if number.name != "SIGABRT"
}
"""Exit codes of shells for signals. 134, the code for SIGABRT, is also Wasmtime's exit code for a
trap."""


@dataclass(frozen=True)
class Ended:
    """How a process ended. `code` is None after the timeout, and negative after a signal."""

    code: int | None
    out: str
    said: str


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    cases = chosen(options)
    if not cases or not options.command:
        print("nothing to run: no case matches, or the command is missing", file=sys.stderr)
        return 2
    try:
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            ended = list(pool.map(lambda case: run(case, options), cases))
    except OSError as error:
        print(f"cannot start the command: {error}", file=sys.stderr)
        return 2
    found = {case["name"]: result(case, each) for case, each in zip(cases, ended, strict=True)}
    if not options.quiet:
        show(cases, ended, found)
    totals = Counter(each["result"] for each in found.values())
    print(", ".join(f"{totals[name]} {name}" for name in RESULTS if totals[name]))
    if options.json:
        text = json.dumps(report(options, totals, found), indent=1)
        Path(options.json).write_text(f"{text}\n", encoding="utf-8")
    return 0 if set(totals) <= {"pass", "recorded"} else 1


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description="Run the conformance suite on a host of wasi-nn.")
    made.add_argument("--encoding", default="openvino", help="openvino, onnx or tensorflowlite")
    made.add_argument("--cases", default="*", metavar="GLOB", help="names: 'witx/get-output-*'")
    made.add_argument("--abi", action="append", help="witx, wamr or wasmedge; may be repeated")
    made.add_argument("--graph", action="store_true", help="the host has a graph named 'base'")
    made.add_argument(
        "--timeout", type=float, default=60, metavar="SECONDS", help="seconds for each module"
    )
    made.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="number of modules to run in parallel"
    )
    made.add_argument("--json", metavar="OUT", help="write the results to this file")
    made.add_argument("--quiet", action="store_true", help="print only the totals")
    for name in ("host", "version", "commit", "options"):
        made.add_argument(f"--{name}", default="", help="for the file of results")
    made.add_argument(
        "command", nargs="*", help="the host's command, with {} in place of the module"
    )
    return made


def chosen(options: argparse.Namespace) -> list[dict[str, Any]]:
    """The cases that the options select, with their entries in expected.json."""
    cases: list[dict[str, Any]] = json.loads((HERE / "expected.json").read_text("utf-8"))
    return [
        case
        for case in cases
        if fnmatch.fnmatch(case["name"], options.cases)
        and options.encoding in case["encodings"]
        and (not options.abi or case["abi"] in options.abi)
        and (options.graph or "graph" not in case["needs"])
    ]


def run(case: Mapping[str, Any], options: argparse.Namespace) -> Ended:
    """Run a case. Raises OSError if the host's command cannot be started."""
    module = str(HERE / "modules" / options.encoding / f"{case['name']}.wasm")
    command = [part.replace("{}", module) for part in options.command]
    if not any("{}" in part for part in options.command):
        command.append(module)
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, said = process.communicate(timeout=options.timeout)
        code: int | None = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # the host may have been started by a shell script
        out, said = process.communicate()
        code = None
    return Ended(code, out.decode(errors="replace"), said.decode(errors="replace"))


def result(case: Mapping[str, Any], ended: Ended) -> dict[str, Any]:
    """The recorded result of a case: its result, what the module printed, how the host ended."""
    output = [line for line in ended.out.splitlines() if _LINE.fullmatch(line)]
    name = ending(ended, output) or judged(case, output)
    if name == "trap" and (case["trap"] or not case["judged"]):
        name = "pass" if case["judged"] else "recorded"
    return {"result": name, "output": output, "exit": ended.code}


def ending(ended: Ended, output: Sequence[str]) -> str | None:
    """The result of a module that did not finish, or None."""
    if ended.code is None:
        return "timeout"
    if ended.code < 0 or ended.code in _SIGNALS:
        return "crash"
    if ended.code == 0 and output[-1:] == ["end"]:
        return None
    if not output or _UNLINKED.search(ended.said + ended.out):
        return "link"
    return "trap"


def judged(case: Mapping[str, Any], output: Sequence[str]) -> str:
    """The result of a module that finished."""
    lines = [line for line in output if line not in ("start", "end")]
    if any(line.startswith("blocked ") for line in lines):
        return "blocked"
    if not case["judged"]:
        return "recorded"
    given = [line.partition("=")[::2] for line in lines]
    expected = case["expected"]
    if [name for name, _ in given] != [name for name, _ in expected]:
        return "fail"
    found = {
        compared(value, wanted) for (_, value), (_, wanted) in zip(given, expected, strict=True)
    }
    return next(name for name in ("fail", "errno", "pass") if name in found | {"pass"})


def compared(value: str, wanted: str) -> str:
    """Compare a value: pass, errno or fail."""
    if wanted == "any":
        return "pass"
    if wanted.startswith("error"):
        if value == "0":
            return "fail"
        return "pass" if wanted in ("error", f"error:{value}") else "errno"
    return "pass" if value in wanted.split("|") else "fail"


def show(
    cases: Sequence[Mapping[str, Any]], ended: Sequence[Ended], found: Mapping[str, Any]
) -> None:
    """Print a line for each case, and an explanation unless it passed or is only recorded."""
    width = max(len(case["name"]) for case in cases)
    for case, end in zip(cases, ended, strict=True):
        one = found[case["name"]]
        print(f"{case['name']:{width}}  {one['result']}")
        if one["result"] == "recorded":
            print(f"    {' '.join(one['output'][1:-1])}")
        elif one["result"] != "pass":
            print(f"    {case['title']}")
            print(f"    expected  {' '.join('='.join(each) for each in case['expected'])}")
            print(f"    printed   {' '.join(one['output'])}; exit code {end.code}")
            last = [line for line in end.said.splitlines() if line.strip()][-3:]
            print("".join(f"    said      {line[:200]}\n" for line in last), end="")


def report(
    options: argparse.Namespace, totals: Mapping[str, int], found: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "host": options.host,
        "version": options.version,
        "commit": options.commit,
        "options": options.options,
        "encoding": options.encoding,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "totals": {name: totals[name] for name in RESULTS if totals.get(name)},
        "cases": found,
    }


if __name__ == "__main__":
    sys.exit(main())
