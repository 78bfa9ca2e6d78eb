"""Endpoints of one graph that have different models, such as two versions."""

from __future__ import annotations

import re
from typing import Any

import pytest

from rewriter.abi.dialects import Errno, TensorType
from runtime_shim import HostError, NNHost
from tests.runtime_shim.backends.remote.remote_graphs import host_of, inferred, two_floats
from tests.support.inference_server import Model, Tensor, grpc_server, http_server
from tests.support.ports import closed_port
from tests.support.processes import PATIENCE, wait_for

pytestmark = pytest.mark.usefixtures("asked_again_at_once")

SERVERS = [pytest.param(grpc_server, id="grpc"), pytest.param(http_server, id="http")]

Listed = list[tuple[str, str, list[int]]]


def careless(inputs: list[Tensor]) -> list[Tensor]:
    """What a server computes that looks neither at names nor at types of inputs."""
    return [("x", "FP32", inputs[0][2], inputs[0][3][::-1])]


def moved(first: Model, host: NNHost) -> str:
    """The reason for which the second endpoint does not compute, after the first has failed."""
    assert inferred(host) == two_floats
    first.down = 503, ""
    with pytest.raises(HostError):  # the first may have computed
        inferred(host)
    with pytest.raises(HostError, match="NN607") as caught:
        inferred(host)
    assert caught.value.errno is Errno.RUNTIME_ERROR
    return caught.value.reason


@pytest.mark.parametrize("serve", SERVERS)
@pytest.mark.parametrize(
    ("inputs", "outputs", "what"),
    [
        ([("z", "FP32", [-1, 2])], None, r"it has no input 'x', FP32 \[\?, 2\]"),
        ([("x", "INT32", [-1, 2])], None, r"the input 'x', INT32 \[\?, 2\] instead of 'x', FP32"),
        ([("x", "FP32", [-1, 3])], None, r"the input 'x', FP32 \[\?, 3\] instead of 'x', FP32"),
        ([("x", "FP32", [2])], None, r"the input 'x', FP32 \[2\] instead of 'x', FP32"),
        ([("x", "FP32", [-1, 2]), ("mask", "BOOL", [1])], None, "it also has the input 'mask'"),
        ([("x", "FP32", [-1, 2])], [("y", "FP32", [-1, 2])], "it has no output 'x'"),
        ([("x", "FP32", [-1, 2])], [("x", "INT32", [-1, 2])], "the output 'x', INT32"),
    ],
)
def test_an_endpoint_with_another_model_does_not_compute(
    serve: Any, inputs: Listed, outputs: Listed | None, what: str
) -> None:
    first = Model()
    second = Model(inputs, [("x", "FP32", [-1, 2])] if outputs is None else outputs, careless)
    with serve(first) as url, serve(second) as other:
        reason = moved(first, host_of(url, other))
    assert reason.startswith(f"the model on {other} is not the one on {url}: ")
    assert re.search(what, reason)
    assert not [call for call in second.calls if "infer" in call.lower()]


@pytest.mark.parametrize("serve", SERVERS)
def test_an_endpoint_that_states_other_dimensions_of_the_same_shapes_computes(serve: Any) -> None:
    first, second = Model(), Model([("x", "FP32", [1, -1])])
    with serve(first) as url, serve(second) as other:
        host = host_of(url, other)
        assert inferred(host) == two_floats
        first.down = 503, ""
        with pytest.raises(HostError):
            inferred(host)
        assert inferred(host) == inferred(host) == two_floats
    described = [call for call in second.calls if call in ("ModelMetadata", "/v2/models/m")]
    assert len(described) == 1


@pytest.mark.parametrize("serve", SERVERS)
def test_a_server_that_is_back_with_another_model_does_not_compute(serve: Any) -> None:
    with closed_port() as port:
        with serve(Model(), port) as url:
            host = host_of(url)
            session = host.session()
            context = session.init_execution_context(session.load_by_name("m"))
            session.set_input(context, 0, TensorType.F32, (1, 2), memoryview(two_floats))
            session.compute(context)

        def error() -> HostError | None:
            try:
                session.compute(context)
            except HostError as error:
                return error
            return None

        def is_connected() -> bool:  # gRPC takes a while until it tries again
            found.append(error())
            return found[-1] is None or found[-1].code not in ("NN603", "NN605")

        found = [error()]
        with serve(Model([("z", "FP32", [-1, 2])], None, careless), port):
            wait_for(is_connected)
        assert found[-1] is not None
        assert re.search("NN607.*is not the one before: it has no input", str(found[-1]))
        with serve(Model(), port):
            wait_for(is_connected)
        assert session.get_output(context, 0) == two_floats


@pytest.mark.parametrize("serve", SERVERS)
def test_the_next_request_passes_over_an_endpoint_with_another_model(serve: Any) -> None:
    first, other = Model(), Model([("z", "FP32", [-1, 2])])
    with serve(first) as url, serve(other) as second, serve(Model()) as third:
        host = host_of(url, second, third)
        assert "it has no input" in moved(first, host)
        assert inferred(host) == two_floats


@pytest.mark.parametrize("serve", SERVERS)
def test_after_a_pause_a_server_that_was_started_again_is_met_again(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing has failed that would show it."""
    monkeypatch.setattr("runtime_shim.backends.remote.servers._STARTING", 0.0)
    model = Model()
    with serve(model) as url:
        host = host_of(url)
        assert inferred(host) == two_floats
        model.inputs, model.infer = [("x", "INT32", [-1, 2])], careless
        with pytest.raises(HostError, match=r"NN607.*is not the one before: it has the input"):
            inferred(host)
        model.inputs, model.infer = [("x", "FP32", [-1, 2])], list
        assert inferred(host) == two_floats


def test_an_http_server_that_has_closed_the_connection_is_met_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("runtime_shim.backends.remote.servers._STARTING", PATIENCE)
    with closed_port() as port:
        with http_server(Model(), port) as url:
            host = host_of(url)
            session = host.session()
            context = session.init_execution_context(session.load_by_name("m"))
            session.set_input(context, 0, TensorType.F32, (1, 2), memoryview(two_floats))
            for _ in range(2):  # the first one is on a connection that is not kept
                session.compute(context)
        another = Model([("x", "INT32", [-1, 2])], [("x", "FP32", [-1, 2])], careless)
        with http_server(another, port), pytest.raises(HostError, match="NN607"):
            session.compute(context)
    assert "/v2/models/m/infer" not in another.calls


@pytest.mark.parametrize("status", [401, 404, 500])
def test_an_endpoint_that_refuses_to_describe_the_model_is_not_asked_for_ever(status: int) -> None:
    first, second = Model(), Model()
    with http_server(first) as url, http_server(second) as other:
        host = host_of(url, other)
        assert inferred(host) == two_floats
        first.down, second.down = (503, "infer"), (status, "/m")
        with pytest.raises(HostError, match=r"NN606.*503"):
            inferred(host)
        first.down = None
        with pytest.raises(HostError, match=rf"NN606.*{status}"):
            inferred(host)
        assert inferred(host) == two_floats
