"""What `run --as` says of guests that it runs, and that the host itself would not start."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import nnshim
from tests.support.wasm import assemble

WASI = "wasi_snapshot_preview1"
ENDS_WITH_5 = (
    f'(import "{WASI}" "proc_exit" (func $exit (param i32)))'
    ' {} (func (export "_start") (call $exit (i32.const 5)))'
)
MEMORY = '(memory (export "memory") 1)'
TAILS = "(func $f (return_call $f))"


def said(host: str, fields: str, folder: Path, *options: str) -> tuple[int, str]:
    """The exit code of a guest and what is on standard error, where it is run as a host."""
    path = folder / "guest.wasm"
    path.write_bytes(assemble(f"(module {fields})"))
    done = nnshim("run", "--as", host, *options, path)
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize(
    ("host", "fields", "warning"),
    [
        (
            "wamr-legacy@2.2.0",
            ENDS_WITH_5.format(f"{MEMORY} (table 1 externref)"),
            "warning[NN216]: wamr-legacy@2.2.0 would refuse this module: it has reference types"
            " with their table features, which the host refuses",
        ),
        (
            "wasmedge@0.13.5",
            ENDS_WITH_5.format(f"{MEMORY} {TAILS}"),
            "warning[NN216]: wasmedge@0.13.5 would refuse this module: it has tail calls, which"
            " the host refuses",
        ),
        (
            "wamr-ephemeral@2.4.5",
            ENDS_WITH_5.format("(memory 1)"),
            "warning[NN219]: wamr-ephemeral@2.4.5 would refuse this module: it exports no memory"
            ' named "memory", and the host refuses such a module',
        ),
        (
            "wasmedge@0.17.1",
            f'(import "{WASI}" "proc_exit" (func $exit (param i32))) {MEMORY}'
            ' (func $f (call $exit (i32.const 5))) (start $f) (func (export "_start"))',
            "warning[NN230]: wasmedge@0.17.1 would fail to start this module: its start function"
            " ends the guest, and this host reports that as an error",
        ),
    ],
    ids=["feature", "instruction", "memory", "start"],
)
def test_a_guest_that_the_host_does_not_start_runs_with_a_warning(
    host: str, fields: str, warning: str, tmp_path: Path
) -> None:
    exit_code, error = said(host, fields, tmp_path)
    assert (exit_code, error) == (5, f"nnshim: {warning}\n")


@pytest.mark.parametrize("host", ["wamr@2.4.5", "wasmedge@0.17.1", "wasmtime@49", "nnshim"])
def test_nothing_is_said_of_a_guest_that_the_host_starts(host: str, tmp_path: Path) -> None:
    assert said(host, ENDS_WITH_5.format(MEMORY), tmp_path) == (5, "")


def test_a_start_that_fails_does_not_count_where_another_function_is_called(tmp_path: Path) -> None:
    fields = f'{MEMORY} (func (export "_start") unreachable) (func (export "other"))'
    assert "warning[NN230]" in said("wasmedge", fields, tmp_path)[1]
    assert said("wasmedge", fields, tmp_path, "--invoke", "other") == (0, "")


def test_imports_that_trap_are_warned_of_where_the_host_refuses_them(tmp_path: Path) -> None:
    fields = f'(import "elsewhere" "f" (func)) {MEMORY} (func (export "_start"))'
    exit_code, error = said("wasmtime", fields, tmp_path)
    assert exit_code == 1
    assert "warning" not in error
    exit_code, error = said("wasmtime", fields, tmp_path, "--trap-unknown-imports")
    assert exit_code == 0
    assert "warning[NN212]: wasmtime@" in error
