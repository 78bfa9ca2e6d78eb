"""Frozen TensorFlow graphs, through OpenVINO."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from rewriter.abi.dialects import Encoding, Errno, Target, TensorType
from runtime_shim import HostError, NNHost
from runtime_shim.backends.tensorflow import TensorFlowBackend
from tests.support.models import identity as onnx_identity
from tests.support.tensorflow_models import frozen, identity, node, placeholder


@pytest.mark.parametrize("from_file", [False, True])
def test_a_frozen_graph_runs_from_bytes_and_from_a_file(from_file: bool, tmp_path: Path) -> None:
    (tmp_path / "model.pb").write_bytes(identity((2,)))
    part = tmp_path / "model.pb" if from_file else identity((2,))
    graph = TensorFlowBackend().load([part], Target.CPU)
    assert graph.device == "CPU"
    context = graph.init_execution_context()
    data = struct.pack("<2f", 1.5, -2)
    context.set_input(0, TensorType.F32, (2,), memoryview(data))
    context.compute()
    assert bytes(context.get_output(0)) == data


def test_bytes_that_were_put_in_a_file_are_removed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    TensorFlowBackend().load([identity((2,))], Target.CPU)
    unknown = frozen(placeholder("x", (1,)), node("y", "ReadFile", ["x"]))
    with pytest.raises(RuntimeError):
        TensorFlowBackend().load([unknown], Target.CPU)
    assert not list(tmp_path.iterdir())


def test_autodetect_knows_a_frozen_graph() -> None:
    host = NNHost()
    host.load([identity((1,))], Encoding.AUTODETECT, Target.CPU)
    assert host.stats()[0].encoding == "tensorflow"


@pytest.mark.parametrize(
    "parts",
    [[], [b""], [onnx_identity()], [b"\nnode {"], [identity((1,))[:30]], [identity((1,))] * 2],
)
def test_what_is_no_frozen_graph_is_an_invalid_argument(parts: list[bytes]) -> None:
    with pytest.raises(HostError) as caught:
        TensorFlowBackend().load(parts, Target.CPU)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


def test_an_operator_that_openvino_does_not_have_is_named() -> None:
    model = frozen(placeholder("x", (1,)), node("y", "ReadFile", ["x"]))
    with pytest.raises(RuntimeError, match="ReadFile"):
        TensorFlowBackend().load([model], Target.CPU)
