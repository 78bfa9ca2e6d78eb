"""What is measured of a host that lies about each fact is what it does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest

from rewriter.files import wasm_tools
from rewriter.probing import linking
from rewriter.probing.command import End, Ran
from rewriter.probing.engine import entries
from rewriter.probing.host import Host
from rewriter.probing.inference.names import Graph
from rewriter.probing.measured import (
    Backend,
    Bounds,
    Interface,
    Layout,
    Measured,
    NameEnd,
    Signatures,
    TypeWidth,
    Unit,
    Unknown,
)
from rewriter.probing.modules import text
from rewriter.probing.probe import measure
from rewriter.probing.runner import ProbeFailed
from tests.support.lying_host import ERRNOS, WITX_TYPES, LyingHost


@pytest.fixture(autouse=True)
def _assembled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wasm_tools, "assemble", _assemble)


_CONFIGURED = "load_by_name_with_config"
_assemble = cache(wasm_tools.assemble)


def measured(graph: Graph | None = None, **habits: Any) -> Measured:
    with Host(["host", "{}"], runs=LyingHost(**habits)) as host:
        return measure(host, () if graph is None else [graph])


def interface(graph: Graph | None = None, **habits: Any) -> Interface:
    (found,) = measured(graph, **habits).interfaces
    return found


def backend(**habits: Any) -> Backend:
    return interface(**{"encodings": {"onnx": 1}, **habits}).backends[0]


def test_a_host_as_the_specification_has_it() -> None:
    found = measured(features=("tail_call",), size_needed=True)
    assert (found.prints, found.codes, found.unknown_imports) == (True, True, Unknown.REFUSED)
    assert found.features["tail_calls"]
    assert not found.features["memory_64"]
    (only,) = found.interfaces
    assert only.module == "wasi_ephemeral_nn"
    assert set(only.functions) == {
        *("load", "load_by_name", "init_execution_context", "set_input", "compute"),
        *("get_output", "unload"),
    }
    assert only.signatures is Signatures.AT_LINK
    assert only.layouts == ((Layout.WITX,) * 3,)
    assert only.faults["load_encoding"] == ERRNOS["encoding"]
    assert [each.format for each in only.backends] == ["openvino", "onnx"]
    for each in only.backends:
        assert each.types == WITX_TYPES
        assert (each.room, each.written, each.bounds) == (Unit.BYTES, Unit.BYTES, Bounds.REFUSED)
        assert each.size_needed
        assert each.width is TypeWidth.BYTE
        assert each.ignores_types is False
        assert each.faults["output_small"] == ERRNOS["large"]
        assert each.faults["load_garbage"] == ERRNOS["runtime"]
        assert each.faults["input_short"] == ERRNOS["argument"]
        assert each.faults["input_tensor"] is End.TRAPS
    assert found.entries.called == ("_start",)
    assert found.entries.initialize
    assert found.entries.start
    assert found.entries.both
    assert found.entries.takes_results
    assert found.wasi is not None
    there = {name for name, is_there in found.wasi["wasi_snapshot_preview1"].items() if is_there}
    assert there == {"fd_write", "sched_yield"}
    assert not any(found.wasi["wasi_unstable"].values())


def test_the_name_of_the_module_is_the_one_that_is_registered() -> None:
    assert interface(module="wasi_nn").module == "wasi_nn"
    assert measured(module="wasi_other").interfaces == ()


@pytest.mark.parametrize("unknown", ["refused", "traps"])
def test_functions_that_are_missing_are_not_there(unknown: str) -> None:
    found = interface(unknown=unknown, missing=["unload", "load_by_name", _CONFIGURED])
    assert set(found.functions) == {
        *("load", "init_execution_context", "set_input", "compute", "get_output"),
    }
    assert found.names is None


def test_nothing_is_said_of_functions_where_unknown_ones_answer() -> None:
    found = measured(unknown="answers")
    assert found.unknown_imports is Unknown.ANSWERS
    assert found.wasi is None


@pytest.mark.parametrize(
    ("signatures", "expected"),
    [
        ("at link", Signatures.AT_LINK),
        ("at call", Signatures.AT_CALL),
        ("never", Signatures.NEVER),
    ],
)
def test_when_signatures_are_compared(signatures: str, expected: Signatures) -> None:
    found = interface(signatures=signatures, unknown="traps", encodings={"onnx": 1})
    assert found.signatures is expected
    assert found.layouts == ((Layout.WITX,) * 3,)


@pytest.mark.parametrize(
    "layouts", [("wamr", "wamr", "wamr"), ("witx", "wamr", "witx"), ("wamr", "witx", "wamr")]
)
def test_each_function_has_a_layout_of_its_own(layouts: tuple[str, str, str]) -> None:
    load, set_input, get_output = layouts
    found = interface(load=load, set_input=set_input, get_output=get_output)
    assert [[each.value for each in both] for both in found.layouts] == [list(layouts)]
    assert found.backends[0].types == WITX_TYPES
    assert ("input_short" in found.backends[0].faults) == (set_input == "witx")


def test_types_have_the_host_s_own_numbers() -> None:
    types = {"f16": 7, "f32": 3, "u8": 1, "i32": 9}
    found = backend(types=types)
    assert found.types == types
    assert found.refused == {"f64", "i64"}
    assert found.answers[3] == 0
    assert found.answers[1] == ERRNOS["argument"]


def test_no_number_is_said_of_a_host_that_ignores_them() -> None:
    found = backend(ignores_types=True)
    assert found.ignores_types
    assert found.types == {}
    assert found.width is None


def test_a_host_that_tells_types_by_their_lengths() -> None:
    found = backend(older_types={"u8": 2, "i32": 3})
    assert found.tells_types
    assert found.types == {"f16": 0, "f32": 1, "f64": 2, "i64": 5}
    assert not backend().tells_types


def test_whether_a_model_takes_the_place_of_the_one_before() -> None:
    assert backend(one_model=True).one_model is True
    assert backend().one_model is False


def test_how_many_bits_of_a_type_are_read() -> None:
    assert backend(type_bits=32).width is TypeWidth.WORD


def test_encodings_have_the_host_s_own_numbers() -> None:
    found = interface(encodings={"tensorflowlite": 2, "onnx": 9})
    assert [(each.format, each.encoding) for each in found.backends] == [
        ("onnx", 9),
        ("tensorflowlite", 2),
    ]
    assert found.encodings["openvino"][2] == ERRNOS["runtime"]
    assert found.encodings["openvino"][0] == ERRNOS["encoding"]


def test_a_number_under_which_another_format_loads_too_is_not_that_one_s() -> None:
    found = interface(encodings={"openvino": 0, "onnx": 1}, also={"onnx": 0, "tensorflowlite": 0})
    assert [(each.format, each.encoding) for each in found.backends] == [
        ("openvino", 0),
        ("onnx", 1),
    ]


def test_a_host_that_decides_for_one_backend_has_the_others_in_other_processes() -> None:
    found = interface(one_backend=True)
    assert [(each.format, each.encoding) for each in found.backends] == [
        ("openvino", 0),
        ("onnx", 1),
    ]


def test_errnos_are_the_host_s_own() -> None:
    found = backend(errnos={**ERRNOS, "argument": 33, "runtime": 44, "large": 55, "encoding": 66})
    assert found.faults["input_context"] == 33
    assert found.faults["load_garbage"] == 44
    assert found.faults["output_small"] == 55
    assert found.faults["load_encoding"] == 66


def test_what_ends_the_process_is_told_from_what_traps() -> None:
    found = backend(errnos={**ERRNOS, "argument": "aborts", "encoding": "traps"})
    assert found.faults["input_index"] is End.ABORTS
    assert found.faults["compute_context"] is End.ABORTS
    assert found.faults["load_encoding"] is End.TRAPS
    assert found.faults["output_small"] == ERRNOS["large"]
    assert found.types == WITX_TYPES


def test_a_call_that_hangs_is_told_and_the_rest_is_measured() -> None:
    found = backend(errnos={**ERRNOS, "runtime": "hangs"})
    assert found.faults["load_garbage"] is End.HANGS
    assert found.faults["output_small"] == ERRNOS["large"]
    assert found.types == WITX_TYPES


def test_what_get_output_counts() -> None:
    found = backend(unit=4)
    assert (found.room, found.written) == (Unit.ELEMENTS, Unit.ELEMENTS)
    assert found.bounds is Bounds.OVERRUN


@pytest.mark.parametrize("bounds", ["cut", "overrun", "forgotten", "aborts"])
def test_what_becomes_of_a_small_buffer(bounds: str) -> None:
    found = backend(bounds=bounds)
    assert found.bounds is Bounds(bounds)
    assert found.written is Unit.BYTES


@pytest.mark.parametrize(
    ("name_end", "expected"),
    [
        ("length", NameEnd.LENGTH),
        ("nul needed", NameEnd.ZERO_NEEDED),
        ("nul", NameEnd.ZERO),
    ],
)
def test_where_a_name_ends(name_end: str, expected: NameEnd) -> None:
    names = interface(Graph("known"), name_end=name_end, names=b"known").names
    assert names is not None
    assert (names.end, names.works) == (expected, True)
    assert names.unknown_with_zero == ERRNOS["name"]


def test_where_a_name_ends_is_not_measured_without_a_name() -> None:
    names = interface().names
    assert names is not None
    assert (names.end, names.works) == (None, None)


@pytest.mark.parametrize("errno", [0, 70, 76])
def test_what_becomes_of_a_write_to_standard_output_at_an_offset(errno: int) -> None:
    assert measured(no_wasi=(), placed=errno).placed == errno


def test_nothing_is_said_of_fd_pwrite_where_it_is_not_there() -> None:
    assert measured(no_wasi=("fd_pwrite",)).placed is None


def test_exports_that_are_called() -> None:
    found = measured(calls=("main", "_start"), initializes=False).entries
    assert found.called == ("main", "_start")
    assert (found.initialize, found.initialize_alone, found.both) == (False, False, True)


@pytest.mark.parametrize("odd", [False, True])
def test_whether_an_initialize_with_parameters_is_minded_beside_start(odd: bool) -> None:
    with Host(["host", "{}"], runs=LyingHost(odd_initialize=odd)) as host:
        host.start()
        assert entries(host).odd_initialize is odd


def test_a_host_that_prints_lines_of_its_own_between() -> None:
    assert backend(noise=True).types == WITX_TYPES


def test_without_standard_output_exit_codes_are_the_answers() -> None:
    found = measured(prints=False, encodings={"onnx": 1}, errnos={**ERRNOS, "large": 61})
    assert (found.prints, found.codes) == (False, True)
    (only,) = found.interfaces
    assert only.backends[0].types == WITX_TYPES
    assert only.backends[0].faults["output_small"] == 61
    assert only.backends[0].bounds is Bounds.REFUSED


def test_without_exit_codes_what_is_printed_is_the_answer() -> None:
    found = measured(code=0, features=("memory64",))
    assert (found.prints, found.codes) == (True, False)
    assert found.features["memory_64"]
    assert not found.features["relaxed_simd"]
    assert found.interfaces[0].backends[0].types == WITX_TYPES
    assert found.entries.exit_without_memory is None


@pytest.mark.parametrize(("answer", "how"), [(Ran(1, b"no device"), "1"), (Ran(None, b""), "time")])
def test_nothing_is_said_of_a_host_that_stops_to_run_modules(answer: Ran, how: str) -> None:
    """Everything would look as if it were refused from there on. One that hangs is not asked for
    the rest, which would take hours."""
    liar, left, after = LyingHost(encodings={"onnx": 1}), iter(range(200)), list[str]()

    def runs(command: Sequence[str], path: str, timeout: float) -> Ran:
        if next(left, None) is not None:
            return liar(command, path, timeout)
        after.append(path)
        return answer

    with Host(["host", "{}"], runs=runs) as host, pytest.raises(ProbeFailed, match=how):
        measure(host)
    assert answer.code is not None or len(after) == 13


def test_hosts_are_unknown_to_the_texts_and_to_the_functions_that_are_tried() -> None:
    """The import contract holds the code to it, and nothing else names a host's numbers."""
    assert all("wasmedge" not in text.read(name) for name in ("prelude", "ready", "faults"))
    assert linking.MODULES == ("wasi_ephemeral_nn", "wasi_nn")
