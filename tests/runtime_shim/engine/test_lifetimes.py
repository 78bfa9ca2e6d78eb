"""A store, its linker and instance, the session and the host may go in any order."""

from __future__ import annotations

import gc
import itertools
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import wasmtime

from rewriter.abi.dialects import WITX, Encoding, Errno, Target, TensorType
from rewriter.abi.structures import TENSOR
from runtime_shim import HostError, NNHost
from tests.support.guest import DATA, DIMS, HANDLE, OUTPUT, TENSOR_AT, WRITTEN, Guest, text
from tests.support.models import identity

NAMES = ("store", "linker", "instance", "session", "host")
CLOSED = "the host is closed"
FOUR = struct.pack("<4f", 1, 2, 3, 4)


def used_guest() -> tuple[Guest, int]:
    """A guest whose tensors are in its store's memory, as it has used them three times."""
    guest = Guest()
    context = guest.context_for(identity(dims=(4,)))
    for _ in range(3):
        assert guest.feed(context, 0, TensorType.F32, (4,), FOUR) == 0
        assert guest.compute(context) == 0
        assert guest.output(context, 0) == FOUR
    return guest, context


class Parts:
    """All of it, and what it is used for."""

    def __init__(self, model: bytes, plain: bool) -> None:
        engine = wasmtime.Engine()
        module = wasmtime.Module(engine, text("wasi_nn", '(memory (export "memory") 4)', WITX))
        self.store, self.linker, self.host = (
            wasmtime.Store(engine),
            wasmtime.Linker(engine),
            NNHost(),
        )
        self.session = self.host.session()
        if plain:
            self.host.add_to_linker(self.linker, self.session)
            self.instance = self.linker.instantiate(self.store, module)
        else:
            self.instance = self.session.instantiate(
                self.linker, self.store, module, dialects={"wasi_nn": WITX}
            )
        graph = self.session.load([model], Encoding.ONNX, Target.CPU)
        self.context = self.session.init_execution_context(graph)
        memory: Any = self.instance.exports(self.store)["memory"]
        memory.write(self.store, FOUR, DATA)
        memory.write(self.store, struct.pack("<I", 4), DIMS)
        memory.write(self.store, TENSOR.pack(DIMS, 1, TensorType.F32, DATA, 16), TENSOR_AT)

    def call_the_guest(self) -> list[int]:
        """Its errnos."""
        exports: Any = self.instance.exports(self.store)
        return [
            exports["set_input"](self.store, self.context, 0, TENSOR_AT),
            exports["compute"](self.store, self.context),
            exports["get_output"](self.store, self.context, 0, OUTPUT, 64, WRITTEN),
        ]

    def call_the_session(self) -> None:
        """Which answers, or says that there is no such context, or that the host is closed."""
        calls: list[Callable[[], object]] = [
            lambda: self.session.set_input(self.context, 0, TensorType.F32, (4,), memoryview(FOUR)),
            lambda: self.session.compute(self.context),
            lambda: self.session.get_output(self.context, 0),
        ]
        for call in calls:
            try:
                call()
            except HostError as error:
                if error.errno is not Errno.INVALID_ARGUMENT and error.reason != CLOSED:
                    raise

    def let_go(self, name: str, closes: bool) -> None:
        gone = getattr(self, name)
        delattr(self, name)
        if closes and hasattr(gone, "close"):
            gone.close()
        del gone
        gc.collect()
        if hasattr(self, "session"):
            self.call_the_session()
        if hasattr(self, "store") and hasattr(self, "instance"):
            self.call_the_guest()


def walk(closes: bool, plain: bool) -> None:
    """Let go in every order, and use what is still there after each step."""
    model = identity(dims=(4,))
    gc.freeze()
    for order in itertools.permutations(NAMES):
        print(*order, flush=True)
        parts = Parts(model, plain)
        for _ in range(3):
            assert parts.call_the_guest() == [0, 0, 0]
        for name in order:
            parts.let_go(name, closes)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("closes", [False, True])
def test_no_order_of_closing_and_dropping_ends_the_process(closes: bool, plain: bool) -> None:
    code = f"from tests.runtime_shim.engine import test_lifetimes as t; t.walk({closes}, {plain})"
    environment = {**os.environ, "MALLOC_PERTURB_": "165"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=300
    )
    assert done.returncode == 0, done.stdout[-200:] + done.stderr[-2000:]
    assert not done.stderr
    assert len(set(done.stdout.splitlines())) == 120


def test_contexts_with_tensors_in_a_closed_stores_memory_are_gone_and_others_are_not() -> None:
    guest, context = used_guest()
    session = guest.session
    other = session.init_execution_context(
        session.load([identity(dims=(4,))], Encoding.ONNX, Target.CPU)
    )
    guest.store.close()
    with pytest.raises(HostError, match="not a handle of an execution context"):
        session.compute(context)
    session.set_input(other, 0, TensorType.F32, (4,), memoryview(FOUR))
    session.compute(other)
    assert session.get_output(other, 0) == FOUR


def test_a_session_goes_on_in_another_store() -> None:
    guest, _ = used_guest()
    session = guest.session
    guest.store.close()
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    module = wasmtime.Module(engine, text("wasi_nn", '(memory (export "memory") 4)', WITX))
    instance = session.instantiate(
        wasmtime.Linker(engine), store, module, dialects={"wasi_nn": WITX}
    )
    assert session.has_arena
    init: Any = instance.exports(store)["init_execution_context"]
    assert init(store, 1, HANDLE) == 0


def test_a_second_instance_through_the_linker_of_the_first_has_no_part_in_it() -> None:
    engine = wasmtime.Engine()
    store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
    module = wasmtime.Module(engine, text("wasi_nn", '(memory (export "memory") 4)', WITX))
    with NNHost().session() as session:
        session.instantiate(linker, store, module, dialects={"wasi_nn": WITX})
        with pytest.raises(wasmtime.WasmtimeError, match="unknown import"):
            linker.instantiate(store, module)


def test_an_output_outlives_what_it_was_read_from() -> None:
    guest, context = used_guest()
    output = guest.session.get_output(context, 0)
    guest.store.close()
    del guest
    gc.collect()
    assert output == FOUR
