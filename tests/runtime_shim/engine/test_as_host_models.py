"""--as: encodings, backends and models, as the host has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rewriter.abi.dialects import Encoding
from runtime_shim import NNHost
from runtime_shim.errors import HostHarm
from tests.runtime_shim.engine.test_as_host import GGML, ONNX, OPENVINO, PYTORCH, TFLITE, named
from tests.support import tflite_models
from tests.support.guest import DATA, HANDLE
from tests.support.models import identity
from tests.support.played import Played


def test_encodings_are_those_of_the_host() -> None:
    for label, number, errno in (
        ("wamr-ephemeral@2.4.5", 5, 6),  # GGML there, which has to be named
        ("wamr-ephemeral@2.1.0", 5, 2),
        ("wasmedge@0.11.1", 2, 1),
        ("wasmedge@0.17.1", 6, 0),
        ("wasmedge@0.13.3", 6, 2),
    ):
        assert Played(label).load_model(b"model", number) == errno


@pytest.mark.parametrize(
    ("label", "encoding", "errno"),
    [
        ("wamr-legacy@1.1.2", ONNX, 1),
        ("wamr-legacy@2.1.0", ONNX, 2),
        ("wamr-legacy@2.1.1", OPENVINO, 1),
        ("wamr-legacy@2.1.2", GGML, 2),
        ("wamr-legacy@2.3.1", ONNX, 2),
        ("wamr-legacy@2.4.5", OPENVINO, 2),
        ("wamr-ephemeral@2.1.0", OPENVINO, 2),
        ("wamr-ephemeral@2.1.1", ONNX, 1),
        ("wamr-ephemeral@2.3.1", ONNX, 2),
        ("wamr-ephemeral@2.4.5", ONNX, 2),
        ("wamr-ephemeral@main", PYTORCH, 2),
        # Language models have names there.
        ("wamr-legacy@2.3.1", GGML, 5),
        ("wamr-ephemeral@2.3.1", GGML, 5),
        ("wamr-ephemeral@2.4.5", GGML, 6),
        ("wamr-ephemeral@main", GGML, 6),
        # WasmEdge has a place for some backends, and nothing there.
        ("wasmedge@0.12.1", ONNX, 1),
        ("wasmedge@0.13.3", ONNX, 1),
        ("wasmedge@0.14.0", Encoding.WHISPER, 2),
        ("wasmedge@0.17.1", Encoding.TENSORFLOW, 1),
        ("wasmedge@0.17.1", Encoding.BURN, 2),
        ("wasmtime@29", TFLITE, 6),
        ("wasmtime@49", Encoding.TENSORFLOW, 6),
    ],
)
def test_a_model_that_the_host_has_no_backend_for_is_refused_as_it_does(
    label: str, encoding: Encoding, errno: int
) -> None:
    guest = Played(label)
    assert guest.load_model(b"model", guest.encodings[encoding]) == errno
    assert guest.init_execution_context(guest.u32(HANDLE), HANDLE) != 0


@pytest.mark.parametrize(
    ("label", "errno"), [("wamr-ephemeral@main", 2), ("wasmedge@0.17.1", 1), ("wasmtime@49", 6)]
)
def test_so_is_one_that_has_a_name(label: str, errno: int, tmp_path: Path) -> None:
    guest = named(label, tmp_path, Encoding.TENSORFLOW)
    guest.put(DATA, b"model")
    assert guest.load_by_name(DATA, 5, HANDLE) == errno
    assert guest.init_execution_context(guest.u32(HANDLE), HANDLE) != 0


def test_before_23_wasmtime_ends_with_a_model_that_it_has_no_backend_for() -> None:
    with pytest.raises(HostHarm, match="wasmtime@14 has no backend for onnx models"):
        Played("wasmtime@14").context_of(ONNX)


@pytest.mark.parametrize(
    ("label", "encoding", "needed"),
    [
        ("wamr-legacy@2.4.5", TFLITE, "libwasi_nn_tflite.so"),
        ("wamr-ephemeral@2.4.5", GGML, "libwasi_nn_llamacpp.so"),
        ("wasmedge@0.17.1", OPENVINO, "the plugin libwasmedgePluginWasiNN.so, built for the"),
        ("wasmtime@49", OPENVINO, "OpenVINO's C library"),
        ("wasmtime@49", ONNX, "cargo build --release --features wasmtime-wasi-nn/onnx"),
    ],
)
def test_what_a_device_needs_for_the_model_is_said_once(
    label: str, encoding: Encoding, needed: str, caplog: pytest.LogCaptureFixture
) -> None:
    guest = Played(label)
    for _ in range(2):
        guest.context_of(encoding)
    said = [record.message for record in caplog.records if "need" in record.message]
    (found,) = said
    assert found.startswith(
        f"on a device, {label} needs this for {encoding.name.lower()} models: {needed}"
    )


@pytest.mark.parametrize(
    ("label", "number", "errno"),
    [
        ("wamr-legacy@2.3.1", 6, 1),
        ("wamr-ephemeral@main", 6, 1),
        ("wasmedge@0.17.1", 5, 2),
        ("wasmtime@49", 5, 6),
    ],
)
def test_no_host_finds_out_what_a_model_is(label: str, number: int, errno: int) -> None:
    guest = Played(label, NNHost())
    assert guest.load_model(tflite_models.identity(np.float32, [4]), number) == errno


def test_an_input_that_the_model_does_not_have_is_the_hosts_error() -> None:
    tflite, onnx = tflite_models.identity(np.float32, [4]), identity(dims=(4,))
    for label, encoding, model, errno in (
        ("wamr-legacy@2.4.5", TFLITE, tflite, 5),
        ("wasmedge@0.17.1", TFLITE, tflite, 1),
        ("wasmtime@49", ONNX, onnx, 5),
    ):
        guest = Played(label, NNHost())
        context = guest.context_of(encoding, model)
        assert guest.feed(context, 1, 1, (4,), bytes(16)) == errno
        assert guest.feed(context, 0, 1, (4,), bytes(16)) == 0


def test_a_tensor_that_the_model_does_not_take_is_the_backends_error() -> None:
    tflite, onnx = tflite_models.identity(np.float32, [4]), identity(dims=(4,))
    for label, encoding, model, errno in (
        ("wamr-legacy@2.4.5", TFLITE, tflite, 1),
        ("wamr-ephemeral@main", TFLITE, tflite, 5),
        ("wamr-ephemeral@2.4.5", OPENVINO, onnx, 5),
        ("wasmedge@0.17.1", TFLITE, tflite, 1),
        ("wasmtime@49", OPENVINO, onnx, 5),
    ):
        guest = Played(label, NNHost())
        context = guest.context_of(encoding, model)
        assert guest.feed(context, 0, 1, (5,), bytes(20)) == errno


def test_a_model_is_what_the_host_takes_the_number_for() -> None:
    model = tflite_models.identity(np.float32, [4])
    for label, number, errno in (("wamr-legacy@2.4.5", 2, 2), ("wamr-legacy@2.4.5", 4, 0)):
        assert Played(label, NNHost()).load_model(model, number) == errno
