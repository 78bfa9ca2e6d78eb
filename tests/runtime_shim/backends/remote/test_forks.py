"""A process that is forked while it has a model on a server, as servers and pools do."""

from __future__ import annotations

import json
import os
import signal
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from rewriter.abi.dialects import TensorType
from runtime_shim.host.session import Session
from tests.runtime_shim.backends.remote.remote_graphs import host_of
from tests.support.inference_server import Model, Tensor, http_server
from tests.support.processes import PATIENCE


@contextmanager
def fork(work: Callable[[], object]) -> Iterator[None]:
    """Do something in a fork at the same time, which must not fail there."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.alarm(int(PATIENCE))
            code = 0 if work() else 2
        finally:
            os._exit(code)
    try:
        yield
    finally:
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def infer(session: Session, context: int, *numbers: float) -> bool:
    """Whether a model that returns its input does so, several times."""
    data = struct.pack("<2f", *numbers)
    for _ in range(3):
        session.set_input(context, 0, TensorType.F32, (1, 2), memoryview(data))
        session.compute(context)
        if session.get_output(context, 0) != data:
            return False
    return True


@pytest.mark.parametrize("shared_memory", [False, True])
@pytest.mark.parametrize("repeats_ids", [False, True])
def test_each_process_gets_its_own_answers(shared_memory: bool, repeats_ids: bool) -> None:
    def is_slow(inputs: list[Tensor]) -> list[Tensor]:
        time.sleep(0.05)
        return inputs

    model = Model([("x", "FP32", [1, 2])], infer=is_slow)
    model.repeats_ids = repeats_ids
    if shared_memory:
        model.extensions.append("system_shared_memory")
    with (
        http_server(model) as url,
        host_of(url, shared_memory=shared_memory).session() as session,
    ):
        context = session.init_execution_context(session.load_by_name("m"))
        assert infer(session, context, 0, 0)
        with fork(lambda: infer(session, context, 1, 2)):
            assert infer(session, context, 3, 4)
        assert infer(session, context, 5, 6)


def test_a_fork_has_ids_of_its_own() -> None:
    ids: list[str] = []
    model = Model([("x", "FP32", [1, 2])])
    answer = model.answer

    def noted(request_id: str) -> dict[str, object]:
        ids.append(request_id)
        return answer(request_id)

    model.answer = noted  # type: ignore[method-assign]  # of this one
    with http_server(model) as url, host_of(url).session() as session:
        context = session.init_execution_context(session.load_by_name("m"))
        with fork(lambda: infer(session, context, 1, 2)):
            assert infer(session, context, 3, 4)
    assert len(set(ids)) == len(ids) == 6, json.dumps(ids)
