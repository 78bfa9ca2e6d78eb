"""Codes that are accepted for some files, and not for others that have similar names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nnshim.config.by_path import ByPath
from tests.support.artifacts import GUEST, TAG, WASM, Blobs, manifest_of, write_layout
from tests.support.command import nnshim

CODES = frozenset({"NN226"})
DIGEST = f"sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*.wasm", "a/b.wasm"),
        ("a/*", "a/b.wasm"),
        ("all.zip!lib/*", "all.zip!lib/b.wasm"),
        ("all.tar!lib/*", "all.tar!./lib/b.wasm"),
        ("all.tar!lib/*", "all.tar!.//./lib/b.wasm"),
        ("layout!1.*", "layout!1.2"),
        ("images/layout!*", "images/layout!1.2!a.wasm"),
        ("layout!1.*", "oci-layout:layout:1.2"),
        ("images/layout!*", "oci-layout:images/layout:1.2"),
        (f"layout!{DIGEST}", f"oci-layout:layout@{DIGEST}"),
        ("layout", "oci-layout:layout"),
        ("oci://registry.example/*", "oci://registry.example/team/guest:1"),
        ("oci://*/team/*:1", "oci://registry.example:5000/team/guest:1"),
        ("oci://*", f"oci://registry.example/guest@{DIGEST}"),
    ],
)
def test_a_pattern_fits(pattern: str, path: str) -> None:
    assert ByPath(accepted=[(pattern, CODES)]).of(path) == CODES


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*", "oci://registry.example/guest:1"),
        ("guest:*", "oci://registry.example/guest:1"),
        ("*/guest*", "oci://registry.example/guest:1"),
        ("oci:/*", "oci://registry.example/guest:1"),
        ("oci*", "oci://registry.example/guest:1"),
        ("oci://*", "oci:/registry.example/guest.wasm"),
        ("oci://registry.example/*", "oci://registry.example.evil/guest:1"),
        ("oci-layout:*", "oci-layout:layout:1"),
        ("layout!1.2", "oci-layout:../layout:1.2"),
        ("layout!1.2", "oci-layout:layout:1.3"),
        ("*.wasm", "layout!1.2"),
    ],
)
def test_a_pattern_does_not_fit(pattern: str, path: str) -> None:
    assert ByPath(accepted=[(pattern, CODES)]).of(path) == frozenset()


def test_codes_of_several_patterns_add_up(tmp_path: Path) -> None:
    accepted = [("oci://a/*", CODES), ("oci://*:1", frozenset({"NN222"})), ("*", frozenset({"x"}))]
    assert ByPath(accepted=accepted).of("oci://a/b:1") == CODES | {"NN222"}
    elsewhere = ByPath(str(tmp_path), accepted, os.curdir).elsewhere()
    assert elsewhere.of("oci://a/b:1") == CODES | {"NN222"}


def test_a_layout_by_its_folder_and_by_a_reference_is_judged_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    blobs: Blobs = {}
    entries = [{**manifest_of(blobs, (WASM, GUEST)), "annotations": {TAG: tag}} for tag in "12"]
    write_layout(Path("layout"), blobs, entries)
    assert nnshim("rewrite", "layout", "layout").returncode == 0
    conditions = '["NN141", "NN218", "NN248"]'
    Path("nnshim.toml").write_text(f"""[accept-by-path]\n"layout!1" = {conditions}\n""")
    for tag, expected in (("1", 0), ("2", 5)):
        done = nnshim("check", "--for", "wamr-legacy@2.4.5", f"oci-layout:layout:{tag}")
        assert done.returncode == expected, done.stdout
    done = nnshim("check", "--for", "wamr-legacy@2.4.5", "--exclude", "2", "layout")
    assert done.returncode == 0, done.stdout
    assert nnshim("check", "--for", "wamr-legacy@2.4.5", "layout").returncode == 5
