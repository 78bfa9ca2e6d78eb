"""What a guest's models mean for hosts: as real hosts have done it, and each by itself."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from rewriter import check
from rewriter.abi.dialects import Encoding
from rewriter.analysis.compatibility import Runs
from rewriter.codes import find_code
from rewriter.errors import InputError, ModelError, UsageError
from tests.heavy.models_on_peers import RESULTS
from tests.heavy.peer_models import ABIS, asked, write_files
from tests.rewriter.analysis.with_models import conditions, everything, guest, on, said
from tests.support import models
from tests.support.gguf_models import successors
from tests.support.tflite_models import identity
from tests.support.wasm import assemble

ROOT = Path(__file__).resolve().parents[3]
CONFORMANCE = ROOT / "conformance" / "models"


BACKENDS = {
    "tflite": Encoding.TENSORFLOWLITE,
    "openvino": Encoding.OPENVINO,
    "onnx": Encoding.ONNX,
}
"""By what tests.heavy.peers calls them."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place: Path = tmp_path_factory.mktemp("models")
    write_files(place)
    return place


HOSTS: dict[str, dict[str, Any]] = json.loads(RESULTS.read_text())


def answers(name: str, folder: Path) -> Iterator[tuple[str, str, bool, bool]]:
    """Of a real host: what was asked, the verdict, whether the guest got the right answer, and
    whether it took the model for what it is, and the host had the model's backend."""
    peer = HOSTS[name]
    built = {BACKENDS[each] for each in peer["backends"]}
    for abi in ABIS:
        right = set(peer[abi])
        for question in asked():
            found = on(peer["for"], folder / question.files[0], guest(abi))
            kind = "if" if conditions(found) else "runs"
            verdict = "cannot" if found.runs is Runs.CANNOT else kind
            fair = question.as_stated and question.encoding in built
            yield f"{abi} {question.name}", verdict, question.name in right, fair


@pytest.mark.parametrize("name", HOSTS)
def test_verdicts_with_models_agree_with_real_hosts(name: str, folder: Path) -> None:
    """None that cannot run has run, and whatever runs without a condition has given its answer."""
    found = list(answers(name, folder))
    assert [what for what, verdict, right, _ in found if verdict == "cannot" and right] == []
    runs = [(what, right) for what, verdict, right, fair in found if verdict == "runs" and fair]
    assert [what for what, right in runs if not right] == []
    assert runs
    assert any(verdict == "cannot" for _, verdict, _, _ in found)


def test_conditions_are_of_what_has_run_and_of_what_has_not(folder: Path) -> None:
    """A condition on what always runs, or never does, would be none."""
    found = [each for name in HOSTS for each in answers(name, folder)]
    assert {right for _, verdict, right, _ in found if verdict == "if"} == {True, False}


def write(folder: Path, data: bytes, name: str = "model.onnx") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_a_format_without_a_backend_cannot_run_and_one_to_be_built_is_a_need() -> None:
    tflite = CONFORMANCE / "tensorflowlite" / "base" / "model.tflite"
    assert said(on("wasmtime@49", tflite), "NN711") == [
        "model.tflite: the host has no tensorflowlite backend, only openvino"
    ]
    found = on("wamr-ephemeral@2.4.5", tflite)
    assert found.runs is Runs.AS_IT_IS
    assert said(found, "NN714") == [
        "model.tflite: TensorFlow Lite needs WAMR_BUILD_WASI_NN_TFLITE=1"
    ]
    assert said(on("wasmedge", tflite), "NN714") == [
        "model.tflite: TensorFlow Lite needs the plugin wasi_nn-tensorflowlite"
    ]


def test_onnx_on_a_host_with_openvino_alone_depends_on_how_it_is_loaded() -> None:
    onnx = CONFORMANCE / "onnx" / "base" / "model.onnx"
    assert conditions(on("wamr-ephemeral@2.4.5", onnx)) == ["NN712"]
    assert conditions(on("wasmtime@49", onnx)) == ["NN713"]
    assert conditions(on("wamr-ephemeral@main", onnx)) == []
    assert on("wamr-legacy@2.4.5", onnx).runs is Runs.CANNOT
    assert on("wasmtime@15", onnx).runs is not Runs.CANNOT


