"""Proves that only names of a component's imports have changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewriter import RewriteOptions, compare, rewrite
from rewriter.components.component import Component
from rewriter.errors import ModuleError, UsageError
from rewriter.verifying.components import compare_components
from tests.support.command import nnshim
from tests.support.components import component
from tests.support.wasm import custom
from tests.support.wit import AUGUST, JUNE, OCTOBER, importing

ERRORS = '(import "wasi:nn/errors@{}" (instance (export "error" (type (sub resource)))))'
TENSORS = '(import "wasi:nn/tensor@{}" (instance (export "tensor" (type (sub resource)))))'
OTHER = '(import "a:b/c@{}" (instance (export "f" (func))))'


def guest(nn: str = JUNE, other: str = "1.0.0", tensors: str = "", behind: str = "") -> bytes:
    items = ERRORS.format(nn), TENSORS.format(tensors or nn), OTHER.format(other), behind
    return component(*items)


def without_version() -> bytes:
    errors, tensors = (text.replace("@{}", "") for text in (ERRORS, TENSORS))
    return component(errors, tensors, OTHER.format("1.0.0"))


def codes(before: bytes, after: bytes, renames: dict[str, str] | None = None) -> list[str]:
    found = compare_components(Component(before), Component(after), renames or {})
    return [difference.code for difference in found.differences]


def test_another_version_whose_functions_have_changed_is_a_difference() -> None:
    """A host of August does not have the function that makes errors."""
    before = importing(JUNE)
    renames = {f"wasi:nn@{JUNE}": f"wasi:nn@{AUGUST}"}
    after = rewrite(before, RewriteOptions(renames=renames))
    assert codes(before, after)
    assert codes(before, after, renames) == []


def test_another_version_of_wasi_nn_is_the_only_difference() -> None:
    found = compare_components(Component(guest()), Component(guest(OCTOBER)), {})
    assert found.only_rewritten
    assert [rename.old for rename in found.renames] == [
        f"wasi:nn/errors@{JUNE}",
        f"wasi:nn/tensor@{JUNE}",
    ]
    assert found.sections > 3


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (guest("0.3.0"), ["NN416", "NN416"]),
        (guest(AUGUST, tensors=OCTOBER), ["NN416"]),
        (guest(tensors=AUGUST), ["NN416"]),
        (guest(AUGUST, tensors=JUNE), ["NN416"]),
        (without_version(), ["NN416", "NN416"]),
        (guest(other="2.0.0"), ["NN416"]),
        (guest().replace(b"\x05error", b"\x05thing"), ["NN401"]),
        (guest(behind='(import "g" (func))'), ["NN403"]),
        (guest(behind="(core module)"), ["NN402"]),
        (guest()[:-1] + b"\x7f", ["NN401"]),
        (guest() + custom("somebody", b"x"), ["NN404"]),
        (guest() + custom("nnshim.record", b"[]"), ["NN422"]),
    ],
    ids=[
        "0.3",
        "mixed",
        "the second only",
        "the first only",
        "without a version",
        "a:b",
        "content",
        "an import",
        "a module",
        "a byte",
        "a section",
        "a record",
    ],
)
def test_any_other_difference_is_found(after: bytes, expected: list[str]) -> None:
    assert codes(guest(), after)[: len(expected)] == expected


def test_a_section_that_is_gone_is_found_unless_it_is_a_signature() -> None:
    assert codes(guest() + custom("somebody", b"x"), guest()) == ["NN403"]
    signed = guest() + custom("signature", b"x")
    assert compare_components(Component(signed), Component(guest()), {}).dropped == ("signature",)


def test_the_library_compares_components_as_the_command_does() -> None:
    assert compare(guest(), guest(AUGUST)).only_rewritten
    assert not compare(guest(), guest(AUGUST, other="2.0.0")).only_rewritten
    with pytest.raises(ModuleError, match="rewritten: 0 core modules of the component"):
        compare(b"\0asm\1\0\0\0", guest())


def test_every_byte_of_a_renamed_component_counts() -> None:
    before, after = guest(), guest(AUGUST)
    for at in range(8, len(after)):
        changed = bytearray(after)
        changed[at] ^= 1
        try:
            found = codes(before, bytes(changed))
        except ModuleError:
            continue
        assert found, at


def test_names_that_were_given_may_change() -> None:
    after = rewrite(guest(), RewriteOptions(renames={"a:b@1.0.0": "c:d@10.0.0"}))
    assert codes(guest(), after) == ["NN416"]
    assert codes(guest(), after, {"a:b@1.0.0": "c:d@10.0.0"}) == []
    assert codes(guest(), after, {"a:b/c@1.0.0": "c:d/c@10.0.0"}) == []


def test_verify_says_which_names_changed(tmp_path: Path) -> None:
    before, after = tmp_path / "before.wasm", tmp_path / "after.wasm"
    before.write_bytes(guest())
    after.write_bytes(guest(AUGUST))
    ran = nnshim("verify", before, after)
    assert ran.returncode == 0
    assert f"wasi:nn/errors@{JUNE} -> wasi:nn/errors@{AUGUST}: 1 import" in ran.stdout.decode()
    after.write_bytes(guest(AUGUST, other="1.1.0"))
    ran = nnshim("verify", before, after)
    assert ran.returncode == 1
    assert b"--rename a:b/c@1.0.0=a:b/c@1.1.0 allows it" in ran.stdout


def test_an_option_for_core_modules_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "guest.wasm"
    path.write_bytes(guest())
    ran = nnshim("verify", "--guest-abi", "witx", path, path)
    assert ran.returncode == 2
    with pytest.raises(UsageError):
        codes(guest(), guest(), {"a:b@1.0.0": "c"})
