"""Local models that stand in for those on servers."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from onnx import TensorProto

from rewriter.abi.dialects import Errno, TensorType
from runtime_shim import HostError
from tests.runtime_shim.backends.remote.remote_graphs import (
    host_with_local,
    inferred,
    two_floats,
)
from tests.support.inference_server import Model, http_server
from tests.support.models import identity
from tests.support.ports import closed_port

pytestmark = pytest.mark.usefixtures("asked_again_at_once")


@pytest.fixture
def port() -> Iterator[int]:
    with closed_port() as found:
        yield found


LOCAL = Model([("x", "FP32", [2])], [("y", "FP32", [2])])


def test_a_local_model_runs_while_no_server_does_and_that_is_said(
    port: int, local: str, caplog: pytest.LogCaptureFixture
) -> None:
    host = host_with_local(f"grpc://127.0.0.1:{port}/m", local)
    session = host.session()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            context = session.init_execution_context(session.load_by_name("m"))
            session.set_input(context, 0, TensorType.F32, (2,), memoryview(two_floats))
            session.compute(context)
            assert session.get_output(context, 0) == two_floats
    (said,) = (text for text in caplog.messages if "NN609" in text)
    assert "'m' runs on its local model" in said
    assert "Connection refused" in said
    (stats,) = host.stats()
    assert (stats.encoding, stats.device, stats.inferences) == ("onnx", "cpu", 3)


def test_a_local_model_does_not_get_the_bytes_of_another_type(port: int, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(identity(TensorProto.UINT8, dims=(2,)))
    bytes_of_i8 = Model([("x", "INT8", [2])], [("y", "UINT8", [2])])
    host = host_with_local(f"http://127.0.0.1:{port}/m", str(path))
    with host.session() as session:
        with http_server(bytes_of_i8, port):
            context = session.init_execution_context(session.load_by_name("m"))
        session.set_input(context, 0, TensorType.U8, (2,), memoryview(b"\xff\xfe"))
        with pytest.raises(HostError, match="it has the type u8 for the input 'x', INT8"):
            session.compute(context)


@pytest.mark.parametrize(
    ("data", "words"), [(None, "does not exist"), (b"<html>", "this is a web page (HTML)")]
)
def test_a_local_model_that_cannot_stand_in_is_said_at_the_start_and_with_what_it_is_for(
    data: bytes | None, words: str, port: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "model.onnx"
    if data is not None:
        path.write_bytes(data)
    host = host_with_local(f"http://127.0.0.1:{port}/m", str(path))
    (said,) = caplog.messages
    assert words in said
    assert said.endswith("; it cannot run in place of the model on a server")
    with http_server(LOCAL, port):
        assert host.load_by_name("m").device.startswith("http:")
    with pytest.raises(HostError) as caught:
        host_with_local(f"http://127.0.0.1:{port}/m", str(path)).load_by_name("m")
    assert (caught.value.errno, caught.value.code) == (Errno.RUNTIME_ERROR, "NN603")
    assert "Connection refused; and the local model cannot be used: " in caught.value.reason


def test_a_local_model_goes_on_when_the_server_ends_and_the_server_when_it_is_back(
    port: int, local: str, caplog: pytest.LogCaptureFixture
) -> None:
    host = host_with_local(f"http://127.0.0.1:{port}/m", local)
    session = host.session()
    with http_server(LOCAL, port):
        context = session.init_execution_context(session.load_by_name("m"))
        session.set_input(context, 0, TensorType.F32, (2,), memoryview(two_floats))
        LOCAL.infer = lambda inputs: [("y", "FP32", [2], inputs[0][3][::-1])]
        session.compute(context)
        assert session.get_output(context, 0) == two_floats[::-1]
    session.compute(context)
    assert session.get_output(context, 0) == two_floats
    with http_server(LOCAL, port):
        session.compute(context)
        assert session.get_output(context, 0) == two_floats[::-1]
    assert {row.device.partition(":")[0]: row.inferences for row in host.stats()} == {
        "http": 2,
        "cpu": 1,
    }
    assert [text for text in caplog.messages if "runs on its" in text][1:] == [
        "the named graph 'm' runs on its server again"
    ]


def test_a_local_model_with_other_names_does_not_stand_in(port: int, local: str) -> None:
    host = host_with_local(f"http://127.0.0.1:{port}/m", local)
    session = host.session()
    with http_server(Model([("other", "FP32", [2])]), port):
        context = session.init_execution_context(session.load_by_name("m"))
        session.set_input(context, 0, TensorType.F32, (2,), memoryview(two_floats))
    with pytest.raises(HostError, match="cannot stand in") as caught:
        session.compute(context)
    assert caught.value.code == "NN608"
    with pytest.raises(HostError):
        session.get_output(context, 0)


@pytest.mark.parametrize("known", [("y", "FP64", [2]), ("y", "FP32", [3])], ids=["type", "shape"])
def test_a_local_model_with_other_outputs_does_not_stand_in(
    known: tuple[str, str, list[int]], port: int, local: str
) -> None:
    session = host_with_local(f"http://127.0.0.1:{port}/m", local).session()
    with http_server(Model([("x", "FP32", [2])], [known]), port):
        context = session.init_execution_context(session.load_by_name("m"))
        session.set_input(context, 0, TensorType.F32, (2,), memoryview(two_floats))
    with pytest.raises(HostError, match=r"NN608.*cannot stand in"):
        session.compute(context)
    with pytest.raises(HostError, match="no output before compute"):
        session.get_output(context, 0)


def test_a_refusal_by_the_server_is_not_hidden_by_the_local_model(local: str) -> None:
    model = Model([])
    with http_server(model) as url, pytest.raises(HostError) as caught:
        inferred(host_with_local(url, local))
    assert caught.value.code == "NN608"
