"""nnshim and native Wasmtime do what conformance/results says of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance import run as suite
from runtime_shim import CAPTURED, NNHost, Reason, RunOptions, parse_nn_preload
from runtime_shim import run as run_guest
from tests.support.native import NativeWasmtime
from tests.tools import conformance_results

FOLDER = conformance_results.SUITE
CASES = json.loads((FOLDER / "expected.json").read_text())


def results(file: Path) -> dict[str, str]:
    """The results that a file has, by the cases' names."""
    cases = json.loads(file.read_text())["cases"]
    return {name: found["result"] for name, found in cases.items()}


@pytest.mark.parametrize("encoding", ["openvino", "onnx", "tensorflowlite"])
def test_nnshim_gives_what_is_written_down(encoding: str) -> None:
    """In this process: a command for each module takes minutes."""
    found = {}
    with NNHost(graphs=[parse_nn_preload(conformance_results.preload(encoding))]) as host:
        for case in CASES:
            if encoding in case["encodings"]:
                module = (FOLDER / "modules" / encoding / f"{case['name']}.wasm").read_bytes()
                outcome = run_guest(module, host, RunOptions(stdout=CAPTURED))
                assert outcome.reason in (Reason.EXITED, Reason.TRAPPED)
                ended = suite.Ended(outcome.exit_code, (outcome.stdout or b"").decode(), "")
                found[case["name"]] = suite.result(case, ended)["result"]
    assert found == results(conformance_results.nnshim(encoding).results)


def test_the_command_gives_what_is_written_down(tmp_path: Path) -> None:
    host = conformance_results.nnshim("openvino")
    conformance_results.run(host, tmp_path / "out.json", "--cases", "witx/get-output-o*")
    given, written = results(tmp_path / "out.json"), results(host.results)
    assert given == {name: written[name] for name in given}
    assert len(given) == 4


def test_native_wasmtime_gives_what_is_written_down(native: NativeWasmtime, tmp_path: Path) -> None:
    host = conformance_results.wasmtime(native)
    conformance_results.run(host, tmp_path / "out.json", "--cases", "witx/*")
    written = results(host.results)
    assert results(tmp_path / "out.json") == {
        name: result for name, result in written.items() if name.startswith("witx/")
    }
