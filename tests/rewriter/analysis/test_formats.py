"""What is said of a guest by the formats that it loads, with models and without."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rewriter.abi.numbers import Encoding
from rewriter.analysis.compatibility import Answer, Verdict, assess
from rewriter.analysis.inspect import inspect_module
from rewriter.checking.check import check
from rewriter.hosts.host import Measured
from rewriter.hosts.table import find_host
from tests.rewriter.analysis.test_seen import HIDDEN, guest, loads, passes

CONFORMANCE = Path(__file__).resolve().parents[3] / "conformance" / "models"
MODELS = {
    "onnx": CONFORMANCE / "onnx" / "base" / "model.onnx",
    "openvino": CONFORMANCE / "openvino" / "base" / "model.xml",
    "tflite": CONFORMANCE / "tensorflowlite" / "base" / "model.tflite",
}

UNKNOWN = "(i32.load (i32.const 68))"
"""An encoding that is not seen."""


def loading(*encodings: int | str, more: tuple[str, ...] = ()) -> bytes:
    """A guest that passes f32, and these encodings."""
    numbers = (n if isinstance(n, str) else f"(i32.const {n})" for n in encodings)
    return guest("".join(map(loads, numbers)) + passes(1), *more)


def on(host: str, module: bytes, *models: str) -> Verdict:
    (found,) = check(module, [host], models=[MODELS[model] for model in models])
    return found


def codes(found: Verdict) -> set[str]:
    return {one.code for one in (*found.reasons, *found.caveats)}


def message(found: Verdict, code: str) -> str:
    (one,) = (one for one in (*found.reasons, *found.caveats) if one.code == code)
    return one.message


def test_a_backend_that_the_released_host_does_not_have_is_a_condition() -> None:
    found = on("wasmtime@49", loading(1))
    assert found.answer is Answer.ONLY_IF
    assert message(found, "NN713").startswith(
        "only if the host is built differently (cargo build --release --features"
        " wasmtime-wasi-nn/onnx): function 2 passes the encoding 1 (onnx), but the released host"
    )
    assert "NN231" not in codes(found)
    for other in (loading(0), loading(UNKNOWN)):
        assert on("wasmtime@49", other).answer is Answer.RUNS


def test_a_backend_that_the_host_never_has_is_a_condition_that_reads_as_one() -> None:
    found = on("wasmtime@49", loading(4))
    assert message(found, "NN262") == (
        "only if it never loads such a model: function 2 passes the encoding 4 (tensorflowlite),"
        " but the host has no backend for it"
    )


def test_a_backend_that_nobody_has_looked_for_was_not_measured() -> None:
    row = find_host("wasmtime@49")
    row = row._replace(measured=Measured(backends=frozenset((Encoding.TENSORFLOWLITE,))))
    said = {one.code for one in assess(inspect_module(loading(4)), row).conditions}
    assert said & {"NN262", "NN271"} == {"NN271"}
    said = {one.code for one in assess(inspect_module(loading(2)), row).conditions}
    assert said & {"NN262", "NN271"} == {"NN262"}


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("wasmtime@22", "takes only four-dimensional tensors"),
        ("wasmtime@49", None),
        ("wasmedge@0.13.5", "takes only four-dimensional tensors"),
        ("wasmedge@0.14.1", "as 1x224x224x3 floats"),
        ("wasmedge@0.17.1", None),
        ("wamr@2.3.1", "as a channels-last image with three channels"),
        ("wamr@2.4.5", None),
    ],
)
def test_that_openvino_takes_images_is_a_need_and_a_condition_of_a_guest_that_loads_its_models(
    host: str, words: str | None
) -> None:
    hidden, openvino, tflite = (on(host, loading(number)) for number in (UNKNOWN, 0, 4))
    about = {"NN265", "NN308"}
    assert codes(tflite) & about == set()
    if words is None:
        assert codes(hidden) & about == codes(openvino) & about == set()
    else:
        assert codes(hidden) & about == {"NN308"}
        assert codes(openvino) & about == {"NN265"}
        assert words in message(hidden, "NN308")
        assert words in message(openvino, "NN265")
        assert "function 2 passes the encoding 0 (openvino)" in message(openvino, "NN265")
    assert codes(on(host, loading(0), "openvino")) & about == set()


OF_ONE_BACKEND = {"NN240", "NN304", "NN306", "NN307", "NN308", "NN265"}


@pytest.mark.parametrize(
    ("module", "left"),
    [
        (loading(UNKNOWN), {"NN240", "NN304", "NN306", "NN307", "NN308"}),
        (loading(4), {"NN240", "NN304"}),
        (loading(0), {"NN240", "NN265"}),
        (loading(1), set()),
        (loading(0, 4), {"NN240", "NN265", "NN304", "NN306"}),
    ],
    ids=["any", "tflite", "openvino", "onnx", "openvino and tflite"],
)
def test_nothing_is_said_of_backends_for_which_a_guest_loads_no_model(
    module: bytes, left: set[str]
) -> None:
    said = codes(on("wamr@2.3.1", module)) & OF_ONE_BACKEND
    assert said - {"NN307"} == left - {"NN307"}


@pytest.mark.parametrize("host", ["wamr@2.3.1", "wasmedge", "wasmedge@0.14.1", "nnshim"])
def test_a_model_of_a_format_that_the_guest_never_loads_cannot_run(host: str) -> None:
    found = on(host, loading(4), "openvino")
    assert found.answer is Answer.CANNOT
    assert "no call of load passes the encoding of model.xml" in message(found, "NN750")
    assert "NN750" not in codes(on(host, loading(4), "tflite"))


@pytest.mark.parametrize(
    "module",
    [loading(1, 4), loading(1, UNKNOWN), loading(5), loading(1, more=("load_by_name",))],
    ids=["another load", "a load that is not seen", "autodetect", "a name"],
)
def test_a_model_that_the_guest_may_load_otherwise_can_run(module: bytes) -> None:
    assert not {"NN748", "NN750"} & codes(on("wamr-ephemeral@main", module, "tflite"))


def test_a_model_that_is_loaded_as_what_it_is_in_other_numbers_is_a_condition() -> None:
    """2 was ONNX until 2022, when there was no type 5, which is f64 or i64."""
    module = guest(loads("(i32.const 2)") + passes(5))
    found = on("wasmedge", module, "onnx")
    assert "NN748" in {one.code for one in found.conditions}


@pytest.mark.parametrize(
    ("host", "encoding", "said"),
    [
        ("wasmtime@49", 1, {"NN713"}),
        ("wasmtime@49", 0, set[str]()),
        ("wasmtime@22", 0, {"NN711"}),
        ("wasmedge", 1, {"NN711"}),
        ("wasmedge", 0, {"NN714"}),
        ("wasmedge", UNKNOWN, {"NN712"}),
        ("wasmtime@49", UNKNOWN, {"NN713"}),
    ],
)
def test_onnx_counts_as_what_the_guest_loads_it_as(
    host: str, encoding: int | str, said: set[str]
) -> None:
    found = on(host, loading(encoding), "onnx")
    assert codes(found) & {"NN711", "NN712", "NN713", "NN714"} == said
    if "NN713" in said:
        assert ("loads it as openvino" in message(found, "NN713")) is (encoding == UNKNOWN)


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (passes(1), Answer.RUNS),
        (passes(1) + passes(3, data=16), Answer.REWRITE),
        (passes(2, data=128), Answer.REWRITE),
        (passes(1) + HIDDEN, Answer.REWRITE),
    ],
    ids=["f32", "u8", "f64", "one that is not seen"],
)
def test_types_with_the_same_numbers_there_need_no_adapter(body: str, answer: Answer) -> None:
    """WasmEdge 0.14 has the numbers of before August 2023, and no other error numbers."""
    module = guest(loads("(i32.const 4)") + body)
    assert on("wasmedge@0.14.1", module).answer is answer
    assert ("NN204" in codes(on("wasmedge@0.14.1", module))) is (answer is Answer.REWRITE)


def test_weights_that_are_not_there_are_a_condition(tmp_path: Path) -> None:
    shutil.copy(MODELS["openvino"], tmp_path)
    (found,) = check(loading(0), ["wasmtime"], models=[tmp_path / "model.xml"])
    assert found.answer is Answer.ONLY_IF
    assert "model.bin is missing" in message(found, "NN745")
    assert on("wasmtime", loading(0), "openvino").answer is Answer.RUNS
