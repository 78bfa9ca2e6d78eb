"""Whether a host takes a model in as many builders as a guest passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewriter.analysis.compatibility import Answer, Verdict
from rewriter.checking.check import check
from rewriter.hosts.profiles.file import write
from rewriter.hosts.profiles.of_row import from_row
from rewriter.hosts.table import find_host
from tests.rewriter.analysis.test_formats import MODELS, UNKNOWN, codes, message
from tests.rewriter.analysis.test_seen import guest, loads, passes
from tests.support.wasm import assemble

NOT_SEEN = "(i32.load (i32.const 76))"


def loading(*calls: tuple[int | str, int | str]) -> bytes:
    """A guest with calls of load for encodings, in so many builders."""
    return guest("".join(loads(number(e), parts=number(n)) for e, n in calls) + passes(1))


def number(value: int | str) -> str:
    return value if isinstance(value, str) else f"(i32.const {value})"


def on(host: str, module: bytes, *models: str) -> Verdict:
    (found,) = check(module, [host], models=[MODELS[model] for model in models])
    return found


@pytest.mark.parametrize(
    ("host", "encoding", "taken", "words"),
    [
        *(
            (host, 0, {2}, "2 for openvino")
            for host in ("wasmtime@1", "wasmtime@49", "wamr@2.4.5", "wamr@main")
        ),
        ("wamr-ephemeral@2.1.2", 0, {2}, "2 for openvino"),
        ("wasmedge@0.10.1", 0, {2}, "2 for openvino"),
        ("wasmedge@0.17.1", 0, {2}, "2 for openvino"),
        ("wamr@main", 4, {1}, "1 for tensorflowlite"),
        ("wamr-ephemeral@2.0.0", 4, {1}, "1 for tensorflowlite"),
        ("wasmedge@0.17.1", 4, {1}, "1 for tensorflowlite"),
        ("wasmedge@0.17.1", 3, {1}, "1 for pytorch"),
        ("wasmedge@0.13.5", 6, {1}, "1 for ggml"),
        ("wasmedge@0.14.0", 6, {1, 2, 3}, "1 or more for ggml"),
        ("wamr@main", 1, {1, 2, 3}, "1 or more for onnx"),
        ("wasmtime@49", 1, {1}, "1 for onnx"),
        ("nnshim", 0, {1, 2}, "1 or 2 for openvino"),
    ],
)
def test_a_number_of_builders_that_the_backend_does_not_take_is_a_condition(
    host: str, encoding: int, taken: set[int], words: str
) -> None:
    for count in range(4):
        found = on(host, loading((encoding, count)))
        assert ("NN266" in codes(found)) is (count not in taken), count
        if count not in taken:
            assert found.answer is not Answer.RUNS
            assert message(found, "NN266") == (
                f"function 2 passes the constant number of builders {count}, but the host takes"
                f" {words}"
            )


@pytest.mark.parametrize(
    ("host", "calls"),
    [
        ("wasmtime@49", [(0, NOT_SEEN)]),
        ("wasmedge", [(UNKNOWN, 1)]),  # TensorFlow Lite's, for example
        ("wasmedge", [(UNKNOWN, 2)]),
        ("wasmedge", [(0, 2), (4, 1)]),
        ("wamr", [(0, "(select (i32.const 2) (i32.const 2) (i32.load (i32.const 80)))")]),
    ],
)
def test_nothing_is_said_of_a_number_that_may_be_right(
    host: str, calls: list[tuple[int | str, int | str]]
) -> None:
    assert "NN266" not in codes(on(host, loading(*calls)))


def test_a_number_that_no_backend_takes_is_wrong_for_every_encoding() -> None:
    found = message(on("wasmtime@22", loading((UNKNOWN, 3))), "NN266")
    assert found.endswith("the host takes 2 for openvino, 1 for onnx")


@pytest.mark.parametrize(("count", "said"), [(1, False), (2, True)])
def test_the_number_in_wamrs_structure_counts(count: int, said: bool) -> None:
    """`load` gets a pointer to the address of the builders and their number."""
    module = assemble(
        '(module (import "wasi_nn" "load" (func $load (param i32 i32 i32 i32) (result i32)))'
        ' (memory (export "memory") 1) (func (export "_start")'
        " (i32.store (i32.const 64) (i32.const 128))"
        f" (i32.store (i32.const 68) (i32.const {count}))"
        " (drop (call $load (i32.const 64) (i32.const 4) (i32.const 0) (i32.const 72)))))"
    )
    assert ("NN266" in codes(on("wamr-legacy@2.3.1", module))) is said


def test_calls_that_the_models_are_not_for_do_not_count() -> None:
    module = loading((0, 1), (4, 1))
    assert "NN266" in codes(on("wasmedge", module))
    assert "NN266" not in codes(on("wasmedge", module, "tflite"))
    assert "NN266" in codes(on("wasmedge", module, "openvino"))


@pytest.mark.parametrize("host", ["wasmtime@49", "wamr@2.4.5", "wasmedge"])
def test_onnx_as_openvino_runs_only_in_two_builders(host: str) -> None:
    assert on(host, loading((0, 2)), "onnx").answer is Answer.RUNS
    found = on(host, loading((0, 1)), "onnx")
    assert found.answer is Answer.CANNOT
    assert "but not with an empty part for weights" in message(found, "NN711")


def test_no_empty_part_is_recommended_to_a_guest_that_passes_one() -> None:
    assert codes(on("wasmedge", loading((UNKNOWN, 2)), "onnx")) >= {"NN712"}
    found = on("wasmedge", loading((UNKNOWN, 1)), "onnx")
    assert codes(found) & {"NN711", "NN712"} == {"NN711"}


def test_nnshim_takes_onnx_as_openvino_in_one_builder_and_in_two() -> None:
    for count in (1, 2):
        assert on("nnshim", loading((0, count)), "onnx").answer is Answer.RUNS


def test_of_a_measured_host_another_number_than_the_usual_is_not_known(tmp_path: Path) -> None:
    path = tmp_path / "profile.toml"
    path.write_text(write(from_row(find_host("wasmtime@49"))))
    found = on(str(path), loading((0, 1)))
    assert "NN266" not in codes(found)
    assert "number of builders 1, but it was not measured" in message(found, "NN271")
    assert "NN271" not in codes(on(str(path), loading((0, 2))))
