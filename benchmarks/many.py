"""What many modules cost: check and rewrite, against wasm-tools validate a file at a time.

    python -m benchmarks.many [--quick] [--files N] [--size BYTES] [--body BYTES] [--kind KIND]

The modules are made from the digits sample, each with other functions and other data: 10,000 of
300,000 bytes, in a folder of their own that is removed at the end. `plain` ones do not use wasi-nn,
`guests` do, and of `mixed` ones, every fourth does. wasm-tools runs by xargs, with as many
processes as there are cores. Memory is the peak of all processes together, each page counted once
(PSS); 100 files are worked on again and again, until that has been looked at as often as with all.
--quick makes 40. --body is the mean size of a function: it is 250 to 1,000 bytes in most of 190
prebuilt guests between 50 KB and 3 MB.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import NNSHIM, installed, machine, table
from nnshim.many.options import usable_cores
from rewriter.files import wasm_tools
from rewriter.wasm.leb128 import encode_signed, encode_u32
from rewriter.wasm.reader import Cursor
from rewriter.wasm.sections import HEADER_SIZE, SectionId, split

SAMPLE = Path(__file__).resolve().parent.parent / "samples" / "digits.wasm"

KINDS = {"plain": 0, "guests": 1, "mixed": 4}
"""Every how many modules use wasi-nn."""

FEW = 100
"""Files whose memory that of all is compared with."""

BODIES = 100_000
"""Functions that modules are made of, each in several, as those of a C library are."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=300_000)
    parser.add_argument("--body", type=int, default=300)
    parser.add_argument("--kind", choices=KINDS, action="append")
    given = parser.parse_args()
    files = 40 if given.quick else given.files
    print(machine())
    for kind in given.kind or KINDS:
        with tempfile.TemporaryDirectory(prefix="nnshim-many-") as folder:
            made = Made(files, given.size, given.body, KINDS[kind])
            what = f"{files} modules of {made.size} bytes, and of functions of {made.body}"
            print(f"\n## {kind}: {what}\n", flush=True)
            print(measured(Path(folder), made), flush=True)


class Made(NamedTuple):
    """Modules: how many, the bytes of each and of its functions on average, and every how many of
    them use wasi-nn."""

    files: int
    size: int
    body: int
    every: int


def measured(folder: Path, made: Made) -> str:
    """A table of what each command takes."""
    source, few, out = folder / "in", folder / "few", folder / "out"
    make(source, made)
    few.mkdir()
    for path in sorted(source.iterdir())[:FEW]:
        os.link(path, few / path.name)
    jobs = usable_cores()
    validate = f"find {source} -name '*.wasm' -print0 | xargs -0 -P{jobs} -n1 {wasm_tools.find()}"
    base = run(["sh", "-c", f"{validate} validate --features=all"], out)
    rows = [
        ["wasm-tools validate, by xargs", f"{base.seconds:.1f}", "", f"{base.cpu:.1f}", "", "", ""]
    ]
    for name, arguments in (
        ("check --for wasmtime", ["check", "--for", "wasmtime"]),
        ("check --for wamr", ["check", "--for", "wamr"]),
        ("rewrite", ["rewrite", "-o", str(out)]),
        ("rewrite --for wamr", ["rewrite", "--for", "wamr", "-o", str(out)]),
    ):
        all_ = run([NNSHIM, *arguments, str(source)], out)
        small = _peak_as_often([NNSHIM, *arguments, str(few)], out, all_.seconds)
        rows.append(
            [
                name,
                f"{all_.seconds:.1f}",
                f"{all_.seconds / base.seconds:.2f}",
                f"{all_.cpu:.1f}",
                f"{all_.cpu / base.cpu:.2f}",
                f"{all_.peak >> 20}",
                f"{all_.peak / small:.2f}",
            ]
        )
    header = [
        "command",
        "seconds",
        "of validate",
        "CPU seconds",
        "of validate",
        "peak, MiB",
        f"of that of {FEW} files",
    ]
    return table(header, rows)


class Ran(NamedTuple):
    """`cpu` is the time of all processes in seconds, and `peak` is in bytes."""

    seconds: float
    cpu: float
    peak: int


