"""The digits model in every encoding, on every backend, to a guest of every ABI."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import numpy_helper

from rewriter import rewrite, wasm_tools
from runtime_shim import NNHost, parse_nn_graph, parse_nn_preload, run
from samples.build import SAMPLES
from tests import tensorflow_models, tflite_models
from tests.native import openvino_model

MODEL = SAMPLES / "digits" / "model.onnx"
ENCODINGS = ["onnx", "openvino", "tensorflow", "tensorflowlite"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each encoding, with the model in `digits` below it."""
    path = tmp_path_factory.mktemp("encodings")
    for encoding in ENCODINGS:
        (path / encoding / "digits").mkdir(parents=True)
    data = MODEL.read_bytes()
    (path / "onnx" / "digits" / "model.onnx").write_bytes(data)
    openvino_model(data, path / "openvino" / "digits")
    constants = {c.name: numpy_helper.to_array(c) for c in onnx.load(MODEL).graph.initializer}
    layers = (constants["w0"], constants["w1"]), (constants["b0"], constants["b1"])
    tflite, tensorflow = tflite_models.two_layers(*layers), tensorflow_models.two_layers(*layers)
    (path / "tensorflowlite" / "digits" / "model.tflite").write_bytes(tflite)
    (path / "tensorflow" / "digits" / "model.pb").write_bytes(tensorflow)
    return path


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("abi", ["witx", "wamr"])
def test_the_digit_is_the_same(
    encoding: str, abi: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    guest = wasm_tools.assemble((SAMPLES / "digits_by_name.wat").read_bytes())
    adapted = rewrite(guest, abi=abi)
    host = NNHost(graphs=[parse_nn_graph(f"{encoding}::{folder / encoding / 'digits'}")])
    assert run(adapted, host).exit_code == 0
    assert capfd.readouterr().out == "3\n"


def test_a_preload_names_both_files_of_openvino(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = folder / "openvino" / "digits" / "model"
    graph = parse_nn_preload(f"digits:OpenVINO:AUTO:{model}.xml:{model}.bin")
    guest = wasm_tools.assemble((SAMPLES / "digits_by_name.wat").read_bytes())
    assert run(guest, NNHost(graphs=[graph])).exit_code == 0
    assert capfd.readouterr().out == "3\n"
