"""Resources of wasi:nn by the names of others, on hosts that have each under its own name."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewriter import check
from rewriter.analysis.compatibility import Answer, Verdict
from tests.support.components import OCTOBER, component
from tests.support.native import NativeWasmtime

TENSOR = f"""(import "wasi:nn/tensor@{OCTOBER}"
      (instance $nn (export "tensor" (type (sub resource)))))"""
ERRORS = TENSOR.replace("tensor", "error").replace("nn/error@", "nn/errors@")


def renamed(imported: str, resource: str, interface: str, name: str) -> bytes:
    """A component that imports an interface, and another one in which the first one's resource has
    this name."""
    return component(f"""{imported} (alias export $nn "{resource}" (type $resource))
      (import "wasi:nn/{interface}@{OCTOBER}"
        (instance (alias outer 1 $resource (type $t)) (export "{name}" (type (eq $t)))))""")


def judged(data: bytes, host: str) -> Verdict:
    (verdict,) = check(data, [host])
    return verdict


@pytest.mark.parametrize(
    ("data", "runs"),
    [
        (renamed(TENSOR, "tensor", "errors", "error"), False),
        (renamed(ERRORS, "error", "tensor", "tensor"), False),
        (renamed(ERRORS, "error", "graph", "error"), True),
    ],
    ids=["a tensor as error", "an error as tensor", "an error as error"],
)
def test_a_resource_is_taken_under_its_own_name_only(
    native: NativeWasmtime, tmp_path: Path, data: bytes, runs: bool
) -> None:
    (tmp_path / "guest.wasm").write_bytes(data)
    assert (native.run(tmp_path / "guest.wasm").returncode == 0) == runs
    for host in ("wasmtime@49", "nnshim"):
        assert judged(data, host).answer is (Answer.RUNS if runs else Answer.CANNOT)


def test_a_resource_of_another_package_is_not_one_of_wasi_nn() -> None:
    item = '(import "wasi:io/error@0.2.0" (instance (export "error" (type (sub resource)))))'
    assert judged(component(ERRORS, item), "wasmtime@49").answer is Answer.RUNS


def test_a_resource_from_an_instance_that_is_not_read_is_unknown() -> None:
    """It is passed on by a component inside."""
    inside = """(component $c (import "e" (instance $e (export "error" (type (sub resource)))))
      (export "e" (instance $e)))
      (instance $passed (instantiate $c (with "e" (instance $nn))))
      (alias export $passed "e" (instance $again))
      (alias export $again "error" (type $resource))"""
    data = component(f"""{ERRORS} {inside}
      (import "wasi:nn/graph@{OCTOBER}"
        (instance (alias outer 1 $resource (type $t)) (export "error" (type (eq $t)))))""")
    found = judged(data, "wasmtime@49")
    assert {each.code for each in found.caveats} >= {"NN280"}
