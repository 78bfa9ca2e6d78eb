from __future__ import annotations

import gc
import weakref

import pytest
import wasmtime

from rewriter.abi.dialects import WITX, Encoding, Target
from runtime_shim import NNHost, Session
from runtime_shim.engine.binding import callbacks as engine
from tests.support.guest import HANDLE, MEMORY, Guest
from tests.support.models import identity

BOTH = """(module
  (import "wasi_nn" "init_execution_context" (func $a (param i32 i32) (result i32)))
  (import "wasi_ephemeral_nn" "init_execution_context" (func $b (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "a") (param i32 i32) (result i32) (call $a (local.get 0) (local.get 1)))
  (func (export "b") (param i32 i32) (result i32) (call $b (local.get 0) (local.get 1))))"""


def test_one_guest_can_use_both_names_and_they_share_handles() -> None:
    wasm_engine = wasmtime.Engine()
    store, wasm_linker = wasmtime.Store(wasm_engine), wasmtime.Linker(wasm_engine)
    session = NNHost().add_to_linker(wasm_linker)
    graph = session.load([identity()], Encoding.ONNX, Target.CPU)
    exports = wasm_linker.instantiate(store, wasmtime.Module(wasm_engine, BOTH)).exports(store)
    for name, expected in (("a", 2), ("b", 3)):
        function, memory = exports[name], exports["memory"]
        assert isinstance(function, wasmtime.Func)
        assert isinstance(memory, wasmtime.Memory)
        assert function(store, graph, 8) == 0
        assert memory.read(store, 8, 12) == bytes([expected, 0, 0, 0])


@pytest.mark.parametrize("error", [RuntimeError("bug"), KeyboardInterrupt(), SystemExit(3)])
def test_an_error_inside_the_host_reaches_whoever_called_the_guest(
    monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(Session, "init_execution_context", broken)
    guest = Guest()
    with pytest.raises(type(error)) as caught:
        guest.init_execution_context(1, HANDLE)
    assert caught.value is error


def test_the_guest_goes_on_after_an_error_that_was_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    guest = Guest()
    with monkeypatch.context() as patch:
        patch.setattr(Session, "init_execution_context", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            guest.init_execution_context(1, HANDLE)
    assert guest.init_execution_context(1, HANDLE) == 1


def test_the_callbacks_live_as_long_as_the_store_and_no_longer() -> None:
    before = set(engine._live)
    guest = Guest()
    session = weakref.ref(guest.session)
    callbacks = set(engine._live) - before
    assert len(callbacks) == len(WITX.functions) + 1  # those that the guest imports, and the store
    del guest.session
    gc.collect()
    assert guest.init_execution_context(1, MEMORY) == 1
    del guest
    gc.collect()
    assert session() is None
    assert not callbacks & set(engine._live)


def test_a_linker_that_has_the_functions_already_is_refused() -> None:
    wasm_linker = wasmtime.Linker(wasmtime.Engine())
    NNHost().add_to_linker(wasm_linker)
    with pytest.raises(wasmtime.WasmtimeError, match="defined twice"):
        NNHost().add_to_linker(wasm_linker)


def test_a_session_can_be_shared_by_linkers() -> None:
    host = NNHost()
    session = host.session()
    linkers = [wasmtime.Linker(wasmtime.Engine()) for _ in range(2)]
    assert [host.add_to_linker(each, session) for each in linkers] == [session, session]
