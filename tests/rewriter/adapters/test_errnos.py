"""The errnos that a guest gets through adapters if its host numbers them differently."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

import pytest
import wasmtime

from rewriter import RewriteOptions, check, inspect_module, rewrite
from rewriter.abi.dialects import DIALECTS, WASI_EPHEMERAL_NN, Dialect
from rewriter.analysis.compatibility import Runs
from rewriter.wasm.types import FuncType
from tests.support.guest import text
from tests.support.wasm import assemble

TENSOR, DIMENSIONS, AT = 64, 96, 128
"""Addresses in the guest's memory: a tensor without elements, its dimensions, and the rest."""


def guest(dialect: Dialect) -> bytes:
    """A guest that exports the functions common to all ABIs, which it imports."""
    common = set.intersection(*({*other.functions} for other in DIALECTS.values()))
    part = replace(dialect, functions={name: dialect.functions[name] for name in sorted(common)})
    return assemble(text(dialect.layout.module, '(memory (export "memory") 1)', part))


class Failing:
    """A host whose functions all return `errno`, and a guest on it."""

    def __init__(self, module: bytes, dialect: Dialect) -> None:
        self.dialect, self.errno = dialect, 0
        engine = wasmtime.Engine()
        self.store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
        for item in inspect_module(module).wasi_nn.values():
            assert isinstance(item.type, FuncType)
            parameters = len(item.type.params)
            kind = wasmtime.FuncType(
                [wasmtime.ValType.i32()] * parameters, [wasmtime.ValType.i32()]
            )
            linker.define_func(item.module, item.name, kind, lambda *_: self.errno)
        instance = linker.instantiate(self.store, wasmtime.Module(engine, module))
        self.functions = list(inspect_module(module).exports)
        self.exports: Any = instance.exports(self.store)
        for address, *values in ((TENSOR, DIMENSIONS, 1, 1, AT, 0), (DIMENSIONS, 0, 0)):
            self.put(address, struct.pack(f"<{len(values)}I", *values))

    def put(self, address: int, data: bytes) -> None:
        self.exports["memory"].write(self.store, data, address)

    def call(self, function: str) -> int:
        places = {"tensor": TENSOR, "out_buffer": AT, "builder_array": AT, "builders": AT}
        places |= {"written_out": AT, "size_inout": AT, "graph_out": AT, "context_out": AT}
        parameters = self.dialect.functions[function]
        errno: int = self.exports[function](self.store, *(places.get(p, 0) for p in parameters))
        return errno


WIT_FOR_WITX = {0: 0, 1: 1, 2: 2, 3: 5, 4: 5, 5: 6, 6: 7, 7: 8, 8: 5, 9: 5, 101: 5, 4000: 5, -1: 5}

CASES = [
    pytest.param("witx", {"host": "wamr-ephemeral@2.3.1"}, WIT_FOR_WITX, id="wit's, in one layout"),
    pytest.param("witx", {"abi": "wamr-2.1-legacy"}, WIT_FOR_WITX, id="wit's, in another layout"),
    pytest.param(
        "witx-2022",
        {"host": "wasmtime", "built_for": "wasi-nn@0.4"},
        {**{n: n for n in range(6)}, 6: 5, 7: 5, 8: 5},
        id="those above 5, for a crate that has none",
    ),
    pytest.param(
        "witx-2021", {"host": "wasmtime"}, {0: 0, 1: 1, 2: 1, 3: 2, 4: 3, 5: 1, 8: 1}, id="of 2023"
    ),
    pytest.param("witx-2022", {"abi": "witx-2021"}, {0: 0, 1: 1, 2: 3, 3: 4, 9: 5}, id="of 2021"),
    pytest.param(
        "wamr-2.1-legacy",
        {"host": "wamr-legacy@2.4"},
        {0: 0, 1: 1, 2: 2, 3: 4, 4: 4, 5: 4, 6: 5, 7: 6, 8: 7, 100: 100, 103: 103},
        id="of WAMR 2.4, for a guest of its older one",
    ),
]


