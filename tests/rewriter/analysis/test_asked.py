"""Constants and models together: which numbers a guest has, and what it never passes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from nnshim.__main__ import main
from rewriter.analysis.compatibility import Answer, Verdict
from rewriter.checking.check import check
from tests.rewriter.analysis.test_seen import HIDDEN, guest, loads, passes
from tests.support.models import model
from tests.support.tflite_models import identity

TFLITE = loads("(i32.const 4)")
WAMR_LOAD = "(drop (call $load (i32.const 64) (i32.const {}) (i32.const 0) (i32.const 72)))"


@pytest.fixture
def of_type(tmp_path: Path) -> dict[str, Path]:
    """Models of TensorFlow Lite, by the type of their input, and two of ONNX."""
    found = {}
    for kind in ("float32", "uint8", "int32"):
        found[kind] = tmp_path / f"{kind}.tflite"
        found[kind].write_bytes(identity(np.dtype(kind), [1, 4]))
    for name, element in (("onnx", TensorProto.FLOAT), ("onnx of i64", TensorProto.INT64)):
        ports = [("x", element, [4])], [("y", element, [4])]
        found[name] = tmp_path / f"{name}.onnx"
        found[name].write_bytes(model([helper.make_node("Abs", ["x"], ["y"])], *ports))
    return found


def on(host: str, module: bytes, *models: Path) -> Verdict:
    (found,) = check(module, [host], models=models)
    return found


def codes(found: Verdict) -> set[str]:
    return {one.code for one in (*found.reasons, *found.caveats)}


def test_a_type_that_is_right_for_the_model_in_older_numbers_only_shows_these(
    of_type: dict[str, Path],
) -> None:
    module = guest(TFLITE + passes(2))
    assert on("wasmedge@0.14.1", module).answer is Answer.REWRITE
    assert on("wasmedge@0.14.1", module, of_type["uint8"]).answer is Answer.RUNS
    assert "NN146" in codes(on("wasmedge", module))
    found = on("wasmedge", module, of_type["uint8"])
    assert found.answer is Answer.REWRITE
    assert {"NN204", "NN145"} <= codes(found)
    assert "NN146" not in codes(found)
    (told,) = (note.message for note in found.notes if note.code == "NN145")
    assert (
        "type 2 for the input 't0' of uint8.tflite (u8), which is u8 only in the numbers from"
        in told
    )


def test_a_type_that_is_right_for_the_model_in_todays_numbers_only_shows_these(
    of_type: dict[str, Path],
) -> None:
    """And 3, which was i32 before."""
    module = guest(TFLITE + passes(3))
    assert on("wasmedge", module, of_type["uint8"]).answer is Answer.RUNS
    assert on("wasmedge@0.14.1", module, of_type["uint8"]).answer is Answer.REWRITE
    assert on("wasmedge@0.14.1", module, of_type["int32"]).answer is Answer.RUNS
    assert on("wasmedge", module, of_type["int32"]).answer is Answer.REWRITE


def test_types_that_are_right_in_both_numberings_stay_open(of_type: dict[str, Path]) -> None:
    found = on("wasmedge", guest(TFLITE + passes(2) + passes(3)), of_type["uint8"])
    assert (found.answer, "NN146" in codes(found)) == (Answer.ONLY_IF, True)


def test_a_model_tells_nothing_where_a_call_hides_its_type(of_type: dict[str, Path]) -> None:
    found = on("wasmedge", guest(TFLITE + passes(2) + HIDDEN), of_type["uint8"])
    assert (found.answer, "NN146" in codes(found)) == (Answer.ONLY_IF, True)


def test_models_that_take_different_types_tell_by_all_of_them(of_type: dict[str, Path]) -> None:
    module = guest(TFLITE + passes(2) + passes(3))
    both = of_type["uint8"], of_type["int32"]
    assert on("wasmedge", module, *both).answer is Answer.REWRITE
    assert on("wasmedge@0.14.1", module, *both).answer is Answer.RUNS


def test_numbers_that_are_for_no_model_are_not_spoken_of(of_type: dict[str, Path]) -> None:
    """1 is f32 in all numberings."""
    module = guest(TFLITE + passes(1) + passes(2))
    assert "NN146" in codes(on("wasmedge", module))
    assert on("wasmedge", module, of_type["float32"]).answer is Answer.RUNS


def test_nnshim_goes_by_the_tensors_whatever_the_numbers_are(of_type: dict[str, Path]) -> None:
    assert on("nnshim", guest(TFLITE + passes(2)), of_type["uint8"]).answer is Answer.RUNS


@pytest.mark.parametrize(
    ("module", "file", "abi"),
    [
        (guest(loads("(i32.const 2)") + passes(1)), "onnx", "witx-2021"),
        (guest(WAMR_LOAD.format(2), module="wasi_nn", load=4), "float32", "wamr-1.1"),
    ],
)
def test_an_encoding_that_is_right_for_the_model_in_one_abi_only_shows_that(
    module: bytes,
    file: str,
    abi: str,
    of_type: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "guest.wasm"
    path.write_bytes(module)
    words = ["nnshim", "check", str(path), "--for", "wamr@main", "--model", str(of_type[file])]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit):
        main()
    out = capsys.readouterr().out
    assert f"--guest-abi {abi} {path} guest." in out
    assert f"only in the numbers of {abi}" in out
    assert "NN748" not in out


@pytest.mark.parametrize(
    ("encodings", "more", "said"),
    [
        (("(i32.const 1)",), (), True),
        (("(i32.const 1)", "(i32.const 4)"), (), False),
        (("(i32.const 5)",), (), False),
        (("(i32.const 1)", "(i32.load (i32.const 68))"), (), False),
        (("(i32.const 1)",), ("load_by_name",), False),
        ((), (), False),
    ],
)
def test_a_model_whose_encoding_no_call_passes_cannot_run(
    encodings: tuple[str, ...], more: tuple[str, ...], said: bool, of_type: dict[str, Path]
) -> None:
    """5 has the host find out, and by a name any model can be loaded."""
    module = guest("".join(map(loads, encodings)), *more)
    found = on("wamr@main", module, of_type["float32"])
    assert ("NN750" in {one.code for one in found.reasons}) is said


@pytest.mark.parametrize(
    ("host", "kinds", "said"),
    [
        ("wasmedge", (1,), True),
        ("wasmedge", (1, 3), False),
        ("wasmedge", (2,), False),
        ("wamr-ephemeral@2.0.0", (1,), False),
    ],
)
def test_a_type_that_no_call_passes_is_a_condition_where_it_is_compared(
    host: str, kinds: tuple[int, ...], said: bool, of_type: dict[str, Path]
) -> None:
    module = guest(TFLITE + "".join(map(passes, kinds)))
    found = on(host, module, of_type["uint8"])
    assert ("NN749" in {one.code for one in found.conditions}) is said


@pytest.mark.parametrize("host", ["nnshim", "wamr@main"])
@pytest.mark.parametrize(("kinds", "said"), [((1,), False), ((5,), True), ((1, 5), False)])
def test_onnx_takes_floats_for_nothing_else_and_nothing_else_for_floats(
    host: str, kinds: tuple[int, ...], said: bool, of_type: dict[str, Path]
) -> None:
    """1 is f32, and 5 is i64."""
    module = guest(loads("(i32.const 1)") + "".join(map(passes, kinds)))
    for name, is_said in (("onnx", said), ("onnx of i64", kinds == (1,))):
        found = on(host, module, of_type[name])
        assert ("NN749" in {one.code for one in found.conditions}) is is_said


def test_onnx_may_be_loaded_as_openvinos(of_type: dict[str, Path]) -> None:
    found = on("wasmtime", guest(loads("(i32.const 0)") + passes(1)), of_type["onnx"])
    assert "NN748" not in codes(found)
