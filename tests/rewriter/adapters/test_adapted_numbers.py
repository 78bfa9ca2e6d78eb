"""The encodings and tensor types that a host receives through adapters."""

from __future__ import annotations

import itertools
import random
import struct
from dataclasses import replace
from typing import Any

import pytest
import wasmtime

from rewriter import RewriteOptions, inspect_module, rewrite
from rewriter.abi.dialects import WAMR, WASMEDGE, WITX, Dialect, Errno
from rewriter.analysis.adapted.adapter_global import GLOBAL_EXPORT
from rewriter.wasm.types import FuncType
from tests.support.guest import text
from tests.support.wasm import assemble

# Negative errnos: the guest gets the errno, and the host is not called.
ENCODING, UNSUPPORTED = -int(Errno.INVALID_ENCODING), -int(Errno.UNSUPPORTED_OPERATION)
INVALID = -int(Errno.INVALID_ARGUMENT)
BUILDERS, TENSOR, DIMENSIONS, DATA = 100, 200, 300, 400


class Recorder:
    """A guest that exports the functions that it imports, and a host that records its calls."""

    def __init__(self, dialect: Dialect, functions: tuple[str, ...], **options: Any) -> None:
        part = replace(dialect, functions={name: dialect.functions[name] for name in functions})
        module = "wasi_nn" if dialect is WAMR else "wasi_ephemeral_nn"
        built = assemble(text(module, '(memory (export "memory") 1)', part))
        adapted = rewrite(built, RewriteOptions(**{"guest_abi": dialect.name, **options}))
        engine = wasmtime.Engine()
        self.store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
        self.calls: list[tuple[int, ...]] = []
        for item in inspect_module(adapted).wasi_nn.values():
            assert isinstance(item.type, FuncType)
            parameters = len(item.type.params)
            kind = wasmtime.FuncType(
                [wasmtime.ValType.i32()] * parameters, [wasmtime.ValType.i32()]
            )
            linker.define_func(item.module, item.name, kind, self._record, access_caller=True)
        compiled = wasmtime.Module(engine, adapted)
        self.exports: Any = linker.instantiate(self.store, compiled).exports(self.store)

    def _record(self, caller: wasmtime.Caller, *arguments: int) -> int:
        self.calls.append(arguments)
        memory: Any = caller["memory"]
        self.memory = bytes(memory.read(caller))
        return 0

    def start_anew(self) -> None:
        """Go back to the state before the first load."""
        self.calls.clear()
        if (kept := self.exports.get(GLOBAL_EXPORT)) is not None:
            kept.set_value(self.store, 0)

    def put(self, address: int, layout: str, *values: int) -> None:
        self.exports["memory"].write(self.store, struct.pack(layout, *values), address)


@pytest.mark.parametrize(
    ("dialect", "options", "expected"),
    [
        pytest.param(
            WASMEDGE,
            {"host": "wamr"},
            {**{n: n for n in range(5)}, 5: 6, 6: 5, 7: ENCODING, 14: ENCODING, 99: ENCODING},
            id="wasmedge to wamr",
        ),
        pytest.param(
            WASMEDGE,
            {"host": "wasmtime"},
            {**{n: n for n in range(6)}, 6: ENCODING, 9: ENCODING},
            id="wasmedge to wasmtime",
        ),
        pytest.param(
            WAMR,
            {"host": "wasmedge"},
            {**{n: n for n in range(5)}, 5: 6, 6: 5, 7: ENCODING},
            id="wamr to wasmedge",
        ),
        pytest.param(
            WAMR,
            {"host": "wasmtime"},
            {4: 4, 5: ENCODING, 6: 5, 7: ENCODING},
            id="wamr to wasmtime",
        ),
        pytest.param(
            WITX,
            {"host": "wamr-legacy"},
            {**{n: n for n in range(5)}, 5: 6, 6: ENCODING},
            id="witx to wamr-legacy",
        ),
    ],
)
def test_encodings(dialect: Dialect, options: dict[str, str], expected: dict[int, int]) -> None:
    functions = ("load", "unload") if dialect is WASMEDGE else ("load",)
    recorder = Recorder(dialect, functions, **options)
    recorder.put(BUILDERS, "<II", BUILDERS, 0)
    builders = (BUILDERS,) if dialect is WAMR else (BUILDERS, 0)
    for encoding, number in expected.items():
        recorder.start_anew()
        errno = recorder.exports["load"](recorder.store, *builders, encoding, 1, 500)
        if number < 0:
            assert (errno, recorder.calls) == (-number, [])
        else:
            (arguments,) = recorder.calls
            assert (errno, *arguments[-3:]) == (0, number, 1, 500)


