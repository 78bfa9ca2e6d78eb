"""Components that call the lowered functions of wasi:nn as no toolchain does: they are stopped at
worst."""

from __future__ import annotations

import pytest

from runtime_shim import Reason
from tests.runtime_shim.components.calls import CALLS, REALLOCS, TENSOR, Ending, call
from tests.runtime_shim.components.guest import outcome


@pytest.mark.parametrize(("version", "body", "ending"), CALLS)
def test_a_call_ends_as_natively(version: str, body: str, ending: Ending) -> None:
    ended = outcome(body, version)
    if ending is None:
        assert ended.lines == ()
        assert ended.exit_code == 0
    else:
        assert ended.reason is Reason.TRAPPED
        assert str(ending) in ended.lines[-1]


@pytest.mark.parametrize(("realloc", "ending"), REALLOCS)
def test_a_realloc_that_gives_no_room_or_calls_wasi_nn_stops_the_guest(
    realloc: str, ending: str
) -> None:
    ended = outcome(call("data", TENSOR, 128), realloc=realloc)
    assert ended.reason is Reason.TRAPPED
    assert ending in ended.lines[-1]
