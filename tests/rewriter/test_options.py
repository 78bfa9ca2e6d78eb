from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from rewriter import NNShimError, RewriteOptions, UsageError, rewrite, rewrite_file
from tests.support.wasm import assemble, import_module

ALONE = "has no effect without host"
TWICE = "do not combine it with"
HOST, ABI = {"host": "nnshim"}, {"abi": "witx"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"guest_abi": "witx"}, f"guest_abi .* {ALONE}", id="the guest's ABI alone"),
        pytest.param({"built_for": "wamr"}, f"built_for .* {ALONE}", id="the guest's host alone"),
        pytest.param({"guest_abi": "witx", "to": "wasi_nn"}, ALONE, id="the guest's ABI, a name"),
        pytest.param({"built_for": "wamr", "renames": {"a": "b"}}, ALONE, id="host, renames"),
        *(
            pytest.param({field: name, **more}, f"{name!r} is not a known", id=f"{field}={name!r}")
            for name in ("no", "")
            for field, more in (("host", {}), ("abi", {}), ("guest_abi", HOST), ("built_for", ABI))
        ),
        pytest.param({"host": "wamr", "abi": "witx"}, TWICE, id="host and ABI"),
        pytest.param({"host": "wamr", "to": "wasi_nn"}, TWICE, id="host and name"),
        pytest.param({"to": "wasi"}, "'wasi' is not a name of wasi-nn", id="unknown name"),
        pytest.param({"to": ""}, "'' is not a name of wasi-nn", id="no name"),
        pytest.param({"renames": {"": "x"}}, "is empty", id="empty old name"),
        pytest.param({"renames": {"x": ""}}, "is empty", id="empty new name"),
        pytest.param({"renames": {"x": "y" * 100_001}}, "has 100001 bytes", id="long name"),
        pytest.param({"renames": {"x": "ü" * 50_001}}, "has 100002 bytes", id="long in bytes"),
        pytest.param({"renames": {"\udcff": "x"}}, "is not Unicode", id="not Unicode"),
        pytest.param({"renames": {"x": "x"}}, "x and x are the same name", id="no new name"),
        pytest.param(
            {"to": "wasi_nn", "renames": {"wasi_ephemeral_nn": "x"}},
            "wasi_ephemeral_nn cannot become wasi_nn and x at once",
            id="two new names",
        ),
    ],
)
def test_options_that_are_not_known_contradict_or_have_no_effect_are_an_error(
    options: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        RewriteOptions(**options)


def test_a_name_of_as_many_bytes_as_engines_take_is_one() -> None:
    RewriteOptions(renames={"x": "y" * 100_000})


def test_a_name_that_another_one_takes_because_of_the_abi_is_an_error() -> None:
    module = assemble(
        """(module (import "wasi_nn" "compute" (func (param i32) (result i32)))
          (memory (export "memory") 1))"""
    )
    options = RewriteOptions(abi="witx", renames={"wasi_nn": "x"})
    with pytest.raises(UsageError, match="wasi_nn cannot become wasi_ephemeral_nn and x at once"):
        rewrite(module, options)


@pytest.mark.parametrize("new", ["wasi_ephemeral_nn", "wasi_nn"])
@pytest.mark.parametrize("adapts", [HOST, ABI])
def test_functions_that_would_not_be_adapted_do_not_become_wasi_nns(
    new: str, adapts: dict[str, Any]
) -> None:
    renames = {"wasi_snapshot_preview1": new}
    with pytest.raises(
        UsageError, match=f"wasi_snapshot_preview1 would become {new} without being"
    ):
        RewriteOptions(renames=renames, **adapts)
    module = import_module("wasi_snapshot_preview1")
    assert rewrite(module, RewriteOptions(renames=renames)) == import_module(new)


@pytest.mark.parametrize("new", ["wasi_ephemeral_nn", "x"])
def test_a_host_says_what_names_wasi_nns_functions_get(new: str) -> None:
    with pytest.raises(UsageError, match=f"determines what wasi_nn becomes; {new} contradicts"):
        RewriteOptions(host="nnshim", renames={"wasi_nn": new})


NOT_RENAMES: list[object] = [{1: "x"}, {"x": 2}, {"x": None}, None, "ab", [("a", "b")]]
NOT_NAMES: list[object] = [["nnshim"], 1, b"witx", {}]
NOT_TRUTH_VALUES: list[object] = ["no", 0, None]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("renames", value) for value in NOT_RENAMES),
        *(
            (field, value)
            for field in ("to", "host", "abi", "built_for", "guest_abi")
            for value in NOT_NAMES
        ),
        *(
            (field, value)
            for field in (
                *("drop_debug", "drop_signature", "drop_linking"),
                *("keep_offsets", "record", "require"),
            )
            for value in NOT_TRUTH_VALUES
        ),
        ("validate", None),
    ],
)
def test_a_value_of_another_type_is_an_error_that_names_the_option(field: str, value: Any) -> None:
    with pytest.raises(UsageError, match=f"^{field} "):
        RewriteOptions(**{field: value})


def test_renames_do_not_change_with_the_mapping_that_they_were_given_as() -> None:
    renames = {"a": "b"}
    options = RewriteOptions(renames=renames)
    renames["c"] = ""
    assert options.renames == {"a": "b"}
    assert options == RewriteOptions(renames={"a": "b"})


def test_options_go_to_other_processes() -> None:
    options = RewriteOptions(abi="wamr", renames={"a": "b"})
    assert pickle.loads(pickle.dumps(options)) == options


@pytest.mark.parametrize(
    ("options", "told"),
    [
        pytest.param(RewriteOptions(), {"to": "wasi_nn"}, id="default"),
        pytest.param(RewriteOptions(record=True, require=True), {"to": "wasi_nn"}, id="no effect"),
        pytest.param(RewriteOptions(renames={"a": "b"}), {"renames": {"a": "b"}}, id="renames"),
        pytest.param(
            RewriteOptions(abi="wamr", keep_offsets=True, validate=False),
            {"abi": "wamr", "keep_offsets": True},
            id="ABI",
        ),
    ],
)
def test_a_record_tells_the_options_that_make_a_difference(
    options: RewriteOptions, told: dict[str, object]
) -> None:
    assert options.operation == told


def test_without_options_a_rewrite_renames_to_wasi_nn(tmp_path: Path) -> None:
    module = import_module("wasi_ephemeral_nn", "env")
    assert rewrite(module) == rewrite(module, RewriteOptions(to="wasi_nn"))
    (tmp_path / "in.wasm").write_bytes(module)
    rewrite_file(str(tmp_path / "in.wasm"), str(tmp_path / "out.wasm"))
    assert (tmp_path / "out.wasm").read_bytes() == import_module("wasi_nn", "env")


def test_what_is_required_is_an_error_where_there_is_nothing_to_change() -> None:
    with pytest.raises(NNShimError, match="there is nothing to change"):
        rewrite(import_module("env"), RewriteOptions(require=True))