@pytest.mark.parametrize(
    ("host", "kind", "refused"),
    [
        ("wasmedge@0.17.1", "i64", True),
        ("wasmedge@0.17.1", "f64", True),
        ("wasmedge@0.17.1", "u8", False),
        ("wamr-ephemeral@2.4.5", "u8", True),
        ("wamr-ephemeral@main", "u8", False),
        ("wamr-legacy@2.3.1", "u8", True),
        ("nnshim", "i64", False),
    ],
)
def test_a_type_that_the_host_refuses_cannot_run(host: str, kind: str, refused: bool) -> None:
    found = on(host, CONFORMANCE / "tensorflowlite" / kind / "model.tflite")
    assert bool(said(found, "NN721")) is refused


def test_a_guest_of_an_older_abi_has_no_number_for_some_types() -> None:
    model = CONFORMANCE / "openvino" / "i64" / "model.xml"
    assert len(said(on("wasmtime@49", model, guest("wamr")), "NN722")) == 1
    assert said(on("wasmtime@49", model), "NN722") == []


def test_bytes_that_stand_for_numbers_are_floats_on_older_hosts(tmp_path: Path) -> None:
    scaled = {"scales": [0.5], "zero_points": [0]}
    model = write(tmp_path, identity(np.uint8, (1, 4), **scaled))
    assert conditions(on("wamr-legacy@2.3.1", model)) == ["NN724", "NN724"]
    assert conditions(on("wamr-ephemeral@2.4.5", model)) == ["NN724", "NN724"]
    assert conditions(on("wasmedge", model)) == []
    model.write_bytes(identity(np.int8, (1, 4), **scaled))
    (message,) = said(on("wamr-legacy@2.3.1", model), "NN721")
    assert "crashes the host" in message


def test_a_configuration_is_a_condition_where_the_backend_takes_it_for_a_part(
    tmp_path: Path,
) -> None:
    model = tmp_path / "model.tflite"
    model.write_bytes(identity(np.dtype(np.float32), [1, 4]))
    configured = guest("wasmedge", "load_by_name_with_config")
    for host in ("wasmedge@0.14.1", "wasmedge@0.17.1"):
        assert [d.code for d in on(host, model, configured).conditions] == ["NN747"]
        assert said(on(host, model, guest("wasmedge", "load_by_name")), "NN747") == []
    letters = successors(tmp_path / "model.gguf", "abc")
    assert said(on("wasmedge@0.17.1", letters, configured), "NN747") == []


def test_openvino_takes_images_only_on_older_hosts() -> None:
    rows = CONFORMANCE / "openvino" / "rows" / "model.xml"
    for host in ("wamr-ephemeral@2.3.1", "wasmedge@0.14.1", "wasmedge@0.13.5", "wasmtime@22"):
        assert len(said(on(host, rows), "NN731")) == 1, host
    for host in ("wamr-ephemeral@2.4.5", "wasmedge@0.15.0", "wasmtime@49"):
        assert said(on(host, rows), "NN731") == [], host


def test_of_several_inputs_some_hosts_keep_one() -> None:
    two = CONFORMANCE / "openvino" / "two" / "model.xml"
    assert len(said(on("wasmedge", two), "NN731")) == 1
    assert said(on("wamr-ephemeral@2.4.5", two), "NN731") == []


def test_an_output_of_another_type_than_floats_is_wrong_on_older_hosts(folder: Path) -> None:
    model = folder / "tensorflowlite-to-i64.tflite"
    assert len(said(on("wamr-ephemeral@2.3.1", model), "NN723")) == 1
    assert said(on("wamr-ephemeral@2.4.5", model), "NN723") == []


