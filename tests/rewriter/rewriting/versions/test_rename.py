"""Other names of a component's imports: versions of wasi:nn, and any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rewriter import RewriteOptions, compare, rewrite
from rewriter.abi.snapshots import SNAPSHOTS
from rewriter.analysis.components.described import describe_component
from rewriter.components.component import Component
from rewriter.errors import (
    HostMismatch,
    NNShimError,
    NothingToRename,
    UnsupportedModule,
    UsageError,
)
from rewriter.rewriting.pipeline import rewrite_file
from rewriter.verifying.components import compare_components
from tests.support.components import component
from tests.support.wasm import custom
from tests.support.wit import AUGUST, JUNE, OCTOBER, importing

CONTEXT = "[method]graph-execution-context."

TENSOR = """
    (import "wasi:nn/tensor@{version}" (instance $tensors
        (type $data (list u8))
        (export "tensor" (type $tensor (sub resource)))
        (export "[method]tensor.data"
            (func (param "self" (borrow $tensor)) (result $data)))))
    (alias export $tensors "tensor" (type $t))
    (core func $drop (canon resource.drop $t))
"""
"""An import whose resource is used, as by a guest that is given tensors."""


def guest(version: str) -> bytes:
    return component(TENSOR.format(version=version))


def to(version: str, **others: Any) -> RewriteOptions:
    return RewriteOptions(to=f"wasi:nn@{version}", **others)


@pytest.mark.parametrize("version", [JUNE, AUGUST, OCTOBER])
def test_the_types_of_each_version_are_those_that_wasm_tools_makes_of_its_interfaces(
    version: str,
) -> None:
    [snapshot] = [each for each in SNAPSHOTS if each.version == version]
    info = describe_component(importing(version))
    assert info.snapshots == (snapshot,)
    found = [(name, text) for item in info.wasi_nn for name, text in item.types.items()]
    assert dict(found) == snapshot.types
    assert len(found) == len(snapshot.types)


@pytest.mark.parametrize("old", [JUNE, AUGUST, OCTOBER])
@pytest.mark.parametrize("new", [JUNE, AUGUST, OCTOBER])
def test_functions_that_did_not_change_get_another_version_by_name(old: str, new: str) -> None:
    assert rewrite(guest(old), to(new)) == guest(new)


@pytest.mark.parametrize(("old", "new"), [(JUNE, AUGUST), (AUGUST, JUNE)])
def test_a_renamed_component_imports_what_one_made_for_the_version_does(old: str, new: str) -> None:
    before = importing(old, constructor=False)
    after = rewrite(before, to(new))
    made, wanted = (
        [item._replace(offset=0) for item in describe_component(data).imports]
        for data in (after, importing(new, constructor=False))
    )
    assert made == wanted
    assert len(after) == len(before)
    found = compare_components(Component(before), Component(after), {})
    assert found.only_rewritten
    assert len(found.renames) == 4


SHIMS = [
    (JUNE, AUGUST, {"[constructor]error"}),
    (AUGUST, OCTOBER, {f"{CONTEXT}{name}" for name in ("set-input", "compute", "get-output")}),
    (OCTOBER, AUGUST, {f"{CONTEXT}compute"}),
]
OUTPUTS = {0: "first", 1: "second"}


@pytest.mark.parametrize(("old", "new", "functions"), SHIMS)
def test_functions_that_changed_get_a_shim(old: str, new: str, functions: set[str]) -> None:
    before, names = importing(old), OUTPUTS if old == OCTOBER else {}
    after = rewrite(before, to(new, outputs=names))
    info = describe_component(after)
    assert {item.version for item in info.wasi_nn} == {new}
    [snapshot] = info.snapshots
    assert all(
        item.types[name] == snapshot.types[name] for item in info.wasi_nn for name in item.functions
    )
    found = compare(before, after, outputs=names)
    assert found.only_rewritten
    assert {rename.old for rename in found.renames} == {
        f"wasi:nn/{name}@{old}" for name in ("tensor", "graph", "inference", "errors")
    }


@pytest.mark.parametrize(("old", "new", "functions"), SHIMS)
def test_a_rewrite_says_which_functions_a_shim_has(
    old: str, new: str, functions: set[str], tmp_path: Path
) -> None:
    source = tmp_path / "guest.wasm"
    source.write_bytes(importing(old))
    done = rewrite_file(str(source), None, to(new, outputs=OUTPUTS if old == OCTOBER else {}))
    [note] = [note for note in done.notes if note.code == "NN374"]
    assert set(note.message.partition(": ")[2].split(", ")) == functions


def test_a_host_whose_version_is_not_known_refuses_with_what_else_may_run_there() -> None:
    with pytest.raises(HostMismatch) as refused:
        rewrite(importing(OCTOBER), RewriteOptions(host="wasmtime@20"))
    [found] = refused.value.diagnostics
    assert found.code == "NN371"
    assert "--to wasi_ephemeral_nn" in found.text


def test_a_component_is_told_how_to_get_another_version() -> None:
    with pytest.raises(UnsupportedModule, match="--to wasi:nn@VERSION") as refused:
        rewrite(importing(OCTOBER), RewriteOptions(to="wasi:nn"))
    assert refused.value.code == "NN105"


def test_the_names_of_outputs_are_needed_for_a_version_that_does_not_list_them() -> None:
    before = importing(OCTOBER)
    with pytest.raises(HostMismatch) as refused:
        rewrite(before, to(AUGUST))
    assert [found.code for found in refused.value.diagnostics] == ["NN371", "NN366"]
    after = rewrite(before, to(AUGUST, models=["samples/digits/model.onnx"]))
    assert after == rewrite(before, to(AUGUST, outputs={0: "probabilities"}))
    with pytest.raises(UsageError, match="--output-name"):
        compare(before, after)
    assert not compare(before, after, outputs={0: "another"}).only_rewritten
    assert compare(before, after, outputs={0: "probabilities"}).only_rewritten
    with pytest.raises(UsageError, match="0, 1 and so on"):
        compare(before, after, outputs={1: "probabilities"})
    with pytest.raises(UsageError, match="mapping of indices to names"):
        compare(before, after, outputs=["probabilities"])  # type: ignore[arg-type]  # the test
    with pytest.raises(UsageError, match="0, 1 and so on"):
        rewrite(before, to(AUGUST, outputs={1: "output"}))


@pytest.mark.parametrize(("old", "new"), [(JUNE, AUGUST), (JUNE, OCTOBER), (AUGUST, OCTOBER)])
def test_names_of_outputs_are_refused_for_a_shim_that_does_not_need_them(
    old: str, new: str
) -> None:
    before = importing(old)
    with pytest.raises(UsageError, match="have no effect"):
        rewrite(before, to(new, outputs={0: "probabilities"}))
    after = rewrite(before, to(new))
    assert compare(before, after, outputs={0: "probabilities"}).only_rewritten


STEP_ALONE = """(import "wasi:nn/errors@{version}" (instance $errors
        (export "error" (type (sub resource)))))
    (alias export $errors "error" (type $error))
    (import "wasi:nn/inference@{version}" (instance $inference
        (alias outer 1 $error (type $e)) (export "error" (type $error (eq $e)))
        (export "graph-execution-context" (type $context (sub resource)))
        (export "[method]graph-execution-context.compute" (func
            (param "self" (borrow $context)) (result (result (error (own $error))))))))"""


@pytest.mark.parametrize("old", [JUNE, AUGUST])
def test_functions_that_changed_are_named_where_there_can_be_no_shim(old: str) -> None:
    with pytest.raises(HostMismatch) as refused:
        rewrite(component(STEP_ALONE.format(version=old)), to(OCTOBER))
    first, *others = refused.value.diagnostics
    assert (first.code, first.function) == ("NN371", f"{CONTEXT}compute")
    assert [other.code for other in others] == ["NN365"]


def test_a_shim_goes_with_a_record_and_without_a_signature() -> None:
    before = importing(AUGUST) + custom("signature", b"of somebody")
    with pytest.raises(UnsupportedModule):
        rewrite(before, to(OCTOBER))
    after = rewrite(before, to(OCTOBER, record=True, drop_signature=True))
    found = compare(before, after)
    assert found.only_rewritten
    assert found.dropped == ("signature",)
    damaged = bytearray(after)
    damaged[after.index(b"set-input")] ^= 1
    assert not compare(before, bytes(damaged)).only_rewritten


@pytest.mark.parametrize(
    "item",
    [
        TENSOR.replace("(list u8)", "(list u16)"),
        TENSOR.replace('"tensor"', '"sensor"').replace("tensor.data", "sensor.data"),
        TENSOR.replace("[method]tensor.data", "[method]tensor.size"),
        TENSOR.replace("wasi:nn/tensor", "wasi:nn/training"),
        '(import "wasi:nn/tensor@{version}" (func))',
        """(type $t (instance (export "load" (func)))) (export $u "t" (type $t))
           (import "wasi:nn/graph@{version}" (instance (type $u)))""",
    ],
    ids=["another type", "another resource", "a function", "an interface", "a sort", "an alias"],
)
def test_what_no_version_has_is_not_renamed(item: str) -> None:
    with pytest.raises(HostMismatch):
        rewrite(component(item.format(version=AUGUST)), to(JUNE))


@pytest.mark.parametrize(
    ("renames", "expected"),
    [
        ({"a:b/one@1.0.0": "a:b/one@2.0.0"}, ("a:b/one@2.0.0", "a:b/two@1.0.0", "f")),
        ({"a:b@1.0.0": "c:d@1.10.0"}, ("c:d/one@1.10.0", "c:d/two@1.10.0", "f")),
        ({"a:b@1.0.0": "a:b"}, ("a:b/one", "a:b/two", "f")),
        (
            {"a:b/one@1.0.0": "a:b/two@1.0.0", "a:b/two@1.0.0": "a:b/one@1.0.0"},
            ("a:b/two@1.0.0", "a:b/one@1.0.0", "f"),
        ),
        ({"f": "a-longer-name" * 12}, ("a:b/one@1.0.0", "a:b/two@1.0.0", "a-longer-name" * 12)),
    ],
    ids=["an interface", "a package", "no version", "swapped", "a function"],
)
def test_any_import_gets_another_name(
    renames: dict[str, str], expected: tuple[str, str, str]
) -> None:
    def importing_these(one: str, two: str, function: str) -> bytes:
        instance = '(instance (export "g" (func)))'
        return component(
            f'(import "{one}" {instance})',
            f'(import "{two}" {instance} )',
            f'(import "{function}" (func))',
        )

    before = importing_these("a:b/one@1.0.0", "a:b/two@1.0.0", "f")
    assert rewrite(before, RewriteOptions(renames=renames)) == importing_these(*expected)


@pytest.mark.parametrize(
    ("renames", "error"),
    [
        ({"a:b@1.0.0": "a:b/c@1.0.0"}, UsageError),
        ({"f": "not a name"}, UsageError),
        ({"f": "a:b/c@1"}, UsageError),
        ({"f": "wasi:nn/tensor@" + JUNE}, UnsupportedModule),
    ],
    ids=["an interface for a package", "spaces", "half a version", "a name that is taken"],
)
def test_names_that_an_import_cannot_have_are_refused(
    renames: dict[str, str], error: type[NNShimError]
) -> None:
    data = component(TENSOR.format(version=JUNE), '(import "f" (func))')
    with pytest.raises(error):
        rewrite(data, RewriteOptions(renames=renames))


def test_names_that_differ_in_case_only_are_refused() -> None:
    data = component('(import "f" (func))', '(import "g" (func))')
    with pytest.raises(UsageError, match="not a valid component"):
        rewrite(data, RewriteOptions(renames={"f": "G"}))


def test_a_component_with_an_interface_in_two_versions_keeps_them() -> None:
    item = '(import "wasi:nn/tensor@{}" (instance (export "tensor" (type (sub resource)))))'
    data = component(item.format(JUNE), item.format(AUGUST))
    with pytest.raises(HostMismatch) as refused:
        rewrite(data, to(OCTOBER))
    assert "NN372" in {found.code for found in refused.value.diagnostics}


def test_a_component_of_another_version_has_nothing_to_change() -> None:
    assert rewrite(guest(JUNE), to(JUNE)) == guest(JUNE)
    with pytest.raises(NothingToRename):
        rewrite(guest(JUNE), to(JUNE, require=True))


def test_a_signed_component_is_renamed_only_without_its_signature() -> None:
    signed = guest(JUNE) + custom("signature", b"of somebody")
    with pytest.raises(UnsupportedModule) as refused:
        rewrite(signed, to(AUGUST))
    assert refused.value.code == "NN110"
    assert rewrite(signed, to(AUGUST, drop_signature=True)) == guest(AUGUST)


def test_a_host_gives_the_version_and_conditions_for_the_result(tmp_path: Path) -> None:
    source, out = tmp_path / "guest.wasm", tmp_path / "out.wasm"
    source.write_bytes(component(TENSOR.format(version=AUGUST), command=False))
    done = rewrite_file(str(source), str(out), RewriteOptions(host="wasmtime@24"))
    assert out.read_bytes() == component(TENSOR.format(version=JUNE), command=False)
    assert [note.code for note in done.notes] == ["NN281"]


def test_a_host_without_something_else_cannot_run_the_result(tmp_path: Path) -> None:
    source = tmp_path / "guest.wasm"
    source.write_bytes(component(TENSOR.format(version=AUGUST), '(import "f" (func))'))
    done = rewrite_file(str(source), None, RewriteOptions(host="wasmtime@24"))
    assert done.cannot_run


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"host": "wasmtime", "guest_abi": "witx"}, "--guest-abi"),
        ({"host": "wasmtime", "built_for": "wasmedge"}, "--from"),
        ({"host": "wasmtime", "inputs": {0: "x"}}, "--input-name"),
        ({"host": "wasmtime", "outputs": {0: "x"}}, "--output-name"),
    ],
)
def test_options_that_have_no_effect_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        rewrite(guest(JUNE), RewriteOptions(**options))


def test_a_core_module_has_no_version_of_wasi_nn() -> None:
    with pytest.raises(UsageError, match="core module"):
        rewrite(b"\0asm\1\0\0\0", to(JUNE))


def test_a_record_is_added_and_continued() -> None:
    once = rewrite(guest(JUNE), to(AUGUST, record=True))
    twice = rewrite(once, to(OCTOBER, record=True))
    names = [section.name for section in Component(twice).sections if section.name]
    assert names.count("nnshim.record") == 1
    assert twice.count(b'"sha256"') == 2
    for before, after in ((guest(JUNE), once), (once, twice)):
        assert compare_components(Component(before), Component(after), {}).only_rewritten
