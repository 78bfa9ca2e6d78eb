"""Names and configurations of adapted guests on WAMR's hosts, which up to 2.4.5 expect a NUL after
them."""

from __future__ import annotations

import random
import struct
from dataclasses import replace
from typing import Any

import pytest
import wasmtime

from rewriter import RewriteOptions, check, inspect_module, rewrite
from rewriter.abi.dialects import (
    WAMR,
    WAMR_EPHEMERAL,
    WAMR_MAIN,
    WAMR_MAIN_LEGACY,
    WASMEDGE,
    Dialect,
)
from rewriter.analysis.compatibility import Runs
from tests.support.guest import text
from tests.support.legacy_host import EphemeralHost, LegacyHost
from tests.support.models import F32, identity
from tests.support.wasm import assemble

SUCCESS, INVALID_ARGUMENT, UNSUPPORTED = 0, 1, 6
GRAPH, NAME = 1024, 2048
PAGE = 65536
RELEASES = {
    "2.1.1": ("wamr-2.1", EphemeralHost),
    "2.3.1": ("wamr-2.2", EphemeralHost),
    "2.4.5": ("wamr-ephemeral", EphemeralHost),
    "main": ("wamr-main", EphemeralHost),
    "2.4.5, legacy": ("wamr", LegacyHost),
    "main, legacy": ("wamr-main-legacy", LegacyHost),
}
WITH_CONFIG = ("2.3.1", "2.4.5", "main")
WITH_NUL = [release for release in RELEASES if not release.startswith("main")]
"""The releases that expect a NUL, so that guests get adapters for names."""


class Host:
    """A WAMR host that records names, and loads a model for any name."""

    def __init__(self, release: str, guest: Dialect = WASMEDGE) -> None:
        abi, kind = RELEASES[release]
        legacy = kind is LegacyHost
        names = ("load_by_name", "load_by_name_with_config", "get_output")
        functions = {name: guest.functions[name] for name in names if name in guest.functions}
        part: Dialect = replace(guest, functions=functions)
        built = assemble(text(guest.layout.module, '(memory (export "memory") 1)', part))
        to = "wasi_nn" if legacy else "wasi_ephemeral_nn"
        adapted = rewrite(built, RewriteOptions(abi=abi, guest_abi=guest.name, to=to))
        self.host = kind(release.removesuffix(", legacy"), _Anything())
        self.names: list[bytes] = []
        load = self.host._load_named

        def kept(name: bytes, graph_out: int) -> int:
            self.names.append(name)
            return load(name, graph_out)

        self.host._load_named = kept  # type: ignore[method-assign]  # of this one
        engine = wasmtime.Engine()
        self.store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
        self.host.define(linker)
        module = wasmtime.Module(engine, adapted)
        self.exports: Any = linker.instantiate(self.store, module).exports(self.store)

    def memory(self) -> bytes:
        return bytes(self.exports["memory"].read(self.store))

    def put(self, address: int, data: bytes) -> None:
        self.exports["memory"].write(self.store, data, address)

    def call(self, *arguments: int) -> int:
        """Call load_by_name, or with five arguments load_by_name_with_config, and check that only
        the bytes of the result change in memory."""
        function = "load_by_name" if len(arguments) == 3 else "load_by_name_with_config"
        before, graph = self.memory(), arguments[-1]
        errno: int = self.exports[function](self.store, *arguments)
        after = self.memory()
        if graph + 4 <= PAGE:
            before, after = (m[:graph] + m[graph + 4 :] for m in (before, after))
        assert after == before
        return errno


class _Anything(dict[bytes, bytes]):
    def __contains__(self, _name: object) -> bool:
        return True

    def __missing__(self, _name: bytes) -> bytes:
        return identity(F32, (4,))


@pytest.mark.parametrize("release", RELEASES)
def test_a_name_ends_where_its_length_says(release: str) -> None:
    host = Host(release)
    for name in (b"m", b"model.tflite", "mod\u00e8le-\u6a21".encode(), b"\xff\xfe", b"n" * 5000):
        host.put(NAME, name + b"more")
        assert host.call(NAME, len(name), GRAPH) == SUCCESS
        assert host.names.pop() == name


@pytest.mark.parametrize(
    ("release", "guest"),
    [
        *((release, WAMR) for release in ("2.1.1", "2.3.1", "2.4.5", "main")),
        *((release, WAMR_EPHEMERAL) for release in ("2.1.1", "2.3.1", "2.4.5, legacy")),
        *((release, WAMR_MAIN) for release in WITH_NUL),
        *((release, WAMR_MAIN_LEGACY) for release in WITH_NUL),
    ],
)
def test_a_name_of_a_guest_of_another_wamr_abi_ends_where_its_length_says(
    release: str, guest: Dialect
) -> None:
    """WAMR's main branch takes names without a NUL."""
    host = Host(release, guest)
    host.put(NAME, b"model.tflitex")
    assert host.call(NAME, 12, GRAPH) == SUCCESS
    assert host.names == [b"model.tflite"]


