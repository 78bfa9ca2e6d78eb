"""Random guests whose types and encodings come from everywhere: what is found of them is compared
with what a host is passed.

    python -m tests.tools.constants [--seed N] [--seconds N]

Each guest is WebAssembly text with locals, a frame on a stack in memory, pointers that may be the
same, branches, loops and functions that call each other, and runs on wasmtime with a host that
writes down each number. Every number that was found has to be among those that are passed for that
call; what was not found is counted. The seed of a guest for which that is not so is printed.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import time
from collections.abc import Iterator, Sequence

import wasmtime

from rewriter.constants.callers import Functions, Imported
from rewriter.constants.found import Wanted, reached
from rewriter.constants.state import Effect
from rewriter.wasm.module import Module
from rewriter.wasm.types import FuncType

__all__ = ["disagreements", "guest"]

_NUMBERS = range(5)
_FUNCTIONS = 4
_ADDRESSES = (1024, 1032, 1044, 2048)
_FUEL = 20_000


def guest(seed: int) -> str:
    """A guest as text. Each call of a wasi-nn function has a number of its own: the index of the
    input, the length of the builders."""
    return "\n".join(_Writer(random.Random(seed)).module())


def disagreements(text: str) -> tuple[Sequence[str], int]:
    """What a host was passed and was not found, and how many numbers were found."""
    binary = bytes(wasmtime.wat2wasm(text))
    found: dict[int, set[int] | None] = {}
    for call, numbers in _found(Module(binary)):
        known = found.get(call, set())
        found[call] = None if known is None or numbers is None else {*known, *numbers}
    wrong = [
        f"call {call} was passed {number}, and {found.get(call)} was found"
        for call, number in sorted(_passed(binary))
        if (known := found.get(call, set())) is not None and number not in known
    ]
    return wrong, sum(len(numbers) for numbers in found.values() if numbers)


def _found(module: Module) -> Iterator[tuple[int, tuple[int, ...] | None]]:
    """The numbers of calls, with what they pass; None where that is hidden."""
    i32 = "i32"
    imported = [
        Imported(FuncType((i32,) * 3, (i32,)), Effect.NOTHING),
        Imported(FuncType((i32,) * 5, (i32,)), Effect.HANDLE),
    ]
    wanted = {0: (Wanted((1,)), Wanted((2, 8), 1)), 1: (Wanted((1,)), Wanted((2,)))}
    for one in reached(Functions(module, imported, 0, 0, {}), wanted):
        call, numbers = one.numbers
        if call is not None:
            yield call[0], numbers
        elif one.place is None or numbers is not None:
            raise AssertionError("a call's own number was not found")


def _passed(binary: bytes) -> set[tuple[int, int]]:
    """The numbers of calls, with what a host is passed there."""
    config = wasmtime.Config()
    config.consume_fuel = True
    engine = wasmtime.Engine(config)
    store = wasmtime.Store(engine)
    passed = set[tuple[int, int]]()
    i32 = wasmtime.ValType.i32()

    def set_input(caller: wasmtime.Caller, _context: int, call: int, tensor: int) -> int:
        memory = caller["memory"]
        assert isinstance(memory, wasmtime.Memory)
        address = (tensor & 0xFFFFFFFF) + 8
        if address < memory.data_len(caller):
            passed.add((call, memory.read(caller, address, address + 1)[0]))
        return 0

    def load(_builders: int, call: int, encoding: int, _target: int, _graph: int) -> int:
        passed.add((call, encoding & 0xFFFFFFFF))
        return 0

    functions = (
        wasmtime.Func(store, wasmtime.FuncType([i32] * 3, [i32]), set_input, access_caller=True),
        wasmtime.Func(store, wasmtime.FuncType([i32] * 5, [i32]), load),
    )
    module = wasmtime.Module(engine, binary)
    for argument in range(4):
        store.set_fuel(_FUEL)
        start = wasmtime.Instance(store, module, functions).exports(store)["_start"]
        assert isinstance(start, wasmtime.Func)
        with contextlib.suppress(wasmtime.Trap, wasmtime.WasmtimeError):
            start(store, argument)
    return passed


class _Writer:
    """Writes the text of one guest. Locals 0 to 2 are parameters, 3 is the frame, 4 to 7 others.

    No address of a frame outlives it, and a frame starts with zeros: no compiler makes a program of
    which that is not so, and what is followed takes it for granted.
    """

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._function = 0
        self._calls = 0

    def module(self) -> Iterator[str]:
        yield '(module (import "n" "set_input" (func $set (param i32 i32 i32) (result i32)))'
        yield '(import "n" "load" (func $load (param i32 i32 i32 i32 i32) (result i32)))'
        yield '(memory (export "memory") 1) (global $sp (mut i32) (i32.const 8192))'
        yield "(global $g (mut i32) (i32.const 1024))"
        for self._function in range(_FUNCTIONS):
            yield from self._body(f"(func $f{self._function} (param i32 i32 i32) (result i32)", 16)
        self._function = _FUNCTIONS
        yield from self._body('(func (export "_start") (param i32) (local i32 i32)', 0)
        yield ")"

    def _call(self) -> int:
        self._calls += 1
        return self._calls

    def _body(self, head: str, frame: int) -> Iterator[str]:
        size = self._draw.choice((32, 48)) if frame or self._draw.random() < 0.8 else 0
        yield f"{head} (local i32 i32 i32 i32 i32) (local i64)"
        if size:
            yield f"(global.set $sp (local.tee 3 (i32.sub (global.get $sp) (i32.const {size}))))"
            yield f"(memory.fill (local.get 3) (i32.const 0) (i32.const {size}))"
        yield from self._block(self._draw.randint(3, 9), 0)
        yield "(memory.fill (i32.const 1024) (i32.const 0) (i32.const 2048))"
        if size:
            yield f"(global.set $sp (i32.add (local.get 3) (i32.const {size})))"
        yield f"{self._value(0)})" if "(result" in head else ")"

    def _block(self, count: int, depth: int) -> Iterator[str]:
        for _ in range(count):
            yield from self._statement(depth)

    def _statement(self, depth: int) -> Iterator[str]:
        draw, kind = self._draw, self._draw.random()
        if kind < 0.16:
            yield f"(local.set {draw.randint(4, 7)} {self._value(2)})"
        elif kind < 0.36:
            store = draw.choice(
                ("i32.store8", "i32.store8", "i32.store", "i32.store", "i32.store16")
            )
            offset = draw.choice((0, 4, 8, 8, 8))
            yield f"({store} offset={offset} {self._address()} {self._value(2)})"
        elif kind < 0.40:
            yield (
                f"(i64.store offset={draw.choice((4, 8))} {self._address()} (i64.or (i64.shl"
                f" (i64.extend_i32_u {self._value(1)}) (i64.const 32)) (i64.extend_i32_u"
                f" {self._value(1)})))"
            )
        elif kind < 0.54:
            call = f"(i32.const {self._call()})"
            yield f"(drop (call $set (i32.const 0) {call} {self._address()}))"
        elif kind < 0.60:
            call = f"(i32.const {self._call()}) {self._value(2)}"
            yield f"(drop (call $load (i32.const 0) {call} (i32.const 0) (i32.const 512)))"
        elif kind < 0.74 and self._function:
            callee = draw.randrange(self._function)
            arguments = " ".join(
                draw.choice((self._address, lambda: self._value(1)))() for _ in range(3)
            )
            yield f"(local.set {draw.randint(4, 7)} (call $f{callee} {arguments}))"
        elif kind < 0.78:
            yield f"(global.set $g (i32.const {draw.choice(_ADDRESSES)}))"
        elif kind < 0.81:
            yield (
                f"(memory.copy {self._address()} {self._address()}"
                f" (i32.const {draw.choice((4, 12, 20))}))"
            )
        elif depth < 3:
            yield from self._branching(depth)

    def _branching(self, depth: int) -> Iterator[str]:
        draw, count = self._draw, self._draw.randint(1, 4)
        kind = draw.random()
        if kind < 0.4:
            yield f"(if {self._value(1)} (then"
            yield from self._block(count, depth + 1)
            yield ") (else"
            yield from self._block(draw.randint(0, 2), depth + 1)
            yield "))"
        elif kind < 0.7:
            yield "(block"
            yield from self._block(count, depth + 1)
            yield f"(br_if 0 {self._value(1)})"
            yield from self._block(count, depth + 1)
            yield ")"
        else:
            yield "(loop"
            yield from self._block(count, depth + 1)
            yield (
                "(local.set 8 (i64.add (local.get 8) (i64.const 1)))"
                f" (br_if 0 (i64.lt_u (local.get 8) (i64.const {draw.randint(1, 5)}))))"
            )

    def _address(self) -> str:
        draw, kind = self._draw, self._draw.random()
        if kind < 0.35:
            return f"(i32.add (local.get 3) (i32.const {draw.choice((0, 4, 8, 12, 20))}))"
        if kind < 0.55:
            return f"(i32.const {draw.choice(_ADDRESSES)})"
        if kind < 0.75:
            return f"(local.get {draw.randint(0, 7)})"
        if kind < 0.85:
            return f"(i32.load offset={draw.choice((0, 4, 8))} (local.get 3))"
        if kind < 0.92:
            return "(global.get $g)"
        return f"(i32.add (local.get 3) {self._value(1)})"

    def _value(self, depth: int) -> str:
        draw, kind = self._draw, self._draw.random()
        if kind < 0.5 or not depth:
            return f"(i32.const {draw.choice(_NUMBERS)})"
        if kind < 0.7:
            return f"(local.get {draw.randint(0, 7)})"
        if kind < 0.85:
            load = draw.choice(("i32.load", "i32.load8_u", "i32.load16_u", "i32.load8_s"))
            return f"({load} offset={draw.choice((0, 4, 8))} {self._address()})"
        if kind < 0.9:
            return self._address()
        one, other = self._value(depth - 1), self._value(depth - 1)
        if kind < 0.95:
            return f"(select {one} {other} {self._value(0)})"
        return (
            f"({draw.choice(('i32.add', 'i32.and', 'i32.or', 'i32.shl', 'i32.sub'))} {one} {other})"
        )


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args(arguments)
    end, seed, total, failed = time.monotonic() + options.seconds, options.seed, 0, 0
    while time.monotonic() < end or seed == options.seed:
        wrong, found = disagreements(guest(seed))
        total += found
        for message in wrong:
            failed += 1
            print(f"seed {seed}: {message}")
        seed += 1
    print(f"{seed - options.seed} guests, {total} numbers found, {failed} wrong")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
