"""What adapting costs: the rewrite in process, and a call through an adapter.

    python -m benchmarks.adapt [--quick]

The modules are those of benchmarks.rewrite: 3 MB with a DWARF-like section, and one whose code
section alone has 10 MB; every copy of the sample's functions calls wasi-nn. The host of the calls
is another WebAssembly instance that does nothing, so that little else is measured.
"""

from __future__ import annotations

import functools
import struct
import sys
from collections.abc import Callable

import wasmtime

from benchmarks.measure import in_turn, machine, table
from benchmarks.rewrite import MB, module
from rewriter import RewriteOptions, inspect_module, rewrite
from rewriter.abi.dialects import DIALECTS, WAMR, WITX, Dialect
from rewriter.wasm.sections import SectionId, split

SHAPE, DATA, TENSOR, WAMR_TENSOR, BUILDERS, OUTPUT = 64, 96, 128, 160, 192, 256

CALLS = {
    ("load", "witx"): (BUILDERS, 1, 1, 0, OUTPUT),
    ("load", "wamr"): (BUILDERS + 16, 1, 0, OUTPUT),
    ("set_input", "witx"): (1, 0, TENSOR),
    ("set_input", "wamr"): (1, 0, WAMR_TENSOR),
    ("get_output", "witx"): (1, 0, OUTPUT, 16, OUTPUT + 64),
    ("get_output", "wamr"): (1, 0, OUTPUT, OUTPUT + 64),
}


def main() -> None:
    quick = "--quick" in sys.argv[1:]
    print(machine())
    print()
    print(rewriting(3 if quick else 15))
    print()
    print(calling(10_000 if quick else 1_000_000, 3 if quick else 15))
    print()
    print(loading(3 if quick else 15))


def rewriting(rounds: int) -> str:
    rows = []
    for title, size in (("3 MB", 3 * MB), ("10 MB of code", 30 * MB)):
        data = module(size)
        (code,) = (s for s in split(data) if s.id is SectionId.CODE)
        rename = functools.partial(rewrite, data, RewriteOptions(validate=False))
        adapt = functools.partial(rewrite, data, RewriteOptions(abi="wamr", validate=False))
        renamed, adapted = in_turn(rounds, rename, adapt)
        there = inspect_module(adapt())
        assert len(there.adapters) == 3
        rows.append(
            [
                f"{title} ({len(data) / MB:.1f} MB, code {code.size / MB:.1f} MB)",
                f"{renamed * 1000:.0f}",
                f"{adapted * 1000:.0f}",
            ]
        )
    return table(["in process, ms", "rename", "adapt to wamr"], rows)


def calling(calls: int, rounds: int) -> str:
    rows = []
    for function, source in CALLS:
        target = WAMR if source == "witx" else WITX
        plain, adapted = in_turn(
            rounds,
            loop(function, DIALECTS[source], DIALECTS[source], calls),
            loop(function, DIALECTS[source], target, calls),
        )
        rows.append(
            [
                f"`{function}`, {source} to {target.name}",
                f"{plain / calls * 1e9:.1f}",
                f"{adapted / calls * 1e9:.1f}",
                f"{(adapted - plain) / calls * 1e9:.1f}",
            ]
        )
    return table(["one call, ns", "plain", "adapted", "more"], rows)


MANY_BUILDERS, LOW = 65536, 16
"""Where they stand, and where adapters look first for bytes to borrow."""


def loading(rounds: int) -> str:
    """One load by an adapter for WAMR with many builders of a byte, which lie where it looks first,
    one behind the other."""
    rows = []
    for count in (1, 1000, 64_000):
        loads = []
        for places in (range(count), range(count)[::-1]):
            guest = Guest("load", WITX, WAMR, (MANY_BUILDERS, count, 1, 0, 0))
            builders = b"".join(struct.pack("<II", LOW + place, 1) for place in places)
            guest.memory.write(guest.store, builders, MANY_BUILDERS)
            loads.append(functools.partial(guest.call, 1))
        rows.append([str(count), *(f"{taken * 1000:.3f}" for taken in in_turn(rounds, *loads))])
    return table(["`load`, ms, builders", "in order", "the last first"], rows)


class Guest:
    """A guest of one dialect on a host of another, which calls a function again and again."""

    def __init__(
        self, function: str, source: Dialect, target: Dialect, arguments: tuple[int, ...]
    ) -> None:
        passed = " ".join(f"(i32.const {a})" for a in arguments)
        guest = wasmtime.wat2wasm(
            f"""(module
            (import "wasi_nn" "{function}" (func $call {source.signature(function)}))
            (memory (export "memory") 16)
            (func (export "loop") (param $n i32)
              (loop $again
                (drop (call $call {passed}))
                (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"""
        )
        adapted = rewrite(
            bytes(guest),
            RewriteOptions(abi=target.name, guest_abi=source.name, to="wasi_nn", validate=False),
        )
        engine = wasmtime.Engine()
        self.store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
        # One that succeeds would have to say a size, and adapters trap if that is wrong.
        errno = int(function == "get_output")
        signature = target.signature(function)
        host = f'(module (func (export "{function}") {signature} (i32.const {errno})))'
        linker.define_instance(
            self.store, "wasi_nn", linker.instantiate(self.store, wasmtime.Module(engine, host))
        )
        instance = linker.instantiate(self.store, wasmtime.Module(engine, adapted))
        memory, run = (instance.exports(self.store)[name] for name in ("memory", "loop"))
        assert isinstance(memory, wasmtime.Memory)
        assert isinstance(run, wasmtime.Func)
        self.memory, self._run = memory, run

    def call(self, times: int) -> None:
        self._run(self.store, times)


def loop(function: str, source: Dialect, target: Dialect, calls: int) -> Callable[[], None]:
    """Many calls from a guest of one dialect to a host of another."""
    guest = Guest(function, source, target, CALLS[function, source.name])
    for address, *values in (
        (SHAPE, 1, 2, 2, 1),
        (TENSOR, SHAPE, 4, 1, DATA, 16),
        (WAMR_TENSOR, WAMR_TENSOR + 12, 1, DATA, SHAPE, 4),
        (BUILDERS, DATA, 16, 0, 0, BUILDERS, 1),
        (OUTPUT + 64, 4),
    ):
        guest.memory.write(guest.store, struct.pack(f"<{len(values)}I", *values), address)
    return lambda: guest.call(calls)


if __name__ == "__main__":
    main()
