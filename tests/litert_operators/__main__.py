"""Whether LiteRT hands out memory that nobody wrote, or ends the process, for any operator.

    python -m tests.litert_operators [--seeds N] [--first N] [OPERATOR ...]

Every seed makes a small model of each operator, which computes in two processes whose memory is
filled with two patterns when it is taken (see tests.unwritten), in a fresh context and in one that
has computed with other inputs. What comes out has to be the same bytes each time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from dataclasses import asdict

from tests.litert_operators.recipes import RECIPES
from tests.litert_operators.sweep import Outcome, outcomes
from tests.unwritten import NO_CACHE, PATTERNS


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--compute", action="store_true")
    parser.add_argument("operators", nargs="*")
    arguments = parser.parse_args()
    names = arguments.operators or sorted(RECIPES)
    if arguments.compute:
        seeds = range(arguments.first, arguments.first + arguments.seeds)
        for outcome in outcomes(names, seeds):
            print(json.dumps(asdict(outcome)))
        return 0
    runs = []
    for pattern in PATTERNS:
        command = [sys.executable, "-m", "tests.litert_operators", "--compute", *sys.argv[1:]]
        environment = {**os.environ, "MALLOC_PERTURB_": pattern, "GLIBC_TUNABLES": NO_CACHE}
        output = tempfile.TemporaryFile("w+")
        runs.append((subprocess.Popen(command, env=environment, stdout=output), output))
    found = []
    for run, output in runs:
        if run.wait():
            raise subprocess.CalledProcessError(run.returncode, run.args)
        output.seek(0)
        found.append([Outcome(**json.loads(line)) for line in output])
    return report(*found)


def report(first: list[Outcome], second: list[Outcome]) -> int:
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    which: dict[str, list[str]] = defaultdict(list)
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for one, other in zip(first, second, strict=True):
        word = judge(one, other)
        rows[one.name][word] += 1
        if word not in ("same", "refused", "failed"):
            which[one.name].append(f"{word}:{one.seed}:{one.ended or other.ended}")
        if one.reason:
            reasons[one.name][one.reason[:150]] += 1
    for name, row in rows.items():
        line = " ".join(f"{word} {count}" for word, count in row.items())
        print(f"{name}: {line} {' '.join(which[name][:12])}")
        if os.environ.get("REASONS"):
            for reason, count in reasons[name].most_common(4):
                print(f"      {count} {reason}")
    total = sum(rows.values(), Counter())
    print(dict(total))
    return 1 if which else 0


def judge(one: Outcome, other: Outcome) -> str:
    if one.ended or other.ended:
        return "ended"
    if one.fresh != other.fresh:
        return "differs"
    if one.again != other.again:
        return "differs-again"
    if one.fresh != one.again:
        return "remembers"
    if one.fresh:
        return "same"
    return "failed" if one.loaded else "refused"


if __name__ == "__main__":
    sys.exit(main())
