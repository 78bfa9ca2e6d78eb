"""The adapters for WASI are downloaded whole and as expected, or not at all."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from rewriter.errors import DependencyMissing, InputError, OutputError
from rewriter.files import wasi_adapter

FILES = {wasi_adapter.COMMAND: b"\0asm of commands", wasi_adapter.REACTOR: b"\0asm of reactors"}


def archive(path: Path, files: Mapping[str, bytes]) -> str:
    """The address of an archive as npm has it."""
    with tarfile.open(path, "w:gz") as written:
        for name, data in files.items():
            member = tarfile.TarInfo(f"package/lib/{name}")
            member.size = len(data)
            written.addfile(member, io.BytesIO(data))
    return path.as_uri()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the files go, of which other ones are expected than in a release."""
    folder = tmp_path / "adapters"
    folder.mkdir()
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}
    monkeypatch.setattr(wasi_adapter, "FOLDER", str(folder))
    monkeypatch.setattr(wasi_adapter, "_SHA256", digests)
    return folder


def expect(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(wasi_adapter, "_ARCHIVE_SHA256", digest)


def test_files_of_the_expected_archive_are_there_afterwards(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = archive(tmp_path / "a.tgz", {**FILES, "other": b"x"})
    expect(monkeypatch, tmp_path / "a.tgz")
    assert wasi_adapter.missing()
    wasi_adapter.fetch(address)
    assert not wasi_adapter.missing()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES
    assert wasi_adapter.find(wasi_adapter.REACTOR) == FILES[wasi_adapter.REACTOR]


def test_another_archive_is_refused(folder: Path, tmp_path: Path) -> None:
    address = archive(tmp_path / "a.tgz", FILES)
    with pytest.raises(InputError, match="another content than expected: its SHA-256 is"):
        wasi_adapter.fetch(address)
    assert not [*folder.iterdir()]


def test_another_file_in_the_archive_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = archive(tmp_path / "a.tgz", {**FILES, wasi_adapter.REACTOR: b"other"})
    expect(monkeypatch, tmp_path / "a.tgz")
    with pytest.raises(InputError, match=r"reactor\.wasm in the archive has another content"):
        wasi_adapter.fetch(address)
    assert not [*folder.iterdir()]


def test_an_interruption_leaves_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    address = archive(tmp_path / "a.tgz", FILES)
    expect(monkeypatch, tmp_path / "a.tgz")
    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        wasi_adapter.fetch(address)
    assert not [*folder.iterdir()]


def test_a_download_that_fails_names_the_address(folder: Path, tmp_path: Path) -> None:
    address = (tmp_path / "missing.tgz").as_uri()
    with pytest.raises(InputError, match=r"cannot download file:.*missing\.tgz"):
        wasi_adapter.fetch(address)
    assert not [*folder.iterdir()]


def test_a_folder_that_cannot_be_written_to_is_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = archive(tmp_path / "a.tgz", FILES)
    expect(monkeypatch, tmp_path / "a.tgz")
    folder.rmdir()
    with pytest.raises(OutputError, match=r"cannot write .*adapters"):
        wasi_adapter.fetch(address)


def test_a_file_that_has_changed_is_missing(folder: Path) -> None:
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    assert not wasi_adapter.missing()
    (folder / wasi_adapter.COMMAND).write_bytes(b"\0asm of commandz")
    assert wasi_adapter.missing()
    with pytest.raises(DependencyMissing, match="another content than expected"):
        wasi_adapter.find(wasi_adapter.COMMAND)
