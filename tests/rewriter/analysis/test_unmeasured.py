"""What a profile leaves open is a condition where the module or its model points to it, and neither
yes nor no."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from rewriter.abi.dialects import DIALECTS, Encoding
from rewriter.analysis.compatibility import Answer, assess
from rewriter.analysis.inspect import inspect_module
from rewriter.hosts.host import Host, Unit
from rewriter.hosts.profiles.file import write
from rewriter.hosts.profiles.of_row import from_row
from rewriter.hosts.profiles.profile import REFUSED, Number, Profile
from rewriter.hosts.profiles.row import row_of
from rewriter.hosts.table import find_host
from rewriter.models.model import Model, Port
from tests.support.wasm import assemble

MEASURED = from_row(find_host("wasmtime@49"))
"""A host of which all is known, and which has OpenVINO only."""

F32 = Port("x", "f32", (1, 4))
U8 = Port("x", "u8", (1, 4))


def guest(*functions: str, memories: str = '(memory (export "memory") 1)') -> bytes:
    imports = " ".join(
        f'(import "wasi_ephemeral_nn" "{name}" (func {DIALECTS["wasmedge"].signature(name)}))'
        for name in ("load", "set_input", *functions)
    )
    return assemble(f"(module {imports} {memories})")


def of(encoding: Encoding, *inputs: Port, outputs: tuple[Port, ...] = (F32,)) -> Model:
    return Model("m", encoding, "a model", 1, inputs or (F32,), outputs)


def with_habits(profile: Profile, encoding: str, habits: Mapping[str, bool]) -> Profile:
    """The same, with one backend that has the habits, and of which others are not known."""
    backend = profile.backends[0]._replace(encoding=encoding, habits=habits)
    return profile._replace(backends=(backend,))


def host(profile: Profile) -> Host:
    return row_of(profile, "./p.toml")[0]


def answer(module: bytes, profile: Profile, *models: Model) -> tuple[Answer, set[str]]:
    verdict = assess(inspect_module(module, "witx"), host(profile), models=models)
    return verdict.answer, {found.message for found in verdict.conditions}


ALL = dict.fromkeys(MEASURED.backends[0].habits, False)

MODELS = {
    "channels_last": ("openvino", of(Encoding.OPENVINO)),
    "last_input": ("openvino", of(Encoding.OPENVINO, F32, F32)),
    "converts": ("openvino", of(Encoding.OPENVINO, U8)),
    "no_scalars": ("openvino", of(Encoding.OPENVINO, outputs=(Port("y", "f32", ()),))),
    "no_empty": ("openvino", of(Encoding.OPENVINO, outputs=(Port("y", "f32", (0,)),))),
    "borrows": ("openvino", of(Encoding.OPENVINO, F32, F32)),
    "as_bytes": ("openvino", of(Encoding.OPENVINO, Port("x", "i8", (1, 4)))),
    "onnx_too": ("openvino", of(Encoding.ONNX)),
    "quantised_as_floats": (
        "tensorflowlite",
        of(Encoding.TENSORFLOWLITE, U8._replace(quantised=True)),
    ),
    "held_shapes": (
        "tensorflowlite",
        of(Encoding.TENSORFLOWLITE, Port("x", "f32", (None, 4), (1, 4))),
    ),
}


@pytest.mark.parametrize("habit", MODELS)
def test_a_habit_that_nobody_looked_for_is_a_condition_of_models_that_meet_it(habit: str) -> None:
    encoding, model = MODELS[habit]
    known = with_habits(MEASURED, encoding, ALL)
    open_ = with_habits(MEASURED, encoding, {k: v for k, v in ALL.items() if k != habit})
    before, conditions = answer(guest(), known, model)
    assert not conditions
    assert before is (Answer.CANNOT if habit in ("as_bytes", "onnx_too") else Answer.RUNS)
    after, conditions = answer(guest(), open_, model)
    assert after is Answer.ONLY_IF
    assert all("not measured" in message for message in conditions)


def test_no_habit_is_in_the_way_of_a_model_that_does_not_meet_it() -> None:
    open_ = with_habits(MEASURED, "tensorflowlite", {})
    assert answer(guest(), open_, of(Encoding.TENSORFLOWLITE)) == (Answer.RUNS, set())


def test_a_backend_that_nobody_looked_for_is_a_condition_and_not_absent() -> None:
    model = of(Encoding.TENSORFLOWLITE)
    assert answer(guest(), MEASURED, model)[0] is Answer.CANNOT
    some = MEASURED._replace(all_backends=False)
    assert answer(guest(), some, model)[0] is Answer.ONLY_IF
    refused = some._replace(encodings={**some.encodings, "tensorflowlite": REFUSED})
    assert answer(guest(), refused, model)[0] is Answer.CANNOT


def test_onnx_may_be_read_by_an_openvino_that_was_not_measured() -> None:
    other = with_habits(MEASURED, "tensorflowlite", ALL)
    some = other._replace(all_backends=False, encodings={"onnx": REFUSED, "tensorflowlite": 4})
    assert answer(guest(), some, of(Encoding.ONNX))[0] is Answer.ONLY_IF


def test_types_that_were_not_tried_are_a_condition() -> None:
    types: Mapping[str, Number] = {"f32": 1, "i32": REFUSED}
    backend = MEASURED.backends[0]._replace(types=types)
    profile = MEASURED._replace(backends=(backend,))
    assert answer(guest(), profile, of(Encoding.OPENVINO))[0] is Answer.RUNS
    assert answer(guest(), profile, of(Encoding.OPENVINO, U8))[0] is Answer.ONLY_IF
    i32 = Port("x", "i32", (1, 4))
    assert answer(guest(), profile, of(Encoding.OPENVINO, i32))[0] is Answer.CANNOT


def test_outputs_of_types_that_were_not_seen_are_a_condition() -> None:
    backend = MEASURED.backends[0]._replace(gives=None)
    profile = MEASURED._replace(backends=(backend,))
    assert answer(guest(), profile, of(Encoding.OPENVINO))[0] is Answer.RUNS
    assert answer(guest(), profile, of(Encoding.OPENVINO, outputs=(U8,)))[0] is Answer.ONLY_IF


FD_PWRITE = (
    '(import "wasi_snapshot_preview1" "fd_pwrite"'
    ' (func (param i32 i32 i32 i64 i32) (result i32))) (memory (export "memory") 1)'
)
SECOND = '(memory 1) (memory (export "memory") 1)'


@pytest.mark.parametrize(
    ("module", "open_", "bad"),
    [
        (
            guest(memories=FD_PWRITE),
            MEASURED._replace(places_output=None),
            MEASURED._replace(places_output=False),
        ),
        (
            guest(memories=SECOND),
            MEASURED._replace(in_first_memory=None),
            MEASURED._replace(in_first_memory=True),
        ),
    ],
    ids=["fd_pwrite", "memories"],
)
def test_what_the_engine_does_is_open_until_it_is_measured(
    module: bytes, open_: Profile, bad: Profile
) -> None:
    assert answer(module, MEASURED)[0] is Answer.RUNS
    assert answer(guest(), open_)[0] is Answer.RUNS
    after, (message,) = answer(module, open_)
    assert after is Answer.ONLY_IF
    assert "not measured" in message
    assert answer(module, bad)[0] is Answer.ONLY_IF


def test_what_becomes_of_a_configuration_is_open_until_it_is_measured() -> None:
    main = from_row(find_host("wasmedge@0.17.1"))
    module = guest("load_by_name_with_config")
    habits = {**ALL, "configured_ends": True}
    for habit in ({}, habits):
        verdict = assess(
            inspect_module(module, "wasmedge"), host(with_habits(main, "openvino", habit))
        )
        code = "NN309" if habit else "NN271"
        assert code in {found.code for found in verdict.conditions}
    fine = assess(inspect_module(module, "wasmedge"), host(with_habits(main, "openvino", ALL)))
    assert not {"NN309", "NN271"} & {found.code for found in fine.conditions}


def test_the_profile_of_these_tests_is_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(write(with_habits(MEASURED, "openvino", {"onnx_too": True})))
    (backend,) = find_host(str(path)).backends
    assert {quirk.name for quirk in backend.quirks} == {"ONNX_TOO"}
    assert "CHANNELS_LAST" in {quirk.name for quirk in backend.unseen.quirks}


BOTH = '(func (export "_start")) (func (export "_initialize") {})'
OPEN: dict[str, tuple[Profile, str, str]] = {
    "one_beginning": (
        MEASURED._replace(entry=MEASURED.entry._replace(one_beginning=None)),
        BOTH.format(""),
        "whether the host takes a module with _start and _initialize",
    ),
    "initializes": (
        MEASURED._replace(entry=MEASURED.entry._replace(initializes=None)),
        '(func (export "_start")) (func (export "_initialize"))',
        "whether the host calls _initialize",
    ),
    "initializes_alone": (
        MEASURED._replace(entry=MEASURED.entry._replace(initializes_alone=None)),
        BOTH.format("(param i32)"),
        "whether the host accepts an _initialize that is (param i32)",
    ),
    "strict_start": (
        MEASURED._replace(entry=MEASURED.entry._replace(strict_start=None)),
        '(func (export "_start") (result i32) i32.const 0)',
        "whether the host calls a _start that returns results",
    ),
    "most_pages": (
        MEASURED._replace(most_pages=None),
        '(func (export "_start")) (memory (export "memory") 32768)',
        "whether the host allocates a memory of 32768 pages",
    ),
    "stack_bytes": (
        MEASURED._replace(stack_bytes=None),
        f'(func (export "_start") (local {"i64 " * 9000}))',
        "whether the host's stack has 72000 bytes for a function",
    ),
    "strict_main": (
        MEASURED._replace(entry=MEASURED.entry._replace(calls=("main",), strict_main=None)),
        '(func (export "main") (result i64) i64.const 0)',
        "whether the host calls a main that is (result i64)",
    ),
    "nn_in_shared": (
        MEASURED._replace(nn_in_shared=None, features={**MEASURED.features, "threads": True}),
        '(func (export "_start")) (memory (export "memory") 1 1 shared)',
        "whether the host's wasi-nn works in a shared memory",
    ),
}
"""Profiles that lack a key, and what of a module points to it."""


@pytest.mark.parametrize("key", OPEN)
def test_a_key_that_a_profile_lacks_is_a_condition_and_no_default(key: str) -> None:
    profile, rest, what = OPEN[key]
    exported = "" if '(memory (export "memory")' in rest else '(memory (export "memory") 1)'
    module = guest(memories=f"{rest} {exported}")
    found, conditions = answer(module, profile)
    assert (found, conditions) == (Answer.ONLY_IF, {f"it was not measured {what}"})
    plain = guest(memories='(func (export "_start")) (memory (export "memory") 1)')
    assert answer(plain, profile) == (Answer.RUNS, set())


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("needs_memory", 'whether the host accepts a module without a memory named "memory"'),
        ("without_memory", 'whether fd_write works without a memory named "memory"'),
    ],
)
def test_what_a_host_does_without_a_memory_is_open_until_it_is_measured(
    key: str, what: str
) -> None:
    profile = MEASURED._replace(entry=MEASURED.entry._replace(**{key: None}))
    module = assemble(
        '(module (import "wasi_snapshot_preview1" "fd_write"'
        ' (func (param i32 i32 i32 i32) (result i32))) (func (export "_start")))'
    )
    assert answer(module, profile) == (Answer.ONLY_IF, {f"it was not measured {what}"})


@pytest.mark.parametrize(
    ("name", "pages", "code"),
    [
        ("wasmtime@49", 131072, None),
        ("wasmtime@49", 1 << 31, "NN216"),
        ("wasmedge@0.14.1", 131072, "NN216"),
    ],
)
def test_a_memory_of_64_bits_may_have_more_than_4_gib_on_some_hosts(
    name: str, pages: int, code: str | None
) -> None:
    text = f'(module (memory (export "memory") i64 {pages}) (func (export "_start")))'
    verdict = assess(inspect_module(assemble(text)), find_host(name))
    assert [found.code for found in verdict.reasons if "pages" in found.message] == [
        *([] if code is None else [code])
    ]


def test_a_memory_of_more_than_4_gib_is_open_where_that_was_not_measured() -> None:
    profile = MEASURED._replace(most_pages=None)
    module = guest(memories='(func (export "_start")) (memory (export "memory") i64 131072)')
    verdict = assess(inspect_module(module, "witx"), host(profile))
    assert "NN216" not in {found.code for found in verdict.reasons}
    assert "it was not measured whether the host allocates a memory of 131072 pages" in {
        found.message for found in verdict.conditions
    }


def test_what_becomes_of_a_quantised_input_is_open_where_types_are_ignored() -> None:
    """A host that counts in floats takes floats, unless it quantises, which was not looked at."""
    quantised = Port("x", "u8", (1, 4), quantised=True)
    profile = with_habits(MEASURED, "tensorflowlite", {})
    (backend,) = profile.backends
    profile = profile._replace(
        backends=(backend._replace(ignores_types=True, types={}, unit=Unit.FLOATS),)
    )
    model = of(Encoding.TENSORFLOWLITE, quantised, outputs=(quantised,))
    verdict = assess(inspect_module(guest(), "witx"), host(profile), models=[model])
    assert "NN721" not in {found.code for found in verdict.reasons}
    assert any("how the host treats its input" in found.message for found in verdict.conditions)


def test_a_backend_that_was_not_measured_is_not_said_to_be_missing() -> None:
    call = " ".join(f"(i32.const {number})" for number in (0, 0, 1, 0, 0))
    module = guest(
        memories=f"""(func (export "_start") (drop (call 0 {call})))
        (memory (export "memory") 1)"""
    )
    without = MEASURED._replace(
        encodings={"openvino": 0, "onnx": 1}, backends=MEASURED.backends[:1], all_backends=False
    )

    def codes(profile: Profile) -> set[str]:
        verdict = assess(inspect_module(module), host(profile))
        return {found.code for found in (*verdict.reasons, *verdict.caveats)}

    assert "NN262" not in codes(without)
    assert "NN262" in codes(without._replace(all_backends=True))


@pytest.mark.parametrize(("target", "is_open"), [(0, False), (1, True), (3, True)])
def test_a_target_that_a_measurement_does_not_ask_for_is_open(target: int, is_open: bool) -> None:
    module = assemble(
        '(module (import "wasi_ephemeral_nn" "load" (func $load (param i32 i32 i32 i32 i32)'
        ' (result i32))) (memory (export "memory") 1) (func (export "_start") (drop (call $load'
        f" (i32.const 64) (i32.const 1) (i32.const 0) (i32.const {target}) (i32.const 72)))))"
    )
    _, conditions = answer(module, MEASURED)
    assert any(f"the constant target {target}" in message for message in conditions) is is_open