@pytest.mark.parametrize("kind", ["BOOL", "INT8", "INT16", "UINT16", "UINT32", "UINT64"])
def test_an_output_of_a_type_that_wasi_nn_lacks_is_not_given_by_wamrs_onnx(
    kind: str, tmp_path: Path
) -> None:
    code = getattr(TensorProto, kind)
    node = helper.make_node("Cast", ["x"], ["y"], to=code)
    made = models.model([node], [("x", TensorProto.FLOAT, (1, 4))], [("y", code, (1, 4))])
    model = write(tmp_path, made)
    assert len(said(on("wamr-ephemeral@main", model), "NN723")) == 1
    assert said(on("nnshim", model), "NN723") == []


def test_an_output_without_elements_is_not_given_by_wamrs_onnx(tmp_path: Path) -> None:
    node = helper.make_node("Identity", ["x"], ["y"])
    x, y = ((name, TensorProto.FLOAT, (0, 4)) for name in "xy")
    made = models.model([node], [x], [y])
    model = write(tmp_path, made)
    (message,) = said(on("wamr-ephemeral@main", model), "NN723")
    assert "no elements" in message
    assert said(on("nnshim", model), "NN723") == []


BF16 = """<net version="11"><layers>
  <layer id="0" name="x" type="Parameter"><data shape="4" element_type="f32"/>
    <output><port id="0" precision="FP32"><dim>4</dim></port></output></layer>
  <layer id="1" name="y" type="Result">
    <input><port id="0" precision="BF16"><dim>4</dim></port></input></layer>
</layers></net>"""


def test_outputs_of_bf16_come_back_right_from_wasmtime_since_23(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"")
    model = tmp_path / "model.xml"
    model.write_text(BF16)
    assert said(on("wasmtime", model), "NN723") == []
    assert said(on("wasmtime@23", model), "NN723") == []
    assert len(said(on("wasmtime@22", model), "NN723")) == 1


@pytest.mark.parametrize(
    ("host", "borrows"),
    [
        *(("wamr-ephemeral@main", True), ("wamr-ephemeral@2.4.5", True)),
        *(("wamr-ephemeral@2.3.1", True), ("wamr-legacy@2.3.1", True)),
        *(("wamr-ephemeral@2.0.0", False), ("wamr-legacy@2.4.5", False)),
        *(("wasmedge", True), ("wasmedge@0.14.0", True), ("wasmedge@0.13.5", False)),
        *(("wasmtime", False), ("nnshim", False)),
    ],
)
def test_where_inputs_are_read_at_compute_the_guest_has_to_leave_them(
    host: str, borrows: bool
) -> None:
    for module in (guest("witx"), guest("wamr")):  # with an adapter before set_input, or without
        (found,) = check(module, [host], validate=False)
        assert bool([one for one in found.unseen if one.code == "NN249"]) is borrows
    text = '(module (import "wasi_nn" "compute" (func (param i32) (result i32)))'
    (without,) = check(assemble(text + ' (memory (export "memory") 1))'), [host], validate=False)
    assert "NN249" not in {one.code for one in without.unseen}


def test_several_inputs_that_are_read_at_compute_are_a_condition() -> None:
    two, one = (CONFORMANCE / "openvino" / name / "model.xml" for name in ("two", "base"))
    (message,) = said(on("wamr-ephemeral@2.4.5", two), "NN751")
    assert "its 2 inputs are read at compute" in message
    assert "NN751" in conditions(on("wamr-ephemeral@2.4.5", two))
    assert said(on("wamr-ephemeral@2.4.5", one), "NN751") == []
    assert said(on("wasmtime", two), "NN751") == []


def test_that_inputs_are_read_at_compute_is_said_of_models_of_that_backend_only(
    tmp_path: Path,
) -> None:
    floats = write(tmp_path, identity(np.float32, (1, 4)))
    openvino = CONFORMANCE / "openvino" / "base" / "model.xml"
    assert said(on("wamr-ephemeral@2.4.5", floats), "NN249") == []
    assert len(said(on("wamr-ephemeral@2.4.5", openvino), "NN249")) == 1


