from __future__ import annotations

import pytest

from rewriter.analysis.features import features
from rewriter.functions.feature import Feature
from rewriter.functions.frames import largest_frame
from rewriter.functions.survey import small_bodies
from rewriter.functions.survey.remembered import Remembered
from rewriter.wasm.module import Module
from tests.support.wasm import assemble

COPY = "(func (memory.copy (i32.const 0) (i32.const 0) (i32.const 0)))"
TABLE = "(func (br_table 0 0 0 0 0 (i32.const 1)))"
LARGE = f"(func (drop (i32.const 0)) {'(drop (i64.const 7)) ' * 5000})"
UNUSUAL = "(func (drop (v128.const i64x2 0 0)))"


def bodies(*functions: str) -> Module:
    return Module(assemble(f"(module (memory 1) {' '.join(functions)})"))


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    small_bodies.REMEMBERED.forget()


@pytest.mark.parametrize("other", ["(func)", LARGE, UNUSUAL, TABLE])
def test_a_remembered_body_has_its_features_where_it_is(other: str) -> None:
    alone, after = bodies(COPY), bodies(other, COPY)
    assert features(alone)[Feature.BULK_MEMORY] == bytes(alone.data).index(b"\xfc\x0a\x00\x00")
    assert features(after)[Feature.BULK_MEMORY] == bytes(after.data).index(b"\xfc\x0a\x00\x00")


def test_the_first_use_of_a_feature_counts_whatever_remembers_it() -> None:
    features(bodies(COPY))
    module = bodies(LARGE.replace("(drop (i32.const 0))", COPY[6:-1], 1), COPY)
    assert features(module)[Feature.BULK_MEMORY] == bytes(module.data).index(b"\xfc\x0a\x00\x00")
    assert bytes(module.data).count(b"\xfc\x0a\x00\x00") == 2


def test_features_are_in_the_order_of_their_first_use() -> None:
    for functions in ((UNUSUAL, COPY), (COPY, UNUSUAL)):
        found = list(features(bodies(*functions)))
        first = Feature.SIMD if functions[0] is UNUSUAL else Feature.BULK_MEMORY
        assert found[0] is first


def test_the_parameters_of_a_remembered_body_count_for_its_frame() -> None:
    body = "(local i64 i32) (nop))"
    small, wide = bodies(f"(func {body}"), bodies(f"(func (param f64 f64) {body}")
    assert largest_frame(small).cells == 3
    assert largest_frame(wide).cells == 7


def test_what_would_take_too_much_memory_is_forgotten() -> None:
    remembered: Remembered[bytes, int] = Remembered(1000)
    for number in range(100):
        remembered.keep(b"%d" % number, 100, number)
        assert remembered.known[b"%d" % number] == number
        assert len(remembered.known) <= 10
