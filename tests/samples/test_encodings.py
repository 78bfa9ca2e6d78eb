"""The digits model in every encoding, on every backend, to a guest of every ABI."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime_shim import NNHost, parse_nn_graph, parse_nn_preload
from tests.support.digits import ABIS, printed_digits, write_models

ENCODINGS = ["onnx", "openvino", "tensorflow", "tensorflowlite"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("encodings")
    write_models(path, ENCODINGS)
    return path


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("abi", ABIS)
def test_the_digits_are_the_same(
    encoding: str, abi: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    host = NNHost(graphs=[parse_nn_graph(f"{encoding}::{folder / encoding / 'digits'}")])
    assert printed_digits(host, abi, capfd) == "0123456789"


def test_a_preload_names_both_files_of_openvino(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = folder / "openvino" / "digits" / "model"
    graph = parse_nn_preload(f"digits:OpenVINO:AUTO:{model}.xml:{model}.bin")
    assert printed_digits(NNHost(graphs=[graph]), "witx", capfd) == "0123456789"
