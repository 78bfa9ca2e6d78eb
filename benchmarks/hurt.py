"""What modules that are made to hurt cost a rewrite: a million of everything, in few bytes.

    python -m benchmarks.hurt [--quick]

Time for each byte at two sizes, the second four times the first, and how far the peak of the
resident memory grows at the second, each in a process of its own: of a rename, which reads the
sections and the imports, and of adapting, which reads and keeps more.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import machine, table
from rewriter.leb128 import encode_u32
from rewriter.sections import SectionId
from tests.wasm import (
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
from rewriter import NNShimError, rewrite_file
import rewriter.adapting, rewriter.assess, rewriter.code

def peak():
    with open("/proc/self/status") as status:
        return int(re.search(r"VmHWM:\\s+(\\d+)", status.read())[1]) * 1024

before, started, refused = peak(), time.perf_counter(), False
try:
    rewrite_file(sys.argv[1], sys.argv[2], validate=False, **json.loads(sys.argv[3]))
except NNShimError:
    refused = True
print(json.dumps([time.perf_counter() - started, peak() - before, refused]))
"""


NOTHING = b"\0\x0b"

CASES: dict[str, Callable[[int], bytes]] = {
    "custom sections": lambda n: import_module("wasi_ephemeral_nn") + custom("") * n,
    "imports": lambda n: import_module(*["wasi_ephemeral_nn"] * n),
    "imports with empty names": lambda n: HEADER + TYPES + imports(*[imported("", "")] * n),
    "names in a group of imports": lambda n: (
        HEADER
        + TYPES
        + imports(name("wasi_ephemeral_nn") + b"\0\x7e" + FUNC_0 + vector(*[b"\0"] * n))
    ),
    "empty groups of imports": lambda n: (
        HEADER + TYPES + imports(*[name("") + b"\0\x7f" + vector()] * n)
    ),
    "types": lambda n: HEADER + section(SectionId.TYPE, vector(*[b"\x60\0\0"] * n)),
    "parameters": lambda n: (
        HEADER + section(SectionId.TYPE, vector(b"\x60" + vector(*[b"\x7f"] * n) + b"\0"))
    ),
    "memories": lambda n: HEADER + section(SectionId.MEMORY, vector(*[b"\0\0"] * n)),
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


def measured(path: Path, goal: dict[str, str]) -> tuple[float, int, bool]:
    """Seconds, bytes, and whether the module is refused."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(path), f"{path}.out", json.dumps(goal)],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, grown, refused = json.loads(done.stdout)
    return seconds, grown, refused


def main() -> None:
    sizes = QUICK_SIZES if "--quick" in sys.argv[1:] else SIZES
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "module.wasm"
        for title, make in CASES.items():
            cells: list[str] = []
            for goal in ({"to": "wasi_nn"}, {"abi": "wamr"}):
                each = []
                for count in sizes:
                    module = make(count)
                    path.write_bytes(module)
                    seconds, grown, refused = measured(path, goal)
                    each.append(f"{seconds / len(module) * 1e9:.0f}")
                cells += [
                    ", ".join(each),
                    f"{grown / 2**20:.0f}, {grown / len(module):.1f}",
                    "refused" if refused else "",
                ]
            rows.append([title, f"{len(module) / 1e6:.1f}", *cells])
    print(machine())
    print()
    per_goal = ["ns a byte", "MiB, times the file", ""]
    print(table([f"{sizes[1]} of", "MB", *(f"rename: {cell}" if cell else "" for cell in per_goal),
                 *(f"adapt: {cell}" if cell else "" for cell in per_goal)], rows))  # fmt: skip


if __name__ == "__main__":
    main()
