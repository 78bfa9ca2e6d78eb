"""Components on the NN host: names, types and shapes of tensors, errors, and streams."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto

from rewriter.abi.dialects import Encoding, Target
from runtime_shim import (
    CAPTURED,
    NamedGraph,
    NNHost,
    Reason,
    RunOptions,
    Session,
    run,
)
from runtime_shim.engine.binding.memories import Memories
from tests.runtime_shim.components.computing import (
    COMPUTE,
    IS_FOUR_FLOATS,
    ONCE,
    five_times,
    succeeds,
)
from tests.runtime_shim.components.guest import core, guest, outcome
from tests.support.models import identity, sum_and_product
from tests.support.native import openvino_model
from tests.support.wit import AUGUST, JUNE, OCTOBER, command


def test_compute_returns_the_models_outputs_by_name_with_their_types_and_shapes() -> None:
    succeeds(
        outcome(f"""{COMPUTE}
          (call $is (i32.load (i32.const 168)) (i32.const 1))
          (call $is (i32.load offset=4 (i32.load (i32.const 164))) (i32.const 1))
          (call $is (i32.load8_u (i32.load (i32.load (i32.const 164)))) (i32.const 121))
          (local.set $b (i32.load offset=8 (i32.load (i32.const 164))))
          {IS_FOUR_FLOATS}""")
    )


def test_compute_returns_every_output() -> None:
    two = (
        "(call $new (i32.const {}) (i32.const 1) (i32.const 1) (i32.const {}) (i32.const 8))"
    ).format
    succeeds(
        outcome(
            f"""(i32.store (i32.const 200) (i32.const 2))
              (i32.store8 (i32.const 204) (i32.const 97))
              (i32.store8 (i32.const 208) (i32.const 98))
              (call $named (i32.const 204) (i32.const 1) {two(200, 32)})
              (i32.store (i32.const 156) (i32.const 208))
              (i32.store (i32.const 160) (i32.const 1))
              (i32.store (i32.const 164) {two(200, 40)})
              (call $compute (call $context) (i32.const 144) (i32.const 2) (i32.const 176))
              (call $is (i32.load8_u (i32.const 176)) (i32.const 0))
              (call $is (i32.load (i32.const 184)) (i32.const 2))
              (local.set $a (i32.load (i32.const 180)))
              (call $is (i32.load8_u (i32.load (local.get $a))) (i32.const 115))
              (call $is (i32.load8_u (i32.load offset=12 (local.get $a))) (i32.const 112))
              (call $data (i32.load offset=8 (local.get $a)) (i32.const 176))
              (call $is (i32.load (i32.load (i32.const 176))) (i32.const 0x40800000))
              (call $data (i32.load offset=20 (local.get $a)) (i32.const 176))
              (call $is (i32.load (i32.load (i32.const 176))) (i32.const 0x40400000))""",
            model=sum_and_product(),
        )
    )


def test_an_input_is_found_by_its_index_too() -> None:
    body = COMPUTE.replace("(i32.const 64)", "(i32.const 220)", 1)
    succeeds(outcome(f"(i32.store8 (i32.const 220) (i32.const 48)) {body}"))


@pytest.mark.parametrize("version", [JUNE, AUGUST])
@pytest.mark.parametrize("name", ["y", "0"])
def test_inputs_are_set_and_outputs_are_read_one_at_a_time_in_older_versions(
    version: str, name: str
) -> None:
    succeeds(
        outcome(
            f"""(i32.store8 (i32.const 220) (i32.const {ord(name)}))
              (local.set $a (call $context))
              (call $set_input (local.get $a) (i32.const 64) (i32.const 1) (call $tensor)
                (i32.const 128))
              (call $is (i32.load8_u (i32.const 128)) (i32.const 0))
              (call $compute (local.get $a) (i32.const 128))
              (call $compute (local.get $a) (i32.const 128))
              (call $is (i32.load8_u (i32.const 128)) (i32.const 0))
              (call $get_output (local.get $a) (i32.const 220) (i32.const 1) (i32.const 128))
              (call $is (i32.load8_u (i32.const 128)) (i32.const 0))
              (local.set $b (i32.load (i32.const 132)))
              {IS_FOUR_FLOATS}""",
            version,
        )
    )


def ir(folder: Path) -> bytes:
    """An OpenVINO model that copies four floats."""
    openvino_model(identity(), folder)
    return (folder / "model.xml").read_bytes()


def test_inputs_follow_the_guest_when_they_are_passed_again_and_again() -> None:
    """With other bytes, as another shape, by another name, and as before."""
    x = ONCE.format(name=64, dims=16, size=16)
    zero = ONCE.format(name=220, dims=16, size=16)
    wide = ONCE.format(name=64, dims=224, size=4)
    mixed = "".join(map(five_times, (x, wide, zero, x + wide + zero, x)))
    succeeds(
        outcome(
            f"""(local.set $a (call $context))
              (i32.store8 (i32.const 220) (i32.const 48))
              (i32.store (i32.const 224) (i32.const 1)) (i32.store (i32.const 228) (i32.const 1))
              {mixed}""",
            model=identity(dims=(1, "n")),
        )
    )


def test_tensors_stay_right_once_the_nn_runtime_has_its_place_for_them(tmp_path: Path) -> None:
    """Two contexts in turn, after calls that fail, by another name, and after a context has gone.
    The guest's realloc moves on, so that no answer is left from an earlier call."""
    x = ONCE.format(name=64, dims=16, size=16)
    zero = ONCE.format(name=220, dims=16, size=16)
    wrong = """(call $named (i32.const {}) (i32.const 1)
        (call $new (i32.const 16) (i32.const 2) (i32.const {}) (i32.const 32) (i32.const {})))
      (call $compute (local.get $a) (i32.const 144) (i32.const 1) (i32.const 128))
      (call $failed (i32.const 0))""".format
    failed = wrong(72, 1, 16) + wrong(64, 5, 16) + wrong(64, 1, 12)
    another = "(local.set $a (call $context))"
    swap = """(i32.store (i32.const 240) (local.get $a))
      (local.set $a (i32.load (i32.const 244)))
      (i32.store (i32.const 244) (i32.load (i32.const 240)))"""
    turns = (x, x + failed, x, zero, x + zero, x + swap)
    succeeds(
        outcome(
            f"""(i32.store8 (i32.const 220) (i32.const 48))
              {another} (i32.store (i32.const 244) (local.get $a)) {another}
              {"".join(map(five_times, turns))}
              (call $drop_context (local.get $a)) {another} {"".join(map(five_times, turns))}""",
            model=ir(tmp_path),
            encoding=0,
        )
    )


