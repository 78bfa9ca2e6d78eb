"""Components whose `wasi:cli/run` a host can start, and those with another `run` or none."""

from __future__ import annotations

from pathlib import Path

import pytest

import nnshim
from rewriter.analysis.compatibility import Answer, Verdict
from rewriter.analysis.components.described import describe_component
from rewriter.checking.components import judge_component
from rewriter.components.run_function import RunFunction
from rewriter.errors import NNShimError
from rewriter.hosts.table import find_hosts
from tests.support.native import NativeWasmtime
from tests.support.wasm import assemble
from tests.support.wit import OCTOBER, command, composed

NAME = '"wasi:cli/run@0.2.0"'
CORE = '(core module $m (func (export "f") {} (result i32) i32.const 0))'
LIFTED = f"""{CORE.format("")} (core instance $m (instantiate $m))
    (func $run (result (result)) (canon lift (core func $m "f")))"""
NUMBER = LIFTED.replace("(result (result))", "(result u32)")
MEMORY = """(core module $m (memory (export "memory") 1)
        (func (export "f") (result i32) i32.const 0)) (core instance $m (instantiate $m))"""
EXPORT = f"(export {NAME} (instance $i))"
LISTED = '(instance $i (export "run" (func $run)))'
INNER = f'(component $c {LIFTED} (export "run" (func $run)))'
MADE = "(instance $i (instantiate $c))"
GIVEN = '(instance $i (instantiate $c (with "run" (func $run))))'
TYPE = '(export "run" (func (result (result))))'
PASSED = f'(component $p (import "i" (instance $i {TYPE})) (export "o" (instance $i)))'

FITS = {
    "a function in a list": LIFTED + LISTED,
    "an export of a component": INNER + MADE,
    "an import that a component exports": f"""{LIFTED}
        (component $c (import "run" (func $f (result (result)))) (export "run" (func $f)))
        {GIVEN}""",
    "an export with a type": f"""{LIFTED}
        (component $c (import "run" (func $f (result (result))))
            (type $result (result)) (type $type (func (result $result)))
            (export "run" (func $f) (func (type $type))))
        {GIVEN}""",
    "a type of the component around": f"""(type $result (result))
        (type $type (func (result $result))) {LIFTED}
        (component $c (alias outer 1 $type (type $t))
            (import "run" (func $f (type $t))) (export "run" (func $f))) {GIVEN}""",
    "a type that an instance exports": f"""
        (component $types (type $r (result)) (export "r" (type $r)))
        (instance $types (instantiate $types)) (alias export $types "r" (type $r))
        {LIFTED.replace("(result (result))", "(result $r)")} {LISTED}""",
    "a function of another instance": f"""{INNER} (instance $other (instantiate $c))
        (alias export $other "run" (func $run)) {LISTED}""",
    "an instance of another instance": f"""
        (component $outer {INNER} {MADE} (export "i" (instance $i)))
        (instance $outer (instantiate $outer)) (alias export $outer "i" (instance $i))""",
    "an instance that is passed through": f"""{INNER} (instance $in (instantiate $c)) {PASSED}
        (instance $out (instantiate $p (with "i" (instance $in))))
        (alias export $out "o" (instance $i))""",
    "a component of the component around": f"""{INNER}
        (component $outer (alias outer 1 $c (component $c)) {MADE} (export "i" (instance $i)))
        (instance $outer (instantiate $outer)) (alias export $outer "i" (instance $i))""",
    "a component that an instance exports": f"""
        (component $outer {INNER} (export "c" (component $c)))
        (instance $outer (instantiate $outer)) (alias export $outer "c" (component $c)) {MADE}""",
    "an export with the type of its instance": f"""{LIFTED} {LISTED}
        (export {NAME} (instance $i) (instance {TYPE}))""",
    "an export with a type that leaves it out": f"""{LIFTED} {LISTED}
        (export {NAME} (instance $i) (instance))""",
    "an export after another": f'{INNER} {MADE} (export "other" (instance $i))',
}

OTHER_TYPE = {
    "a number": NUMBER + LISTED,
    "a number of a component": INNER.replace(LIFTED, NUMBER) + MADE,
    "a number of another instance": f"""
        (component $c {NUMBER} (export "walk" (func $run))) (instance $other (instantiate $c))
        (alias export $other "walk" (func $run)) {LISTED}""",
    "a type with another name": f"""(type $number u32)
        {LIFTED.replace("(result (result))", "(result $number)")} {LISTED}""",
    "an enum": f"""(type $e (enum "a" "b"))
        {LIFTED.replace("(result (result))", "(result $e)")} {LISTED}""",
    "a result with a value": f"""(type $e (result u8))
        {MEMORY} (func $run (result $e)
            (canon lift (core func $m "f") (memory (core memory $m "memory")))) {LISTED}""",
    "nothing": f"""(core module $m (func (export "f"))) (core instance $m (instantiate $m))
        (func $run (canon lift (core func $m "f"))) {LISTED}""",
    "a parameter": f"""{CORE.format("(param i32)")} (core instance $m (instantiate $m))
        (func $run (param "x" u32) (result (result)) (canon lift (core func $m "f"))) {LISTED}""",
    "a number behind a declared type": f"""{NUMBER}
        (component $c (import "run" (func $f (result u32)))
            (export "run" (func $f) (func (result u32))))
        {GIVEN}""",
}

