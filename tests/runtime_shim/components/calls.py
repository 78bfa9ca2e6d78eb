"""Calls that no toolchain's bindings would make, each with how it ends.

The text after each is part of what stops the guest; None stands for one that goes on.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.support.wit import AUGUST, JUNE, OCTOBER

__all__ = ["CALLS", "REALLOCS", "Call"]

Ending = str | None
Call = tuple[str, str, Ending]
"""The version, the body of the guest, and how it ends."""

END = 131072
"""The guest's memory has two pages."""

OUTSIDE, UNALIGNED, ENUM, UTF8 = "outside", "not aligned", "not a case", "not UTF-8"


def _n(value: int | str) -> str:
    return value if isinstance(value, str) else f"(i32.const {value})"


def call(name: str, *arguments: int | str) -> str:
    return f"(call ${name} {' '.join(map(_n, arguments))})"


TENSOR, GRAPH, CONTEXT = "(call $tensor)", "(call $graph)", "(call $context)"
ERROR = f"{call('load', 0, 0, 1, 0, 128)} (i32.load (i32.const 132))"
"""A handle of an error: a model of no parts."""


def new(
    dims: int | str = 16, rank: int = 2, kind: int = 1, data: int = 32, length: int = 16
) -> str:
    return f"(drop {call('new', dims, rank, kind, data, length)})"


def named(name: int = 64, length: int = 1, tensor: str = TENSOR) -> str:
    return call("named", name, length, tensor)


def _areas() -> Iterator[Call]:
    """Result areas."""
    functions = {
        f"{call('dims', TENSOR, '{}')}": 8,
        f"{call('data', TENSOR, '{}')}": 8,
        f"{call('load', 96, 0, 1, 0, '{}')}": 8,
        f"{call('load_by_name', 64, 1, '{}')}": 8,
        f"{call('init', GRAPH, '{}')}": 8,
        f"{call('compute', CONTEXT, 144, 0, '{}')}": 12,
    }
    for text, size in functions.items():
        for area, ending in (
            (END - size + 4, OUTSIDE),
            (0xFFFFFFFC, OUTSIDE),
            (129, UNALIGNED),
            (130, UNALIGNED),
        ):
            yield OCTOBER, text.format(_n(area)), ending


def _lists() -> Iterator[Call]:
    """Lists, strings and enumerations."""
    for body, ending in (
        (new(dims=END), OUTSIDE),
        (new(dims=END - 4), OUTSIDE),
        (new(dims=0xFFFFFFFC), OUTSIDE),
        (new(dims=17), UNALIGNED),
        (new(dims=18), UNALIGNED),
        (new(dims=17, rank=0), UNALIGNED),
        (new(dims=END + 4, rank=0), OUTSIDE),
        (new(rank=0x40000001), OUTSIDE),
        (new(rank=0xFFFFFFFF), OUTSIDE),
        (new(data=0xFFFFFFF0), OUTSIDE),
        (new(length=0xFFFFFFFF), OUTSIDE),
        (new(data=END - 15), OUTSIDE),
        (new(data=END + 1, length=0), OUTSIDE),
        (new(data=END, length=0), None),
        (new(data=33), None),
        (new(rank=0), None),
        (new(kind=7), ENUM),
        (new(kind=256), ENUM),
        (new(kind=0xFFFFFFFF), ENUM),
        (call("load", 98, 1, 1, 0, 128), UNALIGNED),
        (call("load", END - 4, 1, 1, 0, 128), OUTSIDE),
        (call("load", 96, 0x20000001, 1, 0, 128), OUTSIDE),
        (call("load", 96, 0xFFFFFFFF, 1, 0, 128), OUTSIDE),
        (f"(i32.store (i32.const 96) (i32.const {END + 1})) {call('load', 96, 1, 1, 0, 128)}",
         OUTSIDE),
        (f"(i32.store (i32.const 100) (i32.const -1)) {call('load', 96, 1, 1, 0, 128)}", OUTSIDE),
        (call("load", 96, 0, 7, 0, 128), ENUM),
        (call("load", 96, 0, -1, 0, 128), ENUM),
        (call("load", 96, 0, 1, 3, 128), ENUM),
        (call("load", 96, 0, 1, 256, 128), ENUM),
        (call("load_by_name", END, 1, 128), OUTSIDE),
        (call("load_by_name", 64, -1, 128), OUTSIDE),
        (call("load_by_name", 80, 1, 128), UTF8),
        (call("compute", CONTEXT, 146, 1, 128), UNALIGNED),
        (call("compute", CONTEXT, END - 8, 1, 128), OUTSIDE),
        (call("compute", CONTEXT, 144, 0x15555556, 128), OUTSIDE),
        (call("compute", CONTEXT, 144, -1, 128), OUTSIDE),
        (named(name=END) + call("compute", CONTEXT, 144, 1, 160), OUTSIDE),
        (named(length=-1) + call("compute", CONTEXT, 144, 1, 160), OUTSIDE),
        (named(name=80) + call("compute", CONTEXT, 144, 1, 160), UTF8),
    ):  # fmt: skip
        yield OCTOBER, body, ending
    for body, ending in (
        (call("set_input", CONTEXT, END, 1, TENSOR, 128), OUTSIDE),
        (call("set_input", CONTEXT, 64, -1, TENSOR, 128), OUTSIDE),
        (call("set_input", CONTEXT, 80, 1, TENSOR, 128), UTF8),
        (call("set_input", CONTEXT, 64, 1, TENSOR, 130), UNALIGNED),
        (call("set_input", CONTEXT, 64, 1, TENSOR, END - 4), OUTSIDE),
        (call("compute", CONTEXT, END), OUTSIDE),
        (call("compute", CONTEXT, 129), UNALIGNED),
        (call("get_output", CONTEXT, END, 1, 128), OUTSIDE),
        (call("get_output", CONTEXT, 80, 1, 128), UTF8),
        (call("get_output", CONTEXT, 72, 1, 130), UNALIGNED),
        (call("get_output", CONTEXT, 72, 1, END - 4), OUTSIDE),
    ):
        yield AUGUST, body, ending
    for body, ending in (
        (f"(drop {call('error', 9, 64, 1)})", ENUM),
        (f"(drop {call('error', -1, 64, 1)})", ENUM),
        (f"(drop {call('error', 0, END, 1)})", OUTSIDE),
        (f"(drop {call('error', 0, 64, -1)})", OUTSIDE),
        (f"(drop {call('error', 0, 80, 1)})", UTF8),
        (f"(drop {call('error', 8, 64, 1)})", None),
    ):
        yield JUNE, body, ending


