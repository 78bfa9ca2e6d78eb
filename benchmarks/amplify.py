"""What a call costs that is made to cost the host much more than it says.

    python -m benchmarks.amplify [--quick]

A guest passes counts, names, configurations and a prompt that are as long as its memory allows.
For each call: its errno, by how much the peak of this process's resident set grows, how long it
takes, and for how long no other thread gets the interpreter's lock. Says so if a call takes 4 MiB,
or keeps another thread from running for 50 ms.
"""

from __future__ import annotations

import contextlib
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.measure import machine, table
from rewriter.abi.dialects import WASMEDGE, Encoding, Errno, Target, TensorType
from rewriter.abi.structures import TENSOR
from runtime_shim import NamedGraph, NNHost
from tests.support.gguf_models import successors
from tests.support.guest import DIMS, HANDLE, TENSOR_AT, Guest
from tests.support.models import identity

PAGE = 65536

AT = PAGE
"""Where the guest has what it passes."""

MIB = 1 << 20

MOST_GROWTH, LONGEST_WAIT = 4 * MIB, 0.05
"""Bytes, and seconds."""

Call = Callable[[int], int]
"""Of the bytes that are passed, to an errno."""


def peak() -> int:
    """Of the resident set, in bytes."""
    with open("/proc/self/status") as status:
        lines = dict(line.split(":", 1) for line in status)
    return int(lines["VmHWM"].split()[0]) * 1024


class Ticker:
    """Another thread, which wants to run every two milliseconds. `longest` is for how long it could
    not, in seconds, since that was set to 0."""

    def __init__(self) -> None:
        self.longest = 0.0
        threading.Thread(target=self._tick, daemon=True).start()

    def _tick(self) -> None:
        last = time.perf_counter()
        while True:
            time.sleep(0.002)
            now = time.perf_counter()
            self.longest = max(self.longest, now - last)
            last = now


def cases(size: int) -> Iterator[tuple[str, bytes, str]]:
    """What is passed, of about so many bytes or, as a name, twice as many, and to which call."""
    for letter in ("\x01", "\U000e0001"):
        text = letter.encode()
        yield f"name of U+{ord(letter):04X}", text * (2 * size // len(text)), "name"
    yield "lists in a list", b'{"a":[' + b"[]," * (size // 3) + b"0]}", "configuration"
    yield "objects in a list", b'{"a":[' + b"{}," * (size // 3) + b"0]}", "configuration"
    yield "numbers in a list", b'{"a":[' + b"1.5," * (size // 4) + b"0]}", "configuration"
    keys = b",".join(b'"%x":[]' % number for number in range(size // 12))
    yield "different keys", b"{" + keys + b"}", "configuration"
    yield "lists in lists", b'{"a":' + b"[" * size, "configuration"
    largest = b'{"a":[' + b"[]," * 21_840 + b"0]}"
    yield "lists in a list, as long as allowed", largest, "configuration"
    for digits in (4000, 60_000):
        text = b'{"threads":' + b"9" * digits + b"}"
        yield f"an integer of {digits} digits", text, "configuration"
    yield "builders", b"".join(struct.pack("<II", i, 0) for i in range(size // 8)), "load"
    yield "prompt", b"a" * size, "prompt"
    yield "options of a language model", b'{"a":[' + b"[]," * (size // 3) + b"0]}", "options"


def rows(size: int) -> Iterator[tuple[str, int, str, int, float, float]]:
    """What was passed to which call, its bytes, the errno, the growth in bytes, and the seconds
    that it took and that another thread waited."""
    ticker = Ticker()
    with tempfile.TemporaryDirectory() as folder:
        path, text = Path(folder, "model.onnx"), Path(folder, "model.gguf")
        path.write_bytes(identity(dims=(1,)))
        successors(text, "abcdef")
        graphs = [
            NamedGraph("a", Encoding.ONNX, Target.CPU, (str(path),)),
            NamedGraph("b", Encoding.GGML, Target.CPU, (str(text),)),
        ]
        host = NNHost(graphs=graphs)
        host.load_by_name("a")
        pages = f'(memory (export "memory") {2 * size // PAGE + 2})'
        guest = Guest(host, memory=pages, dialect=WASMEDGE)
        guest.put(0, b"ab")
        assert not guest.load_by_name(1, 1, HANDLE)
        assert not guest.init_execution_context(guest.u32(HANDLE), HANDLE)
        context = guest.u32(HANDLE)

        def set_input(index: int, length: int) -> int:
            guest.put(DIMS, struct.pack("<I", length))
            guest.put(TENSOR_AT, TENSOR.pack(DIMS, 1, TensorType.U8, AT, length))
            return guest.set_input(context, index, TENSOR_AT)

        functions: dict[str, Call] = {
            "name": lambda length: guest.load_by_name(AT, length, HANDLE),
            "configuration": lambda length: guest.load_by_name_with_config(
                0, 1, AT, length, HANDLE
            ),
            "load": lambda length: guest.load(AT, length // 8, Encoding.ONNX, 0, HANDLE),
            "prompt": lambda length: set_input(0, length),
            "options": lambda length: set_input(1, length),
        }
        guest.put(AT, b'{"x":1}')
        functions["configuration"](7)  # imports what tells one from another
        for what, data, call in cases(size):
            guest.put(AT, data)
            length = len(data)
            del data
            yield what, length, *measured(ticker, functions[call], length)


def measured(ticker: Ticker, call: Call, length: int) -> tuple[str, int, float, float]:
    """Errno, growth, and seconds of the call and of waiting."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = peak()
    time.sleep(0.01)
    ticker.longest = 0.0
    start = time.perf_counter()
    errno = call(length)
    seconds = time.perf_counter() - start
    time.sleep(0.01)
    return Errno(errno).name.lower(), peak() - before, seconds, ticker.longest


def main() -> None:
    found = list(rows((4 if "--quick" in sys.argv else 48) * MIB))
    print(machine(), end="\n\n")
    header = "what is passed", "MiB", "errno", "growth, MiB", "ms", "others wait, ms"
    print(
        table(
            header,
            [
                (
                    what,
                    f"{size / MIB:.2f}",
                    errno,
                    f"{growth / MIB:.1f}",
                    f"{seconds * 1e3:.1f}",
                    f"{waited * 1e3:.1f}",
                )
                for what, size, errno, growth, seconds, waited in found
            ],
        )
    )
    if any(growth >= MOST_GROWTH or waited >= LONGEST_WAIT for *_, growth, _, waited in found):
        print("\na call takes more than it should, if nothing else was running")


if __name__ == "__main__":
    main()
