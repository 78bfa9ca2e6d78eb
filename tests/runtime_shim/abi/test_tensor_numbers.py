"""A guest's tensor types in the numbers of whatever release it was built for."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from math import prod

import pytest
from onnx import TensorProto

from rewriter.abi import dialects
from rewriter.abi.dialects import (
    DIALECTS,
    WAMR_2_2,
    WITX,
    WITX_2023,
    Dialect,
    Encoding,
    Errno,
    Target,
    TensorType,
)
from runtime_shim import HostError, NNHost, Session
from runtime_shim.testing import FakeBackend
from tests.support.models import identity

NUMBERS = {
    WITX: {"f16": 0, "f32": 1, "f64": 2, "u8": 3, "i32": 4, "i64": 5},
    WITX_2023: {"f16": 0, "f32": 1, "u8": 2, "i32": 3},
    WAMR_2_2: {"f16": 0, "f32": 1, "f64": 2, "bf16": 3, "u8": 4, "i32": 5, "i64": 6},
}
"""Every numbering of witx's layout, by the first ABI that has it."""

WAMRS = {"f16": 0, "f32": 1, "u8": 2, "i32": 3}
"""That of WAMR's older layout, in all releases."""

SIZES = {"f16": 2, "f32": 4, "f64": 8, "u8": 1, "i32": 4, "i64": 8, "bf16": 2, "u32": 4, "u64": 8}

SHAPE = (2, 3)

ELEMENT_TYPES = {
    "f16": TensorProto.FLOAT16,
    "f32": TensorProto.FLOAT,
    "f64": TensorProto.DOUBLE,
    "u8": TensorProto.UINT8,
    "i32": TensorProto.INT32,
    "i64": TensorProto.INT64,
    "bf16": TensorProto.BFLOAT16,
    "u32": TensorProto.UINT32,
    "u64": TensorProto.UINT64,
}

MODELS = {kind: identity(number, ("n", "m")) for kind, number in ELEMENT_TYPES.items()}

EVERY = pytest.mark.parametrize("numbering", NUMBERS, ids=lambda it: it.name)


def test_these_are_all_the_numberings_there_are() -> None:
    def numbers(dialect: Dialect) -> dict[str, int]:
        kinds = {kind.name.lower(): number for number, kind in dialect.tensor_types.items()}
        return {**kinds, **{name: number for number, name in dialect.raw_types.items()}}

    by_layout: dict[str, list[dict[str, int]]] = {"witx": [*NUMBERS.values()], "wamr": [WAMRS]}
    for dialect in DIALECTS.values():
        assert numbers(dialect) in by_layout[dialect.layout.name]
    assert all(numbers(dialect) == known for dialect, known in NUMBERS.items())


@pytest.fixture(scope="module")
def host() -> Iterator[NNHost]:
    """With all models loaded."""
    made = NNHost()
    with made.session() as session:
        for model in MODELS.values():
            session.load([model], Encoding.ONNX, Target.CPU)
        yield made


class Tried:
    """A guest's session whose imports are the specification's."""

    def __init__(self, host: NNHost, dialect: Dialect = WITX) -> None:
        self.session: Session = host.session()
        self.dialect = dialect
        self.refused = ""

    def takes(
        self, kind: str, number: int, size: int | None = None, shape: tuple[int, ...] = SHAPE
    ) -> bool:
        """Whether an input of a model takes a tensor with so many bytes an element."""
        size = SIZES[kind] if size is None else size
        graph = self.session.load([MODELS[kind]], Encoding.ONNX, Target.CPU)
        context = self.session.init_execution_context(graph)
        data = memoryview(bytes(prod(shape) * size))
        try:
            self.session.set_input(context, 0, number, shape, data, self.dialect)
        except HostError as error:
            self.refused = str(error)
            return not self.refused.startswith("invalid_argument: ")
        self.session.compute(context)
        assert self.session.get_output(context, 0) == data
        return True


BESIDE_ALL = ("bf16", "u32", "u64")
"""Types that travel as u8, in longer elements."""

EITHER = {("u32", 4), ("u64", 2)}
"""Bytes of wamr-2.1 for u32 that are as long as integers would be today, and bytes of witx-2022 for
u64 that are as long as floats would be: an error of a guest of today."""


@pytest.mark.parametrize("kind", MODELS)
def test_a_first_tensor_is_taken_for_what_its_length_and_the_model_leave(
    host: NNHost, kind: str
) -> None:
    names = (kind, "u8") if kind in BESIDE_ALL else (kind,)
    numbers = {known[name] for known in NUMBERS.values() for name in names if name in known}
    for number in range(9):
        right = number in numbers and (kind, number) not in EITHER
        for size in (0, 1, 2, 3, 4, 8, 16):
            assert Tried(host).takes(kind, number, size) is (right and size == SIZES[kind])


def shown(host: NNHost, numbering: Dialect) -> Tried:
    """A session in which a tensor has shown which numbering the guest has."""
    tried = Tried(host)
    assert tried.takes("u8", NUMBERS[numbering]["u8"])
    return tried


@EVERY
def test_a_guest_has_one_numbering_for_all_types(host: NNHost, numbering: Dialect) -> None:
    known = NUMBERS[numbering]
    for first in known:
        tried = Tried(host)
        assert tried.takes(first, known[first])
        for kind, number in known.items():
            assert tried.takes(kind, number)


