"""Whether a policy allows what a component asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rewriter import Answer, RewriteOptions, check, rewrite
from rewriter.policy.policy import Policy
from tests.support.components import component
from tests.support.wit import OCTOBER, importing

DIGITS = rewrite(
    Path("samples/digits.wasm").read_bytes(),
    RewriteOptions(to="wasi:nn", inputs={0: "pixels"}),
)
"""A component that was made from a core module, which loads an ONNX model."""

STEPS = ("load", "init_execution_context", "set_input", "compute", "get_output")


def codes(data: bytes, policy: Policy, host: str = "wasmtime") -> list[str]:
    (found,) = check(data, [host], policy=policy, validate=False)
    said = [reason.code for reason in found.reasons if reason.code.startswith("NN8")]
    assert not said or found.answer is Answer.CANNOT
    return sorted(set(said))


def test_functions_have_the_names_of_core_modules() -> None:
    assert codes(DIGITS, Policy(functions=STEPS)) == []
    assert codes(DIGITS, Policy(functions=STEPS[1:])) == ["NN801"]


@pytest.mark.parametrize("field", ["encodings", "targets"])
def test_what_it_passes_to_load_is_not_known(field: str) -> None:
    allowed: Any = {"encodings": ["onnx"], "targets": ["cpu"]}[field]
    assert codes(DIGITS, Policy(**{field: allowed})) == ["NN806"]
    assert codes(DIGITS, Policy(**{field: allowed}, unknown="allow")) == []


def test_imports_are_packages_or_interfaces_with_or_without_a_version() -> None:
    names = ("wasi:io", "wasi:io/poll", "wasi:io/poll@0.2.0")
    data = component(f'(import "{names[2]}" (instance (export "pollable" (type (sub resource)))))')
    for name in names:
        assert codes(data, Policy(imports=[name])) == []
    assert codes(data, Policy(imports=["wasi:cli", "wasi", "wasi:io/streams"])) == ["NN802"]


def test_graphs_by_name_are_not_known() -> None:
    data = importing(OCTOBER)
    assert codes(data, Policy(named_graphs=["digits"])) == ["NN806"]
    assert codes(data, Policy(named_graphs=[])) == ["NN805"]


def test_a_function_of_no_known_version_is_not_known() -> None:
    data = component(f'(import "wasi:nn/graph@{OCTOBER}" (instance (export "sneak" (func))))')
    assert codes(data, Policy(encodings=["onnx"])) == ["NN806"]
    assert codes(data, Policy(functions=STEPS)) == ["NN806"]


def test_what_it_becomes_on_a_host_of_core_modules_has_to_be_allowed_too() -> None:
    """As a component it imports WASI 0.2, as a core module WASI 0.1."""
    packages = ["wasi:cli", "wasi:io", "wasi:filesystem", "wasi:clocks", "wasi:random"]
    assert codes(DIGITS, Policy(imports=packages), "wasmtime") == []
    assert codes(DIGITS, Policy(imports=packages), "wamr") == ["NN802"]
    both = Policy(imports=[*packages, "wasi_snapshot_preview1"])
    assert codes(DIGITS, both, "wamr") == []
