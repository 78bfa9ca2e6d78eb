"""What modules that are made to hurt cost a rewrite: a million of everything, in few bytes.

    python -m benchmarks.hurt [--quick]

Time for each byte at two sizes, the second four times the first, and how far the peak of the
resident memory grows at the second, each in a process of its own: of a rename, which reads the
sections and the imports, of adapting, which reads more, and of verifying what came of that, which
reads both.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import machine, table
from rewriter.wasm.leb128 import encode_u32
from rewriter.wasm.sections import SectionId
from tests.support.wasm import (
    FUNC_0,
    HEADER,
    TYPES,
    custom,
    import_module,
    imported,
    imports,
    name,
    section,
    sized,
    vector,
    with_code,
)

SIZES = 225_000, 900_000
QUICK_SIZES = 5_000, 20_000

RUN = """
import json, re, sys, time
from rewriter import NNShimError, RewriteOptions, compare, rewrite_file
from rewriter.files.input import open_source
import rewriter.rewriting.install_adapters, rewriter.analysis.compatibility, rewriter.functions.code

def peak():
    with open("/proc/self/status") as status:
        return int(re.search(r"VmHWM:\\s+(\\d+)", status.read())[1]) * 1024

before, started, refused = peak(), time.perf_counter(), False
try:
    if goal := json.loads(sys.argv[3]):
        rewrite_file(sys.argv[1], sys.argv[2], RewriteOptions(validate=False, **goal))
    else:
        with open_source(sys.argv[1]) as original, open_source(sys.argv[2]) as rewritten:
            compare(original.data, rewritten.data)
except NNShimError:
    refused = True
print(json.dumps([time.perf_counter() - started, peak() - before, refused]))
"""


NOTHING = b"\0\x0b"

CASES: dict[str, Callable[[int], bytes]] = {
    "custom sections": lambda n: with_code(NOTHING, after=custom("") * n),
    "imports from wasi-nn": lambda n: import_module(*["wasi_ephemeral_nn"] * n),
    "names in a group of them": lambda n: (
        HEADER
        + TYPES
        + imports(name("wasi_ephemeral_nn") + b"\0\x7e" + FUNC_0 + vector(*[b"\0"] * n))
    ),
    "imports from elsewhere": lambda n: with_code(NOTHING, others=[imported("", "")] * n),
    "names in a group of those": lambda n: with_code(
        NOTHING, others=[name("") + b"\0\x7e" + FUNC_0 + vector(*[b"\0"] * n)]
    ),
    "empty groups": lambda n: with_code(NOTHING, others=[name("") + b"\0\x7f" + vector()] * n),
    "types": lambda n: with_code(NOTHING, types=[b"\x60\0\0"] * n),
    "types in a group": lambda n: with_code(NOTHING, types=[b"\x4e" + vector(*[b"\x5f\0"] * n)]),
    "parameters": lambda n: (
        HEADER + section(SectionId.TYPE, vector(b"\x60" + vector(*[b"\x7f"] * n) + b"\0"))
    ),
    "memories": lambda n: HEADER + section(SectionId.MEMORY, vector(*[b"\0\0"] * n)),
    "exports": lambda n: with_code(NOTHING, exports=[b"\0\2\0"] * n),
    "functions": lambda n: with_code(*[NOTHING] * n),
    "calls": lambda n: with_code(b"\0" + b"\x10\0" * n + b"\x0b"),
    "globals that name a function": lambda n: with_code(
        NOTHING, before=section(SectionId.GLOBAL, vector(*[b"\x70\0\xd2\0\x0b"] * n))
    ),
    "names of functions": lambda n: with_code(
        NOTHING,
        after=custom(
            "name", b"\1" + sized(vector(*[encode_u32(index) + b"\0" for index in range(n)]))
        ),
    ),
    "a count of 4 G imports": lambda _: HEADER + section(SectionId.IMPORT, b"\xff\xff\xff\xff\x0f"),
}


GOALS: dict[str, dict[str, str]] = {
    "rename": {"to": "wasi_nn"},
    "adapt": {"abi": "wamr"},
    "verify": {},
}


class Cost(NamedTuple):
    """`grown` and `size`, of the files that are read, in bytes."""

    seconds: float
    grown: int
    refused: bool
    size: int


def cost(path: Path, goal: Mapping[str, str]) -> Cost:
    """Of a rewrite; without a goal, of comparing the module with what was last made of it."""
    out = path.with_suffix(".out")
    done = subprocess.run(
        [sys.executable, "-c", RUN, path, out, json.dumps(goal)],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, grown, refused = json.loads(done.stdout)
    read = (path,) if goal or not out.exists() else (path, out)
    return Cost(seconds, grown, refused, sum(file.stat().st_size for file in read))


def main() -> None:
    sizes = QUICK_SIZES if "--quick" in sys.argv[1:] else SIZES
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for title, make in CASES.items():
            paths = [Path(folder) / f"{title} {count}.wasm" for count in sizes]
            for path, count in zip(paths, sizes, strict=True):
                path.write_bytes(make(count))
            cells = [f"{paths[-1].stat().st_size / 1e6:.1f}"]
            for goal in GOALS.values():
                costs = [cost(path, goal) for path in paths]
                last = costs[-1]
                cells.append(", ".join(f"{it.seconds / it.size * 1e9:.0f}" for it in costs))
                refused = " (refused)" if last.refused else ""
                cells.append(f"{last.grown / 2**20:.0f}, {last.grown / last.size:.1f}{refused}")
            rows.append([title, *cells])
    print(machine())
    print()
    measures = ("ns a byte", "MiB, times what is read")
    heads = [f"{goal}: {measure}" for goal in GOALS for measure in measures]
    print(table([f"{sizes[-1]} of", "MB", *heads], rows))


if __name__ == "__main__":
    main()
