"""Which hosts have what a component imports."""

from __future__ import annotations

from pathlib import Path

import pytest

import nnshim
from rewriter import RewriteOptions, rewrite
from rewriter.analysis.compatibility import Answer
from rewriter.errors import ModuleError, NNShimError
from tests.rewriter.checking.judging import EXIT, NOW, codes, judge
from tests.support.components import ERRORS, component
from tests.support.native import NativeWasmtime
from tests.support.wit import AUGUST, JUNE, OCTOBER

CONTEXT = """(import "wasi:nn/inference@{version}" (instance
    (export "graph-execution-context" (type $context (sub resource)))
    (export "[method]graph-execution-context.{name}"
        (func (param "self" (borrow $context)) {parameters} {result}))))"""
TENSOR = f"""(import "wasi:nn/tensor@{OCTOBER}" (instance
    (export "tensor" (type $tensor (sub resource))) (type $data {{result}})
    (export "[method]tensor.data"
        (func (param "self" (borrow $tensor)) (result $data)))))"""
TYPES = [f'"{name}"' for name in ("FP16", "FP32", "FP64", "BF16", "U8", "I32", "I64")]
TYPE = f"""(import "wasi:nn/tensor@{OCTOBER}" (instance
    (export "tensor" (type $tensor (sub resource))) (type $types (enum {{cases}}))
    (export "tensor-type" (type $type (eq $types)))
    (export "[method]tensor.ty" (func (param "self" (borrow $tensor)) (result $type)))))"""
CONSTRUCTOR = f"""(import "wasi:nn/tensor@{OCTOBER}" (instance
    (export "tensor" (type $tensor (sub resource))) (type $types (enum {" ".join(TYPES)}))
    (export "kinds" (type $type (eq $types)))
    (export "[constructor]tensor" (func
        (param "{{names[0]}}" (list u32)) (param "{{names[1]}}" $type)
        (param "{{names[2]}}" (list u8)) (result (own $tensor))))))"""

ON_49 = {
    "nothing": ("", "runs"),
    "wasi:nn of October": (ERRORS.format(OCTOBER), "runs"),
    "wasi:nn of August": (ERRORS.format(AUGUST), "rewrite"),
    "wasi:nn of June": (ERRORS.format(JUNE), "rewrite"),
    "wasi:nn without a version": (ERRORS.format("").replace("@", ""), "rewrite"),
    "the steps of August": (
        CONTEXT.format(version=AUGUST, name="compute", parameters="", result=""),
        "cannot",
    ),
    "the steps of August as of October": (
        CONTEXT.format(version=OCTOBER, name="compute", parameters="", result=""),
        "cannot",
    ),
    "other names of parameters and types": (
        CONSTRUCTOR.format(names=("shape", "kind", "bytes")),
        "runs",
    ),
    "parameters in another order": (
        CONSTRUCTOR.format(names=("shape", "kind", "bytes"))
        .replace("(list u32)", "(list u16)")
        .replace("(list u8)", "(list u32)")
        .replace("(list u16)", "(list u8)"),
        "cannot",
    ),
    "another type of a result": (TENSOR.format(result="(list u16)"), "cannot"),
    "an enum of the host": (TYPE.format(cases=" ".join(TYPES)), "runs"),
    "an enum with fewer cases": (TYPE.format(cases=" ".join(TYPES[:-1])), "cannot"),
    "an enum with other names": (TYPE.format(cases=" ".join(TYPES).lower()), "cannot"),
    "an interface of wasi:nn that is none": (
        f'(import "wasi:nn/training@{OCTOBER}" (instance (export "fit" (func))))',
        "cannot",
    ),
    "a function that went with August": (
        f'(import "wasi:nn/errors@{OCTOBER}" (instance (export "error" (type $e (sub resource)))'
        ' (export "[constructor]error" (func (param "code" u32) (result (own $e))))))',
        "cannot",
    ),
    "the first WASI 0.2": (NOW.format("monotonic-clock@0.2.0"), "runs"),
    "a WASI 0.2 that is newer than the host": (NOW.format("monotonic-clock@0.2.99"), "runs"),
    "a release candidate of WASI": (NOW.format("monotonic-clock@0.2.0-rc-2023-11-10"), "cannot"),
    "WASI 0.4": (NOW.format("monotonic-clock@0.4.0"), "cannot"),
    "an exit with a code": (EXIT, "runs"),
    "an interface of somebody": ('(import "a:b/c" (instance (export "f" (func))))', "cannot"),
    "a function": ('(import "f" (func))', "cannot"),
    "a function under an interface's name": ('(import "wasi:cli/exit@0.2.0" (func))', "cannot"),
    "a function under a name of wasi:nn": (f'(import "wasi:nn/errors@{OCTOBER}" (func))', "cannot"),
    "a resource that wasi:nn does not have": (
        f'(import "wasi:nn/errors@{OCTOBER}" (instance (export "mistake" (type (sub resource)))))',
        "cannot",
    ),
    "types of somebody": (
        '(import "a:b/c" (instance (type $r (record (field "a" u8))) (export "r" (type (eq $r)))))',
        "runs",
    ),
    "a type": ('(type $t (enum "a")) (import "t" (type (eq $t)))', "runs"),
}

