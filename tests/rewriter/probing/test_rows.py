"""Probing native Wasmtime and nnshim gives what their rows of the table say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from rewriter.errors import NNShimError
from rewriter.hosts.profiles.compare import differences
from rewriter.hosts.profiles.of_row import from_row
from rewriter.hosts.profiles.probed import profile_of
from rewriter.hosts.profiles.profile import Profile, ProfiledHost
from rewriter.hosts.table import find_host
from rewriter.probing.command import Ran
from rewriter.probing.host import Host
from rewriter.probing.probe import measure
from runtime_shim import CAPTURED, NNHost, RunOptions, run
from tests.support.native import NativeWasmtime


def against_the_table(name: str, profile: Profile) -> Iterator[str]:
    """What the profile has otherwise than the row."""
    return map(str, differences(profile, from_row(find_host(name))))


def test_native_wasmtime_is_as_its_row_says(
    native: NativeWasmtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", native.env["LD_LIBRARY_PATH"])
    with Host([*native.prefix(), "{}"], jobs=2, timeout=120) as host:
        profile = profile_of(measure(host), ProfiledHost("wasmtime"))
    assert list(against_the_table("wasmtime", profile)) == []
    assert profile.encodings["openvino"] == 0
    assert profile.tensor_types == {"f16": 0, "f32": 1, "f64": 2, "u8": 3, "i32": 4, "i64": 5}
    assert profile.backends[0].faults["input_pointer"] == "aborts"


def test_nnshim_is_as_its_row_says() -> None:
    """In this process: a command for each module takes minutes."""
    with NNHost() as nn:

        def runs(_: Sequence[str], path: str, timeout: float) -> Ran:
            try:
                outcome = run(Path(path).read_bytes(), nn, RunOptions(stdout=CAPTURED))
            except NNShimError as error:  # the command refuses the module
                return Ran(1, str(error).encode())
            return Ran(outcome.exit_code, outcome.stdout or b"")

        with Host(["nnshim", "run"], runs=runs) as host:
            profile = profile_of(measure(host), ProfiledHost("nnshim"))
    assert list(against_the_table("nnshim", profile)) == []
    assert profile.modules["wasi_nn"].layouts == ("witx", "wamr")
    assert profile.tells_numbers
    assert [each.encoding for each in profile.backends] == ["openvino", "onnx", "tensorflowlite"]
