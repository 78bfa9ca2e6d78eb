"""WasmEdge's extensions, called by a guest in C: as it was built, and adapted to hosts without."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewriter import HostMismatch, RewriteOptions, inspect_module, rewrite
from rewriter.abi.dialects import Encoding, Errno, Target
from runtime_shim import NamedGraph, NNHost, Reason, RunOptions, run
from samples.build import build
from tests.conftest import GUESTS
from tests.support.models import sum_and_product
from tests.support.native import NativeWasmtime, openvino_model

RESULTS = """\
load 0
init 0
unload 0
set_input 0
set_input 0
compute 0
get_output 0 5.5 -1.75
get_output 0 6 -0.5
"""
FINALIZED = f"finalize 0\ncompute {Errno.INVALID_ARGUMENT:d}\n"
WITHOUT_EFFECT = "finalize 0\ncompute 0\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("extensions")
    build(GUESTS / "extensions.c", path / "guest.wasm")
    build(GUESTS / "extensions.c", path / "streaming.wasm", "-DSTREAMING")
    (path / "model.onnx").write_bytes(sum_and_product())
    return path


def printed(guest: bytes, folder: Path, capfd: pytest.CaptureFixture[str], config: str = "") -> str:
    graph = NamedGraph("both", Encoding.ONNX, Target.CPU, (str(folder / "model.onnx"),))
    assert (
        run(guest, NNHost(graphs=[graph]), RunOptions(["guest.wasm", "both", config])).reason
        is Reason.EXITED
    )
    return capfd.readouterr().out


def test_the_extensions_work_as_they_do_on_wasmedge(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    guest = (folder / "guest.wasm").read_bytes()
    assert inspect_module(guest).abis["wasi_ephemeral_nn"].name == "wasmedge"
    assert printed(guest, folder, capfd) == RESULTS + FINALIZED


@pytest.mark.parametrize("abi", ["witx", "wamr"])
def test_where_a_host_has_none_they_succeed_without_effect(
    abi: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    guest = rewrite((folder / "guest.wasm").read_bytes(), RewriteOptions(abi=abi))
    assert printed(guest, folder, capfd) == RESULTS + WITHOUT_EFFECT
    back = rewrite(guest, RewriteOptions(abi="wasmedge"))
    assert printed(back, folder, capfd) == RESULTS + FINALIZED


@pytest.mark.parametrize("abi", ["witx", "wamr"])
def test_a_configuration_that_would_be_ignored_is_an_unsupported_operation(
    abi: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    guest = rewrite((folder / "guest.wasm").read_bytes(), RewriteOptions(abi=abi))
    expected = f"load {Errno.UNSUPPORTED_OPERATION:d}\n"
    assert printed(guest, folder, capfd, '{"temp": 0}') == expected


def test_native_wasmtime_runs_the_adapted_guest(folder: Path, native: NativeWasmtime) -> None:
    (folder / "both").mkdir()
    openvino_model(sum_and_product(), folder / "both")
    guest = folder / "adapted.wasm"
    guest.write_bytes(
        rewrite((folder / "guest.wasm").read_bytes(), RewriteOptions(host="wasmtime"))
    )
    done = native.run(guest, "both", "", graph="openvino::both")
    assert done.stdout == RESULTS + WITHOUT_EFFECT


def test_a_guest_that_streams_is_refused_where_nothing_can_stand_in(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    guest = (folder / "streaming.wasm").read_bytes()
    with pytest.raises(HostMismatch) as caught:
        rewrite(guest, RewriteOptions(host="wasmtime"))
    lacking = ["compute_single", "get_output_single", "fini_single"]
    found = [(diagnostic.code, diagnostic.function) for diagnostic in caught.value.diagnostics]
    assert found == [("NN211", function) for function in lacking]
    answers = printed(guest, folder, capfd).removeprefix(RESULTS).splitlines()
    assert answers[:3] == [
        f"{name} {Errno.UNSUPPORTED_OPERATION:d}"
        for name in ("compute_single", "get_output_single", "fini_single")
    ]
