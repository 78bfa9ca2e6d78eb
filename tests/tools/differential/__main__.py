"""The command line: tries seeds, and reports each sort of difference by its smallest model."""

from __future__ import annotations

import argparse
import faulthandler
import gc
import sys
import tempfile
import time
from pathlib import Path

from tests.tools.differential.directly import BACKENDS
from tests.tools.differential.trying import Finding, Tally, try_seed
from tests.tools.differential.ways import WAYS

ENDINGS = {"onnx": "onnx", "openvino": "onnx", "litert": "tflite", "tensorflow": "pb"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.differential")
    parser.add_argument("--seconds", type=float, default=60, help="0 for one seed")
    parser.add_argument("--seed", type=int, default=1, help="the first; the others count up")
    parser.add_argument("--backends", default="onnx,openvino,litert,tensorflow")
    parser.add_argument("--ways", default=";".join(WAYS), help="with ; between them")
    parser.add_argument("--keep", type=Path, help="a folder for the models of findings")
    options = parser.parse_args()
    backends = options.backends.split(",")
    if unknown := set(backends) - set(BACKENDS):
        parser.error(f"backends are {', '.join(BACKENDS)}, and not {', '.join(unknown)}")
    faulthandler.enable()
    keep = options.keep or Path(tempfile.mkdtemp(prefix="nnshim-differential-"))
    keep.mkdir(parents=True, exist_ok=True)
    ways = options.ways.split(";")
    tally, sorts = Tally.empty(), dict[tuple[str, str], list[Finding]]()
    seen: set[tuple[str, str]] = set()
    seed, end = options.seed, time.monotonic() + options.seconds
    while True:
        (keep / "last-seed").write_text(f"{seed}\n")  # for what ends the process
        for finding in try_seed(seed, backends, ways, tally, seen):
            key = finding.backend, finding.sort
            if key not in sorts:
                print(f"seed {seed}: {finding.backend}, {finding.sort}", file=sys.stderr)
            sorts.setdefault(key, []).append(finding)
        gc.collect()  # guests' stores, with their arenas
        seed += 1
        if time.monotonic() >= end:
            break
    for found in sorts.values():
        _report(found, keep)
    _summarise(tally, seed - options.seed, keep)
    mine = [found for found in sorts.values() if not found[0].is_the_runtimes]
    return 1 if mine else 0


def _report(found: list[Finding], keep: Path) -> None:
    smallest = min(
        found, key=lambda it: (len(it.network.nodes) + len(it.network.values), len(it.rounds))
    )
    seed, backend, way, sort, mismatch, rounds, network, model = smallest
    path = keep / f"{seed}-{backend}.{ENDINGS.get(backend, 'pt')}"
    path.write_bytes(model)
    ways = {finding.way for finding in found}
    print(f"\n{backend}: {sort}")
    print(f"  {len(found)} times, on: {'; '.join(way for way in WAYS if way in ways)}")
    print(f"  --seed {seed}, {way}, {path}")
    print(f"  rounds {list(rounds)}; in the last: {mismatch.step} {mismatch.place}")
    print(f"  expected {mismatch.expected[:200]}")
    print(f"  got      {mismatch.got[:200]}")
    print("    " + network.describe().replace("\n", "\n    "))


def _summarise(tally: Tally, seeds: int, keep: Path) -> None:
    print(f"\n{seeds} seeds; models of findings are in {keep}")
    parts = []
    for backend, models in tally.models.items():
        refused, rounds = tally.refused[backend], tally.rounds[backend]
        parts.append(
            f"{backend}: {models} models ({refused} refused), {rounds} rounds"
            f" ({tally.refused_rounds[backend]} refused), {tally.comparisons[backend]} comparisons"
        )
    print("; ".join(parts))


if __name__ == "__main__":
    sys.exit(main())
