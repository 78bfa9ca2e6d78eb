"""The function where a guest starts, and its arguments."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Sequence
from typing import NamedTuple

from rewriter.analysis.inspect import (
    ModuleInfo,
    default_entry,
    exported_function,
    exported_functions,
)
from rewriter.errors import UsageError
from rewriter.plurals import counted
from rewriter.wasm.module import Module
from rewriter.wasm.sections import SectionId
from runtime_shim.engine.binding import NUMBERS
from runtime_shim.errors import LinkError

__all__ = ["Entry", "entry_of", "not_run"]


_NAMES_IN_A_MESSAGE = 20


class Entry(NamedTuple):
    """An export (None if instantiating the guest is all there is to do), a type and a value for
    each of its parameters, its number of results, and whether `_initialize` is called first."""

    name: str | None
    arguments: Sequence[tuple[str, int | float]]
    results: int
    after_initialize: bool


def entry_of(info: ModuleInfo, invoke: str | None, texts: Sequence[str]) -> Entry:
    """Where a guest starts: at the export `invoke`, or by default where `wasmtime run` starts it.

    Raises UsageError if `invoke` is not a function or does not accept the arguments, and LinkError
    for a module whose entry points are not functions of the right type.
    """
    name = default_entry(info.module) if invoke is None else invoke
    arguments, results = _types(info, name, texts)
    initializes = exported_function(info.module, "_initialize") is not None
    return Entry(name, arguments, results, initializes and name != "_initialize")


def not_run(info: ModuleInfo, entry: Entry) -> str | None:
    """What of a module that no function is called of does not run, and which functions could be
    called. None if a function is called, or if the module has a start function."""
    if entry.name is not None or any(each.id is SectionId.START for each in info.module.sections):
        return None
    what = "only its _initialize ran" if entry.after_initialize else "nothing of it ran"
    functions = exported_functions(info.module, info.exports)
    names = [name for name in functions if name != "_initialize"]
    some = ", ".join(names[:_NAMES_IN_A_MESSAGE]) or "none"
    more = ", and others" if len(names) > _NAMES_IN_A_MESSAGE else ""
    return (
        f"the module exports no _start, so {what}; --invoke NAME (invoke) calls another function,"
        f" of which it exports {some}{more}"
    )


def _types(
    info: ModuleInfo, entry: str | None, texts: Sequence[str]
) -> tuple[list[tuple[str, int | float]], int]:
    """The arguments of the function that is called, and its number of results."""
    if entry is not None and entry not in info.exports:
        some = ", ".join(itertools.islice(info.exports, _NAMES_IN_A_MESSAGE)) or "nothing"
        more = ", and others" if len(info.exports) > _NAMES_IN_A_MESSAGE else ""
        raise UsageError(f"the module does not export {entry!r}; it exports {some}{more}")
    if entry is not None and exported_function(info.module, entry) is None:
        raise UsageError(f"the export {entry!r} is not a function")
    initialize = exported_function(info.module, "_initialize")
    if initialize is not None and (initialize.params or initialize.results):
        raise LinkError("the export '_initialize' is a function with arguments or results")
    if entry is None:
        return [], 0
    params, returned = _signature(info.module, entry)
    others = [kind for kind in params + returned if kind not in NUMBERS]
    if others:
        raise UsageError(
            f"the export {entry!r} has a parameter or result of type {others[0]}, which "
            "only WebAssembly code can create"
        )
    if len(params) != len(texts):
        expected = counted(len(params), "argument")
        raise UsageError(f"the function takes {expected}, but there are {len(texts)}")
    arguments = zip(params, texts, strict=True)
    return [(kind, _argument(kind, text)) for kind, text in arguments], len(returned)


def _signature(module: Module, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    func_type = exported_function(module, name)
    if func_type is None:
        raise LinkError(f"the export {name!r} is not a function")
    return func_type.params, func_type.results


_WHOLE = re.compile("[+-]?([0-9]+|0[xX][0-9a-fA-F]+)")
_REAL = re.compile("[0-9a-zA-Z.+-]+")
"""Python also takes blanks, underscores, and the digits of other scripts."""


def _argument(kind: str, text: str) -> int | float:
    with contextlib.suppress(ValueError):
        if kind in ("f32", "f64"):
            if _REAL.fullmatch(text):
                return float(text)
        elif _WHOLE.fullmatch(text):
            value, bits = int(text, 0), int(kind[1:])
            if -(1 << bits - 1) <= value < 1 << bits:
                return value % (1 << bits)
    raise UsageError(f"cannot convert the argument {text!r} to {kind}")
