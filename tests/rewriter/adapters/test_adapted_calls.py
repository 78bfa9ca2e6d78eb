"""Thousands of seeded calls through adapters: a guest sees the same results as without them.

The guest exports every function that it imports. Each sequence of calls is made twice, with the
same memory: by the original guest on a host of its ABI, and by the adapted guest on a host of the
other ABI. After every call, the errnos and the memories are compared.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import wasmtime
from onnx import TensorProto

from rewriter import RewriteOptions, rewrite
from rewriter.abi.dialects import WAMR, WASI_EPHEMERAL_NN, WASI_NN, WITX, Dialect, Errno
from runtime_shim import NNHost
from tests.support.guest import text
from tests.support.legacy_host import LegacyHost
from tests.support.models import identity, sum_and_product
from tests.support.wasm import assemble

PAGES = 2
SIZE = PAGES * 65536
MODEL = 65536
"""The address of the model in calls with a mistake."""

STEPS = 300
Define = Callable[[wasmtime.Linker], object]


@dataclass
class Instance:
    binary: bytes
    define: Define

    def __post_init__(self) -> None:
        engine = wasmtime.Engine()
        self.store = wasmtime.Store(engine)
        linker = wasmtime.Linker(engine)
        self.keep = self.define(linker)
        instance = linker.instantiate(self.store, wasmtime.Module(engine, self.binary))
        self.exports: Any = instance.exports(self.store)

    def call(self, name: str, *arguments: int) -> int:
        signed = ((a + 2**31) % 2**32 - 2**31 for a in arguments)
        errno: int = self.exports[name](self.store, *signed)
        return errno

    def put(self, address: int, data: bytes) -> None:
        self.exports["memory"].write(self.store, data, address)

    def memory(self) -> bytes:
        return bytes(self.exports["memory"].read(self.store))


def on_nnhost(dialect: Dialect) -> Define:
    module = WASI_NN if dialect is WAMR else WASI_EPHEMERAL_NN
    return lambda linker: NNHost().add_to_linker(linker, dialects={module: dialect})


def on_legacy(linker: wasmtime.Linker) -> None:
    LegacyHost().define(linker)


class Twins:
    """The original guest and the adapted one, which get the same calls."""

    def __init__(self, dialect: Dialect, abi: str, before: Define, after: Define) -> None:
        module = WASI_NN if dialect is WAMR else WASI_EPHEMERAL_NN
        built = assemble(text(module, f'(memory (export "memory") {PAGES})', dialect))
        self.one = Instance(built, before)
        self.other = Instance(rewrite(built, RewriteOptions(abi=abi)), after)

    def put(self, address: int, data: bytes) -> None:
        for instance in (self.one, self.other):
            instance.put(address, data)

    def call(self, name: str, *arguments: int) -> tuple[int, int]:
        return self.one.call(name, *arguments), self.other.call(name, *arguments)

    def same_memory(self) -> bool:
        return self.one.memory() == self.other.memory()

    def good(self, name: str, *arguments: int) -> None:
        assert self.call(name, *arguments) == (Errno.SUCCESS, Errno.SUCCESS)


class Caller:
    """Makes random calls. All buffers are close together at low addresses, where adapters first
    look for bytes to borrow."""

    def __init__(self, twins: Twins, dialect: Dialect, seed: int) -> None:
        self.twins = twins
        self.wamr = dialect is WAMR
        self.choose = random.Random(seed)
        self.contexts = [0]

    def places(self, *sizes: int) -> list[int]:
        """Addresses for buffers of these sizes, in random order, with small gaps and no overlap."""
        order = list(range(len(sizes)))
        self.choose.shuffle(order)
        found, pos = [0] * len(sizes), self.choose.choice((0, 4, 8, 12, 16, 20, 24))
        for i in order:
            found[i] = pos
            pos += -(-sizes[i] // 4) * 4 + self.choose.choice((0, 0, 4, 8, 12, 20))
        return found

    def load(self, model: bytes, encoding: int = 1) -> tuple[int, int]:
        array, struct_at, graph, model_at = self.places(8, 8, 4, len(model))
        self.twins.put(model_at, model)
        self.twins.put(array, struct.pack("<II", model_at, len(model)))
        self.twins.put(struct_at, struct.pack("<II", array, 1))
        builders = (struct_at,) if self.wamr else (array, 1)
        errnos = self.twins.call("load", *builders, encoding, 0, graph)
        if errnos == (Errno.SUCCESS, Errno.SUCCESS):
            handle = self.twins.one.memory()[graph : graph + 4]
            (context,) = self.places(4)
            self.twins.good("init_execution_context", *struct.unpack("<I", handle), context)
            found = self.twins.one.memory()[context : context + 4]
            self.contexts += struct.unpack("<I", found)
        return errnos

    def tensor(self, kind: int, shape: list[int], data: bytes, length: int | None = None) -> int:
        tensor, dims, data_at, dims_struct = self.places(20, 4 * len(shape), len(data), 8)
        self.twins.put(data_at, data)
        self.twins.put(dims, struct.pack(f"<{len(shape)}I", *shape))
        padding = self.choose.randbytes(3)
        if self.wamr:
            self.twins.put(dims_struct, struct.pack("<II", dims, len(shape)))
            self.twins.put(tensor, struct.pack("<IB3sI", dims_struct, kind, padding, data_at))
        else:
            size = len(data) if length is None else length
            fields = (dims, len(shape), kind, padding, data_at, size)
            self.twins.put(tensor, struct.pack("<IIB3sII", *fields))
        return tensor

    def get_output(self, context: int, index: int, buffer: int, room: int) -> tuple[int, int]:
        """Call get_output. If it fails, the size that the host leaves in memory is not compared."""
        size = self.choose.choice((0, 16, 40, max(4, min(buffer, SIZE) - 4)))
        self.twins.put(size, struct.pack("<I", room))
        counts = (size,) if self.wamr else (room, size)
        errnos = self.twins.call("get_output", context, index, buffer, *counts)
        if errnos[0] != Errno.SUCCESS:
            self.twins.put(size, bytes(4))
        return errnos


PAIRS = {
    "witx, on one host": (WITX, "wamr", on_nnhost(WITX), on_nnhost(WAMR)),
    "witx, to WAMR's": (WITX, "wamr", on_nnhost(WITX), on_legacy),
    "wamr, on one host": (WAMR, "witx", on_nnhost(WAMR), on_nnhost(WITX)),
    "wamr, from WAMR's": (WAMR, "witx", on_legacy, on_nnhost(WITX)),
}


def test_models_are_loaded_from_any_address() -> None:
    for pair, (dialect, abi, before, after) in PAIRS.items():
        twins = Twins(dialect, abi, before, after)
        caller = Caller(twins, dialect, seed=0)
        for _ in range(20):
            assert caller.load(identity()) == (0, 0), pair
            assert twins.same_memory(), pair


@pytest.mark.parametrize("kind", [TensorProto.UINT8, TensorProto.FLOAT16])
def test_output_sizes_are_rounded_up_to_whole_floats_for_wamr(kind: int) -> None:
    dialect, abi, before, after = PAIRS["wamr, on one host"]
    twins = Twins(dialect, abi, before, after)
    caller = Caller(twins, dialect, seed=0)
    assert caller.load(identity(kind, (5,))) == (0, 0)
    number, data = (2, b"abcde") if kind == TensorProto.UINT8 else (0, b"abcdefghij")
    twins.good("set_input", caller.contexts[-1], 0, caller.tensor(number, [5], data))
    twins.good("compute", caller.contexts[-1])
    for room in range(5):
        errnos = caller.get_output(caller.contexts[-1], 0, 64, room)
        assert errnos[0] == errnos[1]
        assert twins.same_memory()


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("pair", PAIRS)
def test_inferences_are_the_same_at_any_address(pair: str, seed: int) -> None:
    dialect, abi, before, after = PAIRS[pair]
    twins = Twins(dialect, abi, before, after)
    caller = Caller(twins, dialect, seed)
    choose = caller.choose
    assert caller.load(sum_and_product()) == (0, 0)
    context = caller.contexts[-1]
    rooms = [0, 1, 8, 9, 32]
    if pair == "witx, to WAMR's":  # WAMR reports success for these, but copies nothing
        rooms += [2, 3, 4, 7]
    outputs = set()
    for _ in range(STEPS):
        for index in range(2):
            data = choose.randbytes(3) + b"\x40" + choose.randbytes(3) + b"\x40"
            twins.good("set_input", context, index, caller.tensor(1, [2], data))
            assert twins.same_memory()
        twins.good("compute", context)
        for index in range(2):
            (buffer,) = caller.places(32)
            buffer += choose.choice((0, 48))
            room = choose.choice((*rooms, SIZE - buffer))
            errnos = caller.get_output(context, index, buffer, room)
            assert errnos[0] == errnos[1]
            assert twins.same_memory()
            outputs.add(errnos[0])
    assert outputs == {Errno.SUCCESS, Errno.TOO_LARGE}


EDGES = (SIZE - 20, SIZE - 12, SIZE - 8, SIZE - 4, SIZE - 1, SIZE, SIZE + 1, 2**31, 2**32 - 1)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("pair", PAIRS)
def test_a_call_with_one_mistake_gets_the_same_errno(pair: str, seed: int) -> None:
    dialect, abi, before, after = PAIRS[pair]
    exact = "one host" in pair
    twins = Twins(dialect, abi, before, after)
    caller = Caller(twins, dialect, seed)
    choose = caller.choose
    assert caller.load(sum_and_product()) == (0, 0)
    context = caller.contexts[-1]
    good = struct.pack("<2f", 1, 2)
    for index in range(2):
        twins.good("set_input", context, index, caller.tensor(1, [2], good))
    twins.good("compute", context)

    def bad_handle() -> tuple[int, int]:
        return twins.call("set_input", 77, 0, caller.tensor(1, [2], good))

    def bad_type() -> tuple[int, int]:
        return twins.call(
            "set_input", context, 0, caller.tensor(choose.choice((7, 255)), [2], good)
        )

    def bad_shape() -> tuple[int, int]:
        shape = choose.choice(([3], [2, 2], [0], [2**31, 2], [65536, 65536], [2**32 - 1] * 4))
        return twins.call("set_input", context, 0, caller.tensor(1, shape, good))

    def bad_length() -> tuple[int, int]:
        length = choose.choice((0, 4, 7, 9, 12, 2**32 - 1))
        tensor = caller.tensor(1, [2] if not caller.wamr else [length // 4 + 3], good, length)
        return twins.call("set_input", context, 0, tensor)

    def bad_tensor() -> tuple[int, int]:
        return twins.call(
            "set_input", context, 0, choose.choice(EDGES[:1] * caller.wamr + EDGES[1:])
        )

    def bad_field() -> tuple[int, int]:
        tensor = caller.tensor(1, [2], good)
        fields = (0, 8) if caller.wamr else (0, 4, 12)
        edge = choose.choice(EDGES[4:])
        twins.put(tensor + choose.choice(fields), struct.pack("<I", edge))
        return twins.call("set_input", context, 0, tensor)

    def bad_builders() -> tuple[int, int]:
        array, struct_at, graph = caller.places(8, 8, 4)
        fields = [MODEL, 100]
        fields[choose.randrange(2)] = choose.choice(EDGES[5:])
        twins.put(array, struct.pack("<II", *fields))
        twins.put(struct_at, struct.pack("<II", array, 1))
        if caller.wamr:
            return twins.call("load", struct_at, 1, 0, graph)
        return twins.call("load", array, 1, 1, 0, graph)

    def bad_array() -> tuple[int, int]:
        struct_at, graph = caller.places(8, 4)
        array, count = choose.choice(EDGES[1:]), choose.choice((2, 3, 2**29, 2**32 - 1))
        twins.put(struct_at, struct.pack("<II", array, count))
        if caller.wamr:
            return twins.call("load", choose.choice((struct_at, *EDGES[3:])), 1, 0, graph)
        return twins.call("load", array, count, 1, 0, graph)

    def bad_graph_out() -> tuple[int, int]:
        array, struct_at = caller.places(8, 8)
        twins.put(array, struct.pack("<II", MODEL, 100))
        twins.put(struct_at, struct.pack("<II", array, 1))
        builders = (struct_at,) if caller.wamr else (array, 1)
        return twins.call("load", *builders, 1, 0, choose.choice(EDGES[4:]))

    def bad_model() -> tuple[int, int]:
        return caller.load(choose.randbytes(50))

    def bad_encoding() -> tuple[int, int]:
        return caller.load(sum_and_product(), choose.choice((3, 42, 2**32 - 1)))

    def bad_output_handle() -> tuple[int, int]:
        return caller.get_output(77, 0, 64, 8)

    def bad_output_index() -> tuple[int, int]:
        return caller.get_output(context, 2, 64, 8)

    def bad_buffer() -> tuple[int, int]:
        return caller.get_output(context, 0, choose.choice(EDGES[5:]), 32)

    mistakes = [
        bad_handle, bad_type, bad_shape, bad_length, bad_tensor, bad_field, bad_builders, bad_array,
        bad_graph_out, bad_model, bad_encoding, bad_output_handle, bad_output_index, bad_buffer,
    ]  # fmt: skip
    for _ in range(STEPS):
        mistake = choose.choice(mistakes)
        one, other = mistake()
        assert one != Errno.SUCCESS, mistake.__name__
        assert other == one if exact else other != Errno.SUCCESS, mistake.__name__
        assert twins.same_memory(), mistake.__name__


VALUES = (*range(10), 12, 16, 20, 24, 40, 100, MODEL, *EDGES)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("pair", ["witx, on one host", "wamr, on one host"])
def test_random_calls_fail_and_succeed_alike(pair: str, seed: int) -> None:
    dialect, abi, before, after = PAIRS[pair]
    twins = Twins(dialect, abi, before, after)
    caller = Caller(twins, dialect, seed)
    choose = caller.choose
    for model in (sum_and_product(), identity(TensorProto.UINT8, (4,)), identity(dims=())):
        assert caller.load(model) == (0, 0)
    functions = [item for item in dialect.functions.items() if item[0] != "get_output"]
    succeeded = 0
    for _ in range(STEPS * 5):
        if choose.random() < 0.5:
            twins.put(choose.randrange(64), struct.pack("<5I", *choose.choices(VALUES, k=5)))
        name, parameters = choose.choice(functions)
        one, other = twins.call(name, *choose.choices(VALUES, k=len(parameters)))
        assert (one == Errno.SUCCESS) == (other == Errno.SUCCESS), (name, one, other)
        assert twins.same_memory()
        succeeded += one == Errno.SUCCESS
    assert succeeded
