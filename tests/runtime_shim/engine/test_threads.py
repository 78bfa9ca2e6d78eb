"""Guests in threads on one host: one graph, contexts of their own, and every result is right."""

from __future__ import annotations

import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rewriter.abi.dialects import Encoding, Target, TensorType
from runtime_shim import NamedGraph, NNHost
from tests.support import models, tflite_models
from tests.support.guest import HANDLE, Guest
from tests.support.native import openvino_model
from tests.support.processes import PATIENCE

THREADS, INFERENCES = 8, 250


@pytest.fixture(params=["onnx", "openvino", "tensorflowlite"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> NNHost:
    """Has the sum and the product of two pairs of floats as "both"."""
    encoding = Encoding[request.param.upper()]
    if encoding is Encoding.OPENVINO:
        paths = openvino_model(models.sum_and_product(), tmp_path).split("+")
    else:
        paths = ["model"]
        tflite = encoding is Encoding.TENSORFLOWLITE
        made = tflite_models.sum_and_product() if tflite else models.sum_and_product()
        (tmp_path / "model").write_bytes(made)
    files = tuple(str(tmp_path / path) for path in paths)
    return NNHost(graphs=[NamedGraph("both", encoding, Target.CPU, files)])


def infer(host: NNHost, number: int) -> int:
    """Many inferences of one guest; how many were right."""
    guest = Guest(host)
    guest.put(0, b"both")
    assert guest.load_by_name(0, 4, HANDLE) == 0
    assert guest.init_execution_context(guest.u32(HANDLE), HANDLE) == 0
    context, right = guest.u32(HANDLE), 0
    for step in range(INFERENCES):
        a, b = (number, step), (step, 3)
        for index, pair in enumerate((a, b)):
            data = struct.pack("<2f", *pair)
            assert guest.feed(context, index, TensorType.F32, (2,), data) == 0
        assert guest.compute(context) == 0
        sums, products = (struct.unpack("<2f", guest.output(context, i)) for i in (0, 1))
        right += sums == (a[0] + b[0], a[1] + b[1]) and products == (a[0] * b[0], a[1] * b[1])
    return right


def test_every_result_of_every_guest_is_right(host: NNHost) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        right = list(pool.map(lambda number: infer(host, number), range(THREADS)))
    assert right == [INFERENCES] * THREADS
    assert host.load_by_name("both") is host.load_by_name("both")


AT_EXIT = """
import sys, threading, time
from rewriter.abi.dialects import Encoding, Target, TensorType
from runtime_shim import NNHost
from runtime_shim.backends.formats import FORMATS
encoding = Encoding[sys.argv[1]]
trial = FORMATS[encoding].trial
graph = NNHost().load([trial.model()], encoding, Target.CPU)
given = trial.answers[0][0]
shape = (len(given) if trial.type is TensorType.U8 else len(given) // 4,)

def work():
    context = graph.init_execution_context()
    while True:
        context.set_input(0, trial.type, shape, memoryview(given))
        context.compute()

for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.2)
"""


@pytest.mark.parametrize("encoding", ["OPENVINO", "GGML"])
def test_a_program_can_end_while_threads_are_still_computing(encoding: str) -> None:
    for _ in range(3):
        command = [sys.executable, "-c", AT_EXIT, encoding]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


UNDER_WAY = """
import os, threading, time
from runtime_shim.backends.common.c_objects import finished_before_exit

begun = threading.Event()

def take_long():
    os.write(1, b"begun ")
    begun.set()
    time.sleep(0.3)
    os.write(1, b"finished ")

def work():
    call = finished_before_exit(take_long)
    while True:
        call()

threading.Thread(target=work, daemon=True).start()
begun.wait()
"""


def test_a_call_into_a_library_is_finished_before_the_program_ends() -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNDER_WAY], capture_output=True, check=True, timeout=PATIENCE
    )
    calls = done.stdout.count(b"begun ")
    assert calls > 0
    assert done.stdout == b"begun finished " * calls
