"""The samples' digits on Triton and on MLServer, and every type of tensor on Triton. Takes the
folders of two virtual environments, with nvidia-pytriton and with MLServer, in TRITON and MLSERVER.
"""

from __future__ import annotations

import json
import math
import os
import signal
import struct
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import DescriptorProto

from rewriter.abi.dialects import Encoding, TensorType
from runtime_shim import HostError, NamedGraph, NNHost, parse_nn_graph
from runtime_shim.backends.common.devices import AUTO
from runtime_shim.backends.remote.endpoints import parse_endpoint
from runtime_shim.backends.remote.model import RemoteModel
from runtime_shim.backends.remote.over_grpc import messages
from samples.build import SAMPLES
from tests.heavy.inference_servers import Running, mlserver, triton
from tests.runtime_shim.backends.remote.remote_graphs import host_of
from tests.support.command import nnshim
from tests.support.digits import ABIS, printed_digits

TRITON, MLSERVER = Path(os.environ["TRITON"]), Path(os.environ["MLSERVER"])

TYPES = {
    "FP16": (TensorType.F16, 2),
    "FP32": (TensorType.F32, 4),
    "FP64": (TensorType.F64, 8),
    "UINT8": (TensorType.U8, 1),
    "INT32": (TensorType.I32, 4),
    "INT64": (TensorType.I64, 8),
    "BOOL": (TensorType.U8, 1),
    "INT8": (TensorType.U8, 1),
    "INT16": (TensorType.U8, 2),
    "UINT16": (TensorType.U8, 2),
    "UINT32": (TensorType.U8, 4),
    "UINT64": (TensorType.U8, 8),
}
"""Triton's Python backend has no BF16."""

FIXED = "3"
"""The shape of the models, so that outputs can be in shared memory, too."""


@pytest.fixture(scope="module")
def on_triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with triton(TRITON, tmp_path_factory.mktemp("triton"), dict.fromkeys(TYPES, FIXED)) as running:
        yield running


@pytest.fixture(scope="module")
def on_mlserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with mlserver(MLSERVER, tmp_path_factory.mktemp("mlserver")) as running:
        yield running


@pytest.mark.parametrize("abi", ABIS)
@pytest.mark.parametrize("protocol", ["grpc", "http"])
@pytest.mark.parametrize("server", ["on_triton", "on_mlserver"])
def test_the_digits_are_recognised(
    server: str,
    protocol: str,
    abi: str,
    request: pytest.FixtureRequest,
    capfd: pytest.CaptureFixture[str],
) -> None:
    running: Running = request.getfixturevalue(server)
    url = f"{protocol}://127.0.0.1:{getattr(running, protocol)}/digits"
    host = NNHost(graphs=[parse_nn_graph(f"remote::{url}")])
    assert printed_digits(host, abi, capfd) == "0123456789"
    (stats,) = host.stats()
    assert stats.device.startswith(url)
    assert stats.inferences == 10


def test_the_command_runs_the_sample_on_a_server(on_triton: Running) -> None:
    guest = str(SAMPLES / "digits_by_name.wat")
    server = f"grpc://127.0.0.1:{on_triton.grpc}"
    for named in (["-S", f"nn-graph=remote::{server}/digits"], ["--device", f"remote={server}"]):
        ran = nnshim("run", "--stats", *named, guest)
        assert ran.stdout == b"3\n"
        assert f"on {server}/digits (python)".encode() in ran.stderr


@pytest.mark.parametrize("shares_memory", [False, True], ids=["sent", "shared memory"])
@pytest.mark.parametrize("protocol", ["grpc", "http"])
@pytest.mark.parametrize("kind", TYPES)
def test_every_type_of_tensor_comes_back_from_triton(
    kind: str, protocol: str, shares_memory: bool, on_triton: Running
) -> None:
    url = f"{protocol}://127.0.0.1:{getattr(on_triton, protocol)}/echo_{kind}"
    tensor_type, size = TYPES[kind]
    with host_of(url, shared_memory=shares_memory).session() as session:
        context = session.init_execution_context(session.load_by_name("m"))
        for data in (bytes(3 * size), bytes([1] * 3 * size), bytes(3 * size)):
            session.set_input(context, 0, tensor_type, (3,), memoryview(data))
            session.compute(context)
            assert session.get_output(context, 0) == data


