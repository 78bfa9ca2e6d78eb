"""Broken input is refused in linear time, without allocating the sizes that it claims."""

from __future__ import annotations

import contextlib
import tracemalloc
from functools import partial
from typing import Any

import pytest

import rewriter
from rewriter import ModuleError, UnsupportedModule
from rewriter.wasm.leb128 import encode_u32
from rewriter.wasm.limits import check_number
from rewriter.wasm.sections import SectionId, split
from tests.support.wasm import (
    FUNC_0,
    HEADER,
    LOAD,
    TYPES,
    assemble,
    custom,
    import_module,
    imported,
    imports,
    name,
    section,
    sized,
    vector,
    with_code,
)

HUGE = b"\xff\xff\xff\xff\x0f"
OVERLONG = b"\x81\x80\x80\x80\x80\x00"
GUEST = assemble(
    """(module
      (import "wasi_ephemeral_nn" "load" (func (param i32 i32 i32 i32 i32) (result i32)))
      (import "env" "memory" (memory 1))
      (table 1 funcref) (global i32 (i32.const 1)) (export "memory" (memory 0))
      (func $f (export "_start")) (start $f) (elem (i32.const 0) $f) (data (i32.const 0) "x")
      (@custom "extra" "bytes"))"""
)

CORRUPT = [
    *(
        pytest.param(GUEST[:end], id=f"cut at {end}: {section.title}, {place}")
        for section in split(GUEST)
        for place, end in (
            ("in its id", section.start + 1),
            ("before its content", section.content),
            ("before its last byte", section.end - 1),
        )
    ),
    pytest.param(GUEST[:4], id="magic only"),
    pytest.param(b"\0msa" + GUEST[4:], id="wrong magic"),
    pytest.param(HEADER + b"\x01" + OVERLONG + b"\0", id="overlong section size"),
    pytest.param(HEADER + b"\x02" + HUGE, id="4 GB section"),
    pytest.param(HEADER + section(SectionId.IMPORT, OVERLONG), id="overlong import count"),
    pytest.param(HEADER + section(SectionId.IMPORT, HUGE), id="4 G imports"),
    pytest.param(HEADER + section(SectionId.IMPORT, b"\x01" + HUGE), id="4 GB module name"),
    pytest.param(HEADER + imports(name("a") + HUGE), id="4 GB field name"),
    pytest.param(HEADER + imports(name("a") + b"\0\x7f" + HUGE), id="4 G imports in a group"),
    pytest.param(HEADER + imports(name("a") + b"\0\x7e\0\0" + HUGE), id="4 G names in a group"),
    pytest.param(HEADER + imports(name("a") + OVERLONG), id="overlong name length"),
    pytest.param(HEADER + imports(imported("a", "b", b"\0" + OVERLONG)), id="overlong type index"),
    pytest.param(HEADER + imports(imported("a", "b", b"\x03" + b"\x65" * 9999)), id="deep type"),
    pytest.param(HEADER + custom("x")[:-1], id="custom section without its name"),
]


@pytest.mark.parametrize("data", CORRUPT)
def test_broken_modules_are_refused_with_an_offset_inside_them(data: bytes) -> None:
    with pytest.raises(ModuleError) as caught:
        rewriter.rewrite(data, rewriter.RewriteOptions(validate=False))
    assert caught.value.offset is not None
    assert 0 <= caught.value.offset <= len(data)


@pytest.mark.parametrize(
    "section_id", [SectionId.TYPE, SectionId.IMPORT, SectionId.MEMORY, SectionId.EXPORT]
)
@pytest.mark.parametrize("content", [HUGE, OVERLONG, b"\x01" + HUGE, b"\x01\x60" + HUGE])
def test_inspection_refuses_counts_that_the_bytes_cannot_hold(
    section_id: SectionId, content: bytes
) -> None:
    with pytest.raises(ModuleError):
        rewriter.inspect_module(HEADER + section(section_id, content))


def peak_bytes(data: bytes, **goal: Any) -> tuple[int, bytes | None]:
    """The peak memory, and the result, which is None if the input is refused."""
    made = None
    tracemalloc.start()
    try:
        with contextlib.suppress(ModuleError):
            made = rewriter.rewrite(data, rewriter.RewriteOptions(validate=False, **goal))
        return tracemalloc.get_traced_memory()[1], made
    finally:
        tracemalloc.stop()


MANY = 20_000


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(import_module(*["wasi_ephemeral_nn"] * MANY), id="single imports"),
        pytest.param(
            HEADER
            + imports(name("wasi_ephemeral_nn") + b"\0\x7f" + vector(*[b"\0" + FUNC_0] * MANY)),
            id="a group of them",
        ),
        pytest.param(
            HEADER
            + imports(name("wasi_ephemeral_nn") + b"\0\x7e" + FUNC_0 + vector(*[b"\0"] * MANY)),
            id="a group of names",
        ),
        pytest.param(import_module("wasi_ephemeral_nn") + custom("") * MANY, id="sections"),
        pytest.param(HEADER + TYPES + imports(*[imported("", "")] * MANY), id="empty names"),
        pytest.param(
            HEADER + TYPES + imports(*[name("") + b"\0\x7f" + vector()] * MANY),
            id="empty groups",
        ),
        pytest.param(HEADER + imports(imported("a" * 1_000_000)), id="a long name"),
        pytest.param(
            HEADER + TYPES + encode_u32(2) + HUGE + bytes(1_000_000), id="a lie, at length"
        ),
    ],
)
def test_memory_stays_within_a_few_times_the_file(data: bytes) -> None:
    assert peak_bytes(data)[0] < 4 * len(data) + 100_000


