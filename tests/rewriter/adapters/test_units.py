"""Outputs of adapted guests on WAMR's hosts, which count some outputs in bytes and some in floats,
and copy some without checking the size of the buffer."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import wasmtime

from rewriter import RewriteOptions, rewrite
from rewriter.abi.dialects import WAMR, WASI_EPHEMERAL_NN, WASI_NN, WITX
from tests.support.guest import text
from tests.support.legacy_host import EphemeralHost, LegacyHost
from tests.support.models import F32, identity, renamed_output
from tests.support.wasm import assemble

OPENVINO, TFLITE = 0, 4
SUCCESS, INVALID_ARGUMENT, INVALID_ENCODING, RUNTIME_ERROR = 0, 1, 2, 5
UNSUPPORTED, TOO_LARGE = 6, 7
F16, U8 = 0, 3
"""The guests here use witx's numbers."""

PAGE = 65536
MODEL, BUILDERS, GRAPH, CONTEXT, DIMENSIONS, TENSOR, DATA, WRITTEN, BUFFER = (
    *(1024, 64, 80, 84, 88, 112, 144, 256, 512),
)
VALUES = (1.0, 2.0, 3.0, 4.0)
OUTPUT = struct.pack("<4f", *VALUES)
FILLED = b"\xaa"

LEGACY = ("1.3.3", "2.1.1", "2.3.1", "2.4.5", "main")
WITH_OPENVINO = ("2.3.1", "2.4.5", "main")
OLD_EPHEMERAL = ("2.1.0", "2.1.1", "2.3.1")
TFLITE_HOSTS = [*(("legacy", it) for it in LEGACY), *(("ephemeral", it) for it in OLD_EPHEMERAL)]
OPENVINO_HOSTS = [*(("legacy", it) for it in WITH_OPENVINO), ("ephemeral", "2.3.1")]
ABIS = {
    ("legacy", "1.3.3"): "wamr-1",
    ("legacy", "2.1.1"): "wamr-2.1-legacy",
    ("legacy", "2.3.1"): "wamr-2.1-legacy",
    ("legacy", "2.4.5"): "wamr",
    ("legacy", "main"): "wamr",
    ("ephemeral", "2.1.0"): "wamr-2.0",
    ("ephemeral", "2.1.1"): "wamr-2.1",
    ("ephemeral", "2.3.1"): "wamr-2.2",
}


class Adapted:
    """A guest that exports what it imports, adapted to a host and running on it."""

    guest = WITX

    def __init__(
        self, build: str, release: str, *, abi: str | None = None, names: bool = False
    ) -> None:
        functions = {n: p for n, p in self.guest.functions.items() if names or n != "load_by_name"}
        part = replace(self.guest, functions=functions)
        built = assemble(text(self.guest.layout.module, '(memory (export "memory") 1)', part))
        to = WASI_NN if build == "legacy" else WASI_EPHEMERAL_NN
        abi = abi or ABIS[build, release]
        self.binary = rewrite(built, RewriteOptions(abi=abi, to=to))
        # The old releases do not have a number for TOO_LARGE.
        self.too_large = 3 if release in ("1.3.3", "2.1.0") else TOO_LARGE
        kind = LegacyHost if build == "legacy" else EphemeralHost
        named = {b"a": identity(F32, (4,))}
        self.host = kind(release, named)
        engine = wasmtime.Engine()
        self.store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
        self.host.define(linker)
        module = wasmtime.Module(engine, self.binary)
        self.exports: Any = linker.instantiate(self.store, module).exports(self.store)

    def call(self, name: str, *arguments: int) -> int:
        errno: int = self.exports[name](self.store, *arguments)
        return errno

    def put(self, address: int, data: bytes) -> None:
        self.exports["memory"].write(self.store, data, address)

    def take(self, address: int, size: int) -> bytes:
        return bytes(self.exports["memory"].read(self.store, address, address + size))

    def u32(self, address: int) -> int:
        (value,) = struct.unpack("<I", self.take(address, 4))
        return int(value)

    def load(self, model: bytes, encoding: int) -> int:
        self.put(MODEL, model)
        self.put(BUILDERS, struct.pack("<4I", MODEL, len(model), MODEL, 0))
        return self.call("load", BUILDERS, 2 if encoding == OPENVINO else 1, encoding, 0, GRAPH)

    def init(self) -> int:
        return self.call("init_execution_context", self.u32(GRAPH), CONTEXT)

    def set_input(self, data: bytes, kind: int = 1, shape: Sequence[int] = (4,)) -> int:
        self.put(DIMENSIONS, struct.pack(f"<{len(shape)}I", *shape))
        self.put(DATA, data)
        fields = (DIMENSIONS, len(shape), kind, b"\xcc" * 3, DATA, len(data))
        self.put(TENSOR, struct.pack("<IIB3sII", *fields))
        return self.call("set_input", self.u32(CONTEXT), 0, TENSOR)

    def computed(self, model: bytes, encoding: int) -> None:
        """Run a model until it has an output."""
        assert self.load(model, encoding) == SUCCESS
        assert self.init() == SUCCESS
        assert self.set_input(OUTPUT) == SUCCESS
        assert self.call("compute", self.u32(CONTEXT)) == SUCCESS

    def get_output(self, room: int, buffer: int = BUFFER) -> int:
        return self.call("get_output", self.u32(CONTEXT), 0, buffer, room, WRITTEN)

    def expect(self, room: int, output: bytes) -> None:
        """Check that get_output writes the output if the buffer is large enough, and nothing
        else."""
        self.put(BUFFER, FILLED * 128)
        self.put(WRITTEN, struct.pack("<I", 77))
        before = bytes(self.exports["memory"].read(self.store))
        fits = room >= len(output)
        assert self.get_output(room) == (SUCCESS if fits else self.too_large), room
        after = bytes(self.exports["memory"].read(self.store))
        if fits:
            assert self.u32(WRITTEN) == len(output)
            assert after[BUFFER : BUFFER + room].rstrip(FILLED) == output.rstrip(FILLED)
        else:
            assert self.u32(WRITTEN) == 77
        for start, end in ((0, WRITTEN), (WRITTEN + 4, BUFFER), (BUFFER + room, PAGE)):
            assert after[start:end] == before[start:end], room