@pytest.mark.parametrize("kind", TYPES)
def test_triton_reads_numbers_in_typed_contents(kind: str, on_triton: Running) -> None:
    url = f"grpc://127.0.0.1:{on_triton.grpc}/echo_{kind}"
    tensor_type, size = TYPES[kind]
    data = bytes([1, *[0] * (size - 1)]) * 3
    with host_of(url, binary_tensors=False).session() as session:
        context = session.init_execution_context(session.load_by_name("m"))
        session.set_input(context, 0, tensor_type, (3,), memoryview(data))
        if kind == "FP16":
            with pytest.raises(HostError, match="is sent in binary form only"):
                session.compute(context)
        else:
            session.compute(context)
            assert session.get_output(context, 0) == data


@pytest.mark.parametrize("protocol", ["grpc", "http"])
@pytest.mark.parametrize("server", ["on_triton", "on_mlserver"])
def test_the_digits_are_recognised_without_binary_tensors(
    server: str,
    protocol: str,
    request: pytest.FixtureRequest,
    capfd: pytest.CaptureFixture[str],
) -> None:
    running: Running = request.getfixturevalue(server)
    endpoint = parse_endpoint(f"{protocol}://127.0.0.1:{getattr(running, protocol)}/digits")
    remote = RemoteModel((endpoint,), binary_tensors=False)
    named = NamedGraph("digits", Encoding.AUTODETECT, AUTO, (), remote=remote)
    assert printed_digits(NNHost(graphs=[named]), ABIS[0], capfd) == "0123456789"


def shared_with(server: Running) -> dict[str, Any]:
    """What Triton has mapped, by its name."""
    status = f"http://127.0.0.1:{server.http}/v2/systemsharedmemory/status"
    with urllib.request.urlopen(status) as answer:
        return {each["name"]: each for each in json.load(answer)}


def test_nothing_is_left_in_shared_memory(on_triton: Running) -> None:
    before = shared_with(on_triton)
    host = host_of(f"grpc://127.0.0.1:{on_triton.grpc}/echo_FP32", shared_memory=True)
    with host.session() as session:
        context = session.init_execution_context(session.load_by_name("m"))
        session.set_input(context, 0, TensorType.F32, (3,), memoryview(bytes(12)))
        session.compute(context)
        (segment,) = (each for name, each in shared_with(on_triton).items() if name not in before)
        assert segment["byte_size"] == 128
        assert not Path(f"/dev/shm{segment['key']}").exists()
    assert segment["name"] not in shared_with(on_triton)


def test_mlserver_has_no_shared_memory_and_that_is_an_error(on_mlserver: Running) -> None:
    host = host_of(f"grpc://127.0.0.1:{on_mlserver.grpc}/digits", shared_memory=True)
    with host.session() as session:
        context = session.init_execution_context(session.load_by_name("m"))
        session.set_input(context, 0, TensorType.F32, (1, 64), memoryview(bytes(256)))
        with pytest.raises(HostError, match="no shared memory") as caught:
            session.compute(context)
    assert caught.value.code == "NN608"


@pytest.mark.parametrize("protocol", ["grpc", "http"])
@pytest.mark.parametrize("server", ["on_triton", "on_mlserver"])
def test_a_model_that_the_server_does_not_have_is_refused_in_its_words(
    server: str, protocol: str, request: pytest.FixtureRequest
) -> None:
    running: Running = request.getfixturevalue(server)
    host = host_of(f"{protocol}://127.0.0.1:{getattr(running, protocol)}/nothing")
    with pytest.raises(HostError, match=r"(?i)not found|unknown model") as caught:
        host.load_by_name("m")
    assert caught.value.code == "NN606"