@pytest.mark.parametrize(("source", "options", "expected"), CASES)
def test_every_function_returns_the_numbers_of_the_guest(
    source: str, options: dict[str, Any], expected: dict[int, int]
) -> None:
    dialect = DIALECTS[source]
    there = rewrite(guest(dialect), RewriteOptions(guest_abi=source, **options))
    host = Failing(there, dialect)
    functions = [item for item in host.functions if item in dialect.functions]
    assert len(functions) == 5
    for function in functions:
        for host.errno, errno in expected.items():
            assert host.call(function) == errno, (function, host.errno)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        pytest.param("witx", "wasmedge", id="the host has more, which are its own"),
        pytest.param("wasmedge-0.14", "wasmedge-0.13", id="the host has fewer"),
        pytest.param("wamr-2.1", "wamr-2.2", id="the same"),
        pytest.param("wamr", "wamr", id="one ABI"),
    ],
)
def test_a_guest_with_the_same_errnos_needs_no_adapter(source: str, target: str) -> None:
    module = guest(DIALECTS[source])
    options = RewriteOptions(abi=target, guest_abi=source, to=DIALECTS[source].layout.module)
    assert inspect_module(rewrite(module, options)).adapters == {}


def test_the_errnos_that_adapters_themselves_return_are_the_guests() -> None:
    dialect = DIALECTS["wamr-2.2"]
    there = rewrite(guest(dialect), RewriteOptions(host="wamr-legacy@2.4", guest_abi="wamr-2.2"))
    host = Failing(there, dialect)
    host.put(TENSOR + 8, b"\2")  # f64, which WAMR's ABI does not have
    assert host.call("set_input") == 5
    assert dialect.errnos[5] == DIALECTS["witx"].errnos[6]


def test_a_difference_in_errnos_alone_is_reported_and_adapted() -> None:
    compute = DIALECTS["witx"].signature("compute")
    module = assemble(
        f'(module (import "{WASI_EPHEMERAL_NN}" "compute" (func {compute}))'
        ' (memory (export "memory") 1) (func (drop (call 0 (i32.const 1)))))'
    )
    (verdict,) = check(module, ["wamr-ephemeral@2.3.1"])
    assert verdict.runs is Runs.AFTER_REWRITE
    assert [reason.code for reason in verdict.reasons] == ["NN207"]
    there = rewrite(module, RewriteOptions(host="wamr-ephemeral@2.3.1"))
    (verdict,) = check(there, ["wamr-ephemeral@2.3.1"])
    assert verdict.runs is Runs.AS_IT_IS


def test_releases_with_other_errnos_are_named_but_do_not_decide() -> None:
    names = ("load", "compute")
    wamr = DIALECTS["wamr"]
    imports = " ".join(f'(import "wasi_nn" "{n}" (func {wamr.signature(n)}))' for n in names)
    module = assemble(f'(module {imports} (memory (export "memory") 1))')
    (verdict,) = check(module, ["wamr-legacy"], guest_abi="wamr-2.4-legacy")
    assert verdict.runs is Runs.AS_IT_IS
    assert [c.text for c in verdict.caveats if c.code == "NN228"] == [
        "1.1.1 to 2.1.0: the host numbers encodings differently; `nnshim rewrite --for"
        " wamr-legacy@2.1.0` translates them",
        "2.1.1 to 2.3.1: the host numbers errors differently; `nnshim rewrite --for"
        " wamr-legacy@2.3.1` translates them",
    ]
    (verdict,) = check(module, ["wamr-legacy@2.3.1"], guest_abi="wamr-2.4-legacy")
    assert verdict.runs is Runs.AFTER_REWRITE
    witx = [f'(import "{WASI_EPHEMERAL_NN}" "{n}" (func {DIALECTS["witx"].signature(n)}))'
            for n in names]  # fmt: skip
    other = assemble(f'(module {" ".join(witx)} (memory (export "memory") 1))')
    (verdict,) = check(rewrite(other, RewriteOptions(host="wamr-legacy")), ["wamr-legacy"])
    assert verdict.runs is Runs.AS_IT_IS
