"""Calls that make no sense, thousands of them, seeded: each is answered with an errno."""

from __future__ import annotations

import gc
import random
import struct

import pytest

from rewriter.abi.dialects import DIALECTS, WAMR, Encoding, Errno, Target, TensorType
from runtime_shim import NNHost
from tests.support.guest import (
    BUILDERS,
    DATA,
    DIMS,
    HANDLE,
    MEMORY,
    OUTPUT,
    TENSOR_AT,
    WRITTEN,
    Guest,
)
from tests.support.models import identity, nonzero, sum_and_product

CALLS = 4000
CALLS_EACH = 500
MODELS = (sum_and_product(), identity(dims=("rows", 4)), nonzero(), identity(dims=()))
PLACES = (0, BUILDERS, HANDLE, DIMS, TENSOR_AT, WRITTEN, OUTPUT, DATA)
EDGES = (MEMORY - 20, MEMORY - 4, MEMORY - 1, MEMORY, MEMORY + 1, 2**31 - 1, 2**31, 2**32 - 1)
VALUES = (*range(10), 16, 20, 100, 4096, *PLACES, *EDGES)


MEMORIES = {
    "none": "",
    "not exported": "(memory 4)",
    "exported by another name": '(memory (export "mem") 4)',
    "a function of its name": '(memory 4) (func (export "memory"))',
    "a global of its name": '(memory 4) (global (export "memory") i32 (i32.const 0))',
    "a table of its name": '(memory 4) (table (export "memory") 4 funcref)',
    "imported and exported": '(import "env" "memory" (memory 4)) (export "memory" (memory 0))',
    "the second": '(memory 1) (memory (export "memory") 4)',
    "64 bits": '(memory (export "memory") i64 4)',
    "shared": '(memory (export "memory") 4 4 shared)',
    "without a page": '(memory (export "memory") 0)',
}


FORMS = {(each.layout, frozenset(each.functions)): name for name, each in DIALECTS.items()}
"""Of the ABIs: others differ from one of these in numbers only, which memory has nothing to do
with."""


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("dialect", FORMS.values())
@pytest.mark.parametrize("memory", MEMORIES)
def test_every_call_gets_an_errno_whatever_memory_there_is(
    memory: str, dialect: str, plain: bool
) -> None:
    spoken = DIALECTS[dialect]
    choose = random.Random(0)
    guest = Guest(memory=MEMORIES[memory], dialect=spoken, plain=plain)
    graph = guest.session.load([MODELS[0]], Encoding.ONNX, Target.CPU)
    guest.session.init_execution_context(graph)
    functions = list(spoken.functions.items())
    answers = set()
    for _ in range(CALLS_EACH):
        name, parameters = choose.choice(functions)
        answers.add(getattr(guest, name)(*choose.choices(VALUES, k=len(parameters))))
    assert answers <= set(Errno)


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_call_gets_an_errno(dialect: str, plain: bool) -> None:
    spoken = DIALECTS[dialect]
    choose = random.Random(dialect)
    host = NNHost()
    guest, neighbour = Guest(host, dialect=spoken, plain=plain), Guest(host)
    untouched = neighbour.context_for(MODELS[1])
    assert neighbour.feed(untouched, 0, TensorType.F32, (1, 4), bytes(range(16))) == 0
    array = (32,) if spoken.layout is WAMR.layout else (BUILDERS, 1)
    encoding = next((n for n, known in spoken.encodings.items() if known is Encoding.ONNX), None)
    for model in MODELS:
        guest.put(DATA, model)
        guest.put(BUILDERS, struct.pack("<II", DATA, len(model)))
        guest.put(32, struct.pack("<II", BUILDERS, 1))
        if encoding is None:  # the ABI has none, but what is done with models is the same
            handle = guest.session.load([model], Encoding.ONNX, Target.CPU)
            guest.put(HANDLE, struct.pack("<I", handle))
        else:
            assert guest.load(*array, encoding, Target.CPU, HANDLE) == Errno.SUCCESS
        assert guest.init_execution_context(guest.u32(HANDLE), HANDLE) == Errno.SUCCESS
    functions = list(spoken.functions.items())
    answers = set()
    for _ in range(CALLS):
        if choose.random() < 0.3:  # what pointers lead to makes no sense either
            words = struct.pack("<5I", *choose.choices(VALUES, k=5))
            guest.put(choose.randrange(2048), words)
        if choose.random() < 0.005 and guest.memory is not None:
            guest.memory.grow(guest.store, 1)
        name, parameters = choose.choice(functions)
        answers.add(getattr(guest, name)(*choose.choices(VALUES, k=len(parameters))))
    assert answers <= set(Errno)
    assert {Errno.SUCCESS, Errno.INVALID_ARGUMENT} <= answers
    assert neighbour.compute(untouched) == 0
    assert neighbour.output(untouched, 0) == bytes(range(16))
    guest.session.close()
    neighbour.session.close()
    gc.collect()
    assert not host._shared.loaded  # the graphs are gone, and with them all that held them