def test_an_error_has_the_hosts_words() -> None:
    ended = outcome("""(call $load_by_name (i32.const 64) (i32.const 1) (i32.const 128))
      (call $text (i32.load (i32.const 132)) (i32.const 136))
      ;; 'there is no graph named'
      (call $is (i32.load (i32.load (i32.const 136))) (i32.const 0x72656874))""")
    succeeds(ended)
    assert ended.refused is None
    refused = outcome("""(call $load_by_name (i32.const 64) (i32.const 1) (i32.const 128))
      (return (i32.const 1))""")
    assert refused.exit_code == 1
    assert refused.refused is not None
    assert refused.refused[0] == "load-by-name"
    assert refused.refused[1].reason.startswith("ther")


def test_a_guest_loads_a_named_graph(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(identity())
    named = NamedGraph("x", Encoding.ONNX, Target.CPU, (str(path),))
    data = guest("""(call $load_by_name (i32.const 64) (i32.const 1) (i32.const 128))
      (call $is (i32.load8_u (i32.const 128)) (i32.const 0))""")
    ended = run(data, NNHost(graphs=[named]), RunOptions())
    succeeds(ended)
    assert [row.name for row in ended.stats] == ["x"]


def test_statistics_count_a_components_inferences() -> None:
    (row,) = outcome(COMPUTE + COMPUTE).stats
    assert (row.loads, row.inferences) == (2, 2)


STREAMS = """(module
  (import "wasi:cli/stdin@0.2.0" "get-stdin" (func $stdin (result i32)))
  (import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))
  (import "wasi:io/streams@0.2.0" "[method]input-stream.blocking-read"
    (func $read (param i32 i64 i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 256))
  (func (export "wasi:cli/run@0.2.0#run") (result i32)
    (call $read (call $stdin) (i64.const 64) (i32.const 0))
    (call $write (call $stdout) (i32.load (i32.const 4)) (i32.load (i32.const 8)) (i32.const 16))
    (i32.const 1)))"""
"""Copies its input to its output, and fails. It does not use wasi:nn."""


def test_streams_are_redirected_and_a_failed_run_is_exit_code_1() -> None:
    data, written = command(STREAMS, OCTOBER), io.BytesIO()
    ended = run(data, NNHost(), RunOptions(stdin=b"hello", stdout=CAPTURED))
    assert (ended.exit_code, ended.reason, ended.stdout) == (1, Reason.EXITED, b"hello")
    run(data, NNHost(), RunOptions(stdin=io.BytesIO(b"again"), stdout=written))
    assert written.getvalue() == b"again"


def test_models_of_a_component_can_be_isolated() -> None:
    ended = run(guest(COMPUTE), NNHost(isolate=True), RunOptions())
    succeeds(ended)
    assert ended.stats[0].inferences == 1


def test_the_guests_memory_is_found_among_several() -> None:
    memory = '(memory (export "memory") 2)'
    text = core(COMPUTE).replace(memory, f"{memory} (memory 2)")
    succeeds(run(command(text, OCTOBER), NNHost(), RunOptions()))


def test_bf16_is_a_type_of_tensors() -> None:
    succeeds(
        outcome(
            """(i32.store (i32.const 200) (i32.const 4))
              (call $named (i32.const 64) (i32.const 1) (call $new
                (i32.const 200) (i32.const 1) (i32.const 3) (i32.const 32) (i32.const 8)))
              (call $compute (call $context) (i32.const 144) (i32.const 1) (i32.const 160))
              (call $is (i32.load8_u (i32.const 160)) (i32.const 0))
              (local.set $b (i32.load offset=8 (i32.load (i32.const 164))))
              (call $is (call $ty (local.get $b)) (i32.const 3))
              (call $data (local.get $b) (i32.const 176))
              (call $is (i32.load (i32.load (i32.const 176))) (i32.const 0x3f800000))""",
            model=identity(TensorProto.BFLOAT16, (4,)),
        )
    )


def test_what_a_host_call_raises_is_raised_where_the_guest_was_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt("now")

    monkeypatch.setattr(Session, "load", interrupted)
    with pytest.raises(KeyboardInterrupt, match="now"):
        outcome("(drop (call $graph))")


@pytest.mark.parametrize("name", ["_new", "_get", "_grow", "_free"])
def test_an_exception_while_wasmtime_asks_for_a_memory_ends_the_run(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python raises KeyboardInterrupt before the first instruction of any function. Without its
    memory's address, the guest would read and write at the address 0 of the process."""
    function = getattr(Memories, name)
    interrupted: list[Memories] = []

    def once(
        self: Memories, number: int, size: Any = None, capacity: Any = None, *rest: int
    ) -> int | None:
        if not interrupted:
            interrupted.append(self)
            raise KeyboardInterrupt("now")
        given = (number, size, capacity, *rest)
        found: int | None = function(self, *(each for each in given if each is not None))
        return found

    monkeypatch.setattr(Memories, name, once)
    with pytest.raises(KeyboardInterrupt, match="now"):
        outcome("(drop (memory.grow (i32.const 1))) (i32.store (i32.const 0) (i32.const 1))")
    assert interrupted[0].guests() == []


def test_a_file_that_cannot_be_written_stops_the_guest() -> None:
    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError("no space is left")

    with pytest.raises(OSError, match="no space is left"):
        run(command(STREAMS, OCTOBER), NNHost(), RunOptions(stdin=b"hello", stdout=Full()))
