"""Modules in text form, which are looked at only if they are named themselves, are not passed over
in silence where they are for wasi-nn."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from rewriter.trees.find import find
from rewriter.trees.item import Unsearched
from tests.rewriter.trees.test_archives import tar_of, zip_of
from tests.support.trees import WASM, found

TEXT = b'(module (import "%s" "compute" (func (param i32) (result i32))))'
NAMES = (
    b"wasi_nn",
    b"wasi_ephemeral_nn",
    b"wasi:nn/graph@0.2.0-rc-2024-10-28",
    b"wasi-nn",
    b"wasinn",
)


@pytest.mark.parametrize("name", NAMES)
def test_text_for_wasi_nn_is_said_in_a_folder_and_in_archives(name: bytes, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/A.WAT").write_bytes(TEXT % name)
    (tmp_path / "tree/guest.wasm").write_bytes(WASM)
    (tmp_path / "a.tar").write_bytes(tar_of(("a.wat", TEXT % name)))
    (tmp_path / "a.tgz").write_bytes(gzip.compress(tar_of(("a.wat", TEXT % name))))
    (tmp_path / "a.zip").write_bytes(zip_of(("a.wat", TEXT % name)))
    assert found(tmp_path, "tree") == {"tree/A.WAT": "NN008", "tree/guest.wasm": WASM}
    for archive in ("a.tar", "a.tgz", "a.zip"):
        assert found(tmp_path, archive) == {f"{archive}!a.wat": "NN008"}


@pytest.mark.parametrize("before", [4096 - 25, (1 << 16) - 25, (1 << 16) + 4096 - 25, 1 << 20])
def test_it_is_said_wherever_in_the_text_the_name_is(before: int, tmp_path: Path) -> None:
    text = (TEXT % b"wasi_ephemeral_nn").rjust(before + len(TEXT % b"wasi_ephemeral_nn"))
    (tmp_path / "a.wat").write_bytes(text)
    (tmp_path / "b.zip").write_bytes(zip_of(("b.wat", text)))
    assert found(tmp_path) == {"a.wat": "NN008", "b.zip!b.wat": "NN008"}


def test_other_text_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.wat").write_bytes(TEXT % b"wasi_snapshot_preview1")
    (tmp_path / "b.wat").touch()
    (tmp_path / "notes.txt").write_bytes(TEXT % b"wasi_nn")
    (tmp_path / "c.tar").write_bytes(tar_of(("a.wat", TEXT % b"env")))
    assert found(tmp_path) == {}


def test_text_that_is_excluded_is_not_said(tmp_path: Path) -> None:
    (tmp_path / "a.wat").write_bytes(TEXT % b"wasi_nn")
    (tmp_path / "b.zip").write_bytes(zip_of(("b.wat", TEXT % b"wasi_nn")))
    assert found(tmp_path, exclude=("*.wat",)) == {}


def test_both_names_of_text_in_a_tar_are_said(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        first = tarfile.TarInfo("a.wat")
        first.size = len(TEXT % b"wasi_nn")
        archive.addfile(first, io.BytesIO(TEXT % b"wasi_nn"))
        again = tarfile.TarInfo("b.wat")
        again.type, again.linkname = tarfile.LNKTYPE, "a.wat"
        archive.addfile(again)
    said = [each for each in find([str(tmp_path / "a.tar")]) if isinstance(each, Unsearched)]
    assert [each.name.rpartition("!")[2] for each in said] == ["a.wat", "b.wat"]
    assert all("a module in text form that names wasi-nn" in str(each.diagnostic) for each in said)


def test_text_counts_for_what_an_archive_may_unpack_to(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zip_of(("a.wat", bytes(1 << 20))))
    assert found(tmp_path, "a.zip", max_unpacked=1 << 19) == {"a.zip": "NN007"}
