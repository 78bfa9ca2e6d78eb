"""Small tensors of a model on a server, which a guest copies itself when it uses them again."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from math import prod
from typing import Any

import pytest

from rewriter.abi.dialects import Errno, TensorType
from runtime_shim import CAPTURED, NNHost, RunOptions, run
from runtime_shim.host.shared_tensors import ENTRIES, STEP
from tests.runtime_shim.backends.remote.remote_graphs import host_of, host_with_local
from tests.runtime_shim.components.computing import ONCE, five_times, succeeds
from tests.runtime_shim.components.guest import guest
from tests.support.counted_calls import counted
from tests.support.guest import DATA, HANDLE, OUTPUT, WRITTEN, Guest
from tests.support.inference_server import Model, Tensor, grpc_server, http_server
from tests.support.ports import closed_port

SERVERS = pytest.mark.parametrize(
    "serve", [pytest.param(grpc_server, id="grpc"), pytest.param(http_server, id="http")]
)


class Looping:
    """A guest with a context of the host's graph `m`."""

    def __init__(self, host: NNHost) -> None:
        self.guest = Guest(host)
        self.guest.put(DATA, b"m")
        assert self.guest.load_by_name(DATA, 1, HANDLE) == 0
        self.graph = self.guest.u32(HANDLE)
        self.context = self.new_context()

    def new_context(self) -> int:
        assert self.guest.init_execution_context(self.graph, HANDLE) == 0
        return self.guest.u32(HANDLE)

    def feed(self, data: bytes, shape: tuple[int, ...], kind: int = TensorType.F32) -> int:
        return self.guest.feed(self.context, 0, kind, shape, data)

    def infer(self, *values: float, shape: tuple[int, ...] = (1, 2)) -> tuple[float, ...] | int:
        """The output for floats, or the errno of compute, after which there is no output."""
        assert self.feed(struct.pack(f"<{prod(shape)}f", *values), shape) == 0
        errno = self.guest.compute(self.context)
        if errno:
            read = self.guest.get_output(self.context, 0, OUTPUT, 64, WRITTEN)
            assert read == Errno.RUNTIME_ERROR
            return errno
        output = self.guest.output(self.context, 0)
        return struct.unpack(f"<{len(output) // 4}f", output)


@pytest.fixture
def port() -> Iterator[int]:
    with closed_port() as found:
        yield found


