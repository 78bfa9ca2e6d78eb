from __future__ import annotations

import errno
import mmap
import os
import stat
import threading
from pathlib import Path

import pytest

from rewriter.errors import InputError, OutputError
from rewriter.files.input import Source, open_source
from rewriter.files.output import is_same_file, write_atomic

DATA = Source("<bytes>", b"0123456789")
PIECES = (range(2), b"new", range(8, 10))
WRITTEN = b"01new89"


def test_ranges_of_the_source_and_new_bytes_are_written_in_order(tmp_path: Path) -> None:
    path = tmp_path / "out"
    write_atomic(str(path), DATA, PIECES)
    assert path.read_bytes() == WRITTEN


def test_a_file_is_copied_through_a_small_buffer(tmp_path: Path) -> None:
    source_path, path = tmp_path / "in", tmp_path / "out"
    content = os.urandom(3_000_000)
    source_path.write_bytes(content)
    with open_source(str(source_path)) as source:
        write_atomic(str(path), source, (range(5), b"new", range(7, len(content))))
    assert path.read_bytes() == content[:5] + b"new" + content[7:]


def test_the_mode_of_a_replaced_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old")
    path.chmod(0o6751)
    write_atomic(str(path), DATA, PIECES)
    assert stat.S_IMODE(path.stat().st_mode) == 0o6751


def test_the_owner_of_a_replaced_file_is_kept_where_permitted(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old")
    wanted = (12345, 54321) if os.geteuid() == 0 else (os.getuid(), os.getgid())
    os.chown(path, *wanted)
    write_atomic(str(path), DATA, PIECES)
    assert (path.stat().st_uid, path.stat().st_gid) == wanted


def test_a_new_file_has_the_mode_of_its_source_less_the_umask(tmp_path: Path) -> None:
    source_path, path = tmp_path / "in", tmp_path / "out"
    source_path.write_bytes(b"0123456789")
    source_path.chmod(0o555)
    old = os.umask(0o027)
    try:
        with open_source(str(source_path)) as source:
            write_atomic(str(path), source, PIECES)
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o550


def test_a_symbolic_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    (folder / "out").write_bytes(b"old")
    link = tmp_path / "link"
    link.symlink_to(folder / "out")
    write_atomic(str(link), DATA, PIECES)
    assert link.is_symlink()
    assert (folder / "out").read_bytes() == WRITTEN
    assert os.listdir(folder) == ["out"]


def test_a_pipe_is_written_straight_to(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    write_atomic(str(path), DATA, PIECES)
    reader.join()
    assert got == [WRITTEN]
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_device_stays_a_device() -> None:
    write_atomic("/dev/null", DATA, PIECES)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


class Stop(Exception):
    pass


def raise_stop(_: object) -> None:
    raise Stop


def test_a_failed_check_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old")
    with pytest.raises(Stop):
        write_atomic(str(path), DATA, PIECES, raise_stop)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["out"]


def test_the_check_sees_the_whole_file_beside_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old")
    seen: list[bytes] = []

    def check(temporary: str) -> None:
        seen.extend([Path(temporary).read_bytes(), path.read_bytes()])
        assert os.path.dirname(temporary) == str(tmp_path)

    write_atomic(str(path), DATA, PIECES, check)
    assert seen == [WRITTEN, b"old"]


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OutputError, match=f"cannot write {path}: No space left"):
        write_atomic(str(path), DATA, PIECES)
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["out"]


def test_a_short_write_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data)[:1]))
    write_atomic(str(tmp_path / "out"), DATA, PIECES)
    assert (tmp_path / "out").read_bytes() == WRITTEN


def test_a_source_that_shrinks_meanwhile_is_an_error(tmp_path: Path) -> None:
    source_path, path = tmp_path / "in", tmp_path / "out"
    source_path.write_bytes(b"0123456789")
    with source_path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as data:
        source = Source(str(source_path), data, file.fileno())
        file.truncate(4)  # as whoever has waited for too long may do
        with pytest.raises(InputError, match="became shorter"):
            write_atomic(str(path), source, (range(10),))
    assert os.listdir(tmp_path) == ["in"]


@pytest.mark.parametrize(
    ("path", "words"),
    [("missing/out", "No such file or directory"), (".", "Is a directory")],
)
def test_where_nothing_can_be_written_the_reason_is_given(
    tmp_path: Path, path: str, words: str
) -> None:
    with pytest.raises(OutputError, match=words):
        write_atomic(str(tmp_path / path), DATA, PIECES)


def test_the_same_file_is_known_through_any_path(tmp_path: Path) -> None:
    path, link, other = tmp_path / "in", tmp_path / "link", tmp_path / "other"
    path.write_bytes(b"x")
    other.write_bytes(b"x")
    os.link(path, link)
    with open_source(str(path)) as source:
        assert is_same_file(source, str(link))
        assert not is_same_file(source, str(other))
        assert not is_same_file(source, str(tmp_path / "missing"))


@pytest.mark.parametrize(("path", "words"), [("missing", "No such file"), (".", "folder")])
def test_an_input_that_cannot_be_read_is_named(tmp_path: Path, path: str, words: str) -> None:
    with pytest.raises(InputError, match=words), open_source(str(tmp_path / path)):
        pass
