"""Small modules at and beyond the limits of engines, and such that end as they begin.

What hosts do with them is in engines.json, as with those of tests.heavy.engine_cases.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rewriter.wasm.leb128 import encode_u32
from rewriter.wasm.sections import SectionId
from tests.support.wasm import HEADER, name, section, sized, vector

__all__ = ["BOUNDS", "CALLED_FIRST", "FIRST_MEMORY", "FRAMES", "MAINS", "TRAPS", "by_hand"]

_MEMORY = '(memory (export "memory") 1)'
_START = '(func (export "_start"))'
_WASI = '(import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))'
_UNSTABLE = '(import "wasi_unstable" "sched_yield" (func (result i32)))'


def _has(content: str, memory: str = _MEMORY) -> str:
    return f"(module {content} {memory} {_START})"


def _starts(body: str, content: str = "", imports: str = "") -> str:
    return f'(module {imports} {_MEMORY} {content} (func (export "_start") {body}))'


BOUNDS: Mapping[str, str] = {
    "data-far-out-of-bounds": _has('(data (i32.const 0x7fffffff) "a")'),
    "data-at-the-last-address": _has('(data (i32.const -1) "a")'),
    "data-across-the-end": _has('(data (i32.const 65535) "ab")'),
    "data-to-the-end": _has('(data (i32.const 65535) "a")'),
    "data-empty-at-the-end": _has('(data (i32.const 65536) "")'),
    "data-empty-beyond-the-end": _has('(data (i32.const 65537) "")'),
    "data-in-no-pages": _has('(data (i32.const 0) "a")', '(memory (export "memory") 0)'),
    "data-empty-in-no-pages": _has('(data (i32.const 0) "")', '(memory (export "memory") 0)'),
    "data-out-of-bounds-at-global": _has(
        '(global $g i32 (i32.const 65536)) (data (global.get $g) "a")'
    ),
    "data-out-of-bounds-of-imported": (
        '(module (import "env" "memory" (memory 1)) (export "memory" (memory 0))'
        f' (data (i32.const 65536) "a") {_START})'
    ),
    "data-far-out-of-bounds-of-imported": (
        '(module (import "env" "memory" (memory 1)) (export "memory" (memory 0))'
        f' (data (i32.const 0x7fffffff) "a") {_START})'
    ),
    "elements-across-the-end": _has("(table 2 funcref) (elem (i32.const 1) func $f $f) (func $f)"),
    "elements-to-the-end": _has("(table 2 funcref) (elem (i32.const 0) func $f $f) (func $f)"),
    "elements-empty-at-the-end": _has("(table 2 funcref) (elem (i32.const 2) func)"),
    "elements-empty-beyond-the-end": _has("(table 2 funcref) (elem (i32.const 3) func)"),
    "elements-within-the-most": _has("(table 1 10 funcref) (elem (i32.const 1) func $f) (func $f)"),
    "elements-out-of-bounds-of-imported": (
        f'(module (import "env" "table" (table 1 funcref)) {_MEMORY}'
        f" (elem (i32.const 1) func $f) (func $f) {_START})"
    ),
}
"""Segments at and beyond the end of the memory or table that they are for."""

TRAPS: Mapping[str, str] = {
    "start-traps-after-nop": _starts("nop unreachable"),
    "start-traps-in-block": _starts("block loop unreachable end end"),
    "start-traps-after-values": _starts("i32.const 1 local.set 0 unreachable", "").replace(
        '"_start")', '"_start") (local i32)'
    ),
    "start-traps-in-call": _starts("call $f", "(func $f call $g) (func $g unreachable)"),
    "start-traps-after-empty-call": _starts("call $f unreachable", "(func $f)"),
    "start-traps-after-return": _starts("return unreachable"),
    "start-traps-on-condition": _starts("i32.const 0 if unreachable end"),
    "start-traps-behind-branch": _starts("block br 0 unreachable end"),
    "start-traps-after-import": _starts("call 0 drop unreachable", "", _WASI),
    "start-section-traps-alone": f"(module {_MEMORY} (func $traps unreachable) (start $traps))",
}
"""Beginnings that trap at once, and such that only look so."""


def _exported(title: str, form: str, imports: str = "", start: str = _START) -> str:
    return f'(module {imports} {_MEMORY} (func (export "{title}") {form}) {start})'


_FORMS = {
    "traps": "unreachable",
    "takes-argument": "(param i32) unreachable",
    "gives-result": "(result i32) i32.const 0",
}

CALLED_FIRST: Mapping[str, str] = {
    **{
        f"{imported}-initialize-{form}{also}": _exported("_initialize", written, imports, start)
        for imported, imports in (("wasi", _WASI), ("unstable", _UNSTABLE))
        for form, written in _FORMS.items()
        for also, start in (("", ""), ("-and-start", _START))
    },
    **{
        f"{imported}{title}-{form}": _exported(title, written, imports)
        for title in ("__wasm_call_ctors", "__post_instantiate")
        for imported, imports in (("", ""), ("wasi-", _WASI))
        for form, written in _FORMS.items()
    },
    "wasi-initialize-and-start": _exported("_initialize", "", _WASI),
    "wasi-initialize-alone": _exported("_initialize", "", _WASI, ""),
    "wasi-initialize-is-memory": (
        f'(module {_WASI} (memory (export "_initialize") (export "memory") 1) {_START})'
    ),
    "initialize-takes-argument-alone": _exported("_initialize", "(param i32)", "", ""),
    "initialize-gives-result-alone": _exported("_initialize", "(result i32) i32.const 0", "", ""),
}
"""Functions that some host calls before that which a program begins with."""


_MAIN_TYPES = (
    *("", "(result i32)", "(result i64)", "(result f32)", "(result i32 i32)"),
    *("(param i32)", "(param i32 i32)", "(param i32 i32) (result i64)"),
    *("(param i32 i64) (result i32)", "(param i32 i32 i32)"),
)

MAINS: Mapping[str, str] = {
    **{
        f"{title}-is-{form or 'plain'}": (
            f'(module {_MEMORY} (func (export "{title}") {form}'
            + "".join(
                f" {kind}.const 0" for kind in form.partition("(result ")[2].rstrip(")").split()
            )
            + "))"
        )
        for title in ("main", "__main_argc_argv", "_main")
        for form in _MAIN_TYPES
    },
    "main-is-imported": (
        f'(module {_WASI.replace("(func", "(func $f")} {_MEMORY} (export "main" (func $f)))'
    ),
}
"""Functions that some host calls as C's `main`, of its types and of others."""

