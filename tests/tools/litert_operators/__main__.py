"""Whether LiteRT hands out memory that nobody wrote, or ends the process, for any operator.

    python -m tests.tools.litert_operators [--seeds N] [--first N] [--reasons] [--in WHERE]
    [OPERATOR ...]

Every seed makes small models of each operator: it alone, beside others that share its memory, in a
branch, and in a loop; `--in` takes one of these. They compute in two processes whose memory is
filled with two patterns when it is taken (see tests.tools.unwritten), in a fresh context and in one
that has computed with other inputs. What comes out has to be the same bytes each time. A line for
each operator says how many of its models were `refused` when they were loaded, `failed` with an
errno, gave the `same` bytes, `remember` what came before as they are meant to; and, with their
seeds, which `differ`, or `ended` the process.
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
from typing import IO

from tests.tools.litert_operators.recipes import RECIPES
from tests.tools.litert_operators.settings import SETTINGS
from tests.tools.litert_operators.sweep import Outcome, outcomes
from tests.tools.unwritten import NO_CACHE, PATTERNS

STATEFUL = ("VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE", "LSTM", "RNN", "SVDF",
            "RANDOM_", "MULTINOMIAL")  # fmt: skip
"""Parts of the names of operators that give something else the second time."""

WRONG = frozenset({"differ", "ended"})


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--in", dest="settings", choices=SETTINGS, action="append")
    parser.add_argument("--reasons", action="store_true", help="say why there are no outputs")
    parser.add_argument("--compute", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("operators", nargs="*", metavar="OPERATOR", default=sorted(RECIPES))
    arguments = parser.parse_args()
    if arguments.compute:
        seeds = range(arguments.first, arguments.first + arguments.seeds)
        for outcome in outcomes(arguments.operators, seeds, arguments.settings or [*SETTINGS]):
            print(json.dumps(asdict(outcome)))
        return 0
    with tempfile.TemporaryFile() as one, tempfile.TemporaryFile() as other:
        files = one, other
        runs = [started(*each) for each in zip(PATTERNS, files, strict=True)]
        codes = [run.wait() for run in runs]
        if any(codes):
            raise SystemExit("a process that computes models has failed")
        first, second = ([Outcome(**json.loads(line)) for line in read(file)] for file in files)
    return report(first, second, arguments.reasons)


def started(pattern: str, output: IO[bytes]) -> subprocess.Popen[bytes]:
    """What computes all models, in memory with a pattern."""
    command = [sys.executable, "-m", "tests.tools.litert_operators", "--compute", *sys.argv[1:]]
    environment = {**os.environ, "MALLOC_PERTURB_": pattern, "GLIBC_TUNABLES": NO_CACHE}
    return subprocess.Popen(command, env=environment, stdout=output)


def read(file: IO[bytes]) -> list[bytes]:
    file.seek(0)
    return file.readlines()


def report(first: list[Outcome], second: list[Outcome], with_reasons: bool) -> int:
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    seeds: dict[str, list[str]] = defaultdict(list)
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for one, other in zip(first, second, strict=True):
        word = judged(one, other)
        rows[one.name][word] += 1
        if word in WRONG:
            seeds[one.name].append(f"{word} {one.setting} with {one.seed}")
        if one.reason:
            reasons[one.name][one.reason.partition("\n")[0]] += 1
    for name, row in rows.items():
        counts = ", ".join(f"{count} {word}" for word, count in sorted(row.items()))
        print(f"{name}: {counts}", *seeds[name], sep="; ")
        if with_reasons:
            for reason, count in reasons[name].most_common(4):
                print(f"    {count} {reason}")
    total = sum(rows.values(), Counter())
    computed = sum(bool(row.keys() & {"same", "remember"}) for row in rows.values())
    print(f"{total.total()} models of {len(rows)} operators, of which {computed} compute:", end=" ")
    print(", ".join(f"{count} {word}" for word, count in sorted(total.items())))
    return 1 if any(seeds.values()) else 0


def judged(one: Outcome, other: Outcome) -> str:
    """What came of a model under both patterns."""
    if one.ended or other.ended:
        return "ended"
    if (one.fresh, one.again) != (other.fresh, other.again):
        return "differ"
    if one.fresh != one.again:
        return "remember" if any(word in one.name for word in STATEFUL) else "differ"
    if one.fresh:
        return "same"
    return "failed" if one.loaded else "refused"


if __name__ == "__main__":
    sys.exit(main())