_TAKERS = {
    "a tensor": (
        call("dims", "{}", 128),
        f"(drop {call('ty', '{}')})",
        call("data", "{}", 128),
        call("drop_tensor", "{}"),
        named(tensor="{}") + call("compute", CONTEXT, 144, 1, 160),
    ),
    "a graph": (call("init", "{}", 128), call("drop_graph", "{}")),
    "an execution context": (call("compute", "{}", 144, 0, 128), call("drop_context", "{}")),
    "an error": (
        f"(drop {call('code', '{}')})",
        call("text", "{}", 128),
        call("drop_error", "{}"),
    ),
}
_GIVERS = {
    "a tensor": (TENSOR, "drop_tensor"),
    "a graph": (GRAPH, "drop_graph"),
    "an execution context": (CONTEXT, "drop_context"),
    "an error": (ERROR, "drop_error"),
}


def _handles() -> Iterator[Call]:
    """Handles that were never given, of another kind, and dropped."""
    for kind, takers in _TAKERS.items():
        ending = f"is not a handle of {kind}"
        for taker in takers:
            for handle in ("(i32.const 0)", "(i32.const 1)", "(i32.const -1)"):
                yield OCTOBER, taker.format(handle), ending
            other = "(call $graph)" if kind == "a tensor" else TENSOR
            yield OCTOBER, taker.format(other), ending
            giver, drop = _GIVERS[kind]
            dropped = f"(local.set $a {giver}) (call ${drop} (local.get $a))"
            yield OCTOBER, dropped + taker.format("(local.get $a)"), ending
    twice = f"""(local.set $a {TENSOR}) {named(tensor="(local.get $a)")}
      (i64.store (i32.const 156) (i64.load (i32.const 144)))
      (i32.store (i32.const 164) (local.get $a)) {call("compute", CONTEXT, 144, 2, 176)}"""
    yield OCTOBER, twice, "is not a handle of a tensor"
    used = f"""(local.set $a {TENSOR}) {named(tensor="(local.get $a)")}
      {call("compute", CONTEXT, 144, 1, 160)} {call("drop_tensor", "(local.get $a)")}"""
    yield OCTOBER, used, "is not a handle of a tensor"
    taken = f"""(local.set $a {TENSOR}) {call("set_input", CONTEXT, 64, 1, "(local.get $a)", 128)}
      {call("drop_tensor", "(local.get $a)")}"""
    yield AUGUST, taken, "is not a handle of a tensor"


def _failed(code: int, body: str) -> str:
    return body + f"(call $failed (i32.const {code}))"


def _errors() -> Iterator[Call]:
    """What gets an error, with the code that native Wasmtime has too, where that is the same."""
    compute = call("compute", CONTEXT, 144, 1, 128)
    yield OCTOBER, _failed(0, call("load", 96, 0, 1, 0, 128)), None
    yield OCTOBER, _failed(6, call("load_by_name", 64, 1, 128)), None
    yield OCTOBER, _failed(6, call("load_by_name", 64, 0, 128)), None
    yield OCTOBER, _failed(0, named(name=72) + compute), None
    yield OCTOBER, _failed(3, call("compute", CONTEXT, 144, 0, 128)), None
    for tensor in (new(rank=0), new(kind=0), new(kind=3), new(length=12), new(kind=5)):
        yield OCTOBER, _failed(0, named(tensor=tensor[6:-1]) + compute), None


CALLS: tuple[Call, ...] = (*_areas(), *_lists(), *_handles(), *_errors())

REALLOCS: tuple[tuple[str, str], ...] = (
    (f"(return (i32.const {END - 8}))", OUTSIDE),
    ("(return (i32.const -1))", OUTSIDE),
    ("(return (i32.const -16))", OUTSIDE),
    ("unreachable", "unreachable"),
    (TENSOR.replace("(call", "(drop (call") + ")", "realloc"),
    ("(drop (call $ty (i32.const 5)))", "realloc"),
    (call("drop_tensor", 5), "realloc"),
    (call("dims", 5, 128), "realloc"),
    (call("load", 96, 0, 1, 0, 128), "realloc"),
    (call("load_by_name", 64, 1, 128), "realloc"),
    (call("drop_graph", 5), "realloc"),
    (call("compute", 5, 144, 0, 128), "realloc"),
    (call("drop_context", 5), "realloc"),
    (call("drop_error", 5), "realloc"),
)
"""What the guest's realloc does while it is asked for room, and what stops it."""
