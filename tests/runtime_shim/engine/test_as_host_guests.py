"""Whole guests, as each host would run them: those that were written for it, and those that a
rewrite has made for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rewriter import RewriteOptions, UsageError, rewrite
from rewriter.abi.dialects import (
    WAMR,
    WASI_EPHEMERAL_NN,
    WASI_NN,
    WITX,
    Encoding,
    Errno,
    TensorType,
)
from rewriter.hosts.host import Host
from rewriter.hosts.table import FAMILIES
from runtime_shim import CAPTURED, LinkError, NNHost, Outcome, Reason, RunOptions, run
from runtime_shim.errors import HostHarm
from runtime_shim.testing import FakeBackend
from samples.build import SAMPLES
from tests.support.programs import FLOATS, program
from tests.support.wasm import assemble

HOSTS = {row.label: row for family in FAMILIES.values() for row in family.rows}
ROWS = sorted(HOSTS.keys() - {"nnshim"})

IN_FLOATS = ("wamr-legacy@", *(f"wamr-ephemeral@2.{minor}" for minor in (1, 2, 3)))
"""Hosts that count the outputs of TensorFlow Lite models by four bytes."""

BUILT_FOR = {
    "witx": (WITX, WASI_EPHEMERAL_NN, 1),
    "wamr": (WAMR, WASI_NN, 4),
}
"""What guests are built with: ABI, name, and the unit of their outputs."""


def encoding_of(row: Host) -> Encoding:
    """One that both a host and the guests have."""
    there = Encoding.TENSORFLOWLITE in {backend.encoding for backend in row.backends}
    return Encoding.TENSORFLOWLITE if there else Encoding.OPENVINO


def played(guest: bytes, as_host: str | None, *, traps: bool = False) -> Outcome:
    options = RunOptions(stdout=CAPTURED, as_host=as_host, trap_unknown_imports=traps)
    with NNHost(backends={encoding: FakeBackend() for encoding in Encoding}) as host:
        return run(guest, host, options)


def own(row: Host) -> bytes:
    """A guest that was written for a host."""
    dialect, encoding = row.dialects[0], encoding_of(row)
    in_floats = encoding is Encoding.TENSORFLOWLITE and row.label.startswith(IN_FLOATS)
    return program(dialect, row.modules[0], encoding, unit=4 if in_floats else 1)


@pytest.mark.parametrize("label", ROWS)
def test_a_guest_that_was_written_for_a_host_gives_its_answer(label: str) -> None:
    outcome = played(own(HOSTS[label]), label)
    assert (outcome.exit_code, outcome.stdout) == (0, FLOATS)


@pytest.mark.parametrize("label", ROWS)
@pytest.mark.parametrize("abi", BUILT_FOR)
def test_a_guest_that_was_rewritten_for_a_host_gives_its_answer(abi: str, label: str) -> None:
    dialect, module, unit = BUILT_FOR[abi]
    encoding = encoding_of(HOSTS[label])
    guest = program(dialect, module, encoding, unit=unit)
    options = RewriteOptions(host=label, guest_abi="wamr-2.4-legacy" if abi == "wamr" else None)
    outcome = played(rewrite(guest, options), label)
    assert (outcome.exit_code, outcome.stdout) == (0, FLOATS), outcome.refused


OF_BYTES = [
    label
    for label in ROWS
    for backend in HOSTS[label].backends
    if backend.encoding is Encoding.OPENVINO and TensorType.U8 in (backend.takes or ())
]


@pytest.mark.parametrize("label", OF_BYTES)
def test_bytes_are_bytes_on_every_host_that_takes_them(label: str) -> None:
    """They had the numbers 2, 3 and 4."""
    guest = program(WITX, WASI_EPHEMERAL_NN, Encoding.OPENVINO, unit=1, tensor_type=TensorType.U8)
    options = RewriteOptions(host=label, built_for="wasi-nn@0.6")
    outcome = played(rewrite(guest, options), label)
    assert (outcome.exit_code, outcome.stdout) == (0, FLOATS), outcome.refused


WITH_ONNX = [
    label for label in ROWS if Encoding.ONNX in {b.encoding for b in HOSTS[label].backends}
]


@pytest.mark.parametrize("label", WITH_ONNX)
def test_the_sample_gives_its_answer_on_every_host_that_it_is_rewritten_for(label: str) -> None:
    options = RewriteOptions(host=label, built_for="wasi-nn@0.6")
    guest = rewrite((SAMPLES / "digits.wasm").read_bytes(), options)
    given = RunOptions(
        argv=["digits.wasm", "samples/digits/model.onnx", "samples/images/3.pgm"],
        dirs={"samples": str(SAMPLES)},
        stdout=CAPTURED,
        as_host=label,
    )
    with NNHost() as host:
        outcome = run(guest, host, given)
    assert outcome.stdout == b"samples/images/3.pgm: 3 (100.0%)\n", outcome.refused


@pytest.mark.parametrize("label", ROWS)
def test_a_guest_of_the_other_name_is_told_what_helps(label: str) -> None:
    (name,) = HOSTS[label].modules
    other = WASI_NN if name == WASI_EPHEMERAL_NN else WASI_EPHEMERAL_NN
    dialect = HOSTS[label].dialects[0]
    guest = program(dialect, other, encoding_of(HOSTS[label]), unit=1)
    with pytest.raises(LinkError) as caught:
        played(guest, label)
    assert caught.value.lines[0] == (
        f"{label} registers {name}, but the module imports {other};"
        f" `nnshim rewrite --for {label} IN OUT` makes it fit:"
    )
    assert caught.value.lines[1] == f"  {other}.load (func)"


IMPORTS = '(module (import "{}" "{}" (func {})) (memory (export "memory") 1))'


def test_a_function_of_another_type_or_one_that_is_not_there_does_not_link() -> None:
    load = IMPORTS.format(WASI_NN, "load", "(param i32 i32 i32 i32 i32) (result i32)")
    with pytest.raises(LinkError) as caught:
        played(assemble(load), "wamr-legacy@2.4.5")
    first, second = caught.value.lines
    assert first.startswith(
        "wamr-legacy@2.4.5 defines some of the module's imports with other types"
    )
    assert "load is (param i32 i32 i32 i32 i32)" in second
    unload = assemble(IMPORTS.format(WASI_EPHEMERAL_NN, "unload", "(param i32) (result i32)"))
    with pytest.raises(LinkError, match="says what can be done"):
        played(unload, "wasmtime")
    assert played(unload, "wasmedge").exit_code == 0
    assert played(unload, "wasmtime", traps=True).exit_code == 0


def test_wamr_starts_a_module_without_a_function_that_traps(
    caplog: pytest.LogCaptureFixture,
) -> None:
    guest = assemble("""(module
      (import "wasi_ephemeral_nn" "unload" (func $unload (param i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "_start") (drop (call $unload (i32.const 1)))))""")
    outcome = played(guest, "wamr-ephemeral@2.4.5")
    assert outcome.reason is Reason.TRAPPED
    assert "starts the module without wasi_ephemeral_nn.unload" in caplog.text


def test_what_only_the_host_defines_is_not_taken_for_what_traps_there() -> None:
    guest = assemble("""(module
      (import "wasi_ephemeral_nn" "unload" (func (param i32) (result i32)))
      (import "env" "puts" (func (param i32) (result i32)))
      (memory (export "memory") 1))""")
    with pytest.raises(LinkError, match="but nnshim does not") as caught:
        played(guest, "wamr-ephemeral@2.4.5")
    assert caught.value.lines[1:] == ("  env.puts (func)",)


def test_what_the_host_is_known_not_to_define_is_not_there() -> None:
    guest = assemble(IMPORTS.format("env", "abort", ""))
    with pytest.raises(LinkError, match=r"env\.abort"):
        played(guest, "wasmtime")


def test_numbers_are_the_hosts_and_not_those_of_adapters() -> None:
    """A guest that was made for a host has other numbers elsewhere, where nothing is guessed."""
    guest = program(
        HOSTS["wamr-ephemeral@2.3.1"].dialects[0], WASI_EPHEMERAL_NN, Encoding.GGML, unit=1
    )
    assert played(guest, "wamr-ephemeral@2.3.1").exit_code == 5  # unsupported_operation to load it
    assert played(guest, "wasmedge@0.13.3").exit_code == 2  # encoding 5 is none there


@pytest.mark.parametrize("label", [label for label in ROWS if "wasmtime" not in label])
def test_an_error_is_the_same_to_a_rewritten_guest_on_either_host(label: str) -> None:
    """Adapters translate the numbers of the host that they were made for, where they can."""
    encoding = encoding_of(HOSTS[label])
    guest = program(WITX, WASI_EPHEMERAL_NN, encoding, unit=1, computes=False)
    rewritten = rewrite(guest, RewriteOptions(host=label, built_for="wasi-nn@0.6"))
    there, here = played(rewritten, label), played(rewritten, None)
    lacks = Errno.RUNTIME_ERROR not in HOSTS[label].dialects[0].errnos.values()
    expected = Errno.BUSY if lacks else Errno.RUNTIME_ERROR
    assert (there.exit_code, here.exit_code) == (expected, expected)


def test_as_nnshim_is_what_is_done_without() -> None:
    guest = program(WAMR, WASI_NN, Encoding.TENSORFLOWLITE, unit=4)
    assert played(guest, "nnshim").stdout == played(guest, None).stdout == FLOATS


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"as_host": "wasmtime", "guest_abi": "witx"}, r"\(--as\) sets the ABI already"),
        ({"as_host": "wamr-legacy"}, "stands for releases that differ; name one: wamr-legacy@"),
        ({"as_host": "wasmtime@0.1"}, "older than every known release"),
        ({"as_host": "wasmer"}, "is not a known host"),
    ],
)
def test_what_names_no_host_or_contradicts_it_is_refused(
    options: dict[str, Any], what: str
) -> None:
    with pytest.raises(UsageError, match=what):
        RunOptions(**options)


def test_the_calls_take_no_short_cut(tmp_path: Path) -> None:
    """Tensors that are set again and again are copied by the host, which alone knows its rules."""
    from tests.support.guest import OUTPUT, WRITTEN
    from tests.support.models import identity
    from tests.support.played import Played

    guest = Played("wasmtime", NNHost())
    context = guest.context_of(Encoding.ONNX, identity(dims=(1, 3, 2, 2)))
    for _ in range(4):
        assert guest.feed(context, 0, 1, (1, 3, 2, 2), FLOATS) == 0
        assert guest.compute(context) == 0
        assert guest.get_output(context, 0, OUTPUT, 48, WRITTEN) == 0
    assert not guest.session.has_arena
    assert guest.take(OUTPUT, 48) == FLOATS


def writes_in(memory: str) -> bytes:
    """A guest that prints, of two memories, from the one that it exports."""
    return assemble(
        f"""(module
        (import "wasi_snapshot_preview1" "fd_write"
          (func $write (param i32 i32 i32 i32) (result i32)))
        (memory $first 1) (memory $second 1) (export "memory" (memory {memory}))
        (data (memory {memory}) (i32.const 0) "\\10\\00\\00\\00\\02\\00\\00\\00")
        (data (memory {memory}) (i32.const 16) "hi")
        (func (export "_start")
          (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"""
    )


def test_a_guest_does_not_start_whose_memory_wasmedge_would_not_use() -> None:
    assert played(writes_in("$first"), "wasmedge").stdout == b"hi"
    with pytest.raises(HostHarm, match="first memory"):
        played(writes_in("$second"), "wasmedge")
    assert played(writes_in("$second"), "wasmtime").stdout == b"hi"