def run(command: Sequence[str], out: Path) -> Ran:
    """Run it, with what it writes removed."""
    shutil.rmtree(out, ignore_errors=True)
    os.sync()
    before = _cpu()
    start = time.perf_counter()
    with subprocess.Popen(
        command,
        env=installed(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        peaks = [0]
        watching = threading.Thread(target=_watch, args=(process, peaks), daemon=True)
        watching.start()
        try:
            errors = process.communicate()[1]
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            raise
    seconds = time.perf_counter() - start
    watching.join()
    if process.returncode not in (0, 1, 4, 5) or b"error" in errors:
        sys.exit(f"{command}: {process.returncode}\n{errors.decode()[-2000:]}")
    return Ran(seconds, _cpu() - before, max(peaks))


def _peak_as_often(command: Sequence[str], out: Path, seconds: float) -> int:
    """The peak of a command that is run again and again for so long. One that is looked at as
    seldom as it runs shortly would seem to take less memory than it does."""
    peak, left = 0, seconds
    while left > 0:
        ran = run(command, out)
        peak, left = max(peak, ran.peak), left - ran.seconds
    return peak


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watch(process: subprocess.Popen[bytes], peaks: list[int]) -> None:
    while process.poll() is None:
        peaks.append(sum(_pss(pid) for pid in _of_session(process.pid) if not _is_vforked(pid)))
        time.sleep(0.1)


def _of_session(leader: int) -> Iterator[str]:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.getsid(int(pid)) == leader:
                yield pid
        except ProcessLookupError:
            continue


_KCMP = {"x86_64": 312, "aarch64": 272}
"""The number of the system call kcmp. https://man7.org/linux/man-pages/man2/kcmp.2.html"""

_KCMP_VM = 1


def _is_vforked(pid: str) -> bool:
    """Whether a process still has the memory of its parent, which it does until it starts another
    program: what they have must not count twice."""
    try:
        parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return False
    number = _KCMP.get(os.uname().machine)
    kcmp = ctypes.CDLL(None).syscall
    return number is not None and kcmp(number, int(pid), parent, _KCMP_VM, 0, 0) == 0


def _pss(pid: str) -> int:
    """In bytes."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return next((int(line.split()[1]) << 10 for line in file if line[:4] == "Pss:"), 0)
    except OSError:
        return 0


def make(folder: Path, made: Made) -> None:
    """The modules."""
    folder.mkdir()
    chance = random.Random(made.files)
    bodies = [_body(chance, made.body) for _ in range(min(BODIES, made.files * 100))]
    guest = SAMPLE.read_bytes()
    plain = guest.replace(b"wasi_ephemeral_nn", b"env_of_the_plain_")
    for number in range(made.files):
        base = guest if made.every and number % made.every == 0 else plain
        module = _module(base, chance, bodies, made)
        (folder / f"{number:05}.wasm").write_bytes(module)
        if number < 2:
            wasm_tools.validate(module)


def _module(base: bytes, chance: random.Random, bodies: Sequence[bytes], of: Made) -> bytes:
    """Half of what is added is functions, and half a passive data segment."""
    added = max(0, of.size - len(base)) // 2
    functions = chance.choices(bodies, k=added // of.body)
    filler = b"\x01" + encode_u32(added) + chance.randbytes(added)
    made = bytearray(base[:HEADER_SIZE])
    type_index = 0
    for section in split(base):
        cursor = Cursor(base, section.content, section.end)
        extra: Sequence[bytes] = ()
        if section.id is SectionId.TYPE:
            extra = (b"\x60\0\1\x7f",)
            type_index = Cursor(base, section.content, section.end).u32()
        elif section.id is SectionId.FUNCTION:
            extra = (encode_u32(type_index),) * len(functions)
        elif section.id is SectionId.CODE:
            extra = functions
        elif section.id is SectionId.DATA:
            extra = (filler,)
        content = base[section.content : section.end]
        if extra:
            number = cursor.u32()
            content = encode_u32(number + len(extra)) + base[cursor.pos : section.end]
            content += b"".join(extra)
        elif section.id is SectionId.DATA_COUNT:
            content = encode_u32(cursor.u32() + 1)
        made += bytes([section.id]) + encode_u32(len(content)) + content
    return bytes(made)


_STEP = 15
"""The bytes that one load and what is done with it take."""


def _body(chance: random.Random, mean: int) -> bytes:
    """A function that loads, stores and adds, of up to twice the mean size."""
    steps = [b"\1\2\x7f"]
    for _ in range(chance.randrange(1, max(2, 2 * mean // _STEP))):
        number = encode_signed(chance.randrange(1 << 20))
        steps.append(b"\x41" + number + b"\x28\2" + encode_u32(chance.randrange(1 << 14)))
        steps.append(b"\x22\0\x20\1\x6a\x21\1")
    code = b"".join(steps) + b"\x20\1\x0b"
    return encode_u32(len(code)) + code


if __name__ == "__main__":
    main()