UNKNOWN_ON_49 = {
    "a resource that WASI does not have": (
        '(import "wasi:cli/exit@0.2.0" (instance (export "r" (type (sub resource)))))'
    ),
    "an instance inside an instance": (
        '(import "wasi:cli/exit@0.2.0" (instance (export "i" (instance (export "f" (func))))))'
    ),
    "an alias of an instance type": (
        '(type $t (instance (export "f" (func)))) (alias outer 0 $t (type $u))'
        ' (import "wasi:cli/exit@0.2.0" (instance (type $u)))'
    ),
    "an export of an instance type": (
        f'(type $t (instance (export "f" (func)))) (export $u "t" (type $t))'
        f' (import "wasi:nn/graph@{OCTOBER}" (instance (type $u)))'
    ),
    "wasi:cli/run": (
        '(import "wasi:cli/run@0.2.0" (instance (export "run" (func (result (result))))))'
    ),
}


@pytest.mark.parametrize("name", ON_49)
def test_verdicts_on_wasmtime_are_what_it_does(
    name: str, native: NativeWasmtime, tmp_path: Path
) -> None:
    item, expected = ON_49[name]
    data = component(item)
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(data)
    found = judge(data, "wasmtime@49")
    ran = native.run(guest)
    assert (found.answer.value, ran.returncode == 0) == (expected, expected == "runs"), ran.stderr
    if found.answer is Answer.REWRITE:
        guest.write_bytes(rewrite(data, RewriteOptions(host="wasmtime@49")))
        ran = native.run(guest)
        assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("name", UNKNOWN_ON_49)
def test_no_component_is_said_to_run_whose_imports_are_not_all_known(
    name: str, native: NativeWasmtime, tmp_path: Path
) -> None:
    data = component(UNKNOWN_ON_49[name])
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(data)
    found = judge(data, "wasmtime@49")
    assert found.answer is Answer.ONLY_IF
    assert "NN280" in codes(found)
    assert native.run(guest).returncode != 0


NNSHIM_ALONE = {
    "wasi:nn in two versions": ERRORS.format(JUNE) + ERRORS.format(AUGUST),
    "wasi:http": '(import "wasi:http/types@0.2.0" (instance (export "fields" (func))))',
    "wasi:cli/run": UNKNOWN_ON_49["wasi:cli/run"],
}


UNCALLED = (
    *("the steps of August", "the steps of August as of October", "parameters in another order"),
    *("another type of a result", "an enum with fewer cases", "an enum with other names"),
)
"""Functions of other types, which a component may import as long as it does not call them."""


@pytest.mark.parametrize("name", sorted({*ON_49, *NNSHIM_ALONE} - {*UNCALLED}))
@pytest.mark.parametrize("command", [True, False])
def test_verdicts_on_nnshim_are_what_it_does(name: str, command: bool) -> None:
    item = ON_49[name][0] if name in ON_49 else NNSHIM_ALONE[name]
    data = component(item, command=command)
    found = judge(data, "nnshim")
    try:
        with nnshim.NNHost() as host:
            runs = nnshim.run(data, host).exit_code == 0
    except NNShimError:
        runs = False
    assert (found.answer is Answer.RUNS, found.answer is Answer.CANNOT) == (runs, not runs)


def test_nnshim_says_why_it_does_not_run_a_component() -> None:
    inside = '(component (import "n" (instance (export "error" (type (sub resource))))))'
    given = ERRORS.format(OCTOBER).replace("(instance", "(instance $errors")
    data = component(
        given,
        inside.replace("(component", "(component $inside"),
        '(instance (instantiate $inside (with "n" (instance $errors))))',
    )
    assert "NN363" in codes(judge(data, "nnshim"))
    with nnshim.NNHost() as host, pytest.raises(ModuleError) as refused:
        nnshim.run(data, host)
    assert refused.value.code == "NN363"


def test_nnshim_runs_a_composition() -> None:
    error = ERRORS.format(OCTOBER)
    drops = '(alias export $errors "error" (type $error)) (core func (canon resource.drop $error))'
    named = error.replace("(instance", "(instance $errors")
    data = component(
        named,
        f"(component $inside {named} {drops})",
        f'(instance (instantiate $inside (with "wasi:nn/errors@{OCTOBER}" (instance $errors))))',
    )
    assert judge(data, "nnshim").answer is Answer.RUNS
    with nnshim.NNHost() as host:
        assert nnshim.run(data, host).exit_code == 0