class Older(Adapted):
    """A guest of WAMR's older ABI, which counts the buffer in floats."""

    guest = WAMR

    def load(self, model: bytes, encoding: int) -> int:
        self.put(MODEL, model)
        self.put(BUILDERS, struct.pack("<4I", MODEL, len(model), MODEL, 0))
        self.put(TENSOR, struct.pack("<2I", BUILDERS, 2 if encoding == OPENVINO else 1))
        return self.call("load", TENSOR, encoding, 0, GRAPH)

    def set_input(self, data: bytes, kind: int = 1, shape: Sequence[int] = (4,)) -> int:
        self.put(DIMENSIONS, struct.pack("<2I", DIMENSIONS + 8, len(shape)))
        self.put(DIMENSIONS + 8, struct.pack(f"<{len(shape)}I", *shape))
        self.put(DATA, data)
        self.put(TENSOR, struct.pack("<III", DIMENSIONS, kind, DATA))
        return self.call("set_input", self.u32(CONTEXT), 0, TENSOR)

    def get_output(self, room: int, buffer: int = BUFFER) -> int:
        self.put(WRITTEN, struct.pack("<I", room))
        return self.call("get_output", self.u32(CONTEXT), 0, buffer, WRITTEN)


@pytest.mark.parametrize(("build", "release"), TFLITE_HOSTS)
def test_tensorflow_lites_outputs_are_copied_where_the_buffer_holds_them(
    build: str, release: str
) -> None:
    guest = Adapted(build, release)
    guest.computed(identity(F32, (4,)), TFLITE)
    for room in range(66):
        guest.expect(room, OUTPUT)


@pytest.mark.parametrize(("build", "release"), TFLITE_HOSTS)
def test_quantised_outputs_are_floats_and_are_copied_where_the_buffer_holds_those(
    build: str, release: str
) -> None:
    guest = Adapted(build, release)
    guest.computed(renamed_output(identity(F32, (4,)), "quantised"), TFLITE)
    for room in range(66):
        guest.expect(room, OUTPUT)


@pytest.mark.parametrize(("build", "release"), OPENVINO_HOSTS)
def test_openvinos_outputs_are_counted_in_bytes(build: str, release: str) -> None:
    guest = Adapted(build, release)
    guest.computed(identity(F32, (4,)), OPENVINO)
    for room in (16, 17, 18, 19, 20, 64, 100):
        guest.expect(room, OUTPUT)


@pytest.mark.parametrize("release", ["2.4.5", "main"])
def test_a_buffer_too_small_for_openvino_is_refused_where_the_host_looks(release: str) -> None:
    guest = Adapted("legacy", release)
    guest.computed(identity(F32, (4,)), OPENVINO)
    for room in range(16):
        guest.expect(room, OUTPUT)


@pytest.mark.parametrize("build", ["legacy", "ephemeral"])
def test_a_guest_traps_if_the_host_has_overwritten_its_memory(build: str) -> None:
    guest = Adapted(build, "2.3.1")
    guest.computed(identity(F32, (4,)), OPENVINO)
    for room in (0, 4, 15):
        with pytest.raises(wasmtime.Trap, match="unreachable"):
            guest.get_output(room)


def test_a_guest_of_the_older_abi_traps_too() -> None:
    guest = Older("ephemeral", "2.3.1")
    guest.computed(identity(F32, (4,)), OPENVINO)
    for room in range(4):
        with pytest.raises(wasmtime.Trap, match="unreachable"):
            guest.get_output(room)
    for room in (4, 5, 16, 30_000):
        assert guest.get_output(room) == SUCCESS
        assert (guest.u32(WRITTEN), guest.take(BUFFER, 16)) == (4, OUTPUT)


