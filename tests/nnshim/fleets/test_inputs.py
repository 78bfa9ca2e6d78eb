"""The inputs of nnshim map: what is read, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nnshim.fleets.files.inputs import find_inputs
from rewriter.errors import InputError


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2: it is not JSON"),
        ("[]", "line 2: it is not an object of JSON"),
        ('{"arg": []}', "line 2: unknown key 'arg'"),
        ('{"args": "a"}', "line 2: args is not a list of strings"),
        ('{"args": [1]}', "line 2: args is not a list of strings"),
        ('{"args": ["a\\u0000b"]}', "line 2: an argument cannot have a NUL in it"),
        ('{"stdin": "\\ud800"}', "line 2: stdin has half of a character"),
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
