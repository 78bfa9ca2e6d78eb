"""Components that call the lowered functions of wasi:nn as no toolchain does: they are stopped at
worst."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime_shim import Reason
from tests.runtime_shim.components.calls import CALLS, REALLOCS, TENSOR, Ending, call
from tests.runtime_shim.components.guest import guest, outcome
from tests.support.models import identity
from tests.support.native import NativeWasmtime, openvino_model
from tests.support.wit import OCTOBER

SAMPLE = 12


@pytest.mark.parametrize(("version", "body", "ending"), CALLS)
def test_a_call_stops_the_guest_at_worst(version: str, body: str, ending: Ending) -> None:
    ended = outcome(body, version)
    if ending is None:
        assert ended.lines == ()
        assert ended.exit_code == 0
    else:
        assert ended.reason is Reason.TRAPPED
        assert ending in ended.lines[-1]


@pytest.mark.parametrize(("realloc", "ending"), REALLOCS)
def test_a_realloc_that_gives_no_room_or_calls_wasi_nn_stops_the_guest(
    realloc: str, ending: str
) -> None:
    ended = outcome(call("data", TENSOR, 128), realloc=realloc)
    assert ended.reason is Reason.TRAPPED
    assert ending in ended.lines[-1]


def test_an_error_that_finds_no_free_handle_stops_the_guest() -> None:
    """Each tensor takes a handle until none is left for the error of load-by-name."""
    ended = outcome(
        """(loop $next
          (drop (call $new (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 0)))
          (local.set $a (i32.add (local.get $a) (i32.const 1)))
          (br_if $next (i32.lt_u (local.get $a) (i32.const 0x200000))))
        (call $load_by_name (i32.const 64) (i32.const 1) (i32.const 128))"""
    )
    assert ended.reason is Reason.TRAPPED
    assert "at most 2097152 handles" in ended.lines[-1]


def test_a_realloc_that_gives_unaligned_room_stops_the_guest() -> None:
    ended = outcome(call("dims", TENSOR, 128), realloc="(return (i32.const 130))")
    assert ended.reason is Reason.TRAPPED
    assert "not aligned" in ended.lines[-1]


STOPPED, TRAPPED = 1, 134
"""Exit codes of native Wasmtime. The first is for what the canonical ABI refuses."""


def test_native_wasmtime_stops_the_guest_where_this_host_does(
    native: NativeWasmtime, tmp_path: Path
) -> None:
    """A sample: each of these takes a process. What gets an error here depends on the backend."""
    openvino_model(identity(), tmp_path)
    model = (tmp_path / "model.xml").read_bytes()
    calls = [each for each in CALLS if each[0] == OCTOBER and "$failed" not in each[1]]
    path = tmp_path / "guest.wasm"
    for _, body, ending in calls[:: len(calls) // SAMPLE]:
        path.write_bytes(guest(body, model=model, encoding=0))
        code = native.run(path).returncode
        assert code in ((0,) if ending is None else (STOPPED, TRAPPED)), body