MISSING = {
    "an empty instance": "(instance $i)",
    "another name": LIFTED + '(instance $i (export "walk" (func $run)))',
    "an instance of this name": '(instance $e) (instance $i (export "run" (instance $e)))',
    "another name of a component": INNER.replace('"run"', '"walk"') + MADE,
}

ALIASES = "".join(f'(instance $a{n + 1} (export "run" (func $a{n} "run")))' for n in range(60))

UNKNOWN = {
    "an import whose type leaves it out": f"""{INNER} (instance $in (instantiate $c))
        {PASSED.replace(TYPE, "")}
        (instance $out (instantiate $p (with "i" (instance $in))))
        (alias export $out "o" (instance $i))""",
    "a component that is passed": f"""{INNER}
        (component $outer
            (import "c" (component $c (export "run" (func (result (result))))))
            {MADE} (export "i" (instance $i)))
        (instance $outer (instantiate $outer (with "c" (component $c))))
        (alias export $outer "i" (instance $i))""",
    "many steps": f"""{LIFTED} (instance $a0 (export "run" (func $run))) {ALIASES}
        (instance $i (export "run" (func $a60 "run")))""",
    "many items": "(type u8)" * 50_000 + LIFTED + LISTED,
}


def made(items: str) -> bytes:
    return assemble(f"(component {items} {'' if NAME in items else EXPORT})")


def judge(data: bytes, host: str) -> Verdict:
    return judge_component(describe_component(data), find_hosts(host))


CASES = [
    pytest.param(items, found, id=f"{found.name}: {name}")
    for found, cases in (
        (RunFunction.FITS, FITS),
        (RunFunction.OTHER_TYPE, OTHER_TYPE),
        (RunFunction.MISSING, MISSING),
    )
    for name, items in cases.items()
]


@pytest.mark.parametrize(("items", "expected"), CASES)
def test_a_component_runs_if_its_function_run_has_the_right_type(
    items: str, expected: RunFunction, native: NativeWasmtime, tmp_path: Path
) -> None:
    data = made(items)
    assert describe_component(data).run == {"0.2.0": expected}
    answer = Answer.RUNS if expected is RunFunction.FITS else Answer.CANNOT
    codes = [] if expected is RunFunction.FITS else ["NN277"]
    for host in ("wasmtime@49", "nnshim"):
        found = judge(data, host)
        assert (found.answer, [said.code for said in found.reasons]) == (answer, codes)
    (tmp_path / "guest.wasm").write_bytes(data)
    ran = native.run(tmp_path / "guest.wasm")
    assert (ran.returncode == 0) == (expected is RunFunction.FITS), ran.stderr
    try:
        with nnshim.NNHost() as host_:
            runs = nnshim.run(data, host_).exit_code == 0
    except NNShimError:
        runs = False
    assert runs == (expected is RunFunction.FITS)


def test_components_of_wasm_tools_have_a_function_that_fits() -> None:
    program = """(module (func (export "wasi:cli/run@0.2.0#run") (result i32) i32.const 0)
        (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable))"""
    library = program.replace("(result i32) i32.const 0", "", 1)
    for data in (command(program, OCTOBER), composed([library, library], OCTOBER)):
        assert describe_component(data).run == {"0.2.0": RunFunction.FITS}


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_function_run_that_is_not_found_for_sure_is_a_condition(name: str) -> None:
    found = judge(made(UNKNOWN[name]), "wasmtime@49")
    assert found.answer is Answer.ONLY_IF
    [said] = found.conditions
    assert said.code == "NN280"
    assert "it is unknown whether run of wasi:cli/run@0.2.0" in said.message


@pytest.mark.parametrize(
    ("good", "empty", "runs"),
    [("12", "13", True), ("13", "12", False), ("2", "10", False), ("10", "9", True)],
)
def test_wasmtime_starts_its_own_version_of_run_or_the_newest(
    good: str, empty: str, runs: bool, native: NativeWasmtime, tmp_path: Path
) -> None:
    data = assemble(
        f"""(component {LIFTED} {LISTED} (instance $e)
            (export "wasi:cli/run@0.2.{good}" (instance $i))
            (export "wasi:cli/run@0.2.{empty}" (instance $e)))"""
    )
    (tmp_path / "guest.wasm").write_bytes(data)
    assert (judge(data, "wasmtime@49").answer is Answer.RUNS) == runs
    assert (native.run(tmp_path / "guest.wasm").returncode == 0) == runs
