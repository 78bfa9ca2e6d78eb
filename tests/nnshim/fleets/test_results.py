"""The folder of the results of nnshim map: what in it is its own, and what it leaves alone."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from nnshim.fleets.files import results
from nnshim.fleets.files.results import STATE, Results
from rewriter.errors import InputError, OutputError
from rewriter.files.output import TEMPORARY

JOB = {"module": "one", "environment": {"TOKEN": "secret"}}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_a_file_that_was_never_a_result_is_neither_replaced_nor_removed(out: Path) -> None:
    with Results(str(out), JOB) as made:
        (out / "mine").write_text("mine")
        made.remove("mine")
        assert not made.has("mine", "digest")
        with pytest.raises(OutputError, match="mine is not a result of this job"):
            made.add("mine", "digest", b"data")
    assert (out / "mine").read_text() == "mine"


def test_an_old_result_in_the_way_is_removed_and_nothing_else(out: Path) -> None:
    with Results(str(out), JOB) as made:
        made.add("a", "one", b"file")
        made.add("a0", "one", b"other")
        assert not made.has(f"{TEMPORARY}folder/x", "one")
        assert not made.has("a/b/x", "two")
        made.add("a/b/x", "two", b"below")
        made.add("a/y", "two", b"below")
        assert made.has("a/b/x", "two")
        assert made.count() == 3
    with Results(str(out), JOB) as made:
        assert not made.has("a", "one")
        made.add("a", "one", b"file")
        assert made.has("a", "one")
        assert made.has("a0", "one")
        assert made.count() == 2
        assert not made.has("a/b/x", "two")
        made.add("a/b/x", "two", b"below")
        (out / "a" / "mine").write_text("mine")
        assert not made.has("a", "one")
        with pytest.raises(OutputError, match="a is not a result of this job"):
            made.add("a", "one", b"file")
    assert [path.name for path in (out / "a").iterdir()] == ["mine"]


def test_a_result_that_a_kill_left_half_recorded_is_redone(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with Results(str(out), JOB) as made:
        with monkeypatch.context() as patched:
            patched.setattr(results, "write_atomic", killed)
            with pytest.raises(KeyboardInterrupt):
                made.add("name", "digest", b"data")
        assert not made.has("name", "digest")
        made.add("name", "digest", b"data")
        with monkeypatch.context() as patched:
            patched.setattr(os, "unlink", killed)
            with pytest.raises(KeyboardInterrupt):
                made.remove("name")
        assert made.has("name", "digest")


def test_a_result_that_cannot_be_written_leaves_the_folder_to_any_job(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OutputError("cannot write name: No space left on device")

    with Results(str(out), JOB) as made:
        with monkeypatch.context() as patched:
            patched.setattr(results, "write_atomic", full)
            with pytest.raises(OutputError, match="No space left"):
                made.add("name", "digest", b"data")
        assert made.count() == 0
    with Results(str(out), {"module": "other"}) as made:
        made.add("name", "digest", b"data")


def test_a_record_without_a_file_leaves_the_folder_to_any_job(out: Path) -> None:
    with Results(str(out), JOB) as made:
        made.add("name", "digest", b"data")
    (out / "name").unlink()
    with Results(str(out), {"module": "other"}) as made:
        assert made.count() == 0


def test_results_of_another_job_are_refused_with_what_differs(out: Path) -> None:
    with Results(str(out), JOB) as made:
        made.add("name", "digest", b"data")
    said = r"\(what differs: module\): to start anew, name another folder or remove this one"
    with pytest.raises(OutputError, match=said) as refused:
        Results(str(out), {**JOB, "module": "other"})
    assert refused.value.code == "NN013"
    assert (out / "name").read_bytes() == b"data"


def test_a_link_in_the_place_of_a_result_is_not_a_result(out: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("data")
    with Results(str(out), JOB) as made:
        made.add("name", "digest", b"data")
        (out / "name").unlink()
        (out / "name").symlink_to(tmp_path / "elsewhere")
        assert not made.has("name", "digest")
        made.add("name", "digest", b"data")
    assert not (out / "name").is_symlink()
    assert (tmp_path / "elsewhere").read_text() == "data"


def test_a_result_whose_record_a_power_failure_took_is_recorded_again(out: Path) -> None:
    with Results(str(out), JOB) as made:
        (out / "name").write_text("data")
        assert not made.has("name", "digest")
        made.add("name", "digest", b"data")
        assert made.has("name", "digest")


def test_no_result_goes_through_a_link_to_another_folder(out: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "name").write_text("mine")
    with Results(str(out), JOB) as made:
        (out / "sub").symlink_to(tmp_path / "elsewhere")
        for does in (made.remove, lambda name: made.add(name, "digest", b"data")):
            with pytest.raises(OutputError, match="sub is a link or behind one"):
                does("sub/name")
    assert (tmp_path / "elsewhere" / "name").read_text() == "mine"


def test_the_folder_itself_may_be_a_link(out: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    out.symlink_to("elsewhere")
    with Results(f"{out}/", JOB) as made:
        made.add("sub/name", "digest", b"data")
    assert (tmp_path / "elsewhere" / "sub" / "name").read_bytes() == b"data"


@pytest.mark.parametrize(
    "name", [STATE, f"{STATE}-wal", f"{STATE}-journal/name", ".nnshim-name", "sub/.nnshim-name"]
)
def test_a_name_that_would_not_be_left_alone_is_refused(out: Path, name: str) -> None:
    with Results(str(out), JOB) as made:
        assert "a file of nnshim's own" in str(made.refused(name))
        with pytest.raises(InputError, match="a file of nnshim's own"):
            made.add(name, "digest", b"data")


def test_a_result_that_became_a_pipe_is_not_waited_for(out: Path) -> None:
    with Results(str(out), JOB) as made:
        made.add("name", "digest", b"data")
        (out / "name").unlink()
        os.mkfifo(out / "name")
        assert not made.has("name", "digest")


def test_a_folder_that_is_used_again_has_no_memory_that_processes_share(out: Path) -> None:
    """Such a file fails with an "I/O error" where the disk is full, and on some network disks."""
    for _ in range(2):
        with Results(str(out), JOB) as made:
            made.add("name", "digest", b"data")
            assert not (out / f"{STATE}-shm").exists()


def test_a_folder_that_cannot_be_written_is_told_with_the_systems_reason(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(**_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    (out / STATE).mkdir(parents=True)
    with pytest.raises(OutputError, match="out: unable to open database file"):
        Results(str(out), JOB)
    monkeypatch.setattr(results, "TemporaryFile", read_only)
    with pytest.raises(OutputError, match="out: Read-only file system"):
        Results(str(out), JOB)


def test_a_database_of_something_else_is_left_as_it_is(out: Path) -> None:
    out.mkdir()
    with closing(sqlite3.connect(out / STATE)) as other:
        other.execute("CREATE TABLE result (name TEXT PRIMARY KEY, input TEXT, output TEXT)")
    before = (out / STATE).read_bytes()
    with pytest.raises(OutputError, match="that is not nnshim's"):
        Results(str(out), JOB)
    assert (out / STATE).read_bytes() == before


def test_results_that_were_removed_meanwhile_are_not_counted(out: Path) -> None:
    with Results(str(out), JOB) as made:
        made.add("name", "digest", b"data")
        (out / "name").unlink()
        (out / STATE).unlink()
        with pytest.raises(OutputError, match="out was removed, or replaced"):
            made.count()


def test_no_value_of_a_variable_is_stored(out: Path) -> None:
    with Results(str(out), JOB) as made:
        made.add("name", "digest", b"data")
    assert all(b"secret" not in path.read_bytes() for path in out.iterdir())


def test_a_job_does_not_write_into_the_folder_of_another_that_has_replaced_its_own(
    out: Path,
) -> None:
    with Results(str(out), JOB) as made:
        made.add("name", "digest", b"data")
        shutil.rmtree(out)
        with Results(str(out), {**JOB, "other": 1}):
            with pytest.raises(OutputError, match="out was removed, or replaced"):
                made.add("other", "digest", b"data")
            with pytest.raises(OutputError, match="out was removed, or replaced"):
                made.count()
        assert [path.name for path in out.iterdir()] == [STATE]