@pytest.mark.parametrize(
    ("dialect", "options", "expected"),
    [
        pytest.param(
            WITX,
            {"host": "wamr-legacy"},
            {0: 0, 1: 1, 2: UNSUPPORTED, 3: 2, 4: 3, 5: UNSUPPORTED, 6: INVALID, 255: INVALID},
            id="witx to wamr",
        ),
        pytest.param(
            WAMR, {"host": "wasmtime"}, {0: 0, 1: 1, 2: 3, 3: 4, 4: INVALID}, id="wamr to witx"
        ),
        pytest.param(
            WITX,
            {"host": "wamr-2.1"},
            {0: 0, 1: 1, 2: 2, 3: 4, 4: 5, 5: 6, 6: INVALID},
            id="witx to wamr-2.1",
        ),
        pytest.param(
            WITX,
            {"host": "wasmtime", "built_for": "wamr-2.1"},
            {0: 0, 1: 1, 2: 2, 3: INVALID, 4: 3, 5: 4, 6: 5},
            id="wamr-2.1 to wasmtime",
        ),
    ],
)
def test_tensor_types_are_whole_words_and_unknown_ones_do_not_reach_the_host(
    dialect: Dialect, options: dict[str, str], expected: dict[int, int]
) -> None:
    recorder = Recorder(dialect, ("load", "set_input"), **options)
    recorder.put(DIMENSIONS, "<III", DIMENSIONS + 8, 1, 0)
    for kind, number in expected.items():
        if dialect is WAMR:
            recorder.put(TENSOR, "<III", DIMENSIONS, 0xABCDEF00 | kind, DATA)
        else:
            recorder.put(TENSOR, "<IIIII", DIMENSIONS + 8, 1, 0xABCDEF00 | kind, DATA, 0)
        recorder.calls.clear()
        errno = recorder.exports["set_input"](recorder.store, 7, 8, TENSOR)
        if number < 0:
            assert (errno, recorder.calls) == (-number, [])
            continue
        ((context, index, tensor),) = recorder.calls
        place = tensor + (4 if options["host"] == "wamr-legacy" else 8)
        assert (errno, context, index) == (0, 7, 8)
        assert struct.unpack_from("<I", recorder.memory, place) == (number,)


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        pytest.param({"host": "wamr-ephemeral@2.3.1"}, {"f64": 2, "u8": 4, "i32": 5}, id="wit's"),
        pytest.param(
            {"host": "wamr-legacy"}, {"f64": UNSUPPORTED, "u8": 2, "i32": 3}, id="WAMR's older ones"
        ),
        pytest.param(
            {"host": "wasmtime@14"}, {"f64": UNSUPPORTED, "u8": 2, "i32": 3}, id="the old ones"
        ),
        pytest.param(
            {"host": "wasmtime", "built_for": "unknown"}, {"f64": 2, "u8": 3, "i32": 4}, id="asked"
        ),
    ],
)
def test_the_numbering_of_types_is_found_from_each_tensor(
    options: dict[str, Any], numbers: dict[str, int]
) -> None:
    recorder = Recorder(WITX, ("load", "set_input"), guest_abi=None, **options)
    for kind, shape, length, name in (
        (2, [4], 32, "f64"),
        (2, [4], 4, "u8"),
        (3, [4], 4, "u8"),
        (3, [2, 2], 16, "i32"),
        (4, [4], 16, "i32"),
        (2, [], 8, "f64"),
        (3, [], 4, "i32"),
        (2, [4, 0], 0, "f64"),  # without elements, the type is unknown and stays
        (3, [0], 0, "u8"),
    ):
        recorder.put(DIMENSIONS, f"<{len(shape)}I", *shape)
        recorder.put(TENSOR, "<IIIII", DIMENSIONS, len(shape), 0xABCDEF00 | kind, DATA, length)
        recorder.calls.clear()
        errno = recorder.exports["set_input"](recorder.store, 7, 8, TENSOR)
        if numbers[name] < 0:
            assert (errno, recorder.calls) == (-numbers[name], [])
            continue
        ((_, _, tensor),) = recorder.calls
        place = tensor + (4 if options["host"] == "wamr-legacy" else 8)
        found = struct.unpack_from("<I", recorder.memory, place)
        assert (errno, *found) == (0, numbers[name]), (kind, shape, length)


