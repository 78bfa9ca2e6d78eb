"""What a guest's numbers, and its import section, need on each host."""

from __future__ import annotations

import pytest

import rewriter
from rewriter import RewriteOptions, inspect_module
from rewriter.analysis.compatibility import assess
from rewriter.hosts.host import Feature
from rewriter.hosts.table import HOSTS, find_guest, find_host
from tests.heavy.engine_cases import assembled
from tests.rewriter.analysis.test_assess import (
    AS_IT_IS,
    CANNOT,
    MEMORY,
    REWRITE,
    codes,
    guest,
    on,
    words,
)
from tests.support.wasm import assemble


def test_a_compact_import_section_takes_a_rewrite() -> None:
    module = assembled()["compact-imports"]
    for host in HOSTS:
        found = on(host, module)
        assert found.runs is REWRITE
        assert codes(found.reasons) == ["NN213"]
        assert on(host, rewriter.rewrite(module, RewriteOptions(host=host))).runs is AS_IT_IS
        features = {**HOSTS[host].features, Feature.COMPACT_IMPORTS: True}
        takes_it = HOSTS[host]._replace(features=features)
        assert assess(inspect_module(module), takes_it).runs is AS_IT_IS
    module = assembled()["wasi-sched-yield"]
    assert all(on(host, module).runs is AS_IT_IS for host in HOSTS)


def test_tensor_types_with_other_numbers_need_a_rewrite() -> None:
    module = guest("wasi_ephemeral_nn", "witx", "set_input")
    assert on("wamr", module).runs is AS_IT_IS
    found = on("wamr-2.1", module)
    assert found.runs is REWRITE
    assert codes(found.reasons) == ["NN209", "NN204"]
    there = rewriter.rewrite(module, RewriteOptions(host="wamr-2.1"))
    assert on("wamr-2.1", there).runs is AS_IT_IS
    assert ("NN206", "its set_input was adapted to a different host") in words(
        on("wasmtime", there).reasons
    )
    assert on("wamr", rewriter.rewrite(there, RewriteOptions(host="wamr"))).runs is AS_IT_IS


def guesses_numbers(host: str, module: bytes, guest_abi: str | None = None) -> bool:
    return "NN137" in codes(assess(inspect_module(module, guest_abi), HOSTS[host]).caveats)


def test_numbers_of_types_that_nothing_shows_are_a_caveat_but_where_tensors_show_them() -> None:
    module = guest("wasi_ephemeral_nn", "witx", "set_input")
    for host in HOSTS:
        # an adapter of set_input finds out, as nnshim does
        assert guesses_numbers(host, module) is (host not in {"nnshim", "wamr-2.1", "wamr-legacy"})
        assert not guesses_numbers(host, module, "witx-2022")
        assert not guesses_numbers(host, guest("wasi_ephemeral_nn", "witx"))
        assert not guesses_numbers(host, guest("wasi_nn", "wamr", "set_input"))
        assert not guesses_numbers(host, rewriter.rewrite(module, RewriteOptions(host="wamr-2.1")))
    told = assess(inspect_module(module), HOSTS["wasmtime"], guest=HOSTS["wamr-2.1"])
    assert "NN137" not in codes(told.caveats)


@pytest.mark.parametrize(
    ("host", "numbers"),
    [
        ("wasmedge@0.11.1", "1 is pytorch"),
        ("wamr-ephemeral@2.4", "5 is ggml and 6 is autodetect"),
        ("wamr-ephemeral@2.3.1", "5 is ggml and 6 is autodetect"),
        ("wamr-legacy@2.4", None),
        ("wasmtime@12", None),
        ("wasmtime@49", None),
        ("wasmedge@0.11.0", None),
        ("wasmedge@0.17", None),
        ("nnshim", None),
    ],
)
def test_encodings_that_are_taken_for_the_hosts_own_are_a_caveat(
    host: str, numbers: str | None
) -> None:
    """Until somebody says what the guest has: an adapter translates them then."""
    row, module = find_host(host), guest("wasi_ephemeral_nn", "witx")
    found = [d for d in assess(inspect_module(module), row).caveats if d.code == "NN138"]
    message = (
        "imports do not show which numbers it uses for encodings: the host's are assumed, where"
    )
    assert [d.message for d in found] == ([] if numbers is None else [f"{message} {numbers}"])
    adapted = rewriter.rewrite(module, RewriteOptions(abi=row.dialects[0].name, guest_abi="witx"))
    for told in (
        assess(inspect_module(module, "witx"), row),
        assess(inspect_module(module), row, guest=find_guest("wasi-nn@0.6")),
        assess(inspect_module(adapted), row),
        assess(inspect_module(guest("wasi_ephemeral_nn", "witx", "unload")), row),
        assess(inspect_module(assemble(f"(module {MEMORY})")), row),
    ):
        assert "NN138" not in codes(told.caveats)


def test_the_host_that_a_module_was_built_for_says_what_its_numbers_mean() -> None:
    module = guest("wasi_ephemeral_nn", "witx")
    wasmtime, wamr = HOSTS["wasmtime"], HOSTS["wamr"]
    assert codes(assess(inspect_module(module), wasmtime, guest=wamr).reasons) == ["NN203"]
    assert assess(inspect_module(module), wamr, guest=wamr).runs is AS_IT_IS
    assert assess(inspect_module(module), wamr, guest=HOSTS["wamr-legacy"]).runs is CANNOT
    found = assess(inspect_module(module), wamr, guest=HOSTS["wamr-legacy"])
    assert codes(found.reasons) == ["NN214"]
