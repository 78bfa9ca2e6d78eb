"""A rewrite for a host that does not support compact imports writes imports one by one."""

from __future__ import annotations

import pytest

from rewriter import RewriteOptions, UnsupportedModule, compare, inspect_module, rewrite
from rewriter.analysis.compatibility import Runs, assess
from rewriter.hosts.table import HOSTS
from rewriter.rewriting.plan import make_plan
from rewriter.wasm.module import Module
from rewriter.wasm.sections import SectionId
from runtime_shim import NNHost, run
from tests.support.wasm import (
    FUNC_0,
    HEADER,
    LOAD,
    imported,
    imports,
    name,
    section,
    sized,
    vector,
    with_code,
)

TYPES = section(SectionId.TYPE, vector(LOAD, b"\x60\1\x7f\1\x7f", b"\x60\1\x7f\0", b"\x60\0\0"))
OF_LOAD, OF_COMPUTE, OF_EXIT = FUNC_0, b"\0\1", b"\0\2"
MEMORY = section(SectionId.MEMORY, vector(b"\0\1"))
EXPORTS = section(SectionId.EXPORT, vector(name("memory") + b"\2\0", name("_start") + b"\0\5"))
FUNCTIONS = section(SectionId.FUNCTION, vector(b"\3"))


def by_module(module: str, *items: bytes) -> bytes:
    return name(module) + b"\0\x7f" + vector(*items)


def by_type(module: str, extern: bytes, *names: str) -> bytes:
    return name(module) + b"\0\x7e" + extern + vector(*map(name, names))


def guest(*items: bytes) -> bytes:
    """A guest that imports five functions. The last is proc_exit, which it calls with 7."""
    body = b"\0\x41\7\x10\4\x0b"
    code = section(SectionId.CODE, vector(sized(body)))
    return HEADER + TYPES + imports(*items) + FUNCTIONS + MEMORY + EXPORTS + code


COMPACT = guest(
    by_module("wasi_ephemeral_nn", name("load") + OF_LOAD, name("compute") + OF_COMPUTE),
    by_module("nothing"),
    by_type("wasi_ephemeral_nn", OF_COMPUTE, "compute", "compute"),
    imported("wasi_snapshot_preview1", "proc_exit", OF_EXIT),
)


def one_by_one(nn: str) -> bytes:
    return guest(
        imported(nn, "load", OF_LOAD),
        *[imported(nn, "compute", OF_COMPUTE)] * 3,
        imported("wasi_snapshot_preview1", "proc_exit", OF_EXIT),
    )


def test_a_rewrite_for_a_host_writes_each_import_with_its_module_name() -> None:
    there = rewrite(COMPACT, RewriteOptions(host="wasmtime"))
    assert there == one_by_one("wasi_ephemeral_nn")
    assert compare(COMPACT, there).only_rewritten
    assert rewrite(there, RewriteOptions(host="wasmtime")) == there


def test_imports_taken_out_of_groups_are_counted() -> None:
    assert make_plan(Module(COMPACT), RewriteOptions(host="wasmtime")).ungrouped == 4
    assert make_plan(Module(COMPACT), RewriteOptions(to="wasi_nn")).ungrouped == 0
    plain = one_by_one("wasi_nn")
    assert make_plan(Module(plain), RewriteOptions(host="wasmtime")).ungrouped == 0


def test_imports_that_are_adapted_are_written_one_by_one_too() -> None:
    there = rewrite(COMPACT, RewriteOptions(host="wamr-legacy"))
    assert there == rewrite(one_by_one("wasi_ephemeral_nn"), RewriteOptions(host="wamr-legacy"))
    assert compare(COMPACT, there).only_rewritten


@pytest.mark.parametrize("host", HOSTS)
def test_a_module_runs_after_a_rewrite_for_a_host(host: str) -> None:
    before = assess(inspect_module(COMPACT), HOSTS[host])
    assert before.runs is Runs.AFTER_REWRITE
    assert [found.code for found in before.reasons][-1] == "NN213"
    there = rewrite(COMPACT, RewriteOptions(host=host))
    assert assess(inspect_module(there), HOSTS[host]).runs is Runs.AS_IT_IS


@pytest.mark.parametrize("options", [RewriteOptions(to="wasi_nn"), RewriteOptions(abi="wamr")])
def test_a_rewrite_that_is_for_no_host_leaves_imports_compact(options: RewriteOptions) -> None:
    there = rewrite(COMPACT, options)
    assert [item.module for item in inspect_module(there).imports if item.compact] == [
        "wasi_nn"
    ] * 4


def test_nnshim_says_what_makes_a_compact_module_run() -> None:
    host = NNHost()
    with pytest.raises(UnsupportedModule, match="nnshim rewrite --for nnshim") as caught:
        run(COMPACT, host)
    assert caught.value.code == "NN213"
    assert run(rewrite(COMPACT, RewriteOptions(host="nnshim")), host).exit_code == 7


def test_imports_that_would_take_far_more_space_without_groups_are_refused() -> None:
    group = by_type("m" * 100_000, OF_COMPUTE, *["f"] * 700)
    module = with_code(b"\0\x0b", types=[b"\x60\1\x7f\1\x7f"], others=[group])
    with pytest.raises(UnsupportedModule, match="one by one, take more than") as caught:
        rewrite(module, RewriteOptions(host="wasmtime", validate=False))
    assert caught.value.code == "NN104"


def test_offsets_cannot_be_kept_where_imports_get_longer() -> None:
    with pytest.raises(UnsupportedModule, match="the imports need 22 more bytes") as caught:
        rewrite(COMPACT, RewriteOptions(host="wasmtime", keep_offsets=True))
    assert caught.value.code == "NN323"
