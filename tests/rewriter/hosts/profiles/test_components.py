"""Profiles decide about components as rows of the table do."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewriter import RewriteOptions, check, rewrite
from rewriter.hosts.profiles.file import read, write
from rewriter.hosts.profiles.of_row import from_row
from rewriter.hosts.table import FAMILIES
from tests.support.components import ERRORS, component
from tests.support.wit import AUGUST, JUNE, OCTOBER

HOST = """format = 1
[host]
name = "ours"
[modules.wasi_ephemeral_nn]
layouts = ["witx"]
functions = ["load"]
[components]
"""
ROWS = {row.label: row for family in FAMILIES.values() for row in family.rows}


def profile(folder: Path, components: str) -> str:
    path = folder / "ours.toml"
    path.write_text(HOST + components)
    return str(path)


@pytest.mark.parametrize(
    ("components", "answer"),
    [
        (f'runs = true\nwasi_nn = ["{AUGUST}"]\nwasi = ["0.2"]', "runs"),
        (f'runs = true\nwasi_nn = ["{JUNE}", "{AUGUST}"]\nwasi = ["0.2"]', "runs"),
        (f'runs = true\nwasi_nn = ["{AUGUST}", "{OCTOBER}"]\nwasi = ["0.2"]', "runs"),
        (f'runs = true\nwasi_nn = ["{OCTOBER}"]\nwasi = ["0.2"]', "rewrite"),
        ("runs = true", "only_if"),
        ("", "only_if"),
        ("runs = false", "cannot"),
    ],
)
def test_the_versions_of_a_profile_decide(components: str, answer: str, tmp_path: Path) -> None:
    data, host = component(ERRORS.format(AUGUST)), profile(tmp_path, components)
    [found] = check(data, [host])
    assert found.answer == answer
    if answer == "rewrite":
        [after] = check(rewrite(data, RewriteOptions(host=host)), [host])
        assert after.answer == "runs"


def test_a_patch_of_wasi_is_found_if_the_profile_says_so(tmp_path: Path) -> None:
    clock = '(import "wasi:clocks/wall-clock@0.2.3" (instance (export "now" (func))))'
    data = component(clock, ERRORS.format(OCTOBER))  # a command of 0.2.0
    for wasi, answer in (("0.2", "runs"), ("0.2.3", "only_if"), ("0.2.1", "cannot")):
        components = f'runs = true\nwasi_nn = ["{OCTOBER}"]\nwasi = ["{wasi}"]'
        [found] = check(data, [profile(tmp_path, components)])
        assert found.answer == answer


@pytest.mark.parametrize("label", ROWS)
def test_a_row_as_a_profile_is_read_back(label: str) -> None:
    made = from_row(ROWS[label])
    assert read(write(made)).components == made.components
