"""A profile as a row: what it says, what it leaves open, and how it is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rewriter import check
from rewriter.analysis.compatibility import Answer, Runs, Verdict, assess
from rewriter.analysis.inspect import inspect_module
from rewriter.errors import UsageError
from rewriter.hosts.host import Feature, TooSmall, Unit
from rewriter.hosts.profiles.file import write
from rewriter.hosts.profiles.profile import (
    ABSENT,
    REFUSED,
    BackendProfile,
    Linking,
    ModuleProfile,
    Profile,
    ProfiledHost,
)
from rewriter.hosts.profiles.row import row_of
from rewriter.hosts.table import find_any, find_guest, find_host, find_hosts
from rewriter.wasm.types import FuncType
from tests.support.profiles import COMMON, WASMTIME_49
from tests.support.wasm import assemble

LAYOUTS = ("witx",)


def verdict(profile: Profile, text: str = "", functions: str = "load set_input") -> Verdict:
    """On a guest that imports functions of wasi-nn, and what the text says."""
    types = {"load": "i32 i32 i32 i32 i32", "set_input": "i32 i32 i32"}
    types |= {"get_output": "i32 i32 i32 i32 i32", "load_by_name": "i32 i32 i32"}
    imports = " ".join(
        f'(import "wasi_ephemeral_nn" "{name}" (func (param {types[name]}) (result i32)))'
        for name in functions.split()
    )
    module = assemble(f'(module {imports} {text} (memory (export "memory") 1))')
    return assess(inspect_module(module), row_of(profile, "ours.toml")[0])


def codes(found: Verdict) -> set[str]:
    return {said.code for said in (*found.reasons, *found.caveats)}


def measured(**parts: Any) -> Profile:
    return WASMTIME_49._replace(**parts)


def test_a_module_runs_where_all_that_it_needs_was_measured() -> None:
    found = verdict(WASMTIME_49, functions="load set_input get_output")
    assert found.runs is Runs.AS_IT_IS
    assert found.answer is Answer.RUNS
    assert codes(found) == {"NN137", "NN251", "NN272"}  # the last of encodings


def test_a_host_that_was_measured_with_a_backend_has_wasi_nn() -> None:
    profile = measured(host=WASMTIME_49.host._replace(measured="2026-11-26"))
    assert "NN251" not in codes(verdict(profile, functions="load set_input get_output"))
    bare = profile._replace(backends=())
    assert "NN251" in codes(verdict(bare, functions="load set_input get_output"))


@pytest.mark.parametrize(
    ("functions", "parts", "what"),
    [
        ("load", {"encodings": {}}, "the numbers of encodings were not measured"),
        ("load", {"encodings": {"onnx": REFUSED}}, "the numbers of encodings were not measured"),
        ("set_input", {"backends": ()}, "the numbers of tensor types were not measured"),
        ("get_output", {"backends": ()}, "it was not measured in which unit get_output counts"),
        (
            "load_by_name",
            {"names": None},
            "it was not measured whether names need a NUL after them",
        ),
    ],
)
def test_what_decides_and_was_not_measured_is_a_condition(
    functions: str, parts: dict[str, object], what: str
) -> None:
    found = verdict(measured(**parts), functions=functions)
    assert ("NN271", what) in {(said.code, said.message) for said in found.caveats}
    assert "NN271" not in codes(verdict(WASMTIME_49, functions=functions))
    others = {"load", "set_input", "get_output", "load_by_name"} - {functions}
    for other in others - ({"set_input", "get_output"} if functions in others else set()):
        messages = {s.message for s in verdict(measured(**parts), functions=other).caveats}
        assert what not in messages


@pytest.mark.parametrize(
    ("parts", "what"),
    [
        (
            {"type_bits": None},
            "it was not measured how many bits of a tensor's type the host reads",
        ),
        (
            {"backends": (BackendProfile("openvino", {"f32": 1}, unit=Unit.BYTES),)},
            "the numbers of these tensor types were not measured: f16, f64, u8, i32, i64",
        ),
    ],
)
def test_what_may_matter_and_was_not_measured_is_said(parts: dict[str, object], what: str) -> None:
    found = verdict(measured(**parts), functions="set_input")
    assert ("NN272", what) in {(said.code, said.message) for said in found.caveats}
    assert what not in {said.message for said in verdict(WASMTIME_49).caveats}


CLOSE = '(import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32)))'
ERRNO = FuncType(("i32",), ("i32",))


@pytest.mark.parametrize(
    ("imports", "linking", "code"),
    [
        ({"fd_close": ERRNO}, Linking(traps=False), None),
        ({"fd_close": FuncType((), ())}, Linking(traps=False), "NN215"),
        ({"fd_close": ABSENT}, Linking(traps=False), "NN212"),
        ({"fd_close": ABSENT}, Linking(traps=True), "NN226"),
        ({"fd_read": ERRNO}, Linking(traps=False), "NN222"),
        ({"fd_read": ERRNO}, Linking(traps=True), "NN222"),
        ({"fd_read": ERRNO}, Linking(traps=False, complete=True), "NN212"),
    ],
)
def test_an_import_that_nobody_looked_for_may_be_there(
    imports: dict[str, FuncType], linking: Linking, code: str | None
) -> None:
    profile = measured(imports={"wasi_snapshot_preview1": imports}, linking=linking)
    about = {"NN212", "NN215", "NN222", "NN226"} & codes(verdict(profile, CLOSE))
    assert about == ({code} if code else set())


@pytest.mark.parametrize(
    ("linking", "code"),
    [
        (Linking(), "NN222"),
        (Linking(traps=True), "NN222"),
        (Linking(makes={}), "NN212"),
        (Linking(makes={"table": frozenset(("env",))}), None),
        (Linking(makes={"table": frozenset(("other",))}), "NN212"),
    ],
)
def test_a_table_that_is_imported_may_be_made(linking: Linking, code: str | None) -> None:
    found = codes(verdict(measured(linking=linking), '(import "env" "t" (table 1 funcref))'))
    assert found & {"NN212", "NN222"} == ({code} if code else set())


@pytest.mark.parametrize(("reads", "code"), [(True, None), (False, "NN216"), (None, "NN227")])
def test_a_part_of_webassembly_that_was_not_measured_is_a_condition(
    reads: bool | None, code: str | None
) -> None:
    features = {} if reads is None else {Feature.GC.name.lower(): reads}
    found = codes(verdict(measured(features=features), "(type (struct (field i32)))"))
    assert found & {"NN216", "NN227"} == ({code} if code else set())


@pytest.mark.parametrize(
    ("parts", "code", "message"),
    [
        ({"type_bits": 32}, "NN237", "a tensor's type is read as 32 bits"),
        ({"one_model": True}, "NN243", "each load replaces the previous model"),
        (
            {"faults": {"load_pointer": "aborts", "load_target": "traps"}},
            "NN273",
            "the host's process ends or hangs after: load: parts outside the memory",
        ),
        (
            {"backends": (BackendProfile("openvino", {"f32": 1}, too_small=TooSmall.OVERRUN),)},
            "NN240",
            "outputs of openvino are written beyond a buffer that is too small",
        ),
        (
            {"backends": (BackendProfile("openvino", {"f32": 1}, unit=Unit.FLOATS),)},
            "NN274",
            "outputs of openvino are counted in another unit than guests expect",
        ),
    ],
)
def test_what_was_measured_is_said_of_guests(
    parts: dict[str, object], code: str, message: str
) -> None:
    found = verdict(measured(**parts), functions="load set_input get_output")
    assert (code, message) in {(said.code, said.message) for said in found.caveats}
    assert code not in codes(verdict(WASMTIME_49, functions="load set_input get_output"))


def test_the_name_of_a_profile_is_its_path(tmp_path: Path) -> None:
    path = tmp_path / "ours"
    path.write_text(write(WASMTIME_49))
    chosen = find_hosts(str(path))
    assert (chosen.name, [row.label for row in chosen.rows]) == (str(path), [str(path)])
    assert chosen.newest.title == "ours, as measured"
    assert find_any(str(path)).newest.label == str(path)
    (found,) = check(assemble("(module)"), [str(path)])
    assert (found.host, found.runs) == (str(path), Runs.AS_IT_IS)


def test_a_file_that_is_not_named_as_a_path_is_suggested_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ours").write_text(write(WASMTIME_49))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"; for the profile of that name, write \./ours$"):
        find_host("ours")
    assert find_host("./ours").title == "ours, as measured"
    with pytest.raises(UsageError, match=r"cannot read the profile theirs\.toml: No such file"):
        find_host("theirs.toml")
    with pytest.raises(UsageError, match="is not a known host"):
        find_host("n" * 5000)


def test_no_guest_is_built_with_a_profile() -> None:
    with pytest.raises(UsageError, match="is a profile, but --from takes the name of a host"):
        find_guest("ours.toml")


@pytest.mark.parametrize(
    "modules",
    [
        {},
        {"wasi_nn": ModuleProfile(missing=COMMON)},
        {"wasi_nn": ModuleProfile((), COMMON)},
        {"wasi_nn": ModuleProfile(LAYOUTS)},
        {"other": ModuleProfile(LAYOUTS, COMMON)},
    ],
)
def test_a_host_without_wasi_nn_is_refused(modules: dict[str, ModuleProfile]) -> None:
    with pytest.raises(
        UsageError, match=r"ours\.toml has no wasi-nn functions that guests could import"
    ):
        row_of(Profile(ProfiledHost("x"), modules=modules), "ours.toml")


def test_of_two_names_guests_get_those_of_one_layout() -> None:
    witx, wamr = ModuleProfile(LAYOUTS, COMMON), ModuleProfile(("wamr",), COMMON)
    both = {"wasi_nn": witx, "wasi_ephemeral_nn": witx._replace(missing=frozenset(("unload",)))}
    row, said = row_of(measured(modules=both), "ours.toml")
    assert (row.modules, said) == (("wasi_ephemeral_nn", "wasi_nn"), ())
    row, said = row_of(measured(modules={**both, "wasi_nn": wamr}), "ours.toml")
    assert row.modules == ("wasi_ephemeral_nn",)
    assert [(each.code, each.message) for each in said] == [
        (
            "NN275",
            "it registers wasi_nn in another layout than wasi_ephemeral_nn, which nnshim adapts"
            " guests to",
        )
    ]