@pytest.mark.parametrize("release", RELEASES)
def test_a_name_with_a_nul_behind_it_stays_where_it_is(release: str) -> None:
    host = Host(release)
    host.put(16, b"\x11" * 1000)
    host.put(NAME, b"model\0more")
    seen: list[int] = []
    read = host.host._text

    def spied(address: int, length: int) -> bytes | None:
        seen.append(address)
        return read(address, length)

    host.host._text = spied  # type: ignore[method-assign]  # of this one
    assert host.call(NAME, 5, GRAPH) == SUCCESS
    assert (host.names, seen) == ([b"model"], [NAME])


@pytest.mark.parametrize("release", WITH_NUL)
def test_a_nul_that_is_counted_is_the_one_behind_the_name(release: str) -> None:
    host = Host(release)
    host.put(NAME, b"model\0more")
    assert host.call(NAME, 6, GRAPH) == SUCCESS
    assert host.names == [b"model"]


@pytest.mark.parametrize("release", RELEASES)
def test_a_name_that_a_nul_cuts_short_is_refused(release: str) -> None:
    host = Host(release)
    host.put(NAME, b"mod\0el\0\0\0")
    for size in (5, 6, 7, 8):
        assert host.call(NAME, size, GRAPH) == INVALID_ARGUMENT
    assert host.names == []


@pytest.mark.parametrize("release", RELEASES)
def test_an_empty_name_is_passed_to_the_host(release: str) -> None:
    host = Host(release)
    host.put(NAME, b"more")
    refuses = release in ("2.3.1", "2.4.5", "2.4.5, legacy")
    for address in (NAME, 0, PAGE):
        errno = host.call(address, 0, GRAPH)
        assert errno == (INVALID_ARGUMENT if refuses else SUCCESS)
    assert {*host.names} <= {b""}


@pytest.mark.parametrize("release", RELEASES)
def test_a_name_may_end_with_the_memory_and_may_not_go_beyond_it(release: str) -> None:
    host = Host(release)
    host.put(PAGE - 5, b"model")
    assert host.call(PAGE - 5, 5, GRAPH) == SUCCESS
    assert host.names == [b"model"]
    for address, size in ((PAGE - 5, 6), (PAGE, 1), (PAGE + 1, 0), (-1, 1), (NAME, -1)):
        assert host.call(address, size, GRAPH) == INVALID_ARGUMENT
    for graph in (PAGE - 3, PAGE, -1, -4):
        assert host.call(PAGE - 5, 5, graph) == INVALID_ARGUMENT
    assert host.names == [b"model"]


@pytest.mark.parametrize("release", WITH_NUL)
def test_a_name_of_all_the_memory_is_refused(release: str) -> None:
    host = Host(release)
    host.put(0, b"n" * PAGE)
    assert host.call(4, PAGE - 4, 0) == INVALID_ARGUMENT
    assert host.names == []


@pytest.mark.parametrize("release", RELEASES)
def test_the_result_may_stand_anywhere_but_in_the_name(release: str) -> None:
    host = Host(release)
    writes_handle = release not in ("2.1.1", "2.3.1")  # these leave the handle unwritten
    for behind in (b"\xaa", b"\0"):
        for distance in range(9):
            for graph in (NAME + 5 + distance, NAME - 4 - distance):
                host.put(NAME, b"model" + behind * 20)
                host.put(graph, b"\xbb\xbb\xbb\xbb")
                before = host.memory()[graph : graph + 4]
                host.names.clear()
                assert host.call(NAME, 5, graph) == SUCCESS
                assert host.names == [b"model"]
                after = host.memory()[graph : graph + 4]
                assert (after != before) is writes_handle
                assert not writes_handle or after[1:] == bytes(3)


@pytest.mark.parametrize("release", WITH_NUL)
def test_the_result_may_not_stand_in_a_name_without_a_nul(release: str) -> None:
    host = Host(release)
    host.put(NAME, b"modelmore")
    for graph in range(NAME - 3, NAME + 5):
        assert host.call(NAME, 5, graph) == INVALID_ARGUMENT
    assert host.names == []


@pytest.mark.parametrize("release", WITH_CONFIG)
def test_a_configuration_and_a_name_that_touch_reach_the_host_whole(release: str) -> None:
    host = Host(release)
    name, config = b"llama", b'{"n-predict": 3}'
    for there in (name + config + b"x", name + b"\0" + config + b"x", name + config + b"\0"):
        host.put(NAME, there)
        at = NAME + there.index(config)
        assert host.call(NAME, 5, at, len(config), GRAPH) == SUCCESS
        assert host.names.pop() == name + b" with " + config
    host.put(NAME, config + name + b"x")
    assert host.call(NAME + len(config), 5, NAME, len(config), GRAPH) == SUCCESS
    assert host.names.pop() == name + b" with " + config


