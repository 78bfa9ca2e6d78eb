"""A host that is closed has no models and no processes any more, and says so."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import wasmtime

from rewriter.abi.dialects import Encoding, Errno, Target, TensorType
from rewriter.errors import UsageError
from runtime_shim import HostError, NamedGraph, NNHost, run
from runtime_shim.testing import FakeBackend, FakeGraph
from samples.build import SAMPLES
from tests.support.guest import Guest
from tests.support.models import identity
from tests.support.processes import ends, started
from tests.support.spies import ask, own, spying_host
from tests.support.wasm import assemble

DIGITS = NamedGraph("it", Encoding.ONNX, Target.CPU, (str(SAMPLES / "digits" / "model.onnx"),))


def fake_host(backend: FakeBackend) -> NNHost:
    return NNHost(backends={Encoding.ONNX: backend}, graphs=[DIGITS])


def test_it_frees_models_and_contexts_that_open_sessions_have() -> None:
    backend = FakeBackend()
    kept: list[weakref.ref[object]] = []
    load = backend.load

    def noted(*args: Any, **named: Any) -> FakeGraph:
        graph = load(*args, **named)
        kept.append(weakref.ref(graph))
        return graph

    backend.load = noted  # type: ignore[method-assign]  # of this one
    with fake_host(backend) as host:
        session = host.session()
        session.init_execution_context(session.load_by_name("it"))
        session.init_execution_context(session.load([b"x"], Encoding.ONNX, Target.CPU))
        gc.collect()
        assert len(kept) == 2
        assert all(graph() is not None for graph in kept)
    gc.collect()
    assert [graph() for graph in kept] == [None, None]
    session.close()
    assert [row.loads for row in host.stats()] == [1, 1]


def test_whatever_is_asked_of_it_later_is_refused_with_the_reason() -> None:
    host = fake_host(FakeBackend())
    session = host.session()
    graph = session.load([b"x"], Encoding.ONNX, Target.CPU)
    context = session.init_execution_context(graph)
    host.close()
    host.close()
    of_guests: list[Callable[[], object]] = [
        lambda: host.load([b"y"], Encoding.ONNX, Target.CPU),
        lambda: host.load_by_name("it"),
        lambda: host.load_by_name("it", {"threads": 1}),
        lambda: session.load([b"y"], Encoding.ONNX, Target.CPU),
        lambda: session.load_by_name("it"),
        lambda: session.init_execution_context(graph),
        lambda: session.set_input(context, 0, TensorType.U8, (1,), memoryview(b"a")),
        lambda: session.compute(context),
        lambda: session.get_output(context, 0),
        lambda: session.finalize_execution_context(context),
        lambda: session.unload(graph),
    ]
    for call in of_guests:
        with pytest.raises(HostError, match="the host is closed") as caught:
            call()
        assert caught.value.errno is Errno.RUNTIME_ERROR
    of_embedders: list[Callable[[], object]] = [
        host.session,
        lambda: host.add_to_linker(wasmtime.Linker(wasmtime.Engine())),
        lambda: run(assemble('(module (func (export "_start")))'), host),
    ]
    for call in of_embedders:
        with pytest.raises(UsageError, match="the host is closed"):
            call()


def test_a_guest_that_copies_tensors_itself_is_told_too() -> None:
    host = NNHost()
    guest = Guest(host)
    context = guest.context_for(identity(dims=(1,)))
    for _ in range(3):
        assert guest.feed(context, 0, TensorType.F32, (1,), b"abcd") == 0
        assert guest.compute(context) == 0
        assert guest.output(context, 0) == b"abcd"
    host.close()
    assert guest.feed(context, 0, TensorType.F32, (1,), b"abcd") == Errno.RUNTIME_ERROR
    assert guest.compute(context) == Errno.RUNTIME_ERROR


def test_it_ends_the_processes_of_named_graphs_and_of_guests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with spying_host(tmp_path, monkeypatch) as host:
        session = host.session()
        with started() as pids:
            own(session, b"mine")
            ask(session, session.load_by_name("named"), b"x")
            mine = host.load([identity()], Encoding.ONNX, Target.CPU)
        assert len(pids) == 3
    assert all(map(ends, pids))
    with pytest.raises(HostError):
        mine.init_execution_context()
    with pytest.raises(HostError, match="the host is closed"):
        own(session, b"mine")


def test_a_thread_that_is_computing_comes_to_its_end() -> None:
    began, may_end = threading.Event(), threading.Event()

    def infer(inputs: Sequence[bytes]) -> Sequence[bytes]:
        began.set()
        assert may_end.wait(60)
        return inputs

    host = fake_host(FakeBackend(infer))
    session = host.session()
    context = session.init_execution_context(session.load([b"x"], Encoding.ONNX, Target.CPU))
    ended: list[str] = []

    def compute() -> None:
        session.compute(context)
        ended.append("computed")
        with pytest.raises(HostError, match="the host is closed"):
            session.compute(context)
        ended.append("refused")

    thread = threading.Thread(target=compute)
    thread.start()
    assert began.wait(60)
    host.close()
    may_end.set()
    thread.join()
    assert ended == ["computed", "refused"]


def test_what_is_loaded_while_it_is_closed_does_not_come_to_stay() -> None:
    host: NNHost

    class Closing(FakeBackend):
        def load(self, *args: Any, **named: Any) -> FakeGraph:
            host.close()
            return super().load(*args, **named)

    host = fake_host(Closing())
    for load in (lambda: host.load([b"x"], Encoding.ONNX, Target.CPU), lambda: host.session()):
        with pytest.raises((HostError, UsageError), match="the host is closed"):
            load()
    assert host.stats() == []
