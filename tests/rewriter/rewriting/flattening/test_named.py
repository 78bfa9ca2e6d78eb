"""Names of inputs and outputs that a flattened program gets from options and models."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import nnshim
from rewriter.components.component import Component
from rewriter.files.input import open_source
from rewriter.rewriting.flattening.flatten import flatten
from rewriter.rewriting.making.adapter import Names
from rewriter.verifying.components import compare, read
from tests.rewriter.rewriting.flattening.test_flatten import (
    RESULT,
    SUM,
    made,
    made_before,
)
from tests.support.models import sum_and_product

LONG = "the one of the two that is added and multiplied"
"""A name of several times eight bytes and a rest."""


def two_inputs(first: str, second: str) -> str:
    """Prints what compute returns for [3, 5] and [2, 7] under these names: names and floats."""
    names = f'(data (i32.const 512) "{first}") (data (i32.const 640) "{second}")'
    data = struct.pack("<IIff", 2, 0, 3, 5) + struct.pack("<ff", 2, 7)
    text = "".join(f"\\{byte:02x}" for byte in data)
    return f"""
      {names} (data (i32.const 768) "{text}")
      (func $two (param $at i32) (param $name i32) (param $length i32) (param $data i32)
        (i32.store (local.get $at) (local.get $name))
        (i32.store offset=4 (local.get $at) (local.get $length))
        (i32.store offset=8 (local.get $at)
          (call $tensor (i32.const 768) (i32.const 1) (i32.const 1)
                        (local.get $data) (i32.const 8))))
      (func $write (param $at i32) (param $length i32)
        (i32.store (i32.const 896) (local.get $at))
        (i32.store (i32.const 900) (local.get $length))
        (if (call $fd_write (i32.const 1) (i32.const 896) (i32.const 1) (i32.const 904))
          (then unreachable)))
      (func (export "main") (result i32) (local $at i32) (local $end i32)
        (call $two (i32.const 128) (i32.const 512) (i32.const {len(first)}) (i32.const 776))
        (call $two (i32.const 140) (i32.const 640) (i32.const {len(second)}) (i32.const 784))
        (call $compute (call $context) (i32.const 128) (i32.const 2) (i32.const {RESULT}))
        (if (i32.load8_u (i32.const {RESULT}))
          (then (return (call $code (i32.load (i32.const {RESULT + 4}))))))
        (local.set $at (i32.load (i32.const {RESULT + 4})))
        (local.set $end (i32.add (local.get $at)
          (i32.mul (i32.load (i32.const {RESULT + 8})) (i32.const 12))))
        (loop $next
          (call $write (i32.load (local.get $at)) (i32.load offset=4 (local.get $at)))
          (call $data (i32.load offset=8 (local.get $at)) (i32.const {RESULT}))
          (call $write (i32.load (i32.const {RESULT})) (i32.load (i32.const {RESULT + 4})))
          (local.set $at (i32.add (local.get $at) (i32.const 12)))
          (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
        (i32.const -1))
    """


FD_WRITE = """(import "wasi_snapshot_preview1" "fd_write"
  (func $fd_write (param i32 i32 i32 i32) (result i32)))"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The sum s and the product p of a and b."""
    path = tmp_path / "model.onnx"
    path.write_bytes(sum_and_product())
    return path


def ran(component: bytes, model: Path, options: nnshim.RewriteOptions) -> nnshim.Outcome:
    graph = nnshim.NamedGraph("digits", nnshim.Encoding.ONNX, nnshim.Target.CPU, (str(model),))
    with nnshim.NNHost(graphs=[graph]) as host:
        core = nnshim.rewrite(component, options)
        run_options = nnshim.RunOptions(invoke="main", stdout=nnshim.CAPTURED)
        return nnshim.run(core, host, run_options)


def core(
    inputs: Mapping[int, str] | None = None,
    outputs: Mapping[int, str] | None = None,
    models: Sequence[str] = (),
    *,
    record: bool = False,
) -> nnshim.RewriteOptions:
    return nnshim.RewriteOptions(
        to="wasi_ephemeral_nn",
        inputs=inputs or {},
        outputs=outputs or {},
        models=models,
        record=record,
    )


def floats(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_a_model_tells_which_input_and_output_each_name_is(
    order: tuple[str, str], model: Path
) -> None:
    options = core(models=[str(model)])
    outcome = ran(made(two_inputs(*order), FD_WRITE), model, options)
    assert outcome.results == (-1,)
    assert outcome.stdout == b"s" + floats(5, 12) + b"p" + floats(6, 35)


def test_options_tell_names_of_any_length(model: Path) -> None:
    options = core(inputs={0: "x", 1: LONG}, outputs={1: "\u00fc" * 20})
    outcome = ran(made(two_inputs(LONG, "x"), FD_WRITE), model, options)
    product = ("\u00fc" * 20).encode()
    assert outcome.stdout == b"0" + floats(5, 12) + product + floats(6, 35)


def test_a_name_that_is_not_told_is_an_invalid_argument(model: Path) -> None:
    options = core(inputs={0: "a", 1: LONG})
    wrong = LONG[:-1] + "?"
    assert ran(made(two_inputs("a", wrong), FD_WRITE), model, options).results == (0,)


def test_digits_are_the_index_unless_they_are_a_name(model: Path) -> None:
    outcome = ran(made(two_inputs("0", "1"), FD_WRITE), model, core(inputs={0: "a"}))
    assert outcome.results == (-1,)
    swapped = core(inputs={1: "0", 0: "1"}, outputs={0: "s"})
    assert ran(made(two_inputs("0", "1"), FD_WRITE), model, swapped).results == (-1,)


def test_an_output_that_the_model_does_not_have_is_an_error(model: Path) -> None:
    options = core(inputs={0: "a", 1: "b"}, outputs={2: "third"})
    assert ran(made(two_inputs("a", "b"), FD_WRITE), model, options).results == (0,)


def test_august_gets_an_output_by_its_name(model: Path) -> None:
    body = f"""
      (data (i32.const 512) "p")
      (func (export "main") (result i32)
        (call $get (call $context) (i32.const 512) (i32.const 1) (i32.const {RESULT}))
        (call $code (i32.load (i32.const {RESULT + 4}))))
    """
    # Nothing was computed: another error than for a name that is not known.
    told = ran(made_before(body), model, core(outputs={0: "s", 1: "p"}))
    unknown = ran(made_before(body), model, core(outputs={0: "s"}))
    assert (told.results, unknown.results) == ((3,), (0,))


def test_what_is_told_is_not_lost() -> None:
    codes = {note.code for note in flatten(Component(made(SUM))).notes}
    told = flatten(Component(made(SUM)), Names({0: "pixels"}, {0: "probabilities"}))
    assert codes >= {"NN348", "NN349"}
    assert codes - {note.code for note in told.notes} == {"NN348", "NN349"}


def test_verify_reads_the_names_from_the_core_module(model: Path, tmp_path: Path) -> None:
    source, result = tmp_path / "component.wasm", tmp_path / "core.wasm"
    source.write_bytes(made(two_inputs("a", "b"), FD_WRITE))
    options = core(models=[str(model)], record=True)
    nnshim.rewrite_file(str(source), str(result), options)
    with open_source(str(source)) as one, open_source(str(result)) as other:
        assert compare(read(one), read(other)).only_rewritten
    changed = result.read_bytes().replace(b'"s"', b'"t"')
    assert [each.code for each in compare(source.read_bytes(), changed).differences]
    another = made(two_inputs("b", "a"), FD_WRITE)
    found = compare(another, result.read_bytes()).differences
    assert "NN423" in [each.code for each in found]


@pytest.mark.parametrize(
    "names",
    [{"inputs": {0: "a"}}, {"outputs": {0: "s"}}, {"models": ["model.onnx"]}],
    ids=["inputs", "outputs", "models"],
)
def test_names_without_effect_are_refused(names: dict[str, Any]) -> None:
    component = made(SUM)
    module = flatten(Component(component)).data
    with pytest.raises(nnshim.UsageError, match=r"ha(s|ve) no effect"):
        nnshim.rewrite(component, nnshim.RewriteOptions(host="wasmtime", **names))
    with pytest.raises(
        nnshim.UsageError, match=r"have no effect: .* stays a core module; --to wasi"
    ):
        nnshim.rewrite(module, nnshim.RewriteOptions(to="wasi_nn", **names))
    with pytest.raises(nnshim.UsageError, match=r"is a core module, .* make one with --to wasi:nn"):
        nnshim.rewrite(module, nnshim.RewriteOptions(to="wasi:nn@0.2.0-rc-2024-06-25", **names))


def test_too_many_outputs_are_refused() -> None:
    with pytest.raises(nnshim.UsageError, match="under 256"):
        nnshim.rewrite(made(SUM), core(outputs={256: "x"}))
