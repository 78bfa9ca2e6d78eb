"""The inputs of nnshim map: what is read, and what is refused."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from nnshim.fleets.files.inputs import find_inputs
from nnshim.fleets.files.results import STATE
from rewriter.errors import InputError


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2: it is not JSON"),
        ("[]", "line 2: it is not a JSON object"),
        ('{"arg": []}', "line 2: unknown key 'arg'"),
        ('{"args": "a"}', "line 2: args is not a list of strings"),
        ('{"args": [1]}', "line 2: args is not a list of strings"),
        ('{"args": ["a\\u0000b"]}', "line 2: an argument cannot have a NUL in it"),
        ('{"stdin": "\\ud800"}', "line 2: stdin has half of a character"),
        ('{"stdin": "a", "stdin": "b"}', "line 2: an object has a key more than once"),
        ('{"stdin": "", "stdin_file": "x"}', "line 2: stdin and stdin_file contradict each other"),
        ('{"stdin_file": "nowhere"}', "nowhere: No such file or directory"),
        ('{"stdin_file": "."}', "Is a directory"),
        ('{"stdin_file": "pipe"}', "is not a regular file"),
    ],
)
def test_a_line_that_is_not_an_input_is_refused_alone(tmp_path: Path, line: str, said: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "in.jsonl").write_text(f'{{"stdin": "one"}}\n{line}\n{{"stdin": "three"}}\n')
    first, second, third = find_inputs(str(tmp_path / "in.jsonl"), [])
    assert isinstance(second.input, InputError)
    assert said in str(second.input)
    assert [getattr(each.input, "stdin", None) for each in (first, third)] == [b"one", b"three"]


def test_a_file_of_a_folder_that_cannot_be_read_is_an_input_that_fails(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a")
    (tmp_path / "b").symlink_to("nowhere")
    (tmp_path / "c").write_text("c")
    pipe, link, file = find_inputs(str(tmp_path), [])
    assert "is not a regular file" in str(pipe.input)
    assert "No such file" in str(link.input)
    assert (file.name, getattr(file.input, "stdin", None)) == ("c", b"c")


def test_a_link_to_a_folder_is_not_left_out_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to("..")
    with pytest.raises(InputError, match="link is a link to a folder, which is not followed"):
        find_inputs(str(tmp_path / "in"), [])


def test_a_folder_that_cannot_be_listed_is_not_left_out_without_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in" / "closed").mkdir(parents=True)
    real = os.scandir

    def scandir(path: str) -> object:
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(InputError, match=r"cannot read the folder .*closed: Permission denied"):
        list(find_inputs(str(tmp_path / "in"), []))


def test_arguments_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (found,) = find_inputs(str(tmp_path), ["--in={}", "x"])
    assert getattr(found.input, "args", None) == [f"--in={tmp_path}/a", "x"]


@pytest.mark.parametrize("name", ["pipe", "pipe.jsonl"])
def test_a_pipe_is_refused_because_inputs_are_read_twice(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(InputError, match="is not a regular file"):
        find_inputs(str(tmp_path / name), [])


@pytest.mark.parametrize("other", ["another", "two"])  # of the same size, with the same time
@pytest.mark.parametrize("name", ["in.txt", "in.jsonl"])
def test_a_file_of_lines_that_changes_is_refused(tmp_path: Path, name: str, other: str) -> None:
    """Between two times that it is read, and while it is."""
    path = tmp_path / name
    path.write_text('{"args": ["one"]}\n' * 2000)
    found = find_inputs(str(path), [])
    assert len(list(found.names())) == 2000
    lines = iter(found)
    next(lines)
    before = path.stat()
    path.write_text(f'{{"args": ["{other}"]}}\n' * 2000)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(InputError, match="has changed since the job began"):
        list(lines)
    with pytest.raises(InputError, match="has changed since the job began"):
        next(iter(found))


def test_folders_that_are_named_as_files_leave_nothing_open(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"stdin_file": "."}\n' * 20)
    before = len(os.listdir("/proc/self/fd"))
    found = list(find_inputs(str(tmp_path / "in.jsonl"), []))
    assert all("Is a directory" in str(each.input) for each in found)
    assert len(os.listdir("/proc/self/fd")) <= before


def test_a_file_that_does_not_fit_into_memory_fails_alone(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.truncate(1 << 31)
    (tmp_path / "b").write_text("b")
    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (1 << 28), before[1]))
    try:
        large, small = find_inputs(str(tmp_path), [])
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert "it does not fit into memory" in str(large.input)
    assert getattr(small.input, "stdin", None) == b"b"


def test_the_results_of_one_job_are_inputs_of_another(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in (STATE, f"{STATE}-wal", "a", f"sub/{STATE}"):
        (tmp_path / name).write_text("x")
    assert [each.name for each in find_inputs(str(tmp_path), [])] == ["a", f"sub/{STATE}"]
