"""What a backend makes of models that others run as they are, of a host that lies about each."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from rewriter.files import wasm_tools
from rewriter.probing.host import Host
from rewriter.probing.inference.configured import configured
from rewriter.probing.inference.encodings import Way
from rewriter.probing.inference.habits import given, habits
from rewriter.probing.inference.memories import in_first, in_shared
from rewriter.probing.inference.tensors import types
from rewriter.probing.measured import Layout
from rewriter.probing.modules.models import TYPES
from tests.support.lying_host import LyingHost

ENCODINGS = {"openvino": 0, "onnx": 1, "tensorflowlite": 4}
IMAGES = {"channels_last": False, "colour_images": False, "large_images": False}
NONE = {
    **IMAGES,
    "last_input": False,
    "no_scalars": False,
    "as_bytes": False,
    "converts": False,
}
OWN = {
    "openvino": {"onnx_too": False},
    "onnx": {},
    "tensorflowlite": {"held_shapes": False, "quantised_as_floats": False},
}


@pytest.fixture(autouse=True)
def _assembled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wasm_tools, "assemble", _assemble)


_assemble = cache(wasm_tools.assemble)


def way(format_: str, shape: str = "") -> Way:
    layouts = (Layout.WITX,) * 3
    return Way("wasi_ephemeral_nn", layouts, format_, ENCODINGS[format_], shape, 1)


def started(**facts: Any) -> Host:
    host = Host(["host", "{}"], runs=LyingHost(encodings=ENCODINGS, **facts))
    host.start()
    return host


def found(format_: str, *names: str, shape: str = "", **facts: Any) -> dict[str, bool]:
    with started(habits=names, **facts) as host:
        here = way(format_, shape)
        return habits(host, here, types(host, here))


@pytest.mark.parametrize("format_", ENCODINGS)
def test_a_backend_that_runs_models_as_they_are_has_none(format_: str) -> None:
    assert found(format_) == {**NONE, **OWN[format_]}


@pytest.mark.parametrize(
    ("format_", "name"),
    [
        ("openvino", "channels_last"),
        ("openvino", "last_input"),
        ("onnx", "no_scalars"),
        ("tensorflowlite", "as_bytes"),
        ("openvino", "onnx_too"),
        ("tensorflowlite", "held_shapes"),
        ("tensorflowlite", "quantised_as_floats"),
        ("onnx", "converts"),
    ],
)
def test_a_habit_is_told_from_all_others(format_: str, name: str) -> None:
    assert found(format_, name) == {**NONE, **OWN[format_], name: True}


def test_a_backend_for_colour_images_alone_has_no_several_inputs_to_forget() -> None:
    assert found("openvino", "colour_images", shape="planes") == {
        "channels_last": False,
        "colour_images": True,
        "large_images": False,
        "no_scalars": False,
        "as_bytes": False,
        "converts": False,
        "onnx_too": False,
    }


def test_quantised_numbers_that_are_refused_in_either_form_are_not_taken_as_floats() -> None:
    assert found("tensorflowlite", types={"f32": 1})["quantised_as_floats"] is False


def test_nothing_is_said_where_every_call_hangs() -> None:
    hangs = dict.fromkeys(("argument", "encoding", "runtime", "large", "name"), "hangs")
    told = found("openvino", "no_scalars", errnos=hangs)
    assert "no_scalars" not in told
    assert "as_bytes" not in told
    assert "onnx_too" not in told


@pytest.mark.parametrize("gives", [("f32", "u8"), tuple(TYPES), ("f32",)])
def test_which_outputs_come_back_right(gives: tuple[str, ...]) -> None:
    """Of types that are taken as inputs, their own models have shown it."""
    with started(gives=gives, types={"f32": 1}) as host:
        here = way("onnx")
        assert given(host, here, types(host, here)) == frozenset(gives)


def test_which_outputs_come_back_right_is_not_said_where_a_model_does_not_load() -> None:
    with started(types={"f32": 1}, broken=["to_i64"]) as host:
        here = way("onnx")
        assert given(host, here, types(host, here)) is None


@pytest.mark.parametrize(
    ("broken", "unsaid"),
    [
        ("planes", {*IMAGES}),
        ("two", {"last_input"}),
        ("scalar", {"no_scalars"}),
        ("bytes", {"as_bytes"}),
        ("free", {"held_shapes"}),
        ("quantised", {"quantised_as_floats"}),
    ],
)
def test_a_habit_is_not_said_where_its_model_does_not_load(broken: str, unsaid: set[str]) -> None:
    expected = {**NONE, **OWN["tensorflowlite"]}
    kept = {name: has for name, has in expected.items() if name not in unsaid}
    assert found("tensorflowlite", broken=[broken]) == kept


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", {"unconfigured": False, "configured_ends": False}),
        ("unconfigured", {"unconfigured": True, "configured_ends": False}),
        ("configured_ends", {"unconfigured": False, "configured_ends": True}),
    ],
)
def test_what_becomes_of_a_configuration(name: str, expected: dict[str, bool]) -> None:
    with started(habits=[name], missing=(), names=b"known") as host:
        assert configured(host, way("onnx"), [b"known"]) == expected


@pytest.mark.parametrize("name", ["", "unconfigured", "configured_ends"])
def test_nothing_is_said_of_a_configuration_without_a_name(name: str) -> None:
    with started(habits=[name], missing=()) as host:
        assert configured(host, way("onnx"), [b"unknown"]) == {}


@pytest.mark.parametrize("first", [False, True])
def test_which_of_two_memories_wasi_nn_works_in(
    first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host finds the first by a name, because its engine shows it exports alone."""
    named = b'\n(memory (export "first") 3)\n'
    monkeypatch.setattr(
        wasm_tools, "assemble", lambda text: _assemble(text.replace(b"\n(memory 3)\n", named))
    )
    with started(in_first=first, features=("multi_memory",)) as host:
        assert in_first(host, way("onnx")) is first


def test_which_memory_wasi_nn_works_in_is_not_said_where_neither_does() -> None:
    with started() as host:  # which takes one memory only
        assert in_first(host, way("onnx")) is None


def test_whether_wasi_nn_works_in_a_shared_memory() -> None:
    with started(features=("threads",)) as host:
        assert in_shared(host, way("onnx")) is False
