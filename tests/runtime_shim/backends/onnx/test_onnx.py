"""What only the ONNX backend has to do; test_backends.py has what all have to."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from rewriter.abi.dialects import Encoding, Errno, Target, TensorType
from runtime_shim import NNHost
from runtime_shim.backends.interface import Part, Settings
from runtime_shim.backends.onnx.backend import OnnxBackend
from runtime_shim.backends.onnx.graph import OnnxContext, OnnxGraph
from runtime_shim.errors import HostError
from tests.support.models import F32, identity, model, with_external_data


def context_for(data: bytes) -> OnnxContext:
    return OnnxBackend().load([data], Target.CPU).init_execution_context()


def feed(context: OnnxContext, index: int, *values: float) -> None:
    data = struct.pack(f"<{len(values)}f", *values)
    context.set_input(index, TensorType.F32, (len(values),), memoryview(data))


def double(backend: OnnxBackend, part: Part, number: float) -> float:
    """What a model gives for a number."""
    context = backend.load([part], Target.CPU).init_execution_context()
    feed(context, 0, number)
    context.compute()
    (doubled,) = struct.unpack("<f", context.get_output(0))
    return float(doubled)


def doubling() -> bytes:
    nodes = [
        helper.make_node("Identity", ["x"], ["same"]),
        helper.make_node("Add", ["same", "same"], ["y"]),
    ]
    return model(nodes, [("x", F32, (1,))], [("y", F32, (1,))])


@pytest.mark.parametrize("as_file", [False, True])
def test_optimized_models_are_kept_in_a_folder_that_the_host_names(
    tmp_path: Path, as_file: bool
) -> None:
    part: Part = doubling()
    if as_file:
        part = tmp_path / "model.onnx"
        part.write_bytes(doubling())
    cache = tmp_path / "cache"
    backend = OnnxBackend(Settings(model_cache=str(cache)))
    assert double(backend, part, 3) == 6
    (kept,) = cache.iterdir()
    nodes = [node.op_type for node in onnx.load(kept).graph.node]
    assert nodes == ["Add"]
    kept.write_bytes(kept.read_bytes().replace(b"Add", b"Sub"))  # to see that it is used
    assert double(backend, part, 3) == 0
    assert list(cache.iterdir()) == [kept]


def test_a_kept_model_that_is_damaged_is_made_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    backend = OnnxBackend(Settings(model_cache=str(tmp_path)))
    double(backend, doubling(), 3)
    (kept,) = tmp_path.iterdir()
    good = kept.read_bytes()
    kept.write_bytes(good[:-9])
    assert double(backend, doubling(), 3) == 6
    assert kept.read_bytes() == good
    assert "is optimized again" in caplog.text


def test_where_models_cannot_be_kept_they_run_all_the_same(tmp_path: Path) -> None:
    no_folder = tmp_path / "file"
    no_folder.touch()
    backend = OnnxBackend(Settings(model_cache=str(no_folder)))
    assert double(backend, doubling(), 3) == 6


def test_another_release_of_onnxruntime_has_models_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = OnnxBackend(Settings(model_cache=str(tmp_path)))
    for version in ("1.98", "1.99", "1.98"):
        monkeypatch.setattr("onnxruntime.__version__", version)
        assert double(backend, doubling(), 3) == 6
    assert len(list(tmp_path.iterdir())) == 2


def test_a_model_that_could_not_be_kept_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("runtime_shim.model_cache.os.replace", fail)
    backend = OnnxBackend(Settings(model_cache=str(tmp_path)))
    assert double(backend, doubling(), 3) == 6
    assert not list(tmp_path.iterdir())


def test_a_model_with_data_in_another_file_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(bytes(4096))
    part = tmp_path / "model.onnx"
    part.write_bytes(with_external_data("data"))
    cache = tmp_path / "cache"
    OnnxBackend(Settings(model_cache=str(cache))).load([part], Target.CPU)
    assert not cache.exists()


def test_an_output_that_is_no_numbers_is_an_unsupported_operation() -> None:
    node = helper.make_node("Cast", ["x"], ["y"], to=TensorProto.STRING)
    context = context_for(model([node], [("x", F32, (1,))], [("y", TensorProto.STRING, (1,))]))
    feed(context, 0, 1)
    context.compute()
    with pytest.raises(HostError) as caught:
        context.get_output(0)
    assert caught.value.errno is Errno.UNSUPPORTED_OPERATION


def test_a_failed_run_leaves_no_output_of_the_run_before() -> None:
    node = helper.make_node("Reshape", ["x", "shape"], ["y"])
    ports = [("x", F32, (4,)), ("shape", TensorProto.INT64, (1,))]
    context = context_for(model([node], ports, [("y", F32, (None,))]))
    feed(context, 0, 1, 2, 3, 4)
    context.set_input(1, TensorType.I64, (1,), memoryview(struct.pack("<q", 4)))
    context.compute()
    context.set_input(1, TensorType.I64, (1,), memoryview(struct.pack("<q", 3)))
    with pytest.raises(Exception, match="reshape"):
        context.compute()
    with pytest.raises(HostError, match="before compute"):
        context.get_output(0)


@pytest.mark.parametrize("absolute", [False, True])
def test_a_model_cannot_read_the_hosts_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, absolute: bool
) -> None:
    (tmp_path / "secret").write_bytes(bytes(4096))
    monkeypatch.chdir(tmp_path)
    location = str(tmp_path / "secret") if absolute else "secret"
    with pytest.raises(Exception, match=r"External data path|refer to data in other files"):
        context_for(with_external_data(location))


def test_a_version_that_opens_files_gets_no_model_that_may_name_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("runtime_shim.backends.onnx.backend._OPENS_FILES", True)
    with pytest.raises(HostError, match="refer to data in other files") as caught:
        context_for(with_external_data("secret"))
    assert caught.value.errno is Errno.INVALID_ARGUMENT
    assert context_for(identity()) is not None


@pytest.mark.parametrize(("threads", "expected"), [(None, 0), (1, 1), (3, 3)])
def test_an_inference_uses_as_many_threads_as_the_host_allows(
    threads: int | None, expected: int
) -> None:
    graph = NNHost(threads=threads).load([identity()], Encoding.ONNX, Target.CPU)
    assert isinstance(graph, OnnxGraph)
    assert graph.session.get_session_options().intra_op_num_threads == expected


def test_a_model_that_onnx_runtime_refuses_prints_nothing() -> None:
    code = """
import sys
from rewriter.abi.dialects import Target
from runtime_shim import HostError
from runtime_shim.backends.onnx.backend import OnnxBackend
try:
    OnnxBackend().load([sys.stdin.buffer.read()], Target.CPU)
except HostError as error:
    assert "INVALID_GRAPH" in error.reason, error
else:
    sys.exit("it was loaded")
"""
    broken = identity().replace(b"Identity", b"Idantity")
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, input=broken, capture_output=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == (b"", b"", 0)


def test_an_error_that_cannot_be_read_is_not_printed_where_the_guest_prints(
    capfd: pytest.CaptureFixture[str],
) -> None:
    broken = identity().replace(b"Identity", b"Ident\xffty")
    with pytest.raises(HostError) as caught:
        NNHost().load([broken], Encoding.ONNX, Target.CPU)
    assert caught.value.errno is Errno.INVALID_ARGUMENT
    assert capfd.readouterr().out == ""