def test_a_tensor_whose_length_fits_no_type_counts_as_bytes_or_is_left_to_the_host() -> None:
    """Language models take prompts of any length, whatever their dimensions."""
    recorder = Recorder(
        WITX, ("load", "set_input"), guest_abi=None, host="wasmtime", built_for="unknown"
    )
    outside = 65536 - 4
    for kind, dimensions, rank, length, expected in (
        (2, DIMENSIONS, 1, 7, 3),
        (3, DIMENSIONS, 1, 7, 3),
        (3, DIMENSIONS, 2**32 - 1, 2**32 - 1, 3),
        (2, outside, 2, 8, 2),
        (3, outside, 2, 4, 4),
        (1, DIMENSIONS, 1, 7, 1),
    ):
        recorder.put(DIMENSIONS, "<I", 1)
        recorder.put(outside, "<I", 2**32 - 1)
        recorder.put(TENSOR, "<IIIII", dimensions, rank, kind, DATA, length)
        recorder.calls.clear()
        assert recorder.exports["set_input"](recorder.store, 7, 8, TENSOR) == 0
        place = recorder.calls[0][2]
        shown = (dimensions, rank % 2**32, expected, DATA, length)
        assert struct.unpack_from("<5I", recorder.memory, place) == shown


def test_load_borrows_unused_bytes_wherever_there_are_any() -> None:
    size, array = 65536, 1024
    recorder = Recorder(WITX, ("load",), host="wamr-legacy")
    choose = random.Random(0)
    outcomes = []
    for _ in range(60):
        builders = _builders(choose, size)
        for place, (start, end) in enumerate(builders):
            recorder.put(array + 8 * place, "<II", start, end - start)
        graph_out = choose.choice((0, 16, 20, 24, size - 4))
        used = bytearray(size)
        more = (array, array + 8 * len(builders)), (graph_out, graph_out + 4)
        for start, end in (*builders, *more):
            used[start:end] = b"\1" * (min(end, size) - start)
        free = {at for at in range(16, size - 7, 8) if not any(used[at : at + 8])}
        recorder.calls.clear()
        arguments = array, len(builders), 1, 0, graph_out
        errno = recorder.exports["load"](recorder.store, *arguments)
        if errno:
            assert (errno, recorder.calls, free) == (-INVALID, [], set())
        else:
            assert recorder.calls[0][0] in free
        outcomes.append(errno)
    assert outcomes.count(0) > 10 < outcomes.count(-INVALID)


def _builders(choose: random.Random, size: int) -> list[tuple[int, int]]:
    """The start and end of a few builders in random order. They cover the memory from byte 16 on,
    sometimes without one of them; sometimes an additional one runs past the end."""
    cuts = sorted({16, size, *choose.choices(range(16, size, 4), k=choose.randrange(1, 30))})
    found = [*itertools.pairwise(cuts)]
    choose.shuffle(found)
    if choose.random() < 0.2:
        found.append((choose.randrange(size), 2**32 - 1))
    return found[choose.randrange(2) :]
