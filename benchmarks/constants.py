"""What it takes to follow constants, against reading every instruction of the module.

    python -m benchmarks.constants [--quick] [FILE...]

Without files, the module is the digits sample with its functions over and over: each copy of its
`main` calls wasi-nn. --quick leaves the 30 MB out.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from benchmarks.measure import machine, table
from rewriter.analysis.features import features
from rewriter.analysis.inspect import inspect_module
from rewriter.analysis.seen.numbering import constants_of
from rewriter.functions.code import defined_functions
from rewriter.wasm.leb128 import encode_u32
from rewriter.wasm.module import Module
from rewriter.wasm.sections import HEADER_SIZE, SectionId

SAMPLE = Path(__file__).resolve().parent.parent / "samples" / "digits.wasm"
MB = 1_000_000


def main() -> None:
    files = [Path(name) for name in sys.argv[1:] if name != "--quick"]
    modules = {file.name: file.read_bytes() for file in files}
    if not files:
        sizes = (1,) if "--quick" in sys.argv[1:] else (1, 30)
        modules = {"digits.wasm": SAMPLE.read_bytes()}
        modules |= {f"digits.wasm, to {size} MB": repeated(size * MB) for size in sizes}
    print(machine())
    print()
    print(table(["module", "MB", "every instruction", "constants", "calls", "seen"], rows(modules)))


def rows(modules: dict[str, bytes]) -> list[list[str]]:
    found = []
    for name, data in modules.items():
        info = inspect_module(data)
        start = time.perf_counter()
        features(info.module)
        read = time.perf_counter()
        constants = constants_of(info).found
        followed = time.perf_counter()
        found.append(
            [
                name,
                f"{len(data) / MB:.1f}",
                f"{read - start:.2f} s",
                f"{followed - read:.2f} s",
                str(len(constants)),
                str(sum(one.numbers is not None for one in constants)),
            ]
        )
    return found


def repeated(size: int) -> bytes:
    """The sample with all its functions again and again, up to a size in bytes."""
    data = SAMPLE.read_bytes()
    module = Module(data)
    types, bodies = defined_functions(module)
    code = data[bodies[0].start : bodies[len(bodies) - 1].end]
    times = max(1, size // len(code))
    declared = b"".join(map(encode_u32, types))
    made = bytearray(data[:HEADER_SIZE])
    for section in module.sections:
        content = data[section.content : section.end]
        count = encode_u32(len(types) * times)
        if section.id is SectionId.FUNCTION:
            content = count + declared * times
        elif section.id is SectionId.CODE:
            content = count + code * times
        if section.name is None:
            made += bytes([section.id]) + encode_u32(len(content)) + content
    return bytes(made)


if __name__ == "__main__":
    main()
