"""Memories, tables and the heap of one guest: together they stay within its limit."""

from __future__ import annotations

import pytest

from rewriter.functions.storage import Storage, storage
from rewriter.wasm.module import Module
from rewriter.wasm.sections import SectionId
from rewriter.wasm.types import MemoryType, TableType
from runtime_shim import GuestTrap, LinkError, NNHost, RunOptions, run
from runtime_shim.engine.shares import share_out
from runtime_shim.host.limits import Limits
from tests.support.wasm import HEADER, assemble, section, vector

PAGE = 65536
LIMIT = 64 * PAGE
ELEMENT = 8


def grown(text: str, limit: int = LIMIT) -> tuple[int, ...]:
    """What the sizes of a guest's memories and tables are, in bytes, after its `grow`."""
    limits = Limits(memory=limit, fuel=2_000_000)  # of which a guest without bounds would run out
    outcome = run(assemble(text), NNHost(limits=limits), RunOptions(invoke="grow"))
    return tuple(int(str(size)) for size in outcome.results)


def greedy(*declared: str) -> str:
    """A guest that grows all it declares as far as it may, by large steps and by small ones."""
    code, sizes = [], []
    counts = {"memory": 0, "table": 0}
    for item in declared:
        kind = item.strip("(").split()[0]
        number = counts[kind]
        counts[kind] += 1
        value = "(ref.null func) " if kind == "table" else ""
        unit = ELEMENT if kind == "table" else PAGE
        sizes.append(f"(i32.mul (i32.const {unit}) ({kind}.size {number}))")
        for step in (1 << power for power in range(9, -1, -1)):
            grow = f"({kind}.grow {number} {value}(i32.const {step}))"
            code.append(f"(loop $again (br_if $again (i32.ge_s {grow} (i32.const 0))))")
    results = "i32 " * len(declared)
    return f"""(module {" ".join(declared)} (func (export "grow") (result {results})
      {" ".join(code)} {" ".join(sizes)}))"""


def test_a_memory_alone_gets_all_of_the_limit() -> None:
    assert grown(greedy("(memory 1)")) == (LIMIT,)


def test_a_memory_gets_all_that_a_table_which_cannot_grow_leaves() -> None:
    memory, table = grown(greedy("(memory 1)", "(table 8192 8192 funcref)"))
    assert (memory, table) == (LIMIT - PAGE, 8192 * ELEMENT)


def test_a_table_alone_gets_all_of_the_limit() -> None:
    assert grown(greedy("(table 1 funcref)")) == (LIMIT,)


@pytest.mark.parametrize(
    "declared",
    [
        ("(memory 1)", "(memory 1)"),
        ("(memory 1)", "(memory 1)", "(memory 1)", "(memory 3 3)", "(memory 1 5)"),
        ("(memory 1)", "(table 1 funcref)"),
        ("(memory 1)", "(table 1 funcref)", "(table 100 200 funcref)", "(table 7 funcref)"),
        ("(memory 60 60)", "(table 1 funcref)", "(table 1 funcref)"),
    ],
    ids=" ".join,
)
def test_together_they_grow_up_to_the_limit_and_not_beyond(declared: tuple[str, ...]) -> None:
    sizes = grown(greedy(*declared))
    assert LIMIT - len(declared) * PAGE <= sum(sizes) <= LIMIT


def test_a_table_that_can_grow_takes_a_small_part_from_a_memory() -> None:
    memory, table = grown(greedy("(memory 1)", "(table 1 funcref)"))
    assert memory >= LIMIT * 15 // 16 - PAGE
    assert table >= LIMIT // 16 - 2 * PAGE


OBJECTS = """(module
  (type $list (struct (field (ref null $list)) (field i64) (field i64) (field i64)))
  (memory 1) (global $all (mut (ref null $list)) (ref.null $list))
  (func (export "grow") (param $count i32) (result i32)
    (loop $again
      (global.set $all
        (struct.new $list (global.get $all) (i64.const 1) (i64.const 1) (i64.const 1)))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br_if $again (local.get $count)))
    (loop $again (br_if $again (i32.ge_s (memory.grow (i32.const 1)) (i32.const 0))))
    (memory.size)))"""


def test_objects_count_with_a_memory() -> None:
    host = NNHost(limits=Limits(memory=LIMIT))
    fits, too_many = str(LIMIT // 4 // 64), str(LIMIT * 3 // 4 // 32)  # of 32 to 64 bytes each
    grown = run(assemble(OBJECTS), host, RunOptions(invoke="grow", invoke_args=[fits]))
    assert grown.results == (LIMIT // 2 // PAGE,)
    with pytest.raises(GuestTrap, match="GC heap out of memory"):
        run(
            assemble(OBJECTS),
            host,
            RunOptions(invoke="grow", invoke_args=[too_many]),
            check=True,
        )


def test_exceptions_are_objects() -> None:
    text = """(module (tag) (memory 1) (func (export "grow") (result i32)
      (loop $again (br_if $again (i32.ge_s (memory.grow (i32.const 1)) (i32.const 0))))
      (i32.mul (memory.size) (i32.const 65536))))"""
    assert grown(text) == (LIMIT // 2,)


@pytest.mark.parametrize(
    ("declared", "needed"),
    [
        (("(memory 65)",), 65 * PAGE),
        (("(memory 40)", "(memory 40 40)"), 80 * PAGE),
        (("(memory 64)", "(table 1 1 funcref)"), LIMIT + 8),
        (("(table 600000 funcref)",), 600_000 * ELEMENT),
        (("(memory 40 40)", "(memory 1)"), 80 * PAGE),  # the second would have to be allowed 40
    ],
    ids=str,
)
def test_a_guest_that_needs_more_does_not_start_and_says_how_much(
    declared: tuple[str, ...], needed: int
) -> None:
    with pytest.raises(
        LinkError,
        match=rf"need {needed} bytes, but the memory limit \(--max-memory\) is {LIMIT}",
    ):
        grown(greedy(*declared))
    assert sum(grown(greedy(*declared), needed)) <= needed


def test_a_guest_has_no_shared_memory_which_no_limit_would_hold_for() -> None:
    with pytest.raises(LinkError, match="shared memory support is disabled"):
        grown('(module (memory 1 2 shared) (func (export "grow")))')


def test_what_is_declared_is_read() -> None:
    text = """(module (memory 1 2) (memory i64 3) (table 4 funcref) (table i64 5 6 externref)
      (table 7 (ref func) (ref.func 0)) (func) (elem declare func 0))"""
    assert storage(Module(assemble(text))) == Storage(
        (MemoryType(1, 2, False, False, PAGE), MemoryType(3, None, False, True, PAGE)),
        (TableType(4, None, False), TableType(5, 6, True), TableType(7, None, False)),
        has_heap=False,
    )
    assert storage(Module(HEADER)) == Storage((), (), has_heap=False)
    array_type = section(SectionId.TYPE, vector(b"\x5e\x78\x01"))  # of i8, mutable
    assert storage(Module(HEADER + array_type)).has_heap


@pytest.mark.parametrize("limit", [0, 1, PAGE, 1 << 62, 1 << 63, (1 << 64) - 1])
def test_any_number_is_a_limit(limit: int) -> None:
    bounds = share_out(limit, Storage((), (TableType(0, None, True),), has_heap=True))
    assert 0 <= bounds.memory <= limit
    assert 0 <= bounds.elements <= limit // ELEMENT
    pages = min(limit // PAGE, 1)
    assert grown(f'(module (memory {pages}) (func (export "grow")))', limit) == ()