@pytest.mark.parametrize("release", WITH_CONFIG)
@pytest.mark.parametrize("seed", range(2))
def test_a_name_and_a_configuration_reach_the_host_from_any_place(seed: int, release: str) -> None:
    host, choose = Host(release), random.Random(seed)
    for _ in range(150):
        host.put(0, choose.randbytes(200))
        sizes = [choose.randrange(1, 24), choose.randrange(1, 24), 4]
        order, places, at = [0, 1, 2], [0, 0, 0], choose.choice((0, 1, 9, 15, 16, 17, 30))
        choose.shuffle(order)
        for each in order:
            places[each], at = at, at + sizes[each] + choose.choice((0, 0, 1, 5, 40))
        words = [bytes(choose.randrange(1, 256) for _ in range(size)) for size in sizes[:2]]
        for place, word in zip(places, words, strict=False):
            host.put(place, word + choose.choice((b"", b"\0")))
        for place, word in zip(places, words, strict=False):
            host.put(place, word)
        errno = host.call(places[0], sizes[0], places[1], sizes[1], places[2])
        assert errno == SUCCESS
        assert host.names.pop() == b" with ".join(words)


@pytest.mark.parametrize("release", [each for each in WITH_CONFIG if each in WITH_NUL])
def test_a_name_and_a_configuration_that_overlap_are_not_moved(release: str) -> None:
    host = Host(release)
    host.put(NAME, b"llama{}x")
    assert host.call(NAME, 7, NAME + 5, 2, GRAPH) == INVALID_ARGUMENT
    assert host.names == []
    host.put(NAME, b"llama{}\0")
    assert host.call(NAME, 7, NAME + 5, 2, GRAPH) == SUCCESS
    assert host.names == [b"llama{} with {}"]


@pytest.mark.parametrize("release", WITH_CONFIG)
def test_a_configuration_outside_of_the_memory_or_cut_short_is_refused(release: str) -> None:
    host = Host(release)
    host.put(NAME, b"llama" + b"{\0}")
    host.put(PAGE - 2, b"{}")
    assert host.call(NAME, 5, PAGE - 2, 2, GRAPH) == SUCCESS
    assert host.names.pop() == b"llama with {}"
    for config, size in ((PAGE - 2, 3), (PAGE, 1), (-1, 1), (NAME, -1), (NAME + 5, 3)):
        assert host.call(NAME, 5, config, size, GRAPH) == INVALID_ARGUMENT
    assert host.names == []


@pytest.mark.parametrize("release", ["2.1.1", "2.4.5, legacy", "main, legacy"])
def test_a_name_without_a_configuration_reaches_a_host_without_configurations(release: str) -> None:
    host = Host(release)
    host.put(NAME, b"llama{}")
    assert host.call(NAME, 5, NAME + 5, 0, GRAPH) == SUCCESS
    assert host.call(NAME, 5, NAME + 5, 2, GRAPH) == UNSUPPORTED
    assert host.names == [b"llama"]


@pytest.mark.parametrize(
    ("build", "source", "guest"),
    [
        ("wamr-ephemeral", "wasmedge@0.14.0", WASMEDGE),
        ("wamr", "wamr@main", WAMR_MAIN),
        ("wamr-legacy", "wamr-legacy@main", WAMR),
    ],
)
def test_a_host_that_takes_names_by_length_gets_no_adapter_for_them(
    build: str, source: str, guest: Dialect
) -> None:
    named = {"load_by_name": guest.functions["load_by_name"]}
    part = replace(guest, functions=named)
    built = assemble(text(guest.layout.module, '(memory (export "memory") 1)', part))
    main, released = f"{build}@main", f"{build}@2.4.5"
    assert {verdict.runs for verdict in check(built, [main])} == {Runs.AS_IT_IS}
    assert rewrite(built, RewriteOptions(host=main)) == built
    adapted = rewrite(built, RewriteOptions(host=released, built_for=source))
    assert adapted != built
    told = rewrite(built, RewriteOptions(host=main, built_for=source))
    assert not inspect_module(told).adapters
    assert rewrite(adapted, RewriteOptions(host=main)) == told


def test_a_handle_that_the_host_writes_in_place_of_the_nul_is_kept() -> None:
    host = Host("main")
    for number in range(1, 4):
        host.put(NAME, b"name\0\0\0\0")
        assert host.call(NAME, 4, NAME + 4) == SUCCESS
        (handle,) = struct.unpack("<I", host.memory()[NAME + 4 : NAME + 8])
        assert (handle, host.names.pop()) == (number, b"name")
