"""What differs between two hosts, by what is known of both."""

from __future__ import annotations

from typing import Any

import pytest

from rewriter.hosts.host import TooSmall, Unit
from rewriter.hosts.profiles.compare import differences
from rewriter.hosts.profiles.of_row import from_row
from rewriter.hosts.profiles.profile import (
    ABSENT,
    REFUSED,
    BackendProfile,
    Entry,
    Linking,
    ModuleProfile,
    Profile,
    ProfiledHost,
)
from rewriter.hosts.table import FAMILIES, find_host
from rewriter.wasm.types import FuncType
from tests.support.profiles import (
    WAMR_2_0_LEGACY,
    WAMR_2_3_LEGACY,
    WAMR_2_4,
    WASMEDGE_0_14,
    WASMTIME_49,
)

ROWS = {row.label: row for family in FAMILIES.values() for row in family.rows}


def told(one: Profile, other: Profile) -> list[str]:
    return [str(each) for each in differences(one, other)]


@pytest.mark.parametrize("label", ROWS)
def test_a_row_does_not_differ_from_itself(label: str) -> None:
    assert told(from_row(ROWS[label]), from_row(ROWS[label])) == []


@pytest.mark.parametrize(
    ("profile", "name"),
    [
        (WASMTIME_49, "wasmtime@49"),
        (WAMR_2_4, "wamr-ephemeral@2.4.5"),
        (WASMEDGE_0_14, "wasmedge@0.14.1"),
        (WAMR_2_3_LEGACY, "wamr-legacy@2.3.1"),
        (WAMR_2_0_LEGACY, "wamr-legacy@2.0.0"),
    ],
)
def test_what_was_measured_of_hosts_is_what_their_rows_say(profile: Profile, name: str) -> None:
    assert told(profile, from_row(find_host(name))) == []
    assert told(from_row(find_host(name)), profile) == []


def test_another_release_differs_in_what_has_changed() -> None:
    assert told(WAMR_2_3_LEGACY, from_row(find_host("wamr-legacy@2.0.0"))) == [
        "faults.load_garbage: 6, and no errno",
        "backends.tensorflowlite.faults.load_garbage: 6, and no errno",
        "backends.tensorflowlite.faults.output_small: 6, and no errno",
        "backends.tensorflowlite.faults.output_index: 4, and busy",
    ]


ONE = Profile(ProfiledHost("one"))
I32, NOTHING = FuncType(("i32",), ()), FuncType((), ())


def of_backend(**parts: Any) -> Profile:
    return ONE._replace(backends=(BackendProfile("onnx", **parts),))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (
            ONE._replace(modules={"wasi_nn": ModuleProfile(("witx",), frozenset(("load",)))}),
            ONE._replace(modules={"wasi_nn": ModuleProfile(missing=frozenset(("load",)))}),
            ["modules.wasi_nn.functions.load: present, and absent"],
        ),
        (
            ONE._replace(modules={"wasi_nn": ModuleProfile(("witx",))}),
            ONE._replace(modules={"wasi_nn": ModuleProfile(("wamr", "witx"))}),
            ["modules.wasi_nn.layouts: witx, and wamr and witx"],
        ),
        (
            ONE._replace(types={"f32": 1}),
            of_backend(types={"f32": 2}),
            ["types.f32: 1, and 2"],
        ),
        (ONE._replace(types={"f32": 1}), ONE._replace(types={"f32": REFUSED}), []),
        (
            ONE._replace(encodings={"onnx": 1, "ggml": 5}),
            ONE._replace(encodings={"onnx": 0, "ggml": REFUSED}),
            ["encodings.onnx: 1, and 0"],
        ),
        (
            ONE._replace(features={"gc": True, "simd": True}),
            ONE._replace(features={"gc": False}),
            ["features.gc: accepted, and refused"],
        ),
        (
            ONE._replace(linking=Linking("at link", False), type_bits=8, names="length"),
            ONE._replace(linking=Linking("never", True), type_bits=32, names="nul"),
            [
                "linking.signatures: at link, and never",
                "linking.traps: false, and true",
                "type_bits: 8, and 32",
                "names: length, and nul",
            ],
        ),
        (
            ONE._replace(entry=Entry(True, start=True), one_model=True),
            ONE._replace(entry=Entry(False, start=False), one_model=False),
            [
                "one_model: true, and false",
                "entry.initializes: true, and false",
                "entry.start: true, and false",
            ],
        ),
        (
            of_backend(unit=Unit.BYTES, exact=True, too_small=TooSmall.CUT, types={"u8": 3}),
            of_backend(unit=Unit.FLOATS, exact=False, too_small=None, types={"u8": REFUSED}),
            [
                "backends.onnx.types.u8: taken, and refused",
                "backends.onnx.unit: bytes, and floats",
                "backends.onnx.exact: true, and false",
            ],
        ),
        (
            of_backend(faults={"output_small": 7, "load_garbage": 5}),
            of_backend(faults={"output_small": "aborts"}),
            ["backends.onnx.faults.output_small: 7, and aborts"],
        ),
        (
            ONE._replace(errnos={0: "success", 7: "not_found"}),
            of_backend(faults={"output_small": 7, "load_garbage": 5, "output_index": 0}),
            [
                "backends.onnx.faults.output_small: not_found, and 7",
                "backends.onnx.faults.load_garbage: no errno, and 5",
            ],
        ),
        (
            ONE._replace(imports={"env": {"a": I32, "b": I32, "c": I32, "d": ABSENT}}),
            ONE._replace(imports={"env": {"a": NOTHING, "b": ABSENT, "d": ABSENT}}),
            ["imports.env.a: i32 ->, and ->", "imports.env.b: i32 ->, and absent"],
        ),
        (
            ONE._replace(imports={"env": {"a": I32}}),
            ONE._replace(linking=Linking(complete=True)),
            ["imports.env.a: i32 ->, and absent"],
        ),
    ],
)
def test_what_both_know_and_do_not_agree_on_is_told(
    one: Profile, other: Profile, expected: list[str]
) -> None:
    assert told(one, other) == expected
    assert len(told(other, one)) == len(expected)