@SERVERS
def test_from_the_third_inference_on_the_host_is_asked_to_compute_only(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(Model()) as url:
        looping = Looping(host_of(url))
        calls = counted(monkeypatch)
        for number in range(6):
            assert looping.infer(number, -number) == (number, -number)
    names = [name for _, name in calls]
    assert names == ["set_input", "compute", "output_in_place"] * 2 + ["compute"] * 4


@SERVERS
def test_an_output_of_another_length_is_read_whole(serve: Any) -> None:
    model = Model(outputs=[("x", "FP32", [-1])])
    wanted = 2

    def repeated(inputs: list[Tensor]) -> list[Tensor]:
        times = -(-wanted * 4 // len(inputs[0][3]))
        return [("x", "FP32", [wanted], (inputs[0][3] * times)[: wanted * 4])]

    model.infer = repeated
    with serve(model) as url:
        looping = Looping(host_of(url))
        for step, wanted in enumerate((2, 2, 2, 5, 2, 2, 2, 1, 1, 1, 1, 4)):
            values = step, -step
            assert looping.infer(*values) == (values * 3)[:wanted]


@SERVERS
def test_an_input_of_another_shape_is_sent_whole(serve: Any) -> None:
    with serve(Model()) as url:
        looping = Looping(host_of(url))
        for step, rows in enumerate((1, 1, 1, 3, 1, 3, 3, 3, 1)):
            values = tuple(range(step, step + 2 * rows))
            assert looping.infer(*values, shape=(rows, 2)) == values


@pytest.mark.usefixtures("asked_again_at_once")
@SERVERS
def test_an_inference_that_fails_leaves_no_output_and_the_next_one_its_own(serve: Any) -> None:
    model = Model()
    with serve(model) as url:
        looping = Looping(host_of(url))
        for step in range(12):
            model.down = (503, "infer") if step % 4 == 3 else None
            found = looping.infer(step, -step)
            assert found == ((step, -step) if step % 4 != 3 else Errno.BUSY)


@pytest.mark.usefixtures("asked_again_at_once")
@SERVERS
def test_a_local_model_gets_the_input_and_gives_the_output_while_it_stands_in(
    serve: Any, port: int, local: str
) -> None:
    def reversed_(inputs: list[Tensor]) -> list[Tensor]:
        (_, datatype, shape, data), *_ = inputs
        return [("y", datatype, shape, data[4:] + data[:4])]

    model = Model([("x", "FP32", [2])], [("y", "FP32", [2])], reversed_)
    scheme = "grpc" if serve is grpc_server else "http"
    host = host_with_local(f"{scheme}://127.0.0.1:{port}/m", local)
    with serve(model, port):
        looping = Looping(host)
        for step in range(4):
            assert looping.infer(step, -step, shape=(2,)) == (-step, step)
    for step in range(4, 8):
        assert looping.infer(step, -step, shape=(2,)) == (step, -step)
    with serve(model, port):
        while looping.infer(8, -8, shape=(2,)) == (8, -8):  # gRPC waits before it connects again
            time.sleep(0.01)
        for step in range(9, 12):
            assert looping.infer(step, -step, shape=(2,)) == (-step, step)


def test_contexts_that_share_an_entry_send_their_own_inputs() -> None:
    with http_server(Model()) as url:
        looping = Looping(host_of(url))
        first = second = looping.context
        while second < first + ENTRIES // STEP:
            second = looping.new_context()
        for step in range(12):
            looping.context = second if step % 3 else first
            assert looping.infer(step, -step) == (step, -step)


@SERVERS
def test_each_value_of_a_boolean_is_checked(serve: Any) -> None:
    with serve(Model([("x", "BOOL", [2])])) as url:
        looping = Looping(host_of(url))
        for step in range(4):
            data = bytes([step % 2, 1])
            assert looping.feed(data, (2,), TensorType.U8) == 0
            assert looping.guest.compute(looping.context) == 0
            assert looping.guest.output(looping.context, 0) == data
        assert looping.feed(b"\1\2", (2,), TensorType.U8) == Errno.INVALID_ARGUMENT


@SERVERS
def test_a_tensor_that_is_not_small_is_passed_as_before(serve: Any) -> None:
    with serve(Model([("x", "UINT8", [-1])])) as url:
        looping = Looping(host_of(url))
        for step in range(4):
            data = bytes([step]) * ((1 << 17) + 1)
            assert looping.feed(data, (len(data),), TensorType.U8) == 0
            looping.guest.put(DATA, bytes(len(data)))
            assert looping.guest.compute(looping.context) == 0
            room = len(data)
            assert looping.guest.get_output(looping.context, 0, DATA, room, WRITTEN) == 0
            assert looping.guest.take(DATA, room) == data


def test_a_tensor_goes_through_shared_memory_from_where_it_was_moved_to() -> None:
    model = Model([("x", "FP32", [1, 2])])
    model.extensions.append("system_shared_memory")
    with http_server(model) as url:
        looping = Looping(host_of(url, shared_memory=True))
        for step in range(5):
            assert looping.infer(step, -step) == (step, -step)


def test_a_component_gets_the_outputs_of_each_of_its_inputs() -> None:
    """With other bytes, and as another shape of the same and of another length."""
    named = """
      (i32.store8 (i32.const 240) (i32.const 109))
      (call $load_by_name (i32.const 240) (i32.const 1) (i32.const 128))
      (call $is (i32.load8_u (i32.const 128)) (i32.const 0))
      (call $init (i32.load (i32.const 132)) (i32.const 128))
      (call $is (i32.load8_u (i32.const 128)) (i32.const 0))
      (local.set $a (i32.load (i32.const 132)))
      (i32.store (i32.const 224) (i32.const 1)) (i32.store (i32.const 228) (i32.const 1))
      (i32.store (i32.const 232) (i32.const 4)) (i32.store (i32.const 236) (i32.const 1))"""
    row, single, column = (
        five_times(ONCE.format(name=64, dims=dims, size=size))
        for dims, size in ((16, 16), (224, 4), (232, 16))
    )
    with http_server(Model([("x", "FP32", [-1, -1])])) as url:
        options = RunOptions(cache=False, stdout=CAPTURED, stderr=CAPTURED)
        body = named + row + column + row + single + column
        succeeds(run(guest(body), host_of(url), options))
