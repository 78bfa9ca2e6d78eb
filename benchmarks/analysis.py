"""What the analysis of one module takes, against `wasm-tools validate` of the same file.

    python -m benchmarks.analysis [--quick]

The analysis is what `nnshim check` and `nnshim rewrite` do in their own process: without their
start and without validation. `wasm-tools validate` is a process. An analysis is timed when nothing
is remembered from other modules ("alone"), and after another module with the same functions, except
for those that call wasi-nn ("one of many"). All times are those of the processor, because a busy
machine distorts them less. --quick takes fewer turns.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from benchmarks.constants import SAMPLE, repeated
from benchmarks.measure import machine, table
from rewriter import RewriteOptions, check, inspect_module, rewrite
from rewriter.constants import callers
from rewriter.files import wasm_tools
from rewriter.functions.code import body_references, defined_functions
from rewriter.functions.survey import small_bodies
from rewriter.hosts.table import FAMILIES
from rewriter.wasm.leb128 import encode_signed, encode_u32
from rewriter.wasm.module import Module
from rewriter.wasm.sections import HEADER_SIZE, SectionId

SIZE = 300_000
"""Bytes of the larger modules."""


def main() -> None:
    rounds = 3 if "--quick" in sys.argv[1:] else 11
    print(machine())
    print()
    header = ["module", "KB", "validate, ms"]
    for what in ("check, 1 host", "check, all hosts", "rewrite"):
        header += [f"{what}: alone", "one of many"]
    print(table(header, [row(name, *pair, rounds) for name, pair in modules().items()]))


def modules() -> Mapping[str, tuple[bytes, bytes]]:
    """Each kind of module, and another of that kind, which differs where it calls wasi-nn."""
    digits = SAMPLE.read_bytes()
    typical, worst = with_others(digits, SIZE), repeated(SIZE)
    plain = typical.replace(b"wasi_ephemeral_nn", b"some_ephemeral_nn")
    return {
        "no wasi-nn, 300 KB of code": (plain, changed(plain, ())),
        "digits.wasm": (digits, changed(digits, calling(digits))),
        "wasi-nn called by one function of 300 KB": (typical, changed(typical, calling(typical))),
        "wasi-nn called by 11 equal functions": (worst, changed(worst, calling(worst))),
        "wasi-nn called by 11 different functions": (
            changed(worst, calling(worst), each=True),
            changed(changed(worst, calling(worst), each=True), calling(worst)),
        ),
    }


def calling(data: bytes) -> set[int]:
    """The numbers of the bodies that call wasi-nn."""
    _, bodies = defined_functions(Module(data))
    wanted = inspect_module(data).wasi_nn.keys()
    found = body_references(bodies, len(bodies), wanted)
    return {bodies.number_at(body.start) for body, _ in found}


def changed(data: bytes, numbers: Iterable[int], *, each: bool = False) -> bytes:
    """The module with an instruction more in some bodies, which does nothing; a different one in
    `each` of them."""
    functions = functions_of(data)
    for place, number in enumerate(numbers):
        type_, body = functions[number]
        functions[number] = type_, with_constant(body, 1000 + place if each else 1)
    return with_functions(data, functions)


def with_others(data: bytes, size: int) -> bytes:
    """The module with more functions, up to a size in bytes. They are all different, and do not
    call wasi-nn."""
    functions, call = functions_of(data), calling(data)
    others = [one for number, one in enumerate(functions) if number not in call]
    more = (size - len(data)) // sum(len(body) for _, body in others)
    for number in range(more):
        functions += [(type_, with_constant(body, 1000 + number)) for type_, body in others]
    return with_functions(data, functions)


def functions_of(data: bytes) -> list[tuple[int, bytes]]:
    """The type indices of all functions, and their bodies without the size field."""
    types, bodies = defined_functions(Module(data))
    found = (bodies[number] for number in range(len(bodies)))
    return [
        (type_, data[body.content : body.end]) for type_, body in zip(types, found, strict=True)
    ]


def with_constant(body: bytes, number: int) -> bytes:
    """The body with `i32.const` and `drop` at its end."""
    return body[:-1] + b"\x41" + encode_signed(number) + b"\x1a" + body[-1:]


def with_functions(data: bytes, functions: list[tuple[int, bytes]]) -> bytes:
    """The module with other functions."""
    count = encode_u32(len(functions))
    contents = {
        SectionId.FUNCTION: count + b"".join(encode_u32(type_) for type_, _ in functions),
        SectionId.CODE: count + b"".join(encode_u32(len(body)) + body for _, body in functions),
    }
    made = data[:HEADER_SIZE]
    for section in Module(data).sections:
        content = contents.get(section.id, data[section.content : section.end])
        made += bytes([section.id]) + encode_u32(len(content)) + content
    return made


def row(name: str, module: bytes, other: bytes, rounds: int) -> list[str]:
    with tempfile.NamedTemporaryFile(suffix=".wasm") as file:
        file.write(module)
        file.flush()
        validate = [wasm_tools.find(), "validate", "--features", "all", file.name]
        checks = partial(check, validate=False)
        actions: list[Callable[[bytes], object]] = [
            partial(checks, hosts=["wasmtime"]),
            partial(checks, hosts=list(FAMILIES)),
            partial(rewrite, options=RewriteOptions(host="wamr-legacy", validate=False)),
        ]
        pairs = [timed for action in actions for timed in alone_and_not(action, module, other)]
        taken = processor_times(rounds, lambda: subprocess.run(validate, check=True), *pairs)
    process, *ours = taken
    ratios = [f"{seconds / process:.2f}" for seconds in ours]
    return [name, f"{len(module) / 1000:.0f}", f"{process * 1000:.1f}", *ratios]


def processor_times(rounds: int, *actions: Callable[[], object]) -> list[float]:
    """The median seconds of each action in turn, here and in processes that it waits for. The first
    round does not count."""
    times: list[list[float]] = [[] for _ in actions]
    for number in range(rounds + 1):
        for action, taken in zip(actions, times, strict=True):
            start = processor_time()
            action()
            if number:
                taken.append(processor_time() - start)
    return list(map(statistics.median, times))


def processor_time() -> float:
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def alone_and_not(
    action: Callable[[bytes], object], module: bytes, other: bytes
) -> tuple[Callable[[], object], Callable[[], object]]:
    """The action alone; and on a module after the `other`, which was the last."""

    def alone() -> None:
        callers.REMEMBERED.forget()
        small_bodies.REMEMBERED.forget()
        action(other)

    return alone, lambda: action(module)


if __name__ == "__main__":
    main()
