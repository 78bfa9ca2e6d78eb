"""What the conformance suite's command makes of a host, shown by hosts that are shell scripts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

RUN = Path(__file__).resolve().parents[2] / "conformance" / "run.py"
CASE = "witx/get-output-exact-buffer"
RIGHT = r"start\nget_output=0\nout=0000004000004040000080400000a040\nend\n"


def results(folder: Path, host: str, case: str = CASE, *options: str) -> tuple[int, dict[str, Any]]:
    """The exit code, and what is written down of a case on a host that runs `host` in a shell."""
    ran = subprocess.run(
        [
            sys.executable,
            *("-I", str(RUN), "--cases", case, "--json", str(folder / "out.json"), *options),
            *("--", "sh", "-c", host, "{}"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    found: dict[str, Any] = json.loads((folder / "out.json").read_text())["cases"]
    return ran.returncode, found[case]


@pytest.mark.parametrize(
    ("host", "result"),
    [
        (f"printf '{RIGHT}'", "pass"),
        (f"echo a line of the host; printf '{RIGHT}'; echo another", "pass"),
        (f"printf '{RIGHT}'; exit 1", "trap"),
        (f"printf '{RIGHT}' | sed s/a040/a140/", "fail"),
        (f"printf '{RIGHT}' | grep -v out", "fail"),
        (r"printf 'start\nget_output=7\nout=\nend\n'", "fail"),
        (r"printf 'start\nblocked set_input=1\nend\n'", "blocked"),
        ("echo start; echo unreachable executed >&2; exit 134", "trap"),
        ("echo start; kill -SEGV $$", "crash"),
        ("echo start; kill -ABRT $$", "crash"),
        ("echo start; exit 139", "crash"),
        ("echo 'unknown import: wasi_ephemeral_nn::load' >&2; exit 1", "link"),
        ("echo start; echo failed to call unlinked import function >&2; exit 1", "link"),
    ],
)
def test_how_a_host_ends_is_its_result(tmp_path: Path, host: str, result: str) -> None:
    code, found = results(tmp_path, host)
    assert found["result"] == result
    assert code == (0 if result == "pass" else 1)


def test_a_host_that_does_not_end_is_stopped_with_its_children(tmp_path: Path) -> None:
    _, found = results(tmp_path, "echo start; sleep 600; echo", CASE, "--timeout", "0.5")
    assert found == {"result": "timeout", "output": ["start"], "exit": None}


@pytest.mark.parametrize(
    ("errno", "result"), [(7, "pass"), (5, "errno"), (1, "errno"), (0, "fail")]
)
def test_an_error_under_another_number_is_a_result_of_its_own(
    tmp_path: Path, errno: int, result: str
) -> None:
    host = f"echo start; echo get_output={errno}; echo end"
    assert results(tmp_path, host, "witx/get-output-one-byte-short")[1]["result"] == result


def test_a_trap_at_a_bad_pointer_is_as_good_as_an_errno(tmp_path: Path) -> None:
    case = "witx/set-input-data-outside"
    assert results(tmp_path, "echo start; exit 134", case)[1]["result"] == "pass"
    assert results(tmp_path, "echo start; kill -ABRT $$", case)[1]["result"] == "crash"


def test_where_the_specification_is_silent_the_output_is_written_down(tmp_path: Path) -> None:
    host = "echo start; echo load=0; echo end"
    assert results(tmp_path, host, "witx/load-autodetect") == (
        0,
        {"result": "recorded", "output": ["start", "load=0", "end"], "exit": 0},
    )


def test_a_command_that_is_not_there_is_an_error() -> None:
    ran = subprocess.run(
        [sys.executable, RUN, "--cases", CASE, "--", "/nowhere/host", "{}"],
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 2
    assert b"/nowhere/host" in ran.stderr


def test_no_case_of_that_name_is_an_error() -> None:
    ran = subprocess.run(
        [sys.executable, RUN, "--cases", "nothing", "--", "true", "{}"],
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 2
