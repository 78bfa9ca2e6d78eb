"""`nnshim probe -- nnshim run {}` from a wheel, in a folder of its own: each module is a process,
and what is measured is what nnshim's row says."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from rewriter.abi.dialects import Encoding
from rewriter.hosts.profiles import file
from tests.support.forked import forked
from tests.support.rows import BY_HAND, against_the_row, not_measured

MODEL = "rewriter/probing/modules/models/onnx/f32/model.onnx"
BACKENDS = ("openvino", "onnx", "tensorflowlite")
SHARED = ("u8", "i32", "i64")
"""Types whose numbers are those of others, too: nnshim knows them by a tensor's length."""

HABITS = {
    *((backend, "whole_by_name") for backend in BACKENDS),
    *((each, habit) for each in BACKENDS for habit in ("borrows", "gives_bf16", "no_empty")),
    ("onnx", "onnx_too"),
    ("tensorflowlite", "onnx_too"),
    *((each, habit) for each in BACKENDS[:2] for habit in ("held_shapes", "quantised_as_floats")),
    *((each, habit) for each in BACKENDS[::2] for habit in ("unconfigured", "configured_ends")),
}
"""Of other formats, or of a graph of the format, of which there is one of ONNX alone."""

NOT_SHOWN = {
    "entry.strict_main",  # it calls no main
    "nn_in_shared",  # its engine refuses shared memories
    *(f"types.{name}" for name in SHARED),
    *(f"backends.{backend}.types.{name}" for backend in BACKENDS for name in SHARED),
    *(f"backends.{backend}.habits.{habit}" for backend, habit in HABITS),
    *(f"encodings.{each.name.lower()}" for each in Encoding if each.name.lower() not in BACKENDS),
}


def test_the_wheel_has_the_probe_s_modules_and_measures_nnshim_as_its_row_says(
    installed: dict[str, str], tmp_path: Path
) -> None:
    """All but what stands in a list here, and why."""
    where = [sys.executable, "-c", "import nnshim; print(nnshim.__file__)"]
    found = subprocess.run(where, env=installed, cwd=tmp_path, check=True, capture_output=True)
    assert found.stdout.decode().startswith(installed["PYTHONPATH"])
    model = Path(installed["PYTHONPATH"], MODEL)
    with tempfile.TemporaryDirectory() as folder, forked(Path(folder), installed) as command:
        done = subprocess.run(
            [
                *("nnshim", "probe", "-o", "profile.toml", "--graph", "known=onnx"),
                *("--timeout", "300", "--", *command, "run"),
                *("--nn-preload", f"known:ONNX:CPU:{model}", "{}"),
            ],
            env=installed,
            cwd=tmp_path,
            check=False,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    profile = file.read_file(str(tmp_path / "profile.toml"))
    assert against_the_row("nnshim", profile) == []
    assert not_measured("nnshim", profile) == {*BY_HAND, *NOT_SHOWN}
    assert [path.name for path in tmp_path.iterdir()] == ["profile.toml"]
    assert profile.modules["wasi_nn"].layouts == ("witx", "wamr")
    assert profile.tells_numbers
    assert [each.encoding for each in profile.backends] == ["openvino", "onnx", "tensorflowlite"]
