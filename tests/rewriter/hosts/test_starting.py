"""What hosts need beside a module, and the commands that try it: each was run on a real build."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewriter.hosts.starting import Explanation, Trial, explain, run_words
from rewriter.hosts.table import FAMILIES, find_host
from rewriter.models.reading import read_model

ROOT = Path(__file__).resolve().parents[3]
CONFORMANCE = ROOT / "conformance" / "models"


def on(
    host: str, *models: str, opens_files: bool = True, loads_by_name: bool = False
) -> Explanation:
    read = [read_model(CONFORMANCE / model) for model in models]
    return explain(find_host(host), Trial("guest.wasm", opens_files, loads_by_name, read))


@pytest.mark.parametrize(
    ("host", "command"),
    [
        ("wamr-legacy@1.3.3", "iwasm --dir=. guest.wasm"),
        ("wamr@2.1.1", "iwasm --native-lib=./libwasi-nn-tflite.so --dir=. guest.wasm"),
        ("wamr@2.4.5", "iwasm --dir=. guest.wasm"),
        ("wamr-ephemeral@main", "iwasm --dir=. guest.wasm"),
        ("wasmedge@0.14.1", "wasmedge --dir .:. guest.wasm"),
        ("wasmtime@12", "wasmtime run --wasi-modules experimental-wasi-nn --dir . guest.wasm"),
        ("wasmtime@49", "wasmtime run -S nn --dir . guest.wasm"),
        ("nnshim", "nnshim run --dir . guest.wasm"),
    ],
)
def test_each_host_is_started_in_its_own_way(host: str, command: str) -> None:
    assert on(host).commands == (command,)


def test_what_opens_no_files_is_given_no_folder() -> None:
    assert on("wasmtime", opens_files=False).commands == ("wasmtime run -S nn guest.wasm",)


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("wasmedge", "--nn-preload NAME:ENCODING:CPU:FILES"),
        ("wasmtime@13", "--wasi-nn-graph ENCODING::FOLDER"),
        ("wasmtime@49", "-S nn-graph=ENCODING::FOLDER"),
        ("nnshim", "--nn-preload NAME:ENCODING:CPU:FILES"),
    ],
)
def test_graphs_are_named_on_the_command_line(host: str, words: str) -> None:
    (command,) = on(host, loads_by_name=True).commands
    assert f" {words} " in command
    assert words.split()[-1] not in on(host).commands[0]


def test_a_path_is_the_name_on_wamr() -> None:
    found = on("wamr@2.4.5", loads_by_name=True, opens_files=False)
    assert found.commands == ("iwasm guest.wasm",)
    path = "a path on the device, followed by a NUL"
    assert f"graphs by name: {path}" in found.needs


def test_models_fill_in_what_names_their_graphs() -> None:
    (command,) = on("wasmedge", "openvino/base/model.xml", loads_by_name=True).commands
    place = CONFORMANCE / "openvino" / "base"
    files = f"{place}/model.xml:{place}/model.bin"
    assert f"--nn-preload default:openvino:CPU:{files} " in command
    (command,) = on("wasmtime", "openvino/base/model.xml", loads_by_name=True).commands
    assert f"-S nn-graph=openvino::{place} " in command


def test_a_model_in_the_current_folder_has_no_folder_to_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Wasmtime takes the folder's name for the graph's, and `.` has none."""
    monkeypatch.chdir(CONFORMANCE / "openvino" / "base")
    trial = Trial("guest.wasm", True, True, [read_model("model.xml")])
    (command,) = explain(find_host("wasmtime"), trial).commands
    assert "-S nn-graph=openvino::FOLDER " in command


def test_needs_are_those_of_the_models_backends() -> None:
    found = on("wamr-ephemeral@main", "tensorflowlite/base/model.tflite").needs
    assert "for tensorflowlite: WAMR_BUILD_WASI_NN_TFLITE=1" in found
    assert any("libwasi_nn_tflite.so on the library path" in need for need in found)
    assert not any("openvino" in need for need in found)
    (build,) = (need for need in found if "cmake" in need)
    assert "-DWAMR_BUILD_WASI_EPHEMERAL_NN=1 -DWAMR_BUILD_WASI_NN_TFLITE=1 &&" in build
    every = on("wamr-ephemeral@main").needs
    assert "for onnx: WAMR_BUILD_WASI_NN_ONNX=1" in every
    assert "for openvino: WAMR_BUILD_WASI_NN_OPENVINO=1" in every


def test_plugins_are_named_by_release() -> None:
    found = on("wasmedge@0.14.1", "tensorflowlite/base/model.tflite").needs
    assert "for tensorflowlite: the plugin wasi_nn-tensorflowlite" in found


def test_a_rewrite_comes_before_the_start() -> None:
    trial = Trial("out.wasm", True, False)
    found = explain(find_host("wamr@2.3.1"), trial, "nnshim rewrite --for wamr@2.3.1 in out.wasm")
    assert found.commands == (
        "nnshim rewrite --for wamr@2.3.1 in out.wasm",
        "iwasm --dir=. out.wasm",
    )
    assert found.host == "wamr-legacy@2.3.1"


def test_it_is_known_of_every_release_how_it_is_started() -> None:
    for family in FAMILIES.values():
        for row in family.rows:
            assert row.start.program, row.label
            assert row.needs, row.label


def test_options_of_the_module_come_before_it() -> None:
    row = find_host("wamr")
    trial = Trial("guest.wasm", True, False, options=("--stack-size=262144",))
    assert run_words(row, trial) == ["iwasm", "--stack-size=262144", "--dir=.", "guest.wasm"]
