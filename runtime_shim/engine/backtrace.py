"""What the engine says of a trap."""

from __future__ import annotations

import re

import wasmtime

from rewriter.terminal import shown

__all__ = ["backtrace"]

_ENGINES = re.compile(
    r" {4}| {3}\d{2}: | {2}\d{3}: |Caused by:$|$"
    r"|note: using the `WASMTIME_BACKTRACE_DETAILS=1` environment variable may show more"
)
"""How the engine begins a line. The numbers of frames end in the fifth column; the note comes where
the module has debug information that is not used."""


def backtrace(trap: wasmtime.Trap | wasmtime.WasmtimeError) -> list[str]:
    """The engine's message, line by line. It has the names of functions and modules as they are,
    some of them demangled, with line breaks too: those are not the engine's."""
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
