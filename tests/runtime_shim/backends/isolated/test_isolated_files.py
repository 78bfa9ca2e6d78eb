"""Isolated processes and their host where no more files may be open: an errno, and nothing lost."""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from rewriter.abi.dialects import Encoding, Errno, Target, TensorType
from runtime_shim import HostError, NNHost, Session
from runtime_shim.backends.isolated.calls import Process
from runtime_shim.backends.isolated.client import IsolatedBackend, IsolatedGraph
from tests.support.gguf_models import successors
from tests.support.models import identity
from tests.support.processes import started

DATA = memoryview(b"data")


@contextlib.contextmanager
def open_files(pid: int, spare: int) -> Iterator[None]:
    """So many more may be open in a process meanwhile."""
    files = f"/proc/{pid}/fd"
    used = [name for name in os.listdir(files) if os.path.lexists(f"{files}/{name}")]
    free = (number for number in itertools.count() if str(number) not in used)
    lowest = next(itertools.islice(free, spare, None))
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (lowest, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def loaded() -> tuple[IsolatedBackend, Process, IsolatedGraph]:
    backend = IsolatedBackend(Encoding.ONNX)
    graph = backend.load([identity(dims=(1,))], Target.CPU)
    return backend, backend.running(), graph


def computes(graph: IsolatedGraph) -> bool:
    context = graph.init_execution_context()
    context.set_input(0, TensorType.F32, (1,), DATA)
    context.compute()
    return context.get_output(0) == DATA


@pytest.mark.parametrize("spare", [0, 1, 2])
def test_a_process_without_files_for_one_more_call_at_a_time_refuses_it_and_keeps_its_models(
    spare: int,
) -> None:
    backend, process, graph = loaded()
    reason = "cannot open more files" if spare < 2 else "Too many open files"  # to map memory
    with process._channel(), open_files(process.pid, spare):
        with pytest.raises(HostError, match=reason) as caught:
            computes(graph)
        assert caught.value.errno is Errno.RUNTIME_ERROR
    assert computes(graph)
    assert backend.running() is process
    backend.close()


def test_a_model_that_needs_a_file_is_refused_and_the_others_stay(tmp_path: Path) -> None:
    successors(tmp_path / "model.gguf", "abc")
    model = (tmp_path / "model.gguf").read_bytes()
    backend = IsolatedBackend(Encoding.GGML)
    graph = backend.load([model], Target.CPU)
    process = backend.running()
    with open_files(process.pid, 0):
        with pytest.raises(HostError, match="Too many open files") as caught:
            backend.load([model], Target.CPU)
        graph.init_execution_context()
    assert caught.value.errno is Errno.RUNTIME_ERROR
    backend.load([model], Target.CPU)
    assert backend.running() is process
    backend.close()


def load(session: Session) -> int:
    return session.load([identity(dims=(1,))], Encoding.ONNX, Target.CPU)


@pytest.mark.parametrize("spare", [0, 1, 2])
def test_a_host_without_files_for_one_more_call_at_a_time_refuses_it_and_keeps_the_models(
    spare: int,
) -> None:
    backend, process, graph = loaded()
    with NNHost(backends={Encoding.ONNX: backend}).session() as session:
        handle = load(session)
        held = process._channel()
        gc.collect()  # garbage of earlier tests has files, too
        with held, open_files(os.getpid(), spare), pytest.raises(HostError) as caught:
            session.init_execution_context(handle)
        assert caught.value.errno is Errno.RUNTIME_ERROR
        assert "Too many open files" in caught.value.reason
        session.init_execution_context(handle)
    assert computes(graph)
    assert backend.running() is process
    backend.close()


def test_a_host_without_files_for_a_process_starts_none_and_keeps_none_open() -> None:
    with NNHost(isolate=True).session() as session, started() as pids:
        gc.collect()
        before = set(os.listdir("/proc/self/fd"))
        for spare in range(7):  # fewer than the ends of pipes and sockets that it takes
            with open_files(os.getpid(), spare), pytest.raises(HostError) as caught:
                load(session)
            assert caught.value.errno is Errno.RUNTIME_ERROR
            assert "Too many open files" in caught.value.reason
            assert set(os.listdir("/proc/self/fd")) <= before
    assert not pids
    assert session.init_execution_context(load(session))
    session.close()
