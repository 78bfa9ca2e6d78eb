"""Which file the configuration is read from, and which are refused."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from nnshim.config.found import find
from nnshim.config.reading import configured
from rewriter.errors import UsageError

OWN = 'hosts = ["wamr"]\n'
PYPROJECT = '[project]\nname = "x"\n[tool.nnshim]\nhosts = ["wasmedge"]\n'


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository, from whose folder `inner/most` commands are started."""
    top = tmp_path / "repository"
    (top / "inner" / "most").mkdir(parents=True)
    (top / ".git").mkdir()
    monkeypatch.chdir(top / "inner" / "most")
    return top


@pytest.mark.parametrize(
    ("files", "host"),
    [
        pytest.param({"inner/nnshim.toml": OWN}, "wamr", id="above"),
        pytest.param({"inner/most/pyproject.toml": PYPROJECT}, "wasmedge", id="here"),
        pytest.param(
            {"inner/nnshim.toml": OWN, "pyproject.toml": PYPROJECT}, "wamr", id="the nearest"
        ),
        pytest.param(
            {"nnshim.toml": OWN, "inner/pyproject.toml": PYPROJECT}, "wasmedge", id="nearest too"
        ),
        pytest.param(
            {"nnshim.toml": OWN, "inner/pyproject.toml": "[project]\nname = 'nnshim'\n"},
            "wamr",
            id="a pyproject.toml without the table is passed over",
        ),
        pytest.param(
            {"nnshim.toml": OWN, "inner/pyproject.toml": "not TOML at all"},
            "wamr",
            id="as is one that is broken and does not mention it",
        ),
        pytest.param({"../nnshim.toml": OWN}, None, id="above the repository"),
        pytest.param({}, None, id="none"),
    ],
)
def test_the_nearest_file_counts(repository: Path, files: dict[str, str], host: str | None) -> None:
    for name, content in files.items():
        (repository / name).write_text(content)
    hosts = configured(None, False).hosts
    assert hosts == (None if host is None else [host])


def test_an_inner_repository_ends_the_search(repository: Path) -> None:
    (repository / "nnshim.toml").write_text(OWN)
    (repository / "inner" / ".git").write_text("gitdir: elsewhere\n")
    assert configured(None, False).hosts is None


def test_of_two_in_a_folder_the_own_file_counts_and_that_is_said(repository: Path) -> None:
    (repository / "nnshim.toml").write_text(OWN)
    (repository / "pyproject.toml").write_text(PYPROJECT)
    found = configured(None, False)
    assert found.hosts == ["wamr"]
    assert found.remark == "using ../../nnshim.toml, and not pyproject.toml beside it"


def test_a_file_can_be_named_and_none_can_be_used(repository: Path) -> None:
    (repository / "nnshim.toml").write_text(OWN)
    (repository / "pyproject.toml").write_text(PYPROJECT)
    assert configured("../../pyproject.toml", False).hosts == ["wasmedge"]
    assert configured(None, True).remark is None
    with pytest.raises(UsageError, match="contradicts"):
        configured("../../pyproject.toml", True)
    with pytest.raises(UsageError, match=r"cannot read \./missing.toml: No such file"):
        configured("missing.toml", False)
    (repository / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    with pytest.raises(UsageError, match=r"has no table \[tool.nnshim\]"):
        configured("../../pyproject.toml", False)


def test_a_file_that_cannot_be_read_is_not_passed_over(repository: Path) -> None:
    own = repository / "inner" / "nnshim.toml"
    (repository / "nnshim.toml").write_text(OWN)
    own.mkdir()
    with pytest.raises(UsageError, match="this is a folder"):
        configured(None, False)
    own.rmdir()
    os.mkfifo(own)
    with pytest.raises(UsageError, match="this is a pipe"):
        configured(None, False)
    own.unlink()
    own.symlink_to("nowhere")
    with pytest.raises(UsageError, match="No such file"):
        configured(None, False)
    own.unlink()
    own.write_bytes(b"#" * (1 << 20) + b"\n")
    with pytest.raises(UsageError, match="is larger than"):
        configured(None, False)


def test_a_link_out_of_the_repository_is_not_followed(repository: Path) -> None:
    outside = repository.parent / "secret.toml"
    outside.write_text('password = "1234"\n')
    (repository / "nnshim.toml").symlink_to(outside)
    with pytest.raises(UsageError, match="is a link that leads out") as error:
        configured(None, False)
    assert "password" not in str(error.value)
    (repository / "nnshim.toml").unlink()
    (repository / "common.toml").write_text(OWN)
    (repository / "nnshim.toml").symlink_to("common.toml")
    assert configured(None, False).hosts == ["wamr"]


@pytest.mark.parametrize(
    ("owner_of_file", "owner_of_folder", "user", "taken"),
    [(7, 7, 5, True), (5, 7, 5, True), (0, 5, 5, True), (7, 5, 5, False), (7, 0, 0, False)],
)
def test_a_file_of_another_user_is_refused(
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner_of_file: int,
    owner_of_folder: int,
    user: int,
    taken: bool,
) -> None:
    """As anyone may write /tmp/nnshim.toml."""
    own = repository.resolve() / "nnshim.toml"
    own.write_text(OWN)
    owners = {str(own): owner_of_file, os.getcwd(): owner_of_folder}
    stat = os.stat

    def owned(path: str) -> os.stat_result:
        values = list(stat(path))
        values[4] = owners.get(str(path), values[4])
        return os.stat_result(values)

    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(os, "stat", owned)
    with nullcontext() if taken else pytest.raises(UsageError, match="belongs to another user"):
        assert find() is not None
