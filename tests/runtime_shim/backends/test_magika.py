"""A model that is in use: what a guest makes of it is what its publisher's own program says."""

from __future__ import annotations

import json
from pathlib import Path

import magika
import pytest

from rewriter import RewriteOptions, rewrite
from rewriter.abi.dialects import Encoding, Target
from runtime_shim import NamedGraph, NNHost, RunOptions, run
from samples.build import SAMPLES, build
from tests.conftest import GUESTS

MODEL = Path(magika.__file__).parent / "models" / "standard_v3_3"

FILES = {
    "python": Path(__file__),
    "c": GUESTS / "tensors.c",
    "markdown": SAMPLES.parent / "README.md",
    "toml": SAMPLES.parent / "pyproject.toml",
    "onnx": SAMPLES / "digits" / "model.onnx",
}


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("magika") / "filetype.wasm"
    build(GUESTS / "filetype.c", path)
    return path.read_bytes()


@pytest.mark.parametrize("encoding", [Encoding.ONNX, Encoding.OPENVINO])
@pytest.mark.parametrize("abi", ["witx", "wamr"])
def test_a_guest_tells_files_as_the_publishers_program_does(
    guest: bytes, encoding: Encoding, abi: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, path in FILES.items():
        (tmp_path / name).write_bytes(path.read_bytes())
    graph = NamedGraph("magika", encoding, Target.CPU, (str(MODEL / "model.onnx"),))
    options = RunOptions(["filetype", *(f"/{name}" for name in FILES)], dirs={"/": str(tmp_path)})
    adapted = rewrite(guest, RewriteOptions(abi=abi))
    assert run(adapted, NNHost(graphs=[graph]), options).exit_code == 0
    lines = [line.split() for line in capfd.readouterr().out.splitlines()]
    labels = json.loads((MODEL / "config.min.json").read_text())["target_labels_space"]
    publisher = magika.Magika()
    for (place, score), (name, path) in zip(lines, FILES.items(), strict=True):
        expected = publisher.identify_path(path).prediction
        assert labels[int(place)] == expected.dl.label
        assert float(score) == pytest.approx(expected.score, abs=1e-4)
        assert name == "onnx" or labels[int(place)] == name