@EVERY
def test_a_tensor_that_only_another_numbering_explains_is_refused_with_the_reason(
    host: NNHost, numbering: Dialect
) -> None:
    known = NUMBERS[numbering]
    tried = shown(host, numbering)
    others = {one: theirs for one, theirs in NUMBERS.items() if one is not numbering}
    for theirs in others.values():
        for kind, number in theirs.items():
            if known.get(kind) == number or (kind == "bf16" and number == known["u8"]):
                continue
            assert not tried.takes(kind, number)
            names = [one.name for one, them in others.items() if them.get(kind) == number]
            name = WITX.name if kind == "bf16" else names[0]  # in which they are bytes
            words = f"type {number} is {'u8' if kind == 'bf16' else kind} in {name}"
            assert f"{words}, but an earlier tensor" in tried.refused
            assert f"(type {known['u8']} with 6 bytes for [2, 3])" in tried.refused
            assert tried.refused.endswith(f"fits only {numbering.name}")
    for kind, number in known.items():
        assert tried.takes(kind, number)


@EVERY
def test_a_tensor_that_is_the_same_by_several_numberings_decides_between_the_others_only(
    host: NNHost, numbering: Dialect
) -> None:
    known = NUMBERS[numbering]
    tried = Tried(host)
    assert tried.takes("f32", 1)
    assert tried.takes("f16", 0)
    assert tried.takes("u8", known["u8"])
    tried = Tried(host)
    assert tried.takes("f64", 2)  # but for witx-2022
    assert tried.takes("u8", known["u8"]) is (numbering is not WITX_2023)
    tried = Tried(host)
    assert tried.takes("bf16", 3)  # which are bytes today
    assert tried.takes("u8", known["u8"]) is (numbering is not WITX_2023)


def test_tensors_without_elements_decide_nothing_and_are_not_guessed(host: NNHost) -> None:
    none = (0, 3)
    tried = Tried(host)
    assert not tried.takes("u8", 2, shape=none)
    assert not tried.takes("u8", 4, shape=none)
    assert not tried.takes("i64", 6, shape=none)
    assert tried.takes("u8", 3, shape=none)
    assert tried.takes("u8", 2)
    assert tried.takes("u8", 2, shape=none)
    assert not tried.takes("u8", 3, shape=none)


def test_tensors_that_are_refused_decide_nothing(host: NNHost) -> None:
    tried = Tried(host)
    assert not tried.takes("u8", 2, shape=(2, 3, 1))
    assert not tried.takes("u8", 2, size=8)
    assert not tried.takes("u8", 2, size=2)
    assert "was given f64" in tried.refused
    assert not tried.takes("f32", 2)
    assert tried.takes("u8", 3)
    assert not tried.takes("u8", 2)


def test_what_could_be_either_is_taken_once_the_numbering_is_known(host: NNHost) -> None:
    for kind, number in EITHER:
        assert not Tried(host).takes(kind, number)
    assert shown(host, WAMR_2_2).takes("u32", 4)
    assert shown(host, WITX_2023).takes("u64", 2)
    assert not shown(host, WITX).takes("u64", 2)


def test_a_numbering_that_is_said_is_not_looked_for(host: NNHost) -> None:
    for told, known in NUMBERS.items():
        tried = Tried(host, replace(told, told=True))
        for kind in MODELS:
            names = (kind, "u8") if kind in BESIDE_ALL else (kind,)
            numbers = {known[name] for name in names if name in known}
            for number in range(9):
                assert tried.takes(kind, number) is (number in numbers), (kind, number)


def test_where_a_model_does_not_say_what_it_takes_tensors_have_their_usual_type() -> None:
    session = NNHost(backends={Encoding.ONNX: FakeBackend()}).session()
    context = session.init_execution_context(session.load([b""], Encoding.ONNX, Target.CPU))

    def takes(number: int, size: int) -> bool:
        try:
            session.set_input(context, 0, number, SHAPE, memoryview(bytes(6 * size)), WITX)
        except HostError as error:
            return error.errno is not Errno.INVALID_ARGUMENT
        return True

    for number in range(9):
        for size in (1, 2, 4, 8):
            usual = any(
                (number, size) == (known, SIZES[kind]) for kind, known in NUMBERS[WITX].items()
            )
            assert takes(number, size) is usual, (number, size)


def test_every_abi_in_the_list_is_tried(host: NNHost, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Tried(host).takes("i32", 7)
    made = replace(WITX, name="another", tensor_types={1: TensorType.F32, 7: TensorType.I32})
    monkeypatch.setitem(dialects._TABLE, made.name, made)
    tried = Tried(host)
    assert tried.takes("i32", 7)
    assert not tried.takes("u8", 2)
    made = replace(WITX, name="of today and more", raw_types={8: "bf16"})
    monkeypatch.setitem(dialects._TABLE, made.name, made)
    assert Tried(host).takes("bf16", 8)
    assert not Tried(host).takes("u8", 8)


@EVERY
def test_the_log_says_once_that_other_numbers_are_taken(
    host: NNHost, numbering: Dialect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "runtime_shim")
    tried = Tried(host)
    for _ in range(3):
        for kind, number in NUMBERS[numbering].items():
            assert tried.takes(kind, number)
    said = [text for text in caplog.messages if "the guest uses the tensor types of" in text]
    expected = {
        WITX: [],
        WITX_2023: ["witx-2023: type 2 with 6 bytes for [2, 3] is u8"],
        WAMR_2_2: ["wamr-2.2: type 4 with 6 bytes for [2, 3] is u8"],
    }[numbering]
    assert said == [f"set_input: the guest uses the tensor types of {text}" for text in expected]
