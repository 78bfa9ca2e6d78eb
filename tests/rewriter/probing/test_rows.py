"""Probing native Wasmtime gives all that its row of the table says; so does nnshim, of which
tests/nnshim/test_probe_installed.py asks it."""

from __future__ import annotations

import pytest

from rewriter.hosts.profiles.probed import profile_of
from rewriter.hosts.profiles.profile import ProfiledHost
from rewriter.probing.host import Host
from rewriter.probing.probe import measure
from tests.support.native import NativeWasmtime
from tests.support.rows import BY_HAND, against_the_row, not_measured

_OF_OTHERS = (
    *("held_shapes", "quantised_as_floats"),  # of TensorFlow Lite
    *("unconfigured", "configured_ends"),  # of load_by_name_with_config, which is not there
    "whole_by_name",
    *("borrows", "gives_bf16", "no_empty"),  # of several inputs, and outputs, which no model has
)


def test_native_wasmtime_is_as_its_row_says(
    native: NativeWasmtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", native.env["LD_LIBRARY_PATH"])
    with Host([*native.prefix(), "{}"], jobs=2, timeout=120) as host:
        profile = profile_of(measure(host), ProfiledHost("wasmtime"))
    assert against_the_row("wasmtime", profile) == []
    assert not_measured("wasmtime", profile) == {
        *BY_HAND,
        "names",  # it is told of no graph, and takes no paths
        "entry.strict_main",  # it calls no main
        "nn_in_shared",  # its engine refuses shared memories
        *(f"encodings.{name}" for name in ("onnx", "tensorflow", "pytorch", "tensorflowlite")),
        "encodings.autodetect",
        *(f"backends.openvino.habits.{name}" for name in _OF_OTHERS),
    }
    assert profile.encodings["openvino"] == 0
    assert profile.tensor_types == {"f16": 0, "f32": 1, "f64": 2, "u8": 3, "i32": 4, "i64": 5}
    assert profile.backends[0].faults["input_pointer"] == "aborts"