_READS_SECOND = "(memory 1) (memory $second 1)"
_EXIT = '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))'

FIRST_MEMORY: Mapping[str, str] = {
    "wasi-writes-to-second-memory": (
        '(module (import "wasi_snapshot_preview1" "clock_time_get"'
        f" (func $time (param i32 i64 i32) (result i32))) {_EXIT} {_READS_SECOND}"
        ' (export "memory" (memory $second)) (func (export "_start")'
        " i32.const 0 i64.const 0 i32.const 64 call $time drop"
        " i32.const 64 i64.load $second i64.eqz if i32.const 3 call $exit end))"
    ),
    "wasi-without-pointers-and-second-memory": (
        f'(module {_WASI} {_READS_SECOND} (export "memory" (memory $second)) {_START})'
    ),
    "exits-with-0-in-start-section": (
        f"(module {_EXIT} {_MEMORY} (func $first i32.const 0 call $exit) (start $first) {_START})"
    ),
    "exits-with-0": _starts("i32.const 0 call $exit unreachable", "", _EXIT),
    "exits-with-3": _starts("i32.const 3 call $exit", "", _EXIT),
    "exits-with-0-in-initialize": _exported("_initialize", "i32.const 0 call $exit", _EXIT),
    "exits-with-0-in-constructors": _exported("__wasm_call_ctors", "i32.const 0 call $exit", _EXIT),
    "exits-with-0-in-post-instantiate": _exported(
        "__post_instantiate", "i32.const 0 call $exit", _EXIT
    ),
}
"""Memories that are not the first, and guests that end themselves."""


def _called(variables: str, body: str = "") -> str:
    return _starts("call $f", f"(func $f {variables} {body})")


FRAMES: Mapping[str, str] = {
    **{
        f"frame-of-{count}-variables": _called(f"(local {'i32 ' * count})")
        for count in (1500, 2100, 8000, 8200, 32000)
    },
    "frame-of-9000-64-bit-variables": _called(f"(local {'i64 ' * 9000})"),
    **{
        f"frame-of-{count}-constants": _called(
            "(local i32)",
            "".join(f"i32.const {number} local.set 0 " for number in range(count)),
        )
        for count in (1500, 2100, 8000, 8300, 40000)
    },
    "frame-of-9000-equal-constants": _called("(local i32)", "i32.const 7 local.set 0 " * 9000),
    "frame-of-5000-64-bit-constants": _called(
        "", "".join(f"f64.const {number} drop " for number in range(5000))
    ),
    "frame-of-30000-results": _called("", "memory.size " * 30000 + "drop " * 30000),
}
"""Functions that are called and take much of a stack, and such that only look so."""


