"""What `nnshim bench` measures, and what it says of models that it cannot run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from onnx import TensorProto

from rewriter.abi.dialects import Encoding, TensorType
from rewriter.errors import InputError, UsageError
from rewriter.installation import install_line
from runtime_shim.diagnostics.bench import Input, bench, parse_input
from samples.build import SAMPLES
from tests.support.command import nnshim
from tests.support.gguf_models import successors
from tests.support.models import identity, nonzero

DIGITS = SAMPLES / "digits" / "model.onnx"


def test_each_backend_that_takes_the_model_is_measured() -> None:
    rows = {row.backend: row for row in bench([str(DIGITS)], seconds=0.05, parallel=3)}
    assert rows.keys() == {"onnx", "openvino"}
    for row in rows.values():
        assert row.problem is None
        assert row.device.lower() == "cpu"
        assert 0 < row.p50 <= row.p90 <= row.p99
        assert min(row.load, row.throughput, row.parallel_throughput) > 0
        assert row.parallel == 3


def test_percentiles_are_of_all_inferences_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    times = [milliseconds / 1000 for milliseconds in range(1, 1001)]
    monkeypatch.setattr("runtime_shim.diagnostics.bench._repeat", lambda *_: times)
    (row,) = bench([str(DIGITS)], backends=[Encoding.ONNX], parallel=1)
    assert (row.p50, row.p90, row.p99) == pytest.approx((0.5, 0.9, 0.99), abs=0.01)
    assert row.throughput == pytest.approx(2, abs=0.01)


@pytest.mark.parametrize(
    "element_type", [TensorProto.FLOAT16, TensorProto.UINT8, TensorProto.INT32, TensorProto.INT64]
)
def test_inputs_are_made_for_the_model(tmp_path: Path, element_type: int) -> None:
    (tmp_path / "model.onnx").write_bytes(identity(element_type, ("n", 3)))
    (row,) = bench([str(tmp_path / "model.onnx")], backends=[Encoding.ONNX], seconds=0.02)
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
    )
    assert row.problem is None
    wrong = [parse_input("0=f32:64x4")]
    (row,) = bench(
        [str(tmp_path / "model.onnx")], backends=[Encoding.ONNX], inputs=wrong, seconds=0.02
    )
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
    )
    assert "asks for cuda" in str(row.problem)
    assert row.p50 == 0


def test_a_language_model_goes_on_with_a_prompt(tmp_path: Path) -> None:
    successors(tmp_path / "model.gguf", "abc")
    (row,) = bench([str(tmp_path / "model.gguf")], seconds=0.02, parallel=1)
    assert (row.backend, row.problem) == ("ggml", None)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(bytes(9))
    with pytest.raises(InputError, match="unknown format"):
        bench([str(tmp_path / "model")])
    (tmp_path / "model").write_bytes(b"nothing")
    with pytest.raises(InputError, match="this is a text file, not a model"):
        bench([str(tmp_path / "model")])
    with pytest.raises(InputError, match="no file"):
        bench([str(tmp_path / "none")])


def test_the_command_prints_a_table_and_draws(tmp_path: Path) -> None:
    plot = tmp_path / "plot.svg"
    done = nnshim("bench", DIGITS, "--seconds", "0.05", "--plot", plot)
    assert done.returncode == 0
    heads, *rows = (line.split() for line in done.stdout.decode().splitlines())
    assert heads[:2] == ["backend", "device"]
    assert [row[0] for row in rows] == ["onnx", "openvino"]
    drawn = plot.read_text()
    assert drawn.startswith("<?xml")
    assert "inferences a second" in drawn or "<path" in drawn


def test_the_command_has_all_of_it_for_programs() -> None:
    done = nnshim("bench", DIGITS, "--seconds", "0.02", "--json", "--backend", "openvino")
    (row,) = json.loads(done.stdout)
    assert (row["backend"], row["problem"]) == ("openvino", None)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--device", "cuda"], 1, b"asks for cuda"),
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


def test_without_matplotlib_nothing_is_measured_and_the_install_line_is_given(
    tmp_path: Path,
) -> None:
    (tmp_path / "matplotlib.py").write_text("raise ImportError('not here')")
    done = nnshim("bench", DIGITS, "--plot", "x.png", env={"PYTHONPATH": str(tmp_path)})
    assert (done.returncode, done.stdout) == (3, b"")
    assert install_line("bench").encode() in done.stderr