NOTHING = b"\0\x0b"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(with_code(NOTHING, types=[b"\x60\0\0"] * MANY), id="types"),
        pytest.param(
            with_code(NOTHING, types=[b"\x4e" + vector(*[b"\x5f\0"] * MANY)]),
            id="types in a group",
        ),
        pytest.param(with_code(NOTHING, others=[imported("", "")] * MANY), id="imports"),
        pytest.param(
            with_code(NOTHING, others=[name("") + b"\0\x7e" + FUNC_0 + vector(*[b"\0"] * MANY)]),
            id="a group of names",
        ),
        pytest.param(with_code(*[NOTHING] * MANY), id="functions"),
        pytest.param(with_code(NOTHING, exports=[b"\0\2\0"] * MANY), id="exports"),
        pytest.param(with_code(NOTHING, after=custom("") * MANY), id="sections"),
        pytest.param(with_code(NOTHING, after=custom("sourceMappingURL") * MANY), id="source maps"),
        pytest.param(
            with_code(
                NOTHING,
                after=custom(
                    "name",
                    b"\1" + sized(vector(*[encode_u32(index) + b"\0" for index in range(MANY)])),
                ),
            ),
            id="names of functions",
        ),
    ],
)
@pytest.mark.parametrize("drop_debug", [False, True])
def test_memory_stays_within_a_few_times_the_file_where_it_is_adapted(
    data: bytes, drop_debug: bool
) -> None:
    goal: dict[str, Any] = {"abi": "wamr", "drop_debug": drop_debug}
    rewriter.rewrite(
        with_code(NOTHING), rewriter.RewriteOptions(validate=False, **goal)
    )  # whatever comes with the first
    peak, made = peak_bytes(data, **goal)
    assert made not in (None, data)
    assert peak < 4 * len(data) + 400_000  # regular expressions, for other indices each time


MILLION = encode_u32(1_000_001)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        pytest.param(
            HEADER + section(SectionId.TYPE, MILLION + b"\x60\0\0" * 1_000_001), "types", id="types"
        ),
        pytest.param(
            HEADER
            + section(SectionId.TYPE, vector(*[b"\x4e\xa1\xc2\x1e" + b"\x60\0\0" * 500_001] * 2)),
            "types",
            id="types in groups",
        ),
        pytest.param(
            HEADER + section(SectionId.TYPE, vector(b"\x60" + vector(*[b"\x7f"] * 1001) + b"\0")),
            "1000 parameters",
            id="parameters",
        ),
        pytest.param(
            HEADER + section(SectionId.MEMORY, vector(*[b"\0\0"] * 101)),
            "100 memories",
            id="memories",
        ),
        pytest.param(
            HEADER
            + imports(name("env") + b"\0\x7e\2\0\0" + vector(*[b"\0"] * 100))
            + section(SectionId.MEMORY, vector(b"\0\0")),
            "100 memories",
            id="memories, imported and its own",
        ),
        pytest.param(
            HEADER + imports(name("env") + b"\0\x7e\2\0\0" + vector(*[b"\0"] * 101)),
            "100 memories",
            id="imported memories",
        ),
        pytest.param(
            HEADER
            + section(SectionId.MEMORY, vector(b"\0\0"))
            + section(SectionId.EXPORT, MILLION + b"\0\2\0" * 1_000_001),
            "exports",
            id="exports",
        ),
        pytest.param(
            HEADER
            + section(SectionId.TYPE, vector(LOAD))
            + imports(*[imported("wasi_nn", "load")] * 1001),
            "1000 imports from wasi-nn",
            id="wasi-nn",
        ),
        pytest.param(with_code(b"\0" + b"\x10\0" * 10_001 + b"\x0b"), "references", id="calls"),
    ],
)
def test_more_items_than_engines_accept_are_refused_before_they_take_memory(
    data: bytes, what: str
) -> None:
    with pytest.raises(UnsupportedModule, match=f"more than .*{what}"):
        rewriter.rewrite(data, rewriter.RewriteOptions(abi="wamr", validate=False))


def test_as_many_items_as_engines_accept_are_inspected() -> None:
    assert len(rewriter.inspect_module(import_module(*["wasi_nn"] * 1000)).wasi_nn) == 1000
    memories = HEADER + section(SectionId.MEMORY, vector(*[b"\0\0"] * 100))
    assert rewriter.inspect_module(memories).shared_memory is None
    calls = with_code(b"\0" + b"\x10\0" * 10_000 + b"\x0b")
    assert rewriter.inspect_module(
        rewriter.rewrite(calls, rewriter.RewriteOptions(abi="wamr", validate=False))
    ).adapters


def test_more_than_a_million_sections_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rewriter.wasm.sections.check_number", partial(check_number, most=1000))
    assert rewriter.rewrite(HEADER + custom("") * 1000, rewriter.RewriteOptions(validate=False))
    with pytest.raises(UnsupportedModule, match="more than 1000 sections"):
        rewriter.rewrite(HEADER + custom("") * 1002, rewriter.RewriteOptions(validate=False))