_CONST, _DROP, _SIZE, _END = b"\x41\0", b"\x1a", b"\x3f\0", b"\x0b"
_FUNCTION = b"\x60\0\0"


def _module(
    body: bytes = b"",
    *,
    form: bytes = _FUNCTION,
    table: bytes = b"",
    exported: str = "f",
    imported: bytes = b"",
    elements: bytes = b"",
    data: bytes = b"",
    locals_: bytes = b"\0",
) -> bytes:
    """A command, with another function of `form` and `body`, an export of it, and what is given of
    the other sections."""
    import_section = section(SectionId.IMPORT, vector(imported)) if imported else b""
    function = 1 if imported else 0
    exports = vector(
        name("memory") + b"\2\0",
        name("_start") + b"\0" + encode_u32(function),
        name(exported) + b"\0" + encode_u32(function + 1),
    )
    return (
        HEADER
        + section(SectionId.TYPE, vector(_FUNCTION, form))
        + import_section
        + section(SectionId.FUNCTION, vector(b"\0", b"\1"))
        + (section(SectionId.TABLE, table) if table else b"")
        + section(SectionId.MEMORY, vector(b"\0\1"))
        + section(SectionId.EXPORT, exports)
        + (section(SectionId.ELEMENT, elements) if elements else b"")
        + section(SectionId.CODE, vector(sized(b"\0" + _END), sized(locals_ + body + _END)))
        + (section(SectionId.DATA, data) if data else b"")
    )


def _plain(types: int = 1, functions: int = 1) -> bytes:
    """A command that has so many functions that do nothing, and types that are equal."""
    return (
        HEADER
        + section(SectionId.TYPE, _repeated(_FUNCTION, types))
        + section(SectionId.FUNCTION, _repeated(b"\0", functions))
        + section(SectionId.MEMORY, vector(b"\0\1"))
        + section(SectionId.EXPORT, vector(name("memory") + b"\2\0", name("_start") + b"\0\0"))
        + section(SectionId.CODE, _repeated(sized(b"\0" + _END), functions))
    )


def _held(push: bytes, count: int) -> bytes:
    return _module(push * count + _DROP * count)


def _blocks(count: int) -> bytes:
    return _module(b"\x02\x40" * count + _END * count)


def _repeated(item: bytes, count: int) -> bytes:
    return encode_u32(count) + item * count


def by_hand() -> Iterator[tuple[str, bytes]]:
    """What would be long as text."""
    for count in (33000, 65535, 66000):
        yield f"operands-{count}", _held(_CONST, count)
    for count in (32000, 33000):
        yield f"operands-in-slots-{count}", _held(_SIZE, count)
    yield "operands-64-bit-33000", _held(b"\x42\0", 33000)
    yield "blocks-1000", _blocks(1000)
    yield "blocks-66000", _blocks(66000)
    labels = encode_u32(70000) + b"\0" * 70001
    yield "labels-70000", _module(_CONST + b"\x0e" + labels)
    many = _repeated(b"\x7f", 1000)
    yield "parameters-1000", _module(form=b"\x60" + many + b"\0")
    yield "results-1000", _module(_CONST * 1000, form=b"\x60\0" + many)
    for count in (16383, 16384):
        yield f"locals-64-bit-{count}", _module(locals_=vector(encode_u32(count) + b"\x7e"))
    yield "tables-100", _module(table=_repeated(b"\x70\0\1", 100))
    all_ = encode_u32((1 << 32) - 1)
    yield "table-4294967295", _module(table=vector(b"\x70\0" + all_))
    yield "table-at-most-4294967295", _module(table=vector(b"\x70\1\1" + all_))
    segments = _repeated(b"\0\x41\0\x0b\0", 100_000)
    yield "data-segments-100000", _module(data=segments)
    yield "element-segments-100000", _module(table=vector(b"\x70\0\1"), elements=segments)
    yield "export-name-100000", _module(exported="n" * 100_000)
    for ending in ("trailing", "only"):
        title = {"trailing": "f\0", "only": "\0"}[ending]
        yield f"export-name-with-{ending}-nul", _module(exported=title)
        item = name("wasi_snapshot_preview1") + name(title) + b"\0\0"
        yield f"import-name-with-{ending}-nul", _module(imported=item)
    item = name("wasi_snapshot_preview1") + name("sched_yield\0") + b"\0\1"
    yield "import-of-wasi-with-trailing-nul", _module(_CONST, form=b"\x60\0\1\x7f", imported=item)
    yield "functions-100000", _plain(functions=100_000)
    for count in (65535, 65536):
        yield f"types-{count}", _plain(types=count)
