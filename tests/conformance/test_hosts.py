"""nnshim and native Wasmtime do what conformance/results says of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from conformance import run as suite
from runtime_shim import CAPTURED, NNHost, Reason, RunOptions, parse_nn_preload
from runtime_shim import run as run_guest
from tests.support.native import NativeWasmtime

FOLDER = Path(__file__).resolve().parents[2] / "conformance"
CASES = {case["name"]: case for case in json.loads((FOLDER / "expected.json").read_text())}
PARTS = {"openvino": ["model.xml", "model.bin"], "onnx": ["model.onnx"]}


def written_down(host: str) -> dict[str, str]:
    """The results of a file in conformance/results, by the cases' names."""
    cases = json.loads((FOLDER / "results" / f"{host}.json").read_text())["cases"]
    return {name: found["result"] for name, found in cases.items()}


@pytest.mark.parametrize("encoding", ["openvino", "onnx", "tensorflowlite"])
def test_nnshim_gives_what_is_written_down(encoding: str) -> None:
    """In this process: a command for each module takes minutes."""
    parts = [
        str(FOLDER / "models" / encoding / "base" / part)
        for part in PARTS.get(encoding, ["model.tflite"])
    ]
    graph = parse_nn_preload(f"base:{encoding}:CPU:{':'.join(parts)}")
    found = {}
    with NNHost(graphs=[graph]) as host:
        for name, case in CASES.items():
            if encoding in case["encodings"]:
                module = (FOLDER / "modules" / encoding / f"{name}.wasm").read_bytes()
                outcome = run_guest(module, host, RunOptions(stdout=CAPTURED))
                assert outcome.reason in (Reason.EXITED, Reason.TRAPPED)
                printed = (outcome.stdout or b"").decode()
                ended = suite.Ended(outcome.exit_code, printed, "")
                found[name] = suite.result(case, ended)["result"]
    assert found == written_down(f"nnshim-{encoding}")


def test_the_command_gives_what_is_written_down(tmp_path: Path) -> None:
    given = given_by([sys.executable, "-m", "nnshim", "run"], "witx/get-output-o*", tmp_path)
    assert given == {name: written_down("nnshim-openvino")[name] for name in given}
    assert len(given) == 4


def test_native_wasmtime_gives_what_is_written_down(native: NativeWasmtime, tmp_path: Path) -> None:
    base = FOLDER / "models" / "openvino" / "base"
    command = native.prefix(f"openvino::{base}")
    given = given_by(command, "witx/*", tmp_path, "--graph", "--jobs", "2", env=native.env)
    written = written_down("wasmtime-openvino")
    assert given == {name: result for name, result in written.items() if name.startswith("witx/")}


def given_by(
    command: Sequence[str],
    cases: str,
    folder: Path,
    *options: str,
    env: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """What conformance/run.py writes down of the cases on a host's command."""
    out = folder / "out.json"
    subprocess.run(
        [
            sys.executable,
            *(str(FOLDER / "run.py"), "--cases", cases, "--json", str(out), *options),
            *("--", *command, "{}"),
        ],
        env=env,
        capture_output=True,
        check=False,
    )
    return {name: found["result"] for name, found in json.loads(out.read_text())["cases"].items()}
