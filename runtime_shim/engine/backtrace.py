"""The engine's message for a trap, split into lines and shortened."""

from __future__ import annotations

import re
from collections.abc import Sequence

import wasmtime

from rewriter.terminal import shown

__all__ = ["backtrace", "folded"]

_FRAME = re.compile(r"\s+\d+:\s+(?:0x[0-9a-f]+ - )?(?P<name>.*)")

_PANIC = re.compile(
    r"(?:[^!]*!)?(?:"
    r"(?:__rustc(?:\[[0-9a-f]+\])?::)?"
    r"(?:__rust_start_panic|rust_panic|rust_begin_unwind|__rust_abort)"
    r"|(?:std|core)::panicking::|(?:std|core)::panic::"
    r"|std::sys(?:_common)?::backtrace::|std::sys::.*::abort|std::process::abort"
    r"|panic_abort::|core::(?:option|result|cell|str|slice)::.*(?:failed|fail)\b"
    r"|abort\b"
    r")"
)
"""Names of Rust's standard library, demangled, from the start of a panic to its abort:
https://github.com/rust-lang/rust/blob/master/library/std/src/panicking.rs"""

_ENGINES = re.compile(
    r" {4}| {3}\d{2}: | {2}\d{3}: |Caused by:$|$"
    r"|note: using the `WASMTIME_BACKTRACE_DETAILS=1` environment variable may show more"
)
"""How lines of the engine begin. The numbers of frames end in the fifth column. The note appears if
the module has debug information that is not used."""


def backtrace(trap: wasmtime.Trap | wasmtime.WasmtimeError) -> list[str]:
    """The engine's message, line by line. Names of functions and modules are inserted unchanged,
    some of them demangled, and may contain line breaks; those do not split a line."""
    text = str(trap).rstrip()
    if isinstance(trap, wasmtime.Trap):
        frames = trap.frames
        names = {name for each in frames for name in (each.func_name, each.module_name) if name}
        for name in sorted(names, key=len, reverse=True):
            text = text.replace(name, shown(name))
    first, *rest = text.split("\n")
    lines = [first]
    for line in rest:
        if _ENGINES.match(line):
            lines.append(line)
        else:
            lines[-1] += shown(f"\n{line}")
    return lines


def folded(lines: Sequence[str]) -> list[str]:
    """The lines of a trap, with the frames that every Rust panic has at its top counted in one
    line."""
    begins = [index for index, line in enumerate(lines) if _FRAME.fullmatch(line)]
    count = 0
    for index in begins:
        found = _FRAME.fullmatch(lines[index])
        if found is None or not _PANIC.match(found["name"]):
            break
        count += 1
    if count < 2:
        return list(lines)
    rest = begins[count] if count < len(begins) else begins[-1] + 1
    note = f"    {count} frames of the Rust panic handler (--backtrace shows them)"
    return [*lines[: begins[0]], note, *lines[rest:]]
