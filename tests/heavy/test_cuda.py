"""What PyTorch leaves to do on a GPU of NVIDIA's. To be run where there is one."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rewriter.abi.dialects import Encoding, Errno, Target, TensorType
from runtime_shim import HostError, NNHost
from runtime_shim.backends.interface import guarded
from runtime_shim.backends.torch.backend import TorchBackend
from runtime_shim.backends.torch.guards import EMPTY, LARGER, ON_CPU
from runtime_shim.host.session import Session
from tests.heavy.torch_models import F32, feed, rewritten

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")

SECRET = b"the secret of another guest, " * 4000
"""More than a block of PyTorch's allocator."""

FORMS = (
    "torch.empty([{}], dtype=0, device=x.device)",
    "torch.new_empty(x, [{}], dtype=0)",
    "torch.empty([{}], dtype=27, device=x.device)",
    "torch.as_strided(torch.empty_strided([2], [{}], dtype=0, device=x.device), [{}], [1])",
    "torch.empty_like(torch.full([{}], 1, dtype=0, device=x.device))",
    "torch.empty_strided([{}], [1], dtype=0, device=x.device)",
    "ops.prims.empty_strided([{}], [1], dtype=0, device=x.device, requires_grad=False)",
)

LONG = "y = torch.full([4096, 4096], 1e-3, device=x.device)\n" + "y = torch.mm(y, y)\n" * 200
"""A second's work, which is given to a GPU in a thousandth."""

OUT_OF_RANGE = "return torch.index_select(x, 0, torch.full([1], 1000000, dtype=4, device=x.device))"


PROCESSES = 8
"""That call operators at a time."""


def outcome(guest: Session, data: bytes, kind: TensorType, given: bytes) -> bytes:
    graph = guest.load([data], Encoding.PYTORCH, Target.GPU)
    context = guest.init_execution_context(graph)
    size = len(given) // (1 if kind is TensorType.U8 else 4)
    guest.set_input(context, 0, kind, (size,), memoryview(given))
    guest.compute(context)
    return bytes(guest.get_output(context, 0))


def test_a_model_without_weights_is_where_it_computes() -> None:
    host = NNHost()
    with host.session() as guest:
        assert outcome(guest, rewritten("return torch.add(x, 1)"), F32, bytes(4)) == struct.pack(
            "<f", 1
        )
    assert host.stats()[0].device == "cuda:0"


def test_a_model_has_computed_when_compute_returns() -> None:
    body = LONG + "return torch.sum(y)"
    context = TorchBackend().load([rewritten(body)], Target.GPU).init_execution_context()
    feed(context, 0, 1.0)
    for _ in range(2):
        context.compute()
        assert torch.cuda.current_stream().query()


@pytest.mark.parametrize("form", FORMS)
def test_memory_that_was_never_written_holds_nothing_of_another_guest(form: str) -> None:
    host = NNHost()
    spy = rewritten("return " + form.replace("{}", str(len(SECRET))))
    for _ in range(3):
        with host.session() as guest:
            outcome(guest, rewritten("return torch.add(x, 1)"), TensorType.U8, SECRET)
        with host.session() as guest:
            found = outcome(guest, spy, F32, bytes(16))
        assert found == bytes(len(found))
        assert len(found) >= len(SECRET)


def test_a_loss_has_the_memory_of_one_element() -> None:
    body = "y = torch.full([1000], 1., device=x.device)\nz = torch.mse_loss(y, torch.add(y, y))\n"
    graph = TorchBackend().load([rewritten(body + "return torch.as_strided(z, [2], [1])")], "cuda")
    context = graph.init_execution_context()
    feed(context, 0, 1.0)
    with pytest.raises(HostError, match="out of bounds"):
        guarded(context.compute)


