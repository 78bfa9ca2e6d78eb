"""Where models go, what the host says of it, and what a command line can change about it."""

from __future__ import annotations

import gc
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from rewriter.abi.dialects import Encoding, Errno, Target
from rewriter.errors import UsageError
from runtime_shim import GraphStats, HostError, NamedGraph, NNHost
from runtime_shim.backends.interface import Place
from runtime_shim.testing import FakeBackend
from samples.build import SAMPLES
from tests.support.command import nnshim
from tests.support.models import identity

CPU, GPU, TPU = Target.CPU, Target.GPU, Target.TPU


def device(place: Place, rules: dict[str, str], devices: list[tuple[str, Target]]) -> str:
    """Where a model of a named graph goes."""
    onnx, openvino = FakeBackend(devices=devices), FakeBackend(devices=[("OV", GPU)])
    host = NNHost(
        backends={Encoding.ONNX: onnx, Encoding.OPENVINO: openvino},
        graphs=[NamedGraph("it", Encoding.ONNX, place, (str(SAMPLES / "digits" / "model.onnx"),))],
        devices=rules,
    )
    host.load_by_name("it")
    return next(load.device for load in (*onnx.loads, *openvino.loads))


TWO = [("host", CPU), ("card", GPU), ("old card", GPU)]


@pytest.mark.parametrize(
    ("place", "found"),
    [
        (CPU, "host"),
        (GPU, "card"),
        ("auto", "card"),
        ("old card", "old card"),
        ("card:1", "card:1"),
    ],
)
def test_of_the_devices_for_a_target_the_first_is_taken(place: Place, found: str) -> None:
    assert device(place, {}, TWO) == found


def test_without_anything_better_auto_is_the_cpu() -> None:
    assert device("auto", {}, [("host", CPU)]) == "host"


@pytest.mark.parametrize("place", [TPU, "cart", "cards:1"])
def test_a_place_that_is_not_there_is_an_unsupported_operation(place: Place) -> None:
    with pytest.raises(HostError, match="has host, card, old card here") as caught:
        device(place, {}, TWO)
    assert caught.value.errno is Errno.UNSUPPORTED_OPERATION


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        ({"onnx": "old card"}, "old card"),
        ({"gpu": "old card"}, "old card"),
        ({"GPU": "old card"}, "old card"),
        ({"gpu": "host", "onnx": "old card"}, "old card"),
        ({"cpu": "host", "openvino": "host"}, "card"),
        ({"gpu": "openvino:OV"}, "OV"),
        ({"onnx": "OpenVINO:OV"}, "OV"),
    ],
)
def test_the_host_can_say_where_models_of_an_encoding_or_target_go(
    rules: dict[str, str], found: str
) -> None:
    assert device(GPU, rules, TWO) == found


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"onyx": "cpu"}, "'onyx' is not an encoding or a target"),
        ({"gpu": "openvino:"}, "no device"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rules: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        NNHost(devices=rules)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"devices": {"onnx": 5}}, "devices: expected .* of type int"),
        ({"devices": {5: "cpu"}}, "devices: expected .* of type int"),
        ({"devices": "cpu"}, "devices cannot be of type str: expected a mapping"),
        ({"limits": None}, "limits cannot be of type NoneType: expected Limits"),
        ({"model_cache": 5}, "model_cache cannot be of type int: expected a folder's path"),
        ({"graph_files": b"."}, "graph_files cannot be of type bytes: expected a folder's path"),
        ({"isolate": "x"}, "isolate cannot be of type str: expected True or False"),
        ({"fast_math": 1}, "fast_math cannot be of type int: expected True or False"),
        ({"gpu_fallback": None}, "gpu_fallback cannot be of type NoneType"),
    ],
)
def test_an_argument_of_another_type_is_refused(options: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        NNHost(**options)


def test_what_a_rule_leads_to_is_a_device_even_if_an_encoding_has_its_name() -> None:
    with pytest.raises(HostError, match="no device openvino: "):
        device(GPU, {"gpu": "openvino"}, TWO)


def test_an_onnx_model_runs_on_openvino_where_the_host_says_so() -> None:
    host = NNHost(devices={"onnx": "openvino:CPU"})
    graph = host.load([identity()], Encoding.ONNX, CPU)
    assert type(graph).__name__ == "OpenVinoGraph"


def test_stats_tell_what_ran_where_how_often() -> None:
    host = NNHost(backends={Encoding.ONNX: FakeBackend()})
    with host.session() as session:
        for _ in range(2):
            graph = session.load([b"x"], Encoding.ONNX, CPU)
            context = session.init_execution_context(graph)
            session.compute(context)
            session.compute(context)
    (row,) = host.stats()
    assert (row.encoding, row.name, row.meant_for, row.device) == ("onnx", None, "cpu", "fake")
    assert (row.loads, row.inferences) == (1, 4)
    assert 0 < row.inference_seconds < 5
    assert 0 < row.load_seconds < 5
    with host.session() as session:  # the first guest has gone, and the graph with it
        session.load([b"x"], Encoding.ONNX, CPU)
    assert (host.stats()[0].loads, host.stats()[0].inferences) == (2, 4)


def test_each_guest_has_stats_of_its_own_and_the_host_has_the_sum() -> None:
    host = NNHost(backends={Encoding.ONNX: FakeBackend()})

    def infer(times: int) -> None:
        with host.session() as session:
            for _ in range(2):  # the second time, the host has it already
                context = session.init_execution_context(session.load([b"x"], Encoding.ONNX, CPU))
            for _ in range(times):
                session.compute(context)
            (mine,) = session.stats()
            assert (mine.loads, mine.inferences, mine.device) == (2, times, "fake")
            assert mine.inference_seconds <= sum(row.inference_seconds for row in host.stats())

    threads = [threading.Thread(target=infer, args=(times,)) for times in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gc.collect()
    (row,) = host.stats()
    assert row.inferences == sum(range(40))
    with host.session() as session:
        assert session.stats() == []
    assert host.stats() == [row]


def test_stats_show_the_device_that_the_model_is_on_and_not_the_one_it_was_meant_for() -> None:
    host = NNHost(gpu_fallback=True)
    graph = host.load([identity()], Encoding.ONNX, GPU)
    assert graph.device == "cpu"
    (row,) = host.stats()
    assert row == GraphStats("onnx", None, "gpu", "cpu", 1, row.load_seconds, 0, 0.0)


def test_an_inference_that_fails_is_not_counted() -> None:
    def fail(_: object) -> list[bytes]:
        raise ZeroDivisionError

    host = NNHost(backends={Encoding.ONNX: FakeBackend(fail)})
    with host.session() as session:
        context = session.init_execution_context(session.load([b"x"], Encoding.ONNX, CPU))
        with pytest.raises(HostError):
            session.compute(context)
    assert host.stats()[0].inferences == 0


def test_the_command_says_it_in_text_and_for_programs(tmp_path: Path) -> None:
    done = nnshim(
        "run", "--stats", "--stats-json", tmp_path / "stats.json", "-S",
        f"nn-graph=onnx::{SAMPLES / 'digits'}", "--device", "cpu=openvino:CPU",
        SAMPLES / "digits_by_name.wat",
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, b"3\n")
    assert b"openvino model 'digits' on CPU (target CPU): loaded 1 time in" in done.stderr
    assert b", 1 inference in " in done.stderr
    (row,) = json.loads((tmp_path / "stats.json").read_text())
    assert (row["name"], row["device"], row["inferences"]) == ("digits", "CPU", 1)
