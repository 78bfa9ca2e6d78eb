"""What NN runtimes say in many lines is told in the one that says what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

from nnshim.render import text
from nnshim.render.messages import lines_of, summary
from nnshim.render.values import Examined
from rewriter.abi.dialects import Errno
from rewriter.diagnostics import Diagnostic
from runtime_shim.diagnostics.doctor import BackendReport, DeviceReport
from tests.support.command import nnshim
from tests.support.models import identity
from tests.support.wasm import assemble

LOADS = assemble("""(module
  (import "wasi_ephemeral_nn" "load_by_name" (func $load (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1) (data (i32.const 0) "m")
  (func (export "_start")
    (call $exit (call $load (i32.const 0) (i32.const 1) (i32.const 8)))))""")

NOT_CONVERTED = """Exception from src/inference/src/cpp/core.cpp:105:
Check 'false' failed at src/frontends/common_translators/src/unconverted_ops_report.cpp:151:
FrontEnd API failed with OpConversionFailure:
Model wasn't fully converted.
Summary:
-- No conversion rule found for operations: Nope-17
To facilitate the conversion of unsupported operations, refer to Frontend Extension"""

NOT_INFERRED = """Exception from src/inference/src/cpp/infer_request.cpp:224:
[CPU] Reshape node with name 'y' Check 'in == out' failed at src/plugins/reshape.cpp:77:
[cpu]reshape: the shape of input data (4) conflicts with the reshape pattern (3.5)"""

NOT_VALIDATED = """Check 'true' failed at src/core/src/op.cpp:7:
While validating node 'x':
the types differ
and more"""

TRACED = """The following operation failed in the TorchScript interpreter.
Traceback of TorchScript (most recent call last):
  File "code/__torch__.py", line 8, in forward
    return torch.view(x, [3, 5])
           ~~~~~~~~~~ <--- HERE
RuntimeError: shape '[3, 5]' is invalid for input of size 4
"""


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("one line: as it is", "one line: as it is"),
        (
            f"RuntimeError: {NOT_CONVERTED}",
            "RuntimeError: No conversion rule found for operations: Nope-17",
        ),
        (
            f"onnx CPU: {NOT_INFERRED}",
            "onnx CPU: [cpu]reshape: the shape of input data (4) conflicts with the reshape pattern"
            " (3.5)",
        ),
        (f"  CPU: {NOT_VALIDATED}", "  CPU: While validating node 'x': the types differ"),
        (f"RuntimeError: {TRACED}", "RuntimeError: shape '[3, 5]' is invalid for input of size 4"),
        (
            "RuntimeError: CUDA error: out of memory\nCUDA kernel errors might be reported later",
            "RuntimeError: CUDA error: out of memory",
        ),
        (
            "RuntimeError: reshape.cc:92 4 != 15\nNode number 0 (RESHAPE) failed to prepare.",
            "RuntimeError: reshape.cc:92 4 != 15",
        ),
        ("Exception from a.cpp:1:\n\n", "Exception from a.cpp:1:\n\n"),
        ("no device a\nforged", "no device a\nforged"),
    ],
)
def test_the_line_that_says_what_is_wrong_is_told(message: str, said: str) -> None:
    assert summary(message) == said


def test_the_rest_is_there_for_those_who_ask() -> None:
    message = "Exception from a.cpp:1:\nb\nc\n"
    assert lines_of(message, verbose=False) == ["b (-v shows all of it)"]
    assert lines_of(message, verbose=True) == ["Exception from a.cpp:1:", "    b", "    c"]
    for verbose in (False, True):
        assert lines_of("no device a\nforged", verbose) == ["no device a\nforged"]


@pytest.fixture
def not_converted(tmp_path: Path) -> Path:
    """An ONNX model with an operator that nobody has."""
    made = onnx.load_from_string(identity())
    made.graph.node[0].op_type = "Nope"
    (tmp_path / "nope.onnx").write_bytes(made.SerializeToString())
    return tmp_path / "nope.onnx"


def test_bench_tells_a_line_and_all_of_them_with_v(not_converted: Path) -> None:
    command = "bench", not_converted, "--backend", "openvino"
    (line,) = nnshim(*command).stderr.decode().splitlines()
    assert line == (
        "nnshim: error[NN511]: openvino CPU: RuntimeError: No conversion rule found for operations:"
        " Nope-17 (-v shows all of it)"
    )
    first, *others = nnshim(*command, "-v").stderr.decode().splitlines()
    assert "openvino CPU: RuntimeError: Exception from " in first
    assert "    -- No conversion rule found for operations: Nope-17" in others
    assert all(line.startswith("    ") for line in others)
    (row,) = json.loads(nnshim(*command, "--json").stdout)
    assert "\n-- No conversion rule" in row["problem"]["message"]


def test_run_tells_a_line_and_all_of_them_with_v(not_converted: Path, tmp_path: Path) -> None:
    (tmp_path / "guest.wasm").write_bytes(LOADS)
    command = "--nn-preload", f"m:openvino:cpu:{not_converted}", tmp_path / "guest.wasm"
    done = nnshim("run", *command)
    assert done.returncode == Errno.RUNTIME_ERROR
    assert done.stderr.decode() == (
        "nnshim: the last call that the host refused was load_by_name: runtime_error: RuntimeError:"
        " No conversion rule found for operations: Nope-17 (-v shows all of it)\n"
    )
    first, *others = nnshim("run", "-v", *command).stderr.decode().splitlines()
    assert first.startswith("nnshim: load_by_name: runtime_error: RuntimeError: Exception from")
    assert "    -- No conversion rule found for operations: Nope-17" in others
    assert all(line.startswith("    ") for line in others)


@pytest.mark.parametrize(("count", "is_said"), [(0, False), (1, False), (2, True)])
def test_lines_that_replace_each_others_runtimes_are_not_to_be_run_one_after_another(
    count: int, is_said: bool
) -> None:
    missing = Diagnostic("NN501", "cannot import it; uv tool install 'nnshim[onnx]'")
    backends = [BackendReport(f"backend {at}", None, missing, ()) for at in range(count)]
    said = text.examined(Examined("1", "3", "5", "1.2", None, backends, ("2.60.0", None), None))
    assert ("run `nnshim doctor` again for the others" in said[-1]) == is_said


def test_doctor_tells_a_line_and_all_of_them_with_v() -> None:
    problem = Diagnostic("NN503", f"RuntimeError: {NOT_INFERRED}")
    backend = BackendReport("openvino", "2026", None, (DeviceReport("gpu", "GPU", True, problem),))
    found = Examined("1", "3", "5", "1.2", None, [backend], ("2.60.0", None), None)
    *_, title, line, _ = text.examined(found)
    assert (title, line) == (
        "openvino: 2026",
        "  gpu (GPU): error[NN503]: RuntimeError: [cpu]reshape: the shape of input data (4)"
        " conflicts with the reshape pattern (3.5) (-v shows all of it)",
    )
    assert text.examined(found, verbose=True)[-2] == f"      {NOT_INFERRED.splitlines()[-1]}"
