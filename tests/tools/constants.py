"""Random guests whose types and encodings come from everywhere: what is found of them is compared
with what a host is passed.

    python -m tests.tools.constants [--seed N] [--seconds N]

Each guest is WebAssembly text with locals, a frame on a stack in memory, pointers that may be the
same, branches, loops and functions that call each other, and runs on wasmtime with a host that
writes down each number. It is made to mislead: absolute addresses and data are in the frames, and
callees write there and move the stack; numbers have more bits than what is made of them; memory
and globals are changed by the host, by functions in a table, by tail calls. Every
number that a call is passed has to be among those that were found for it, unless it is said to be
hidden; how many were found is counted. The seed of a guest for which that is not so is printed.
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
_ADDRESSES = (1024, 2016, 8160, 8128)
_LARGE = ("0x100000000", "0x100000003", "-1", "0x200000001", "3", "0x300000002", "0xffffffff")

_FUEL = 20_000


def guest(seed: int) -> str:
    """A guest as text. Each call of a wasi-nn function has a number of its own: the index of the
    input, the length of the builders."""
    return "\n".join(_Writer(random.Random(seed)).module())


def disagreements(text: str) -> tuple[Sequence[str], int]:
    """What a host was passed and was not found, and how many numbers were found."""
    binary = bytes(wasmtime.wat2wasm(text))
    found: dict[int, set[int] | None] = {}
    all_followed = True
    for call, numbers in _found(Module(binary)):
        if call is None:
            all_followed = False
            continue
        known = found.get(call, set())
        found[call] = None if known is None or numbers is None else {*known, *numbers}
    wrong = [
        f"call {call} was passed {number}, and {found.get(call, 'nothing')} was found"
        for call, number in sorted(_passed(binary))
        if (known := found.get(call, set() if all_followed else None)) is not None
        and number not in known
    ]
    return wrong, sum(len(numbers) for numbers in found.values() if numbers)


def _found(module: Module) -> Iterator[tuple[int | None, tuple[int, ...] | None]]:
    """The numbers of calls, with what they pass; None where that is hidden, and None for all the
    calls in a function that was not followed."""
    i32 = "i32"
    imported = [
        Imported(FuncType((i32,) * 3, (i32,)), Effect.NOTHING),
        Imported(FuncType((i32,) * 5, (i32,)), Effect.HANDLE),
        Imported(FuncType((i32,), (i32,)), Effect.ANY),
    ]
    wanted = {0: (Wanted((1,)), Wanted((2, 8), 1)), 1: (Wanted((1,)), Wanted((2,)))}
    for one in reached(Functions(module, imported, 0, 0, {}), wanted):
        call, numbers = one.numbers
        if call is None and (one.place is None or numbers is not None):
            raise AssertionError("a call's own number was not found")
        yield call[0] if call else None, numbers


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

    def other(caller: wasmtime.Caller, place: int) -> int:
        memory, stack = caller["memory"], caller["sp"]
        assert isinstance(memory, wasmtime.Memory)
        assert isinstance(stack, wasmtime.Global)
        memory.write(caller, bytes([3, 1, 2, 0]), _ADDRESSES[place % len(_ADDRESSES)] + 8)
        if place % 3 == 0:
            stack.set_value(caller, stack.value(caller) - 16)
        return place

    functions = (
        wasmtime.Func(store, wasmtime.FuncType([i32] * 3, [i32]), set_input, access_caller=True),
        wasmtime.Func(store, wasmtime.FuncType([i32] * 5, [i32]), load),
        wasmtime.Func(store, wasmtime.FuncType([i32], [i32]), other, access_caller=True),
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
    """Writes the text of one guest. Locals 0 to 2 are parameters of 32 bits, 3 is one of 64, 4 is
    the frame, 5 to 8 are others. In half of the guests no address of a frame is passed on, which
    misleads what believes that nobody else has it."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._function = 0
        self._calls = 0
        self._stack = "$sp"
        self._tells = draw.random() < 0.5

    def module(self) -> Iterator[str]:
        yield '(module (import "n" "set_input" (func $set (param i32 i32 i32) (result i32)))'
        yield '(import "n" "load" (func $load (param i32 i32 i32 i32 i32) (result i32)))'
        yield '(import "n" "other" (func $other (param i32) (result i32)))'
        yield '(memory (export "memory") 1) (memory $second 1)'
        yield '(global $sp (export "sp") (mut i32) (i32.const 8192))'
        yield "(global $m (mut i32) (i32.const 2048))"
        yield "(global $g (mut i32) (i32.const 1024)) (global $w (mut i64) (i64.const 3))"
        yield f'(data (i32.const {self._draw.choice(_ADDRESSES)}) "\\00\\04\\00\\00\\01\\02\\03")'
        tabled = self._draw.choice(("", "$f1", "$f1 $f3"))
        yield f"(table {_FUNCTIONS} funcref) (elem (i32.const 1) func {tabled})"
        yield "(type $t (func (param i32 i32 i32 i64) (result i32)))"
        for self._function in range(_FUNCTIONS):
            yield from self._body(f"(func $f{self._function} (type $t)", True)
        self._function = _FUNCTIONS
        yield from self._body('(func (export "_start") (param i32) (local i32 i32 i64)', False)
        yield ")"

    def _call(self) -> int:
        self._calls += 1
        return self._calls

    def _body(self, head: str, gives: bool) -> Iterator[str]:
        draw = self._draw
        self._stack = draw.choice(("$sp", "$sp", "$m"))
        size = draw.choice((32, 32, 64)) if draw.random() < 0.8 else 0
        yield f"{head} (local i32 i32 i32 i32 i32) (local i64)"
        if size:
            stack = f"(global.get {self._stack})"
            yield f"(global.set {self._stack} (local.tee 4 (i32.sub {stack} (i32.const {size}))))"
            if draw.random() < 0.2:
                bound = f"(i32.const {draw.choice((1024, 2016, 2048, 8100, 8160))})"
                yield f"(if (i32.lt_s (local.get 4) {bound}) (then unreachable))"
        yield from self._block(draw.randint(3, 9), 0)
        if size and draw.random() < 0.9:
            yield f"(global.set {self._stack} (i32.add (local.get 4) (i32.const {size})))"
        if gives and self._function and draw.random() < 0.15:
            yield f"(return_call $f{draw.randrange(self._function)} {self._arguments()})"
        yield f"{self._value(0)})" if gives else ")"

    def _arguments(self) -> str:
        draw = self._draw
        kinds = (self._address if self._tells else self._number, lambda: self._value(1))
        return f"{' '.join(draw.choice(kinds)() for _ in range(3))} {self._wide()}"

    def _block(self, count: int, depth: int) -> Iterator[str]:
        for _ in range(count):
            yield from self._statement(depth)

    def _statement(self, depth: int) -> Iterator[str]:
        draw, kind = self._draw, self._draw.random()
        if kind < 0.16:
            yield f"(local.set {draw.randint(5, 8)} {self._value(2)})"
        elif kind < 0.34:
            store = draw.choice(
                ("i32.store8", "i32.store8", "i32.store", "i32.store", "i32.store16")
            )
            offset = draw.choice((0, 4, 8, 8, 8))
            yield f"({store} offset={offset} {self._address()} {self._value(2)})"
        elif kind < 0.38:
            yield f"(i64.store offset={draw.choice((4, 8))} {self._address()} {self._wide()})"
        elif kind < 0.46:
            yield self._set_input(self._address())
        elif kind < 0.58:
            address = self._address()
            yield f"(i32.store8 offset=8 {address} (i32.const {draw.choice(_NUMBERS)}))"
            yield self._misleading()
            yield self._set_input(address)
        elif kind < 0.66:
            call = f"(i32.const {self._call()}) {self._value(2)}"
            yield f"(drop (call $load (i32.const 0) {call} (i32.const 0) (i32.const 512)))"
        elif kind < 0.76 and self._function:
            callee = draw.randrange(self._function)
            yield f"(local.set {draw.randint(5, 8)} (call $f{callee} {self._arguments()}))"
        elif kind < 0.82:
            yield self._misleading()
        elif depth < 3:
            yield from self._branching(depth)

    def _set_input(self, address: str) -> str:
        return f"(drop (call $set (i32.const 0) (i32.const {self._call()}) {address}))"

    def _misleading(self) -> str:
        draw, size = self._draw, f"(i32.const {self._draw.choice((4, 12, 20, 100))})"
        store = f"i32.store8{draw.choice(('', '', ' $second'))}"
        choices = (
            lambda: f"({store} offset=8 {self._address()} {self._value(1)})",
            lambda: f"({store} offset=8 {self._address()} {self._value(1)})",
            lambda: f"(drop (call $f0 {self._arguments()}))" if self._function else "",
            lambda: f"(global.set $g (i32.const {draw.choice(_ADDRESSES)}))",
            lambda: f"(global.set {draw.choice(('$sp', '$m'))} {self._number()})",
            lambda: f"(global.set $w {self._wide()})",
            lambda: f"(drop (call $other (i32.const {draw.randrange(16)})))",
            lambda: "(drop (memory.grow (i32.const 1)))",
            lambda: f"(memory.copy {self._address()} {self._address()} {size})",
            lambda: f"(memory.fill {self._address()} {self._value(1)} {size})",
            lambda: f"(drop (call_indirect (type $t) {self._arguments()} {self._value(0)}))",
        )
        return draw.choice(choices)()

    def _branching(self, depth: int) -> Iterator[str]:
        draw, count = self._draw, self._draw.randint(1, 4)
        kind = draw.random()
        if kind < 0.4:
            yield f"(if {self._value(1)} (then"
            yield from self._block(count, depth + 1)
            yield ") (else"
            yield from self._block(draw.randint(0, 2), depth + 1)
            yield "))"
        elif kind < 0.6:
            yield "(block"
            yield from self._block(count, depth + 1)
            yield f"(br_if 0 {self._value(1)})"
            yield from self._block(count, depth + 1)
            yield ")"
        elif kind < 0.7:
            yield f"(block (block (br_table 0 1 0 {self._value(1)})"
            yield from self._block(1, depth + 1)
            yield ")"
            yield from self._block(count, depth + 1)
            yield ")"
        else:
            yield "(loop"
            yield from self._block(count, depth + 1)
            yield (
                "(local.set 9 (i64.add (local.get 9) (i64.const 1)))"
                f" (br_if 0 (i64.lt_u (local.get 9) (i64.const {draw.randint(1, 5)}))))"
            )

    def _word(self) -> str:
        return (
            f"(local.get {self._draw.choice((0, 1, 2, 5, 6, 7, 8, 4)[: 8 if self._tells else 7])})"
        )

    def _number(self) -> str:
        return f"(i32.const {self._draw.choice((*_NUMBERS, *_ADDRESSES))})"

    def _address(self) -> str:
        draw, kind = self._draw, self._draw.random()
        if kind < 0.40:
            return f"(i32.add (local.get 4) (i32.const {draw.choice((0, 0, 0, 4, 8, 12, 20))}))"
        if kind < 0.55:
            return f"(i32.const {draw.choice(_ADDRESSES)})"
        if kind < 0.70:
            return self._word()
        if kind < 0.80:
            return f"(i32.load offset={draw.choice((0, 4, 8))} {self._word()})"
        if kind < 0.93:
            return f"(global.get {draw.choice(('$g', '$sp', '$m'))})"
        return f"(i32.add (local.get 4) {self._value(1)})"

    def _wide(self) -> str:
        draw, kind = self._draw, self._draw.random()
        if kind < 0.4:
            return f"(i64.const {draw.choice(_LARGE)})"
        if kind < 0.5:
            return "(local.get 3)"
        if kind < 0.6:
            return "(global.get $w)"
        if kind < 0.7:
            return f"(i64.load offset={draw.choice((0, 4, 8))} {self._address()})"
        if kind < 0.85:
            extend = draw.choice(("i64.extend_i32_u", "i64.extend_i32_s"))
            return f"({extend} {self._value(0)})"
        operation = draw.choice(
            ("i64.or", "i64.add", "i64.sub", "i64.shl", "i64.shr_u", "i64.shr_s")
        )
        shift = "shl" in operation or "shr" in operation
        return f"({operation} {self._wide()} {'(i64.const 32)' if shift else self._wide()})"

    def _value(self, depth: int) -> str:
        draw, kind = self._draw, self._draw.random()
        if kind < 0.4 or not depth:
            return f"(i32.const {draw.choice(_NUMBERS)})"
        if kind < 0.6:
            return self._word()
        if kind < 0.72:
            return f"(i32.wrap_i64 {draw.choice((self._wide(), '(local.get 3)'))})"
        if kind < 0.85:
            load = draw.choice(("i32.load", "i32.load8_u", "i32.load16_u", "i32.load8_s"))
            return f"({load} offset={draw.choice((0, 4, 8))} {self._address()})"
        if kind < 0.9:
            return self._address() if self._tells else self._number()
        one, other = self._value(depth - 1), self._value(depth - 1)
        if kind < 0.95:
            return f"(select {one} {other} {self._value(0)})"
        operations = ("add", "and", "or", "xor", "shl", "sub", "shr_s", "shr_u", "mul", "lt_s")
        return f"(i32.{draw.choice(operations)} {one} {other})"


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
