"""Guests of every shape, instantiated by their session."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import pytest
import wasmtime
from onnx import TensorProto

from rewriter.abi.dialects import WAMR, WASMEDGE, WITX, Encoding, Errno, Target, TensorType
from rewriter.abi.structures import TENSOR
from runtime_shim import NNHost
from runtime_shim.engine.binding import memory as engine
from tests.support.guest import (
    BUILDERS,
    DATA,
    DIMS,
    HANDLE,
    TENSOR_AT,
    Guest,
    text,
)
from tests.support.models import identity

START = """(module
  (import "wasi_nn" "load" (func $load (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_nn" "init_execution_context" (func $init (param i32 i32) (result i32)))
  (import "wasi_nn" "set_input" (func $set_input (param i32 i32 i32) (result i32)))
  (memory (export "memory") 4)
  (data (i32.const {builders}) "{builder}") (data (i32.const {data}) "{model}")
  (data (i32.const {dims}) "\\01\\00\\00\\00") (data (i32.const {tensor_at}) "{tensor}")
  (start $start)
  (func $start
    (drop (call $load (i32.const {builders}) (i32.const 1) (i32.const 1) (i32.const 0)
      (i32.const {handle})))
    (drop (call $init (i32.const 1) (i32.const {handle})))
    (i32.store (i32.const {handle}) (call $set_input
      (i32.const 2) (i32.const 0) (i32.const {tensor_at})))))"""


def test_a_start_function_can_set_an_input() -> None:
    made = identity(dims=(1,))
    engine = wasmtime.Engine()
    store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
    source = START.format(
        builders=BUILDERS,
        builder=_escaped(struct.pack("<II", DATA, len(made))),
        data=DATA,
        model=_escaped(made),
        dims=DIMS,
        tensor_at=TENSOR_AT,
        tensor=_escaped(TENSOR.pack(DIMS, 1, TensorType.F32, DATA, 4)),
        handle=HANDLE,
    )
    with NNHost().session() as session:
        instance = session.instantiate(linker, store, wasmtime.Module(engine, source))
        memory = instance.exports(store)["memory"]
        assert isinstance(memory, wasmtime.Memory)
        assert memory.read(store, HANDLE, HANDLE + 4) == bytes(4)  # success, over the handle 2


def _escaped(data: bytes) -> str:
    return "".join(f"\\{byte:02x}" for byte in data)


BOTH = """(module
  (import "wasi_nn" "set_input" (func (param i32 i32 i32) (result i32)))
  (import "wasi_ephemeral_nn" "set_input" (func $set_input (param i32 i32 i32) (result i32)))
  (memory (export "memory") 4)
  (func (export "set_input") (param i32 i32) (result i32)
    (call $set_input (local.get 0) (i32.const 0) (local.get 1))))"""


def test_one_guest_can_use_both_names_with_an_abi_for_each() -> None:
    engine = wasmtime.Engine()
    store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
    with NNHost().session() as session:
        exports = session.instantiate(
            linker,
            store,
            wasmtime.Module(engine, BOTH),
            dialects={"wasi_nn": WAMR, "wasi_ephemeral_nn": WITX},
        ).exports(store)
        made = identity(TensorProto.DOUBLE, dims=(1,))  # a type that WAMR's ABI has not
        context = session.init_execution_context(session.load([made], Encoding.ONNX, Target.CPU))
        memory, set_input = exports["memory"], exports["set_input"]
        assert isinstance(memory, wasmtime.Memory)
        assert isinstance(set_input, wasmtime.Func)
        memory.write(store, struct.pack("<I", 1), DIMS)
        memory.write(store, TENSOR.pack(DIMS, 1, TensorType.F64, DATA, 8), TENSOR_AT)
        for number in (1.5, 2.5, 3.5):
            memory.write(store, struct.pack("<d", number), DATA)
            assert set_input(store, context, TENSOR_AT) == 0
            session.compute(context)
            assert bytes(session.get_output(context, 0)) == struct.pack("<d", number)


def test_two_instances_of_one_guest_share_handles_that_end_for_both() -> None:
    made = identity(dims=(1,))
    engine = wasmtime.Engine()
    store, session = wasmtime.Store(engine), NNHost().session()
    module = wasmtime.Module(engine, text("wasi_nn", '(memory (export "memory") 4)', WASMEDGE))

    def instance() -> Mapping[str, object]:
        linker = wasmtime.Linker(engine)
        made = session.instantiate(linker, store, module, dialects={"wasi_nn": WASMEDGE})
        return made.exports(store)

    def set_input(exports: Mapping[str, object], number: float) -> int:
        memory, function = exports["memory"], exports["set_input"]
        assert isinstance(memory, wasmtime.Memory)
        assert isinstance(function, wasmtime.Func)
        memory.write(store, struct.pack("<f", number), DATA)
        memory.write(store, struct.pack("<I", 1), DIMS)
        memory.write(store, TENSOR.pack(DIMS, 1, TensorType.F32, DATA, 4), TENSOR_AT)
        return int(function(store, context, 0, TENSOR_AT))

    first = instance()
    context = session.init_execution_context(session.load([made], Encoding.ONNX, Target.CPU))
    for number in range(3):
        assert set_input(first, number) == 0
    second = instance()
    for number, each in enumerate((first, second, second, second, first)):
        assert set_input(each, number) == 0
        session.compute(context)
        assert bytes(session.get_output(context, 0)) == struct.pack("<f", number)
    session.finalize_execution_context(context)
    assert [set_input(each, 1) for each in (first, second)] == [Errno.INVALID_ARGUMENT] * 2


def test_a_shared_memory_is_let_go_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    deleted: list[int] = []
    delete = engine._extern_delete

    def counted(address: int) -> None:
        deleted.append(address)
        delete(address)

    monkeypatch.setattr(engine, "_extern_delete", counted)
    for plain in (False, True):
        guest = Guest(memory='(memory (export "memory") 4 4 shared)', plain=plain)
        for _ in range(3):  # set_input comes by way of an instance without a memory
            assert guest.init_execution_context(1, 0) == Errno.MISSING_MEMORY
            assert guest.set_input(1, 0, 0) == Errno.MISSING_MEMORY
        assert len(deleted) == (6 if plain else 3)
        deleted.clear()


def test_an_engine_without_several_memories_leaves_the_calls_to_the_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configure = wasmtime.Config.__init__

    def without(self: wasmtime.Config) -> None:
        configure(self)
        self.wasm_multi_memory = False

    monkeypatch.setattr(wasmtime.Config, "__init__", without)
    guest = Guest(dialect=WITX)
    context = guest.context_for(identity(dims=(1,)))
    for number in range(4):
        data = struct.pack("<f", number)
        assert guest.feed(context, 0, TensorType.F32, (1,), data) == 0
        assert guest.compute(context) == 0
        assert guest.output(context, 0) == data