def test_weights_in_another_file_are_a_condition_or_need_a_name(tmp_path: Path) -> None:
    model = write(tmp_path, models.with_external_data("weights.bin"))
    assert "NN742" in conditions(on("wamr-ephemeral@main", model))
    assert len(said(on("nnshim", model), "NN743")) == 1
    assert conditions(on("nnshim", model, guest("witx", "load_by_name"))) == ["NN742"]


def test_a_model_that_no_memory_holds_needs_a_name(tmp_path: Path) -> None:
    model = write(tmp_path, (CONFORMANCE / "openvino" / "base" / "model.xml").read_bytes(), "m.xml")
    with (tmp_path / "m.bin").open("wb") as file:
        file.truncate(1 << 32)
    assert len(said(on("wasmtime", model), "NN743")) == 1
    assert conditions(on("wasmtime", model, guest("witx", "load_by_name"))) == ["NN742"]


def test_outputs_that_are_not_tensors_are_a_condition(tmp_path: Path) -> None:
    node = helper.make_node("SequenceConstruct", ["x"], ["y"])
    port = helper.make_tensor_value_info("x", TensorProto.FLOAT, (1,))
    out = helper.make_tensor_sequence_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "test", [port], [out])
    model = write(tmp_path, helper.make_model(graph).SerializeToString())
    assert conditions(on("nnshim", model)) == ["NN727"]


def test_what_is_not_stated_is_unseen(tmp_path: Path) -> None:
    script = ROOT / "runtime_shim" / "trials" / "identity.pt"
    (message,) = said(on("wasmedge", script), "NN746")
    assert message.endswith("does not state the types and shapes of its inputs")
    shutil.copy(CONFORMANCE / "openvino" / "base" / "model.xml", tmp_path)
    assert len(said(on("wasmtime", tmp_path / "model.xml"), "NN745")) == 1


def test_a_saved_model_runs_nowhere(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01\x12\x00")
    for host in ("nnshim", "wasmtime", "wasmedge", "wamr"):
        assert len(said(on(host, tmp_path), "NN711")) == 1


def test_models_settle_what_holds_for_every_guest() -> None:
    """What they decide is said of no guest with models: that of others stays."""
    without = {each.code for each in everything(check(guest("witx"), ["wamr-legacy@2.3.1"])[0])}
    tflite = CONFORMANCE / "tensorflowlite" / "base" / "model.tflite"
    openvino = CONFORMANCE / "openvino" / "base" / "model.xml"
    found = {each.code for each in everything(on("wamr-legacy@2.3.1", tflite))}
    assert {"NN304", "NN306", "NN307", "NN308"} <= without
    assert not {"NN304", "NN306", "NN307", "NN308"} & found
    assert "NN307" in {each.code for each in everything(on("wamr-legacy@2.3.1", openvino))}
    both = check(guest("witx"), ["wamr-legacy@2.3.1"], models=[tflite, openvino])[0]
    assert "NN306" in {each.code for each in everything(both)}


def test_operators_are_said_not_to_be_looked_at() -> None:
    model = CONFORMANCE / "onnx" / "base" / "model.onnx"
    assert len(said(on("nnshim", model), "NN744")) == 1
    assert find_code("NN744").severity.value == "note"


def test_a_module_without_wasi_nn_has_no_use_for_models() -> None:
    model = CONFORMANCE / "onnx" / "base" / "model.onnx"
    found = on("wasmtime", model, assemble("(module)"))
    assert not [each for each in everything(found) if each.code.startswith("NN7")]


def test_models_that_cannot_be_read_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        on("wasmtime", write(tmp_path, b"\x08\x07"))
    with pytest.raises(InputError):
        on("wasmtime", tmp_path / "nothing")
    with pytest.raises(UsageError, match="models: expected a list of names"):
        check(guest("witx"), ["wasmtime"], models="model.onnx")