@pytest.mark.parametrize("server", ["on_triton", "on_mlserver"])
@pytest.mark.parametrize(("scheme", "instead"), [("grpc", "http"), ("http", "grpc")])
def test_the_port_of_the_other_protocol_is_answered_by_the_scheme_to_try(
    server: str, scheme: str, instead: str, request: pytest.FixtureRequest
) -> None:
    running: Running = request.getfixturevalue(server)
    with pytest.raises(HostError) as caught:
        host_of(f"{scheme}://127.0.0.1:{getattr(running, instead)}/digits").load_by_name("m")
    assert f"try {instead}:// in place of {scheme}://" in caught.value.reason


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_triton_says_which_version_computes_and_what_it_does_not_have(
    protocol: str, on_triton: Running
) -> None:
    url = f"{protocol}://127.0.0.1:{getattr(on_triton, protocol)}/digits/versions"
    assert len(probabilities(f"{url}/1", 0)) == 40
    with pytest.raises(HostError, match=r"NN606.*2 is not found"):
        probabilities(f"{url}/2", 0)


@pytest.mark.parametrize(
    ("server", "protocol", "code"),
    [
        ("on_triton", "grpc", None),
        ("on_triton", "http", None),
        ("on_mlserver", "grpc", "NN606"),  # its codec of NumPy's arrays fails
        ("on_mlserver", "http", "NN608"),  # it sends null
    ],
)
def test_outputs_that_are_not_numbers_arrive_or_are_refused(
    server: str, protocol: str, code: str | None, request: pytest.FixtureRequest
) -> None:
    running: Running = request.getfixturevalue(server)
    url = f"{protocol}://127.0.0.1:{getattr(running, protocol)}/digits"
    if code is None:
        found = struct.unpack("<10f", probabilities(url, 3e38))
        assert any(map(math.isnan, found))
    else:
        with pytest.raises(HostError, match=code):
            probabilities(url, 3e38)


def probabilities(url: str, pixel: float) -> bytes:
    """The digits' output for an image of one colour."""
    with host_of(url).session() as session:
        context = session.init_execution_context(session.load_by_name("m"))
        data = memoryview(struct.pack("<64f", *[pixel] * 64))
        session.set_input(context, 0, TensorType.F32, (1, 64), data)
        session.compute(context)
        return session.get_output(context, 0)


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_server_that_is_killed_is_an_error_and_nothing_hangs(
    protocol: str, tmp_path: Path
) -> None:
    data = memoryview(bytes(256))
    with mlserver(MLSERVER, tmp_path) as first:
        url = f"{protocol}://127.0.0.1:{getattr(first, protocol)}/digits"
        session = host_of(url).session()
        context = session.init_execution_context(session.load_by_name("m"))
        session.set_input(context, 0, TensorType.F32, (1, 64), data)
        session.compute(context)
        os.killpg(first.process.pid, signal.SIGKILL)
        with pytest.raises(HostError) as caught:
            session.compute(context)
        assert caught.value.code in ("NN603", "NN605")
        with pytest.raises(HostError, match="NN603"):
            session.compute(context)


def test_messages_are_those_of_tritonclient() -> None:
    program = """
import json
from google.protobuf.descriptor_pb2 import DescriptorProto
from tritonclient.grpc.service_pb2 import DESCRIPTOR
def flat(messages):
    for message in messages:
        described = DescriptorProto()
        message.CopyToProto(described)
        yield message.name, [[each.name, each.number, each.type, each.label]
            for each in described.field]
        yield from flat(message.nested_types)
print(json.dumps(dict(flat(DESCRIPTOR.message_types_by_name.values()))))
"""
    command = [str(TRITON / "bin" / "python"), "-W", "ignore", "-c", program]
    theirs = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    theirs["Parameter"] = theirs["ParametersEntry"]
    for name in messages._FIELDS:
        described = DescriptorProto()
        messages.message(name).DESCRIPTOR.CopyToProto(described)
        for each in described.field:
            assert [each.name, each.number, each.type, each.label] in theirs[name], name
