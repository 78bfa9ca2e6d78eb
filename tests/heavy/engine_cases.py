"""Small modules, each with one part of WebAssembly, one import, or one way to begin.

A host that takes a module runs it to its end, with exit code 0. What a host does with each is in
engines.json beside this file, which `python -m tests.heavy.engines` writes.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping

from rewriter.files import wasm_tools
from rewriter.wasm.sections import SectionId
from tests.heavy.engine_features import FEATURES
from tests.heavy.engine_limits import (
    BOUNDS,
    CALLED_FIRST,
    FIRST_MEMORY,
    FRAMES,
    MAINS,
    TRAPS,
    by_hand,
)
from tests.support.wasm import HEADER, name, section, sized, vector

__all__ = ["assembled"]

_MEMORY = '(memory (export "memory") 1)'
_START = '(func (export "_start"))'


_WASI = "wasi_snapshot_preview1"
_IDLE = '(func (export "_start"))'


def _imports(module: str, title: str, what: str, *, call: str = "", memory: str = _MEMORY) -> str:
    """A command that imports one thing, and calls it with `call` before it."""
    called = f"{call} call $f drop" if call else ""
    return (
        f'(module (import "{module}" "{title}" {what}) {memory} (func (export "_start") {called}))'
    )


_IMPORTS = {
    "unknown-function": _imports("somewhere", "f", "(func)"),
    "unknown-function-called": _imports("somewhere", "f", "(func $f (result i32))", call="nop"),
    "env-abort-assemblyscript": _imports("env", "abort", "(func (param i32 i32 i32 i32))"),
    "env-abort-assemblyscript-called": (
        '(module (import "env" "abort" (func $f (param i32 i32 i32 i32)))'
        f' {_MEMORY} (func (export "_start") i32.const 0 i32.const 0 i32.const 0 i32.const 0'
        " call $f))"
    ),
    "env-puts": _imports("env", "puts", "(func $f (param i32) (result i32))", call="i32.const 0"),
    "env-memory": '(module (import "env" "memory" (memory 1)) (export "memory" (memory 0))'
    f" {_IDLE})",
    "env-shared-memory": '(module (import "env" "memory" (memory 1 2 shared))'
    f' (export "memory" (memory 0)) {_IDLE})',
    "other-memory": '(module (import "somewhere" "memory" (memory 1))'
    f' (export "memory" (memory 0)) {_IDLE})',
    "wasi-memory": f'(module (import "{_WASI}" "memory" (memory 1))'
    f' (export "memory" (memory 0)) {_IDLE})',
    "env-table": _imports("env", "table", "(table 1 funcref)"),
    "other-table": _imports("somewhere", "table", "(table 1 funcref)"),
    "env-global": _imports("env", "g", "(global i32)"),
    "env-stack-pointer": _imports("env", "__stack_pointer", "(global (mut i32))"),
    "env-memory-base": _imports("env", "__memory_base", "(global i32)"),
    "other-global": _imports("somewhere", "g", "(global i32)"),
    "other-mutable-global": _imports("somewhere", "g", "(global (mut i32))"),
    "other-tag": _imports("somewhere", "t", "(tag)"),
    "wasi-sched-yield": _imports(_WASI, "sched_yield", "(func $f (result i32))", call="nop"),
    "wasi-unknown": _imports(_WASI, "fd_nothing", "(func)"),
    "wasi-wrong-type": _imports(_WASI, "sched_yield", "(func (param i32) (result i32))"),
    "wasi-64-bit-pointers": _imports(
        _WASI, "fd_write", "(func (param i32 i64 i32 i64) (result i32))"
    ),
    "wasi-random-without-memory": _imports(
        _WASI,
        "random_get",
        "(func $f (param i32 i32) (result i32))",
        call="i32.const 0 i32.const 1",
        memory="",
    ),
    "wasi-exit-without-memory": (
        f'(module (import "{_WASI}" "proc_exit" (func $f (param i32)))'
        ' (func (export "_start") i32.const 0 call $f))'
    ),
    "wasi-uncalled-without-memory": _imports(
        _WASI, "random_get", "(func (param i32 i32) (result i32))", memory=""
    ),
    "wasi-memory-of-another-name": _imports(
        _WASI,
        "random_get",
        "(func $f (param i32 i32) (result i32))",
        call="i32.const 0 i32.const 1",
        memory='(memory (export "mem") 1)',
    ),
    "unstable-args": _imports(
        "wasi_unstable",
        "args_sizes_get",
        "(func $f (param i32 i32) (result i32))",
        call="i32.const 0 i32.const 4",
    ),
    "unstable-unknown": _imports("wasi_unstable", "fd_nothing", "(func)"),
    "wasi-thread-spawn": _imports("wasi", "thread-spawn", "(func (param i32) (result i32))"),
    "component-import": _imports("wasi:io/streams@0.2.0", "f", "(func)"),
    "wasi-sock-accept": _imports(_WASI, "sock_accept", "(func (param i32 i32 i32) (result i32))"),
    "wasi-sock-accept-2": _imports(_WASI, "sock_accept", "(func (param i32 i32) (result i32))"),
    "wasi-sock-open-3": _imports(_WASI, "sock_open", "(func (param i32 i32 i32) (result i32))"),
    "wasi-sock-open-4": _imports(_WASI, "sock_open", "(func (param i32 i32 i32 i32) (result i32))"),
    "wasi-sock-listen": _imports(_WASI, "sock_listen", "(func (param i32 i32) (result i32))"),
    "wasi-sock-shutdown": _imports(_WASI, "sock_shutdown", "(func (param i32 i32) (result i32))"),
    "wasi-sock-addr-resolve": _imports(
        _WASI, "sock_addr_resolve", "(func (param i32 i32 i32 i32 i32 i32) (result i32))"
    ),
    "wasi-sock-getaddrinfo": _imports(
        _WASI,
        "sock_getaddrinfo",
        "(func (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32))",
    ),
    "wasi-epoll": _imports(_WASI, "epoll_oneoff", "(func (param i32 i32 i32 i32) (result i32))"),
    "wasi-proc-raise": _imports(_WASI, "proc_raise", "(func (param i32) (result i32))"),
    "wasmedge-image": _imports(
        "wasmedge_image", "load_jpg", "(func (param i32 i32 i32 i32 i32 i32) (result i32))"
    ),
    "wasmedge-process": _imports("wasmedge_process", "wasmedge_process_run", "(func (result i32))"),
    "wasmedge-tensorflow": _imports(
        "wasmedge_tensorflow", "create_session", "(func (param i32 i32) (result i64))"
    ),
    "wasmedge-tensorflowlite": _imports(
        "wasmedge_tensorflowlite", "create_session", "(func (param i32 i32) (result i64))"
    ),
    "wasmedge-zlib": _imports("wasmedge_zlib", "deflateEnd", "(func (param i32) (result i32))"),
    "wasmedge-ffmpeg": _imports(
        "wasmedge_ffmpeg_avutil", "av_free", "(func (param i32) (result i32))"
    ),
    "rustls": _imports("rustls_client", "default_config", "(func (result i32))"),
    "wasi-crypto": _imports(
        "wasi_ephemeral_crypto_common", "options_open", "(func (param i32 i32) (result i32))"
    ),
    "wasi-logging": _imports("wasi:logging/logging", "log", "(func (param i32 i32 i32 i32 i32))"),
}

_TRAPS = "(func $traps unreachable)"
_NOP = "(func $nop)"

_BEGINNINGS = {
    "start-section": f"(module {_MEMORY} {_NOP} (start $nop) {_START})",
    "start-section-alone": f"(module {_MEMORY} {_NOP} (start $nop))",
    "start-section-traps": f"(module {_MEMORY} {_TRAPS} (start $traps) {_START})",
    "start-section-is-wasi": (
        f'(module (import "{_WASI}" "sched_yield" (func $y (result i32))) {_MEMORY}'
        f" (func $begin call $y drop) (start $begin) {_START})"
    ),
    "no-entry": f"(module {_MEMORY})",
    "no-entry-other-export": f'(module {_MEMORY} (func (export "go")))',
    "no-exports": "(module (func))",
    "main-alone": f'(module {_MEMORY} (func (export "main") (result i32) i32.const 0))',
    "main-with-arguments": (
        f'(module {_MEMORY} (func (export "main") (param i32 i32) (result i32) i32.const 0))'
    ),
    "__main_argc_argv": (
        f'(module {_MEMORY} (func (export "__main_argc_argv") (param i32 i32) (result i32)'
        " i32.const 0))"
    ),
    "initialize-alone": f'(module {_MEMORY} (func (export "_initialize")))',
    "initialize-and-start": f'(module {_MEMORY} (func (export "_initialize")) {_START})',
    "initialize-traps": f'(module {_MEMORY} (func (export "_initialize") unreachable))',
    "initialize-traps-and-start": (
        f'(module {_MEMORY} (func (export "_initialize") unreachable) {_START})'
    ),
    "initialize-takes-argument": (
        f'(module {_MEMORY} (func (export "_initialize") (param i32)) {_START})'
    ),
    "initialize-gives-result": (
        f'(module {_MEMORY} (func (export "_initialize") (result i32) i32.const 0) {_START})'
    ),
    "initialize-is-memory": '(module (memory (export "_initialize") (export "memory") 1)'
    f" {_START})",
    "start-takes-argument": f'(module {_MEMORY} (func (export "_start") (param i32)))',
    "start-gives-result": f'(module {_MEMORY} (func (export "_start") (result i32) i32.const 0))',
    "start-gives-seven": f'(module {_MEMORY} (func (export "_start") (result i32) i32.const 7))',
    "start-gives-two": (
        f'(module {_MEMORY} (func (export "_start") (result i32 i32) i32.const 0 i32.const 0))'
    ),
    "start-gives-vector": (
        f'(module {_MEMORY} (func (export "_start") (result v128) v128.const i32x4 0 0 0 0))'
    ),
    "start-is-memory": '(module (memory (export "_start") (export "memory") 1))',
    "start-is-imported": (
        f'(module (import "{_WASI}" "sched_yield" (func $y (result i32))) {_MEMORY}'
        ' (export "_start" (func $y)))'
    ),
    "start-traps": f'(module {_MEMORY} (func (export "_start") unreachable))',
    "empty-name": f'(module {_MEMORY} (func (export "")))',
    "empty-name-and-start": f'(module {_MEMORY} (func (export "") unreachable) {_START})',
    "empty-name-takes-argument": f'(module {_MEMORY} (func (export "") (param i32)) {_START})',
    "no-memory": f"(module {_START})",
    "memory-not-exported": f"(module (memory 1) {_START})",
    "wasm-without-anything": "(module)",
}

_LIMITS = {
    "memory-1000-pages": f'(module (memory (export "memory") 1000) {_START})',
    "memory-16384-pages": f'(module (memory (export "memory") 16384) {_START})',
    "memory-32768-pages": f'(module (memory (export "memory") 32768) {_START})',
    "memory-65536-pages": f'(module (memory (export "memory") 65536) {_START})',
    "memory-at-most-65536": f'(module (memory (export "memory") 1 65536) {_START})',
    "memory-empty": f'(module (memory (export "memory") 0) {_START})',
    "table-1000": f"(module {_MEMORY} (table 1000 funcref) {_START})",
    "table-100000": f"(module {_MEMORY} (table 100000 funcref) {_START})",
    "table-20000000": f"(module {_MEMORY} (table 20000000 funcref) {_START})",
    "data-out-of-bounds": f'(module {_MEMORY} (data (i32.const 65536) "a") {_START})',
    "elements-out-of-bounds": (
        f"(module {_MEMORY} (table 1 funcref) (elem (i32.const 1) func $f) (func $f) {_START})"
    ),
    "parameters-200": f"(module {_MEMORY} (func (param {'i32 ' * 200})) {_START})",
    "locals-40000": f"(module {_MEMORY} (func (local {'i64 ' * 40000})) {_START})",
    "globals-1000": f"(module {_MEMORY} {'(global i32 (i32.const 0))' * 1000} {_START})",
}

_NAMES = {
    "export-name-with-nul": f'(module {_MEMORY} (func (export "a\\00b")) {_START})',
    "import-name-with-nul": _imports("env", "a\\00b", "(func)"),
    "import-module-with-nul": _imports("e\\00v", "f", "(func)"),
    "section-name-with-nul": f'(module (@custom "a\\00b" "") {_MEMORY} {_START})',
    "section-without-name": f'(module (@custom "" "") {_MEMORY} {_START})',
}

_INVALID = {
    "invalid-two-exports-of-a-name": f'(module {_MEMORY} (func (export "go")) (func (export "go"))'
    f" {_START})",
    "invalid-code": f"(module {_MEMORY} (func i32.const 0) {_START})",
    "invalid-function-index": f"(module {_MEMORY} (func call 9) {_START})",
    "invalid-alignment": f"(module {_MEMORY} (func i32.const 0 i32.load align=8 drop) {_START})",
    "invalid-constant-global": (
        f"(module {_MEMORY} (global i32 (i32.const 0)) (func i32.const 1 global.set 0) {_START})"
    ),
    "invalid-data-without-memory": f'(module (data (i32.const 0) "a") {_START})',
}

MODULES: Mapping[str, str] = {
    **FEATURES,
    **_IMPORTS,
    **_BEGINNINGS,
    **_LIMITS,
    **BOUNDS,
    **TRAPS,
    **CALLED_FIRST,
    **MAINS,
    **FIRST_MEMORY,
    **FRAMES,
    **_NAMES,
    **_INVALID,
}
"""The text of each by its name."""


_FUNCTION = b"\x60\0\0"
"""The type of a function without parameters and results."""


def _begins(*types: bytes, table: bytes = b"", body: bytes = b"") -> bytes:
    """A module that exports a memory and `_start`, of its first type."""
    return (
        HEADER
        + section(SectionId.TYPE, vector(*types))
        + section(SectionId.FUNCTION, vector(b"\0"))
        + (section(SectionId.TABLE, vector(table)) if table else b"")
        + section(SectionId.MEMORY, vector(b"\0\1"))
        + section(SectionId.EXPORT, vector(name("memory") + b"\2\0", name("_start") + b"\0\0"))
        + section(SectionId.CODE, vector(sized(b"\0" + body + b"\x0b")))
    )


def _by_hand() -> Iterator[tuple[str, bytes]]:
    """What no text stands for."""
    overlong = b"\x41\0\x04\x40\x41\0\x11\0\x80\x80\x80\x80\0\x0b"
    yield "call-indirect-overlong", _begins(_FUNCTION, table=b"\x70\0\1", body=overlong)
    for title, written in (
        ("type-in-group-of-one", b"\x4e\1" + _FUNCTION),
        ("type-said-to-be-final", b"\x4f\0" + _FUNCTION),
        ("type-with-no-supertypes", b"\x50\0" + _FUNCTION),
        ("empty-group-of-types", b"\x4e\0"),
    ):
        yield title, _begins(_FUNCTION, written)
    for title, imported in (
        (
            "compact-imports",
            name(_WASI) + name("") + b"\x7f" + vector(name("sched_yield") + b"\0\0"),
        ),
        ("exact-import", name(_WASI) + name("sched_yield") + b"\x20\0"),
    ):
        yield (
            title,
            HEADER
            + section(SectionId.TYPE, vector(b"\x60\0\1\x7f", b"\x60\0\0"))
            + section(SectionId.IMPORT, vector(imported))
            + section(SectionId.FUNCTION, vector(b"\1"))
            + section(SectionId.MEMORY, vector(b"\0\1"))
            + section(SectionId.EXPORT, vector(name("memory") + b"\2\0", name("_start") + b"\0\1"))
            + section(SectionId.CODE, vector(sized(b"\0\x0b"))),
        )


class _Assembled(Mapping[str, bytes]):
    """Assembles a module when it is asked for: there are hundreds, each takes a process, and tests
    are named after all of them wherever they are collected."""

    def __init__(self) -> None:
        first, last = dict(_by_hand()), dict(by_hand())
        self._made = first | last
        self._names = (*first, *MODULES, *last)

    def __getitem__(self, name: str) -> bytes:
        if name not in self._made:
            self._made[name] = wasm_tools.assemble(MODULES[name].encode())
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@functools.cache
def assembled() -> Mapping[str, bytes]:
    """The bytes of each by its name."""
    return _Assembled()
