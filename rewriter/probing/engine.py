"""Measures which WebAssembly features a host supports, and which functions of a guest it calls."""

from __future__ import annotations

from rewriter.probing.command import End
from rewriter.probing.host import Host
from rewriter.probing.measured import Entries

__all__ = ["FEATURES", "entries", "features", "placed"]

FEATURES = (
    *("mutable_globals", "sign_extension", "non_trapping", "multi_value", "bulk_memory"),
    *("reference_types", "simd", "relaxed_simd", "extended_const", "tail_calls", "exceptions"),
    *("legacy_exceptions", "function_references", "gc_types", "gc", "memories", "memory_64"),
    *("table_64", "atomics", "fence", "threads", "page_sizes", "compact_imports"),
    *("exact_imports", "descriptors", "wide_arithmetic", "stack_switching"),
)
"""Features by name. Each has a file in wat/features/."""

_ENTRIES = ("", "_start", "main", "_main", "__main_void", "__main_argc_argv")
"""Names of functions without parameters that a host may call by itself."""


def features(host: Host) -> dict[str, bool]:
    """For each feature, whether a module that uses it runs to its end."""
    found = host.each(lambda number: host.has(FEATURES[number], number), range(len(FEATURES)))
    return dict(zip(FEATURES, found, strict=True))


def entries(host: Host) -> Entries:
    """Which functions the host calls by itself, and what it requires of a guest's memory."""
    found = host.each(lambda name: host.plain(_exported(name)).started, _ENTRIES)
    called = [name for name, is_called in zip(_ENTRIES, found, strict=True) if is_called]
    both = host.plain(_exported("_initialize", "first") + _exported("_start", "second"))
    odd = host.plain(f'{_exported("_start")} (func (export "_initialize") (param i32))')
    flag = host.plain(_SECTION).first("flag")
    result = _exported("_start", result="(result i32)", value="(i32.const 1)")
    any_main = _exported("main", result="(result i64)", value="(i64.const 1)")
    hidden = host.plain(_exported("_start"), exports_memory=False)
    return Entries(
        called=_by_order(host, called),
        initialize=both.first("first") is not None if both.first("second") is not None else None,
        initialize_alone=host.plain(_exported("_initialize")).started,
        both=None if both.end is End.HANGS else bool(both.told),
        odd_initialize=None if odd.end is End.HANGS else odd.started,
        start=None if flag is None else flag == 1,
        takes_results=host.plain(result).started,
        takes_any_main=host.plain(any_main).started if "main" in called else None,
        hidden_memory=None if hidden.end is End.HANGS else hidden.started,
        exit_without_memory=host.exits(_EXITS, host.CODE) if host.codes else None,
        needs_memory=not host.exits(_EMPTY, 0) if host.ends_with_0 else None,
    )


def placed(host: Host) -> int | None:
    """The errno of `fd_pwrite` with zero bytes to standard output; None if there is none."""
    return host.plain(_PLACES).first("errno")


def _by_order(host: Host, names: list[str]) -> tuple[str, ...] | None:
    """The names in the order in which the host looks for them. Modules export all of them, then all
    but those called before. None if the host calls several functions of one module."""
    order: list[str] = []
    while len(order) < len(names) - 1:
        left = [name for name in names if name not in order]
        text = "".join(_exported(name, f"name{number}") for number, name in enumerate(left))
        told = [key for key, _ in host.plain(text).told if key.startswith("name")]
        if len(told) != 1:
            return None
        order.append(left[int(told[0].removeprefix("name"))])
    return (*order, *(name for name in names if name not in order))


def _exported(name: str, key: str = "start", *, result: str = "", value: str = "") -> str:
    return (
        f'(func (export "{name}") {result} (call $tell (i32.const "{key}") (i32.const 1))'
        f' (call $tell (i32.const "end") (i32.const 1)) {value})'
    )


_SECTION = """
(global $flag (mut i32) (i32.const 0))
(func $section (global.set $flag (i32.const 1)))
(start $section)
(func (export "_start")
  (call $tell (i32.const "flag") (global.get $flag))
  (call $tell (i32.const "end") (i32.const 1)))
"""

_PLACES = """
(import "wasi_snapshot_preview1" "fd_pwrite"
  (func $fd_pwrite (param i32 i32 i32 i64 i32) (result i32)))
(func (export "_start")
  (call $tell (i32.const "errno")
    (call $fd_pwrite
      (i32.const 1) (i32.const 2048) (i32.const 1) (i64.const 0) (i32.const 2064)))
  (call $tell (i32.const "end") (i32.const 1)))
"""

_EXITS = b"""(module
(import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
(func (export "_start") (call $proc_exit (i32.const 42))))"""

_EMPTY = b'(module (func (export "_start")))'
