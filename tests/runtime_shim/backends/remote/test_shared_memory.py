"""Tensors in shared memory: what a server on this machine may do with it."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from rewriter.abi.dialects import TensorType
from runtime_shim import HostError, Session
from runtime_shim.backends.common.tensor_info import Port
from runtime_shim.backends.remote.interface import Region
from runtime_shim.backends.remote.over_grpc.messages import message
from runtime_shim.backends.remote.over_grpc.outputs import outputs_of
from runtime_shim.errors import ServerError
from tests.runtime_shim.backends.remote.remote_graphs import SERVER, code_of, host_of, two_floats
from tests.support.inference_server import Model, Tensor, http_server

TWO = [("x", "FP32", [2])]


M = TypeVar("M", bound=Model)


def with_shared_memory(model: M) -> M:
    model.extensions.append("system_shared_memory")
    return model


@pytest.fixture
def model() -> Iterator[Model]:
    """A model with a fixed shape, on a server that has shared memory."""
    made = with_shared_memory(Model(TWO))
    yield made
    assert not made.segments
    assert made.keys
    assert not [key for key in made.keys if Path(f"/dev/shm{key}").exists()]


def context_of(session: Session) -> int:
    context = session.init_execution_context(session.load_by_name("m"))
    session.set_input(context, 0, TensorType.F32, (2,), memoryview(two_floats))
    return context


def test_inputs_and_outputs_are_not_sent(model: Model) -> None:
    with http_server(model) as url, host_of(url, shared_memory=True).session() as session:
        context = context_of(session)
        for data in (two_floats, two_floats[::-1]):
            session.set_input(context, 0, TensorType.F32, (2,), memoryview(data))
            session.compute(context)
            assert session.get_output(context, 0) == data
        assert len(model.segments) == 1


def test_an_output_of_a_free_shape_is_sent(model: Model) -> None:
    model.outputs = [("x", "FP32", [-1])]
    with http_server(model) as url, host_of(url, shared_memory=True).session() as session:
        context = context_of(session)
        session.compute(context)
        assert session.get_output(context, 0) == two_floats


def test_a_segment_that_the_server_truncates_is_an_error_and_the_next_is_whole(
    model: Model,
) -> None:
    def truncates(inputs: list[Tensor]) -> list[Tensor]:
        (file,) = model.segments.values()
        os.ftruncate(file, 0)
        return [("x", "FP32", [2], b"")]

    with http_server(model) as url, host_of(url, shared_memory=True).session() as session:
        context = context_of(session)
        model.infer = truncates
        with pytest.raises(HostError, match=r"NN607.*shorter than before"):
            session.compute(context)
        model.infer = list
        session.compute(context)
        assert session.get_output(context, 0) == two_floats
        assert len(model.segments) == 1


def test_an_output_that_was_sent_nevertheless_is_the_one_that_the_guest_gets(model: Model) -> None:
    model.sends_placed = True
    with http_server(model) as url, host_of(url, shared_memory=True).session() as session:
        context = context_of(session)
        session.compute(context)
        assert session.get_output(context, 0) == two_floats


def test_an_output_that_the_server_does_not_write_is_not_that_of_the_last_inference(
    model: Model,
) -> None:
    with http_server(model) as url, host_of(url, shared_memory=True).session() as session:
        context = context_of(session)
        session.compute(context)
        model.infer = lambda _: [("x", "FP32", [2], b"")]
        with pytest.raises(HostError, match=r"NN607.*not, or not all, in the shared memory"):
            session.compute(context)
        with pytest.raises(HostError, match="no output before compute"):
            session.get_output(context, 0)


LARGE = 50_001
"""Elements."""


@pytest.mark.parametrize("part", [slice(0, LARGE // 2), slice(LARGE // 2, None)])
def test_no_part_of_an_output_is_that_of_the_last_inference(model: Model, part: slice) -> None:
    model.inputs = model.outputs = [("x", "FP32", [LARGE])]

    def writes_part(inputs: list[Tensor]) -> list[Tensor]:
        (file,) = model.segments.values()
        offset = model.offsets["x"]
        data = memoryview(inputs[0][3]).cast("f")
        os.pwrite(file, data[part], offset + 4 * (part.start or 0))
        return [("x", "FP32", [LARGE], b"")]

    with http_server(model) as url, host_of(url, shared_memory=True).session() as session:
        context = session.init_execution_context(session.load_by_name("m"))
        ones = struct.pack(f"<{LARGE}f", *[1.0] * LARGE)
        session.set_input(context, 0, TensorType.F32, (LARGE,), memoryview(ones))
        session.compute(context)
        assert session.get_output(context, 0) == ones
        model.infer = writes_part
        with pytest.raises(HostError, match=r"NN607.*not all, in the shared memory"):
            session.compute(context)


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("shared_memory_byte_size", 4),
        ("shared_memory_byte_size", 8.0),
        ("shared_memory_offset", 999),
        ("shared_memory_region", "other"),
        ("shared_memory_region", None),
    ],
)
def test_an_output_that_the_server_says_is_elsewhere_is_refused(
    model: Model, key: str, told: object
) -> None:
    with http_server(model) as url, host_of(url, shared_memory=True).session() as session:
        context = context_of(session)
        model.tells_places = {}
        session.compute(context)
        model.tells_places = {key: told}
        if told is None:  # it need not say so
            session.compute(context)
            assert session.get_output(context, 0) == two_floats
            return
        with pytest.raises(
            HostError, match=rf"NN607.*the {key} of the output 'x' is {told!r}, not"
        ):
            session.compute(context)


def test_places_over_grpc_are_read() -> None:
    answer = message("ModelInferResponse")()
    output = answer.outputs.add(name="x", datatype="FP32", shape=[2])
    for key, value in (("shared_memory_region", {"string_param": "r"}), ("a", {"int64_param": 0})):
        output.parameters.add(key=key, value=value)
    placed = [(Port("x", "FP32", None, (2,)), Region("r", 0, 8))]
    (found,) = outputs_of(SERVER, answer, placed)
    assert (found.data, found.told) == (None, {"shared_memory_region": "r", "a": 0})
    output.parameters.add(key="a", value={"int64_param": 8})
    with pytest.raises(ServerError, match="parameter twice"):
        outputs_of(SERVER, answer, placed)


@pytest.mark.parametrize("shape", [[1 << 30], [1 << 39, 1 << 39]])
def test_outputs_that_would_fill_memory_get_none(shape: list[int]) -> None:
    model = Model(TWO, [("x", "FP32", shape)])
    model.extensions.append("system_shared_memory")
    with http_server(model) as url, host_of(url, shared_memory=True).session() as session:
        context = context_of(session)
        with pytest.raises(HostError, match=r"NN607.*bytes"):
            session.compute(context)
    assert not model.keys


def test_an_output_of_few_bytes_is_sent(model: Model) -> None:
    model.outputs = [("x", "FP32", [1])]
    model.infer = lambda inputs: [("x", "FP32", [1], inputs[0][3][:4])]
    with http_server(model) as url, host_of(url, shared_memory=True).session() as session:
        context = context_of(session)
        session.compute(context)
        assert session.get_output(context, 0) == two_floats[:4]


@pytest.mark.parametrize("lie", [("x", "FP32", [1], two_floats), ("x", "INT32", [2], two_floats)])
def test_an_output_that_is_not_the_models_is_refused_there_too(model: Model, lie: Tensor) -> None:
    model.infer = lambda _: [lie]
    with http_server(model) as url, host_of(url, shared_memory=True).session() as session:
        context = context_of(session)
        with pytest.raises(HostError, match="NN607"):
            session.compute(context)


def test_a_server_without_shared_memory_is_an_error() -> None:
    with http_server(Model()) as url:
        assert code_of(host_of(url, shared_memory=True)) == "NN608"


class Losing(Model):
    """A server that loses the connection once, before or after it does what it is asked for, or
    that forgets what it has mapped."""

    loses = ""
    forgets = False

    def share(self, path: str, body: bytes) -> None:
        loses, self.loses = self.loses, ""
        if loses == "before":
            raise ConnectionError
        super().share(path, body)
        if self.forgets and self.segments:
            os.close(self.segments.popitem()[1])
        if loses == "after":
            raise ConnectionError


@pytest.fixture
def losing() -> Losing:
    return with_shared_memory(Losing(TWO))


def test_a_segment_that_a_server_has_not_unmapped_is_unmapped_with_the_next(losing: Losing) -> None:
    with http_server(losing) as url, host_of(url, shared_memory=True) as host:
        with host.session() as session:
            session.compute(context_of(session))
            losing.loses = "before"
        assert len(losing.segments) == 1
        with host.session() as session:
            session.compute(context_of(session))
            assert len(losing.segments) == 1
        assert not losing.segments


def test_a_segment_that_a_server_may_have_mapped_is_unmapped(losing: Losing) -> None:
    losing.loses = "after"
    with http_server(losing) as url, host_of(url, shared_memory=True).session() as session:
        context = context_of(session)
        with pytest.raises(HostError, match=r"NN603.* was lost before the answer"):
            session.compute(context)
        assert len(losing.segments) == 1
        session.compute(context)
        assert len(losing.segments) == 1


def test_a_server_that_was_started_again_gets_another_segment(model: Model) -> None:
    with http_server(model) as url, host_of(url, shared_memory=True).session() as session:
        context = context_of(session)
        session.compute(context)
        os.close(model.segments.popitem()[1])
        session.compute(context)
        assert session.get_output(context, 0) == two_floats
        assert len(model.segments) == 1


def test_a_server_that_never_knows_the_segment_is_an_error(losing: Losing) -> None:
    losing.forgets = True
    with http_server(losing) as url, host_of(url, shared_memory=True).session() as session:
        context = context_of(session)
        for _ in range(2):
            with pytest.raises(HostError, match=r"NN606.*no such shared memory"):
                session.compute(context)


@pytest.mark.parametrize(("path", "status"), [("/v2", 503), ("register", 502)])
def test_a_server_that_cannot_map_a_segment_now_has_not_got_the_inference(
    path: str, status: int
) -> None:
    first = with_shared_memory(Model(TWO))
    with (
        http_server(first) as url,
        http_server(with_shared_memory(Model(TWO))) as other,
        host_of(url, other, shared_memory=True).session() as session,
    ):
        context = context_of(session)
        first.down = status, path
        session.compute(context)
        assert session.get_output(context, 0) == two_floats


def test_a_server_that_does_not_know_how_to_map_a_segment_is_not_without_the_model() -> None:
    model = with_shared_memory(Model(TWO))
    model.down = 404, "register"
    with http_server(model) as url, host_of(url, shared_memory=True).session() as session:
        context = context_of(session)
        with pytest.raises(HostError, match=r"unsupported_operation\[NN608\].*404"):
            session.compute(context)
