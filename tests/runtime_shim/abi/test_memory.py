"""Guest memory that grows, and that is another one than in the call before."""

from __future__ import annotations

import ctypes
import struct
from typing import Any

import numpy as np
import pytest
import wasmtime
from onnx import helper

from rewriter.abi.dialects import WITX, Encoding, Errno, Target, TensorType
from runtime_shim import NNHost
from runtime_shim.engine.binding import memory as engine
from tests.support.guest import HANDLE, MEMORY, Guest, text
from tests.support.models import F32, identity, model

MODEL = identity(dims=(1,))
PAGE = 65536


def grow(guest: Guest, pages: int) -> None:
    assert guest.memory is not None
    guest.memory.grow(guest.store, pages)


def load_from(guest: Guest, address: int, size: int = len(MODEL)) -> int:
    guest.put(0, struct.pack("<II", address, size))
    return guest.load(0, 1, Encoding.ONNX, Target.CPU, HANDLE)


def test_what_lies_in_memory_that_was_added_since_the_last_call_is_found() -> None:
    guest = Guest()
    guest.context_for(MODEL)
    grow(guest, 1)
    guest.put(MEMORY + 100, MODEL)
    assert load_from(guest, MEMORY + 100) == Errno.SUCCESS


def test_a_model_may_be_larger_than_the_memory_was() -> None:
    guest = Guest()
    guest.context_for(MODEL)
    grow(guest, 8)
    node = helper.make_node("Add", ["x", "w"], ["y"])
    ports = [("x", F32, (80_000,))], [("y", F32, (80_000,))]
    large = model([node], *ports, {"w": np.zeros(80_000, np.float32)})
    assert len(large) > MEMORY
    guest.put(PAGE, large)
    assert load_from(guest, PAGE, len(large)) == Errno.SUCCESS


def test_what_lies_behind_added_memory_is_still_outside() -> None:
    guest = Guest()
    guest.context_for(MODEL)
    grow(guest, 1)
    assert load_from(guest, MEMORY + PAGE - 10) == Errno.INVALID_ARGUMENT


def test_memory_that_begins_with_nothing_can_grow() -> None:
    guest = Guest(memory='(memory (export "memory") 0)')
    assert guest.load(0, 1, Encoding.ONNX, Target.CPU, 0) == Errno.INVALID_ARGUMENT
    grow(guest, 4)
    assert guest.context_for(MODEL) > 0


def test_outputs_and_inputs_in_added_memory_are_in_the_right_place() -> None:
    guest = Guest()
    context = guest.context_for(MODEL)
    for value in range(4):
        grow(guest, 1)
        assert guest.memory is not None
        end = guest.memory.data_len(guest.store)
        data = struct.pack("<f", value)
        guest.put(end - 4, data)
        guest.put(128, struct.pack("<I", 1))
        guest.put(256, struct.pack("<IIIII", 128, 1, TensorType.F32, end - 4, 4))
        assert guest.set_input(context, 0, 256) == 0
        assert guest.compute(context) == 0
        assert guest.get_output(context, 0, end - 8, 4, 300) == 0
        assert guest.take(end - 8, 4) == data


def test_each_instance_that_shares_a_linker_has_its_own_memory() -> None:
    engine = wasmtime.Engine()
    store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
    session = NNHost().add_to_linker(linker)
    graph = session.load([MODEL], Encoding.ONNX, Target.CPU)
    calls = []
    for pages in (4, 2):
        source = text("wasi_nn", f'(memory (export "memory") {pages})', WITX)
        exports = linker.instantiate(store, wasmtime.Module(engine, source)).exports(store)
        memory, init = exports["memory"], exports["init_execution_context"]
        assert isinstance(memory, wasmtime.Memory)
        assert isinstance(init, wasmtime.Func)
        calls.append((memory, init))
    (large, init_large), (small, init_small) = calls
    for _ in range(2):
        assert init_large(store, graph, 3 * PAGE) == Errno.SUCCESS
        assert init_small(store, graph, 3 * PAGE) == Errno.INVALID_ARGUMENT
        assert init_small(store, graph, PAGE) == Errno.SUCCESS
        handles = [large.read(store, 3 * PAGE, 3 * PAGE + 4), small.read(store, PAGE, PAGE + 4)]
        assert bytes(handles[0]) != bytes(handles[1]) != bytes(4)
        assert not any(large.read(store, PAGE, PAGE + 4))


def test_a_linker_can_go_on_with_another_store_and_a_smaller_memory() -> None:
    engine = wasmtime.Engine()
    linker = wasmtime.Linker(engine)
    session = NNHost().add_to_linker(linker)
    graph = session.load([MODEL], Encoding.ONNX, Target.CPU)
    for pages, errno in ((64, Errno.SUCCESS), (1, Errno.INVALID_ARGUMENT)) * 3:
        with wasmtime.Store(engine) as store:
            source = text("wasi_nn", f'(memory (export "memory") {pages})', WITX)
            exports = linker.instantiate(store, wasmtime.Module(engine, source)).exports(store)
            init = exports["init_execution_context"]
            assert isinstance(init, wasmtime.Func)
            assert init(store, graph, 40 * PAGE) == errno


def test_memory_that_moves_when_it_grows_is_followed() -> None:
    config = wasmtime.Config()
    config.memory_reservation = 0
    config.memory_reservation_for_growth = 0
    config.memory_may_move = True
    engine = wasmtime.Engine(config)
    store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
    session = NNHost().add_to_linker(linker)
    graph = session.load([MODEL], Encoding.ONNX, Target.CPU)
    source = text("wasi_nn", '(memory (export "memory") 1)', WITX)
    exports = linker.instantiate(store, wasmtime.Module(engine, source)).exports(store)
    memory, init = exports["memory"], exports["init_execution_context"]
    assert isinstance(memory, wasmtime.Memory)
    assert isinstance(init, wasmtime.Func)
    places = set()
    for pages in range(1, 200, 20):
        places.add(ctypes.addressof(memory.data_ptr(store).contents))
        assert init(store, graph, 8) == 0
        assert any(memory.read(store, 8, 12))
        memory.write(store, bytes(4), 8)
        memory.grow(store, pages)
    assert len(places) > 1


def test_a_memory_in_the_place_of_another_has_its_own_length(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    room = (ctypes.c_char * (8 * PAGE))()
    monkeypatch.setattr(engine, "_memory_data", lambda *_: ctypes.addressof(room))
    host = NNHost()
    wasm_engine = wasmtime.Engine()
    store, linker = wasmtime.Store(wasm_engine), wasmtime.Linker(wasm_engine)
    host.add_to_linker(linker, dialects={"wasi_nn": WITX})

    def errno(pages: int) -> int:
        module = text("wasi_nn", f'(memory (export "memory") {pages})', WITX)
        instance = linker.instantiate(store, wasmtime.Module(wasm_engine, module))
        load: Any = instance.exports(store)["load_by_name"]
        return int(load(store, 7 * PAGE, 1, 0))

    assert [errno(8), errno(4), errno(8)] == [
        *(Errno.NOT_FOUND, Errno.INVALID_ARGUMENT, Errno.NOT_FOUND)
    ]
