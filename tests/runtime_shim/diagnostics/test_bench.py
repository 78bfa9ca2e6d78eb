"""What `nnshim bench` measures, and what it says of models that it cannot run."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from onnx import TensorProto, helper

from nnshim.render.measuring.plot import draw
from rewriter.abi.dialects import Encoding, TensorType
from rewriter.errors import InputError, UsageError
from rewriter.installation import install_line
from runtime_shim.diagnostics.bench import Input, bench, parse_input
from runtime_shim.diagnostics.report import Conditions, Measurement, Rates, Report
from samples.build import SAMPLES
from tests.support.command import nnshim
from tests.support.gguf_models import successors
from tests.support.models import F32, identity, model, nonzero

DIGITS = SAMPLES / "digits" / "model.onnx"


def test_each_backend_that_takes_the_model_is_measured() -> None:
    rows = {row.backend: row for row in bench([str(DIGITS)], seconds=0.05, parallel=3).rows}
    assert rows.keys() == {"onnx", "openvino"}
    for row in rows.values():
        assert row.problem is None
        assert row.device.lower() == "cpu"
        assert min(row.load, row.first) > 0
        assert row.version.split()[0] in ("onnxruntime", "openvino")
        for rates, contexts in ((row.alone, 1), (row.together, 3)):
            assert rates.contexts == contexts
            assert rates.inferences >= contexts
            assert 0 < rates.p50 <= rates.p90 <= rates.p99
            assert rates.throughput > 0


def test_percentiles_and_throughput_are_of_the_same_inferences(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0

    def infers_twice(*_: object) -> list[float]:
        nonlocal now
        now += 0.01 + 0.03
        return [0.01, 0.03]

    monkeypatch.setattr("runtime_shim.diagnostics.bench.perf_counter", lambda: now)
    monkeypatch.setattr("runtime_shim.diagnostics.bench._repeat", infers_twice)
    (row,) = bench([str(DIGITS)], backends=[Encoding.ONNX], parallel=1).rows
    for rates in (row.alone, row.together):
        assert rates.inferences == 2 * 10  # rounds
        assert (rates.p50, rates.p90, rates.p99) == pytest.approx((0.02, 0.03, 0.03))
        assert rates.throughput == pytest.approx(2 / 0.04)


def test_the_first_inference_is_not_among_those_that_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0

    def computes(*_: object) -> None:
        nonlocal now
        now += 5.0 if now == 0 else 0.25

    monkeypatch.setattr("runtime_shim.diagnostics.bench.perf_counter", lambda: now)
    monkeypatch.setattr("runtime_shim.diagnostics.bench._Inference.__call__", computes)
    (row,) = bench([str(DIGITS)], backends=[Encoding.ONNX], parallel=1, seconds=1).rows
    assert (row.first, row.alone.p50, row.alone.p99) == (5.0, 0.25, 0.25)


def test_what_was_measured_where_and_when_is_part_of_the_report() -> None:
    before = datetime.now(UTC)
    found = bench([str(DIGITS)], backends=[Encoding.ONNX], seconds=0.01).conditions
    assert (found.files, found.encoding) == ((str(DIGITS),), "onnx")
    assert found.size == DIGITS.stat().st_size
    assert found.cores == len(os.sched_getaffinity(0))
    assert found.cpu
    assert found.nnshim == metadata.version("nnshim")
    assert before <= found.date <= datetime.now(UTC)


@pytest.mark.parametrize(
    "element_type", [TensorProto.FLOAT16, TensorProto.UINT8, TensorProto.INT32, TensorProto.INT64]
)
def test_inputs_are_made_for_the_model(tmp_path: Path, element_type: int) -> None:
    (tmp_path / "model.onnx").write_bytes(identity(element_type, ("n", 3)))
    (row,) = bench([str(tmp_path / "model.onnx")], backends=[Encoding.ONNX], seconds=0.02).rows
    assert row.problem is None


def test_the_same_inputs_are_made_each_time() -> None:
    tensor = Input(TensorType.F32, (2, 3))
    assert tensor.data() == tensor.data()
    assert len(tensor.data()) == 24


def test_an_input_can_be_described(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(identity(dims=("n", 3)))
    given = [parse_input("0=f32:64x3")]
    (row,) = bench(
        [str(tmp_path / "model.onnx")], backends=[Encoding.ONNX], inputs=given, seconds=0.02
    ).rows
    assert row.problem is None
    wrong = [parse_input("0=f32:64x4")]
    (row,) = bench(
        [str(tmp_path / "model.onnx")], backends=[Encoding.ONNX], inputs=wrong, seconds=0.02
    ).rows
    assert "was given f32 [64, 4]" in str(row.problem)


@pytest.mark.parametrize(
    "text",
    ["", "0", "0=f32:1xa", "x=f32:1", "0=f31:1", "0=f32:-1", "-1=f32:1", "0=f32:99999x99999"],
)
def test_an_input_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected INDEX=TYPE"):
        parse_input(text)


def test_a_device_that_is_not_there_is_a_problem_and_no_other_is_taken(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(nonzero())
    (row,) = bench(
        [str(tmp_path / "model.onnx")], backends=[Encoding.ONNX], devices=["cuda"], seconds=0.02
    ).rows
    assert "there is no device cuda" in str(row.problem)
    assert row.alone.p50 == 0


def test_a_language_model_goes_on_with_a_prompt(tmp_path: Path) -> None:
    successors(tmp_path / "model.gguf", "abc")
    (row,) = bench([str(tmp_path / "model.gguf")], seconds=0.02, parallel=1).rows
    assert (row.backend, row.problem) == ("ggml", None)


def test_two_models_are_not_taken_for_the_parts_of_one() -> None:
    other = DIGITS.with_name("model.tflite")
    said = f"one model at a time, and {DIGITS} is ONNX and {other} is TensorFlow Lite"
    with pytest.raises(UsageError, match=re.escape(said)):
        bench([str(DIGITS), str(other)])


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(bytes(9))
    with pytest.raises(InputError, match="unknown format"):
        bench([str(tmp_path / "model")])
    (tmp_path / "model").write_bytes(b"nothing")
    with pytest.raises(InputError, match="this is a text file, not a model"):
        bench([str(tmp_path / "model")])
    with pytest.raises(InputError, match="does not exist"):
        bench([str(tmp_path / "none")])


def test_the_command_prints_an_aligned_table_below_what_was_measured() -> None:
    done = nnshim("bench", DIGITS, "--seconds", "0.05", "--parallel", "2")
    assert done.returncode == 0
    what, where, empty, *table = done.stdout.decode().splitlines()
    assert what.startswith(f"{DIGITS} (onnx, 9.7 KiB)")
    assert re.search(
        r", \d+ cores?; nnshim [\d.]+, onnxruntime \S+, openvino \S+; 20.* UTC$", where
    )
    assert empty == ""
    assert table[0].split()[:2] == ["backend", "device"]
    assert re.search(r"contexts +p50 ms +p90 ms +p99 ms +inferences/s$", table[0])
    assert [line.split()[0] for line in table[1:]] == ["onnx", "2", "openvino", "2"]
    assert len({len(line) for line in table}) == 1


def test_one_context_has_one_line() -> None:
    done = nnshim(
        "bench", DIGITS, "--seconds", "0.02", "--parallel", "1", "--backend", "onnx"
    )  # fmt: skip
    assert len(done.stdout.splitlines()) == len(("model", "machine", "", "heads", "onnx"))


def test_the_command_has_all_of_it_for_programs() -> None:
    done = nnshim("bench", DIGITS, "--seconds", "0.02", "--json", "--backend", "openvino")
    (row,) = json.loads(done.stdout)
    assert (row["backend"], row["problem"]) == ("openvino", None)
    assert row["version"].startswith("openvino 2")
    assert row["conditions"]["files"] == [str(DIGITS)]
    assert datetime.fromisoformat(row["conditions"]["date"]).tzinfo is not None
    assert min(row[key] for key in ("load", "first_inference", "p50", "parallel_p99")) > 0


def report(*rows: tuple[str, float]) -> Report:
    """Of backends with this latency, in seconds."""
    conditions = Conditions(
        ("model.onnx",), "onnx", 2048, "A CPU", 2, "0.1", datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    )
    return Report(
        conditions,
        [
            Measurement(
                name, "cpu", f"a-{name} 1.2-build/2", 0.5, 0.25,
                Rates(1, 10, latency, latency, 2 * latency, 1 / latency),
                Rates(2, 10, 3 * latency, latency, 4 * latency, 1 / latency),
            )
            for name, latency in rows
        ],
    )  # fmt: skip


def drawn(path: Path, *rows: tuple[str, float]) -> list[str]:
    draw(report(*rows), str(path / "plot.svg"))
    texts = ElementTree.parse(path / "plot.svg").iter("{http://www.w3.org/2000/svg}text")
    return ["".join(text.itertext()).strip() for text in texts]


def test_the_plot_says_what_was_measured_and_has_a_number_at_each_bar(tmp_path: Path) -> None:
    texts = drawn(tmp_path, ("onnx", 0.002), ("openvino", 0.0025))
    assert "model.onnx (onnx, 2.0 KiB)" in texts
    assert "A CPU, 2 cores; nnshim 0.1, a-onnx 1.2, a-openvino 1.2; 2026-01-02 03:04 UTC" in texts
    numbers = {
        "p50": ["2", "6", "2.5", "7.5"],
        "p99": ["4", "8", "5", "10"],
        "throughput": ["500", "400"],
        "load and first": ["500", "250"],
    }
    for kind, wanted in numbers.items():
        assert {*wanted} <= {*texts}, kind
    assert {"1 context", "2 contexts at once", "p50 latency, ms", "first inference, ms"} <= {*texts}
    assert "log scale" not in texts


def test_a_scale_is_logarithmic_and_says_so_where_one_bar_would_hide_the_others(
    tmp_path: Path,
) -> None:
    texts = drawn(tmp_path, ("onnx", 0.001), ("openvino", 1.0))
    assert texts.count("log scale") == len(("p50", "p99", "throughput"))


def test_the_command_draws_a_picture_of_either_kind(tmp_path: Path) -> None:
    for name, begins in (("plot.svg", b"<?xml"), ("plot.png", b"\x89PNG")):
        done = nnshim(
            "bench", DIGITS, "--seconds", "0.02", "--backend", "onnx", "--plot", tmp_path / name
        )  # fmt: skip
        assert done.returncode == 0
        assert (tmp_path / name).read_bytes().startswith(begins)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--device", "cuda"], 1, b"there is no device cuda"),
        (["--backend", "onyx"], 2, b"'onyx' is not an encoding"),
        (["--options", "["], 2, b"not valid JSON"),
        (["--options", "[" * 100_000], 2, b"not valid JSON"),
        (["--seconds", "nan"], 2, b"seconds cannot be nan: expected a number from 0.01 to 86400"),
        (["--seconds", "inf"], 2, b"seconds cannot be inf"),
        (["--seconds", "0"], 2, b"seconds cannot be 0.0"),
        (["--parallel", "0"], 2, b"parallel cannot be 0"),
        (["--parallel", "100000"], 2, b"parallel cannot be 100000"),
        (["--threads", "0"], 2, b"threads cannot be 0"),
        (["--input", "9=f32:1"], 2, b"--input 9: the model has 1 inputs"),
        (["--plot", "x.gif"], 2, b".png or .svg"),
        (["--plot", "/no/such/x.svg"], 1, b"there is no folder /no/such"),
    ],
)
def test_the_command_says_why_nothing_was_measured(
    arguments: list[str], code: int, words: bytes
) -> None:
    seconds = [] if "--seconds" in arguments else ["--seconds", "0.02"]
    done = nnshim("bench", DIGITS, *seconds, *arguments)
    assert done.returncode == code
    assert words in done.stderr
    assert not done.stdout


def test_open_dimensions_count_as_1_and_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "open.onnx"
    path.write_bytes(identity(dims=("rows", 4)))
    only = ("--backend", "onnx", "--seconds", "0.02")
    done = nnshim("bench", path, *only)
    assert b"open dimensions count as 1: --input 0=f32:1x4 gives the shapes" in done.stderr
    assert b"open dimensions" not in nnshim("bench", path, *only, "--input", "0=f32:3x4").stderr


def test_a_model_that_does_not_run_with_1_for_open_dimensions_says_so(tmp_path: Path) -> None:
    path = tmp_path / "open.onnx"
    node = helper.make_node("Reshape", ["x", "shape"], ["y"])
    shape = {"shape": np.array([2, 2], np.int64)}
    path.write_bytes(model([node], [("x", F32, ("n",))], [("y", F32, (2, 2))], shape))
    done = nnshim("bench", path, "--backend", "onnx", "--seconds", "0.02")
    assert done.returncode == 1
    assert b"open dimensions count as 1, as with --input 0=f32:1, which can give" in done.stderr
    four = nnshim("bench", path, "--backend", "onnx", "--seconds", "0.02", "--input", "0=f32:4")
    assert four.returncode == 0


def test_without_matplotlib_nothing_is_measured_and_the_install_line_is_given(
    tmp_path: Path,
) -> None:
    (tmp_path / "matplotlib.py").write_text("raise ImportError('not here')")
    done = nnshim("bench", DIGITS, "--plot", "x.png", env={"PYTHONPATH": str(tmp_path)})
    assert (done.returncode, done.stdout) == (3, b"")
    assert install_line("bench").encode() in done.stderr


def test_a_backend_that_is_not_installed_is_reported_once(tmp_path: Path) -> None:
    (tmp_path / "openvino.py").write_text("raise ImportError('not here')")
    done = nnshim("bench", DIGITS, "--seconds", "0.02", env={"PYTHONPATH": str(tmp_path)})
    assert (done.returncode, done.stderr.count(b"not here")) == (0, 1)
    assert install_line("openvino").encode() in done.stderr