@pytest.mark.parametrize("abi", ["wamr-1", "wamr-2.1-legacy", "wamr"])
@pytest.mark.parametrize("release", LEGACY)
def test_a_guest_adapted_to_one_legacy_release_runs_on_all_except_for_errnos(
    release: str, abi: str
) -> None:
    guest = Adapted("legacy", release, abi=abi)
    guest.computed(identity(F32, (4,)), TFLITE)
    for room in range(16):
        assert guest.get_output(room) != SUCCESS
    for room in (16, 17, 64):
        guest.expect(room, OUTPUT)
    if release in WITH_OPENVINO:
        guest = Adapted("legacy", release, abi=abi)
        guest.computed(identity(F32, (4,)), OPENVINO)
        guest.expect(16, OUTPUT)


@pytest.mark.parametrize(("build", "release"), OPENVINO_HOSTS)
@pytest.mark.parametrize("kinds", [(OPENVINO, TFLITE), (TFLITE, OPENVINO)])
def test_a_model_for_another_backend_is_refused_and_the_first_keeps_working(
    build: str, release: str, kinds: tuple[int, int]
) -> None:
    guest = Adapted(build, release)
    first, second = kinds
    guest.computed(identity(F32, (4,)), first)
    context = guest.u32(CONTEXT)
    assert guest.load(identity(F32, (4,)), second) == UNSUPPORTED
    guest.put(CONTEXT, struct.pack("<I", context))
    guest.expect(16, OUTPUT)


@pytest.mark.parametrize(("build", "release"), OPENVINO_HOSTS)
def test_a_model_that_was_not_loaded_leaves_the_unit_open(build: str, release: str) -> None:
    if release != "2.3.1":
        return_code = Adapted(build, release).load(b"no model", OPENVINO)
        assert return_code == INVALID_ARGUMENT
        return
    guest = Adapted(build, release)
    assert guest.load(b"no model", OPENVINO) == INVALID_ARGUMENT
    guest.computed(identity(F32, (4,)), TFLITE)
    guest.expect(16, OUTPUT)


@pytest.mark.parametrize(("build", "release"), TFLITE_HOSTS)
def test_tensors_that_tensorflow_lite_would_misread_as_floats_do_not_reach_it(
    build: str, release: str
) -> None:
    guest = Adapted(build, release)
    guest.computed(identity(F32, (4,)), TFLITE)
    for kind, size in ((U8, 4), (F16, 8)):
        assert guest.set_input(bytes(size), kind) == UNSUPPORTED
    assert guest.set_input(OUTPUT) == SUCCESS


@pytest.mark.parametrize(("build", "release"), TFLITE_HOSTS)
def test_a_tensor_with_less_data_than_its_shape_says_does_not_reach_tensorflow_lite(
    build: str, release: str
) -> None:
    guest = Adapted(build, release)
    guest.computed(identity(F32, (4,)), TFLITE)
    for size in (0, 4, 15, 17, 20):
        assert guest.set_input(bytes(size)) == INVALID_ARGUMENT
    for shape in ((2, 2), (1, 4), (4, 1, 1)):
        assert guest.set_input(OUTPUT, shape=shape) == SUCCESS


@pytest.mark.parametrize(("build", "release"), TFLITE_HOSTS)
def test_a_buffer_or_a_place_for_the_size_outside_of_the_memory_is_refused(
    build: str, release: str
) -> None:
    guest = Adapted(build, release)
    guest.computed(identity(F32, (4,)), TFLITE)
    assert guest.get_output(17, PAGE - 16) == INVALID_ARGUMENT
    assert guest.get_output(16, PAGE - 16) == SUCCESS
    assert guest.take(PAGE - 16, 16) == OUTPUT
    context = guest.u32(CONTEXT)
    for place in (PAGE - 3, PAGE, -1):
        assert guest.call("get_output", context, 0, BUFFER, 16, place) == INVALID_ARGUMENT
    assert guest.call("get_output", context, 0, BUFFER, 16, PAGE - 4) == SUCCESS


@pytest.mark.parametrize("release", ["2.1.1", "2.3.1"])
def test_after_a_named_model_a_model_of_tensorflow_lite_is_refused(release: str) -> None:
    guest = Adapted("ephemeral", release, names=True)
    guest.put(MODEL, b"ab")
    assert guest.call("load_by_name", MODEL, 1, GRAPH) == SUCCESS
    assert guest.load(identity(F32, (4,)), TFLITE) == UNSUPPORTED


def test_a_tensorflow_lite_model_stays_after_a_named_model_is_refused() -> None:
    guest = Adapted("ephemeral", "2.3.1", names=True)
    guest.computed(identity(F32, (4,)), TFLITE)
    guest.put(MODEL, b"ab")
    assert guest.call("load_by_name", MODEL, 1, GRAPH) == UNSUPPORTED
    guest.expect(16, OUTPUT)


def test_an_output_of_a_named_model_is_counted_in_bytes() -> None:
    guest = Adapted("ephemeral", "2.3.1", names=True)
    guest.put(MODEL, b"ab")
    assert guest.call("load_by_name", MODEL, 1, GRAPH) == SUCCESS
    assert guest.init() == SUCCESS
    assert guest.set_input(OUTPUT) == SUCCESS
    assert guest.call("compute", guest.u32(CONTEXT)) == SUCCESS
    for room in (16, 19, 64):
        guest.expect(room, OUTPUT)
