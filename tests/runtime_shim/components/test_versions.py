"""Components that were given another version of wasi:nn: they run, and hostile calls end them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewriter.abi.snapshots import AUGUST, JUNE, OCTOBER, Snapshot
from rewriter.components.component import Component
from rewriter.inlining.versions import change_version
from runtime_shim import CAPTURED, NNHost, Reason, RunOptions, parse_nn_graph, run
from tests.rewriter.inlining.inferring import ADDED, STAYED, got, program, save_model
from tests.runtime_shim.components.calls import CALLS, Ending
from tests.runtime_shim.components.guest import guest, host

OPTIONS = RunOptions(cache=False, stdout=CAPTURED, stderr=CAPTURED)

REUSED = "is not a handle of a tensor"
"""Of an input after compute: an output may have its number."""

OF_THE_SHIM = [
    (version, body, ending)
    for version, body, ending in CALLS
    if any(f"${name} " in body for name in ("compute", "set_input", "get_output", "error"))
    and (version, ending) != (OCTOBER.version, REUSED)
]


@pytest.mark.parametrize(("version", "body", "ending"), OF_THE_SHIM)
def test_a_call_of_another_version_ends_as_before(version: str, body: str, ending: Ending) -> None:
    to = AUGUST if version == OCTOBER.version else OCTOBER
    data = change_version(Component(guest(body, version)), to, ["y"]).data
    ended = run(data, host(), OPTIONS)
    if ending is None:
        assert (ended.lines, ended.exit_code) == ((), 0)
    else:
        assert ended.reason is Reason.TRAPPED


@pytest.mark.parametrize(
    ("snapshot", "to", "body"),
    [
        (AUGUST, OCTOBER, ADDED + got("s", 1007)),
        (AUGUST, OCTOBER, STAYED + got("s", 1008)),
        (JUNE, OCTOBER, ADDED + got("f", 1003)),
        (OCTOBER, AUGUST, ADDED + got("f", 1003)),
        (OCTOBER, JUNE, ADDED + got("s", 1007)),
    ],
)
def test_a_component_of_another_version_runs(
    tmp_path: Path, snapshot: Snapshot, to: Snapshot, body: str
) -> None:
    data = change_version(Component(program(snapshot, body)), to, ["s", "f"]).data
    folder = tmp_path / "m"
    folder.mkdir()
    save_model(folder)
    with NNHost(graphs=[parse_nn_graph(f"onnx::{folder}")]) as with_graph:
        ended = run(data, with_graph, OPTIONS)
    assert (ended.lines, ended.exit_code) == ((), 0)
