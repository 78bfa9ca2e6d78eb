"""Which of several endpoints gets a request."""

from __future__ import annotations

import contextlib
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rewriter.abi.dialects import TensorType
from runtime_shim import HostError
from tests.runtime_shim.backends.remote.remote_graphs import (
    code_of,
    host_of,
    host_with_local,
    inferred,
    two_floats,
)
from tests.support.inference_server import Model, grpc_server, http_server, raw_server
from tests.support.ports import closed_port
from tests.support.processes import PATIENCE, wait_for

pytestmark = pytest.mark.usefixtures("asked_again_at_once")

SERVERS = [pytest.param(grpc_server, id="grpc"), pytest.param(http_server, id="http")]


@pytest.mark.parametrize("serve", SERVERS)
def test_the_first_endpoint_that_takes_the_request_computes_it(serve: Any) -> None:
    first, second = Model(), Model()
    with serve(first) as url, serve(second) as other, closed_port() as port:
        host = host_of(f"{url.partition(':')[0]}://127.0.0.1:{port}/m", url, other)
        assert inferred(host) == inferred(host) == two_floats
    assert first.calls
    assert not second.calls


@pytest.mark.parametrize("serve", SERVERS)
def test_a_server_that_has_failed_is_asked_whether_it_is_ready_first(serve: Any) -> None:
    model = Model()
    with closed_port() as port:
        with serve(model, port) as url:
            host = host_of(url)
            assert inferred(host) == two_floats
        assert code_of(host) in ("NN603", "NN605")
        model.calls.clear()
        model.ready = False
        with serve(model, port):

            def is_asked() -> bool:
                assert code_of(host) == "NN603"
                return "ModelReady" in model.calls or "/v2/models/m/ready" in model.calls

            wait_for(is_asked)
            assert not [call for call in model.calls if "infer" in call.lower()]
            model.ready = True
            assert inferred(host) == two_floats


DOWN = [
    pytest.param(grpc_server, 503, id="grpc"),
    *(pytest.param(http_server, status, id=str(status)) for status in (502, 503, 504)),
]


@pytest.mark.parametrize(("serve", "status"), DOWN)
def test_a_proxy_without_a_server_behind_it_is_passed_over_before_anything_is_computed(
    serve: Any, status: int, local: str
) -> None:
    first = Model()
    first.down = status, ""
    with serve(first) as url:
        with serve(Model()) as other:
            assert inferred(host_of(url, other)) == two_floats
        assert code_of(host_of(url)) == "NN603"
        assert host_with_local(url, local).load_by_name("m").device == "cpu"


@pytest.mark.parametrize(("serve", "status"), DOWN)
def test_an_inference_that_a_proxy_may_have_passed_on_is_not_repeated_and_the_next_goes_elsewhere(
    serve: Any, status: int
) -> None:
    first, second = Model(), Model()
    with serve(first) as url, serve(second) as other:
        host = host_of(url, other)
        assert inferred(host) == two_floats
        first.down = status, "infer"
        assert code_of(host) == "NN606"
        assert not second.calls
        assert inferred(host) == two_floats
        assert second.calls


@pytest.mark.parametrize("serve", SERVERS)
def test_statistics_have_the_inferences_of_each_server(serve: Any) -> None:
    with serve(Model()) as second:
        with serve(Model()) as first:
            host = host_of(first, second)
            session = host.session()
            context = session.init_execution_context(session.load_by_name("m"))
            session.set_input(context, 0, TensorType.F32, (1, 2), memoryview(two_floats))
            session.compute(context)
        for _ in range(3):  # the first may have ended within an inference
            with contextlib.suppress(HostError):
                session.compute(context)
    counted = {row.device: (row.loads, row.inferences) for row in host.stats()}
    assert counted[first] == (1, 1)
    assert counted[second] in ((0, 3), (0, 2))


def silent(connected: socket.socket) -> None:
    """A server that takes connections and requests, and says nothing."""
    while connected.recv(1 << 16):
        pass


@pytest.mark.parametrize("serve", SERVERS)
def test_a_server_that_says_nothing_leaves_time_for_the_next_and_is_remembered(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime_shim.backends.remote.servers._CHECKING", 0.1)
    monkeypatch.setattr("runtime_shim.backends.remote.servers._RESTING", PATIENCE)
    with raw_server(silent) as silent_port:
        with serve(Model()) as other:
            scheme = other.partition(":")[0]
            first = f"{scheme}://127.0.0.1:{silent_port}/m"
            host = host_of(first, other, deadline=4.0)
            assert host.load_by_name("m").device.startswith(other)
        alone = host_of(first, deadline=0.5)
        with pytest.raises(HostError, match="NN604"):
            alone.load_by_name("m")
        for reason in ("does not say that it is ready", "was not ready when asked"):
            with pytest.raises(HostError, match=f"NN603.*{reason}"):
                alone.load_by_name("m")


def test_guests_that_wait_for_one_load_do_not_wait_one_after_the_other() -> None:
    with raw_server(silent) as port:
        host = host_of(f"http://127.0.0.1:{port}/m", deadline=1.0)

        def code() -> str | None:
            with pytest.raises(HostError) as caught:
                host.load_by_name("m")
            return caught.value.code

        since = time.monotonic()
        with ThreadPoolExecutor(6) as pool:
            codes = [each.result() for each in [pool.submit(code) for _ in range(6)]]
        assert set(codes) <= {"NN603", "NN604"}
        assert time.monotonic() - since < 4