def test_every_operator_that_a_model_may_call_returns_memory_that_it_wrote() -> None:
    command = [sys.executable, "-m", "tests.heavy.torch_probe", "--device", "cuda", "--part"]

    def report_of(part: int) -> dict[str, Any]:
        run = subprocess.run(
            [*command, f"{part + 1}/{PROCESSES}"],
            check=True,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        report: dict[str, Any] = json.loads(run.stdout)
        return report

    with ThreadPoolExecutor(PROCESSES) as pool:
        reports = list(pool.map(report_of, range(PROCESSES)))
    found = {
        kind: sorted({name for report in reports for name in report[kind]})
        for kind in ("unwritten", "foreign", "ended")
    }
    print(json.dumps(found))
    assert set(found["foreign"]) <= EMPTY | LARGER
    assert set(found["ended"]) <= ON_CPU
    assert {"aten::empty", "aten::empty_strided", "aten::new_empty"} <= set(found["unwritten"])
    assert sum(report["called"] for report in reports) > 400


LOST = """
from rewriter.abi.dialects import Encoding, Target
from runtime_shim import HostError, NNHost
from tests.heavy.test_cuda import F32, OUT_OF_RANGE, outcome
from tests.heavy.torch_models import rewritten

host = NNHost(isolate={isolate})
good = rewritten("return torch.add(x, 1)")
with host.session() as neighbour, host.session() as guest:
    graph = neighbour.load([good], Encoding.PYTORCH, Target.GPU)
    context = neighbour.init_execution_context(graph)
    neighbour.set_input(context, 0, F32, (1,), memoryview(bytes(4)))
    for who, data in ((guest, rewritten(OUT_OF_RANGE)), (guest, good)):
        try:
            print(outcome(who, data, F32, bytes(4)).hex())
        except HostError as error:
            print(error.errno.name, "any more" in error.reason)
    try:
        neighbour.compute(context)
        print(bytes(neighbour.get_output(context, 0)).hex())
    except HostError as error:
        print(error.errno.name, "any more" in error.reason)
"""


@pytest.mark.parametrize("isolate", [False, True])
def test_an_index_that_is_out_of_range_costs_a_process_its_gpu(isolate: bool) -> None:
    """And nobody else's: another guest has another process, and the same guest gets a new one."""
    run = subprocess.run(
        [sys.executable, "-c", LOST.format(isolate=isolate)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    lost, good = "RUNTIME_ERROR True", struct.pack("<f", 1).hex()
    assert run.stdout.splitlines() == [lost, *([good, good] if isolate else [lost, lost])]


def test_more_memory_than_there_is_costs_nothing() -> None:
    backend = TorchBackend()
    asks = backend.load(
        [rewritten("return torch.zeros([1 << 45], device=x.device)")], Target.GPU
    ).init_execution_context()
    feed(asks, 0, 1.0)
    with pytest.raises(RuntimeError, match="out of memory"):
        asks.compute()
    after = backend.load([rewritten("return torch.add(x, 1)")], Target.GPU)
    context = after.init_execution_context()
    feed(context, 0, 1.0)
    context.compute()
    assert struct.unpack("<f", context.get_output(0)) == (2,)


def test_products_have_the_precision_of_the_cpus() -> None:
    """Of floats, and of half floats, which are added up as floats."""
    rng = np.random.default_rng(0)
    given = rng.random(256 * 256).astype(np.float32)
    for kind, close in ((6, 1e-5), (5, 1e-3)):
        body = f"y = torch.to(torch.reshape(x, [256, 256]), {kind})\n"
        data = rewritten(body + "return torch.to(torch.mm(y, y), 6)")
        answers = []
        for target in (Target.CPU, Target.GPU):
            context = TorchBackend().load([data], target).init_execution_context()
            context.set_input(0, F32, (len(given),), memoryview(given.tobytes()))
            context.compute()
            answers.append(np.frombuffer(context.get_output(0), np.float32))
        assert np.abs(answers[0] / answers[1] - 1).max() < close


@pytest.mark.parametrize(
    "body",
    [
        "return torch.embedding_renorm_(torch.zeros([4, 4], device=x.device),"
        " torch.full([1], 100, dtype=4, device=x.device), 1., 2.)",
        "return torch.resize_(x, [1000])",
        "return torch.resize_as_(x, torch.zeros([1000], device=x.device))",
        "return torch._saturate_weight_to_fp16(x)",
        "return torch.choose_qparams_optimized(x, 1, 1, 0.5, 8)[0]",
    ],
)
def test_operators_that_do_not_look_at_what_they_are_given_are_not_called(body: str) -> None:
    context = TorchBackend().load([rewritten(body)], Target.GPU).init_execution_context()
    feed(context, 0, 1.0)
    with pytest.raises(HostError, match=r"out of range|for tensors on the CPU|made larger"):
        guarded(context.compute)
    with pytest.raises(HostError, match="before compute"):
        context.get_output(0)


@pytest.mark.parametrize("place", ["cuda:x", "cuda:", "cuda:-1", "cuda:99"])
def test_a_number_that_no_gpu_has_is_an_unsupported_operation(place: str) -> None:
    with pytest.raises(HostError, match=f"no device {place}: the pytorch backend") as caught:
        TorchBackend().load([rewritten("return x")], place)
    assert caught.value.errno is Errno.UNSUPPORTED_OPERATION


def test_a_device_that_the_code_names_is_part_of_where_a_model_is() -> None:
    named = "y = torch.zeros([1], device=torch.device('{}'))\nreturn torch.to(y, x.device)"
    for device, target, where in (
        ("cuda", Target.CPU, "cpu, cuda"),
        ("cpu", Target.GPU, "cpu, cuda:0"),
        ("cuda", Target.GPU, "cuda:0"),
        ("cpu", Target.CPU, "cpu"),
    ):
        assert TorchBackend().load([rewritten(named.format(device))], target).device == where
