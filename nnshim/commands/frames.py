"""A trap's backtrace, without what every panic of Rust has."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["folded"]

_FRAME = re.compile(r"\s+\d+:\s+(?:0x[0-9a-f]+ - )?(?P<name>.*)")

_PANIC = re.compile(
    r"(?:[^!]*!)?(?:"
    r"(?:__rustc(?:\[[0-9a-f]+\])?::)?(?:__rust_start_panic|rust_panic|rust_begin_unwind|__rust_abort)"
    r"|(?:std|core)::panicking::|(?:std|core)::panic::"
    r"|std::sys(?:_common)?::backtrace::|std::sys::.*::abort|std::process::abort"
    r"|panic_abort::|core::(?:option|result|cell|str|slice)::.*(?:failed|fail)\b"
    r"|abort\b"
    r")"
)
"""Names of Rust's standard library, demangled, from where a panic begins to where it aborts:
https://github.com/rust-lang/rust/blob/master/library/std/src/panicking.rs"""


def folded(lines: Sequence[str]) -> list[str]:
    """The lines of a trap, in which the frames of a panic at its top are counted in one line."""
    begins = [place for place, line in enumerate(lines) if _FRAME.fullmatch(line)]
    count = 0
    for place in begins:
        found = _FRAME.fullmatch(lines[place])
        if found is None or not _PANIC.match(found["name"]):
            break
        count += 1
    if count < 2:
        return list(lines)
    rest = begins[count] if count < len(begins) else begins[-1] + 1
    note = f"    {count} frames of Rust's panic (--backtrace shows them)"
    return [*lines[: begins[0]], note, *lines[rest:]]
