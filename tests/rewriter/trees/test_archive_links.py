"""Links in archives mean what they mean in the folder that an archive unpacks to."""

from __future__ import annotations

import gzip
import io
import stat
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from rewriter.errors import OutputError
from rewriter.trees.find import find
from rewriter.trees.item import Item, Refused
from rewriter.trees.opening import close_archive, open_item
from rewriter.trees.output import Output
from tests.rewriter.trees.test_archives import special, tar_of
from tests.support.trees import ADDED, WASM, found, rewritten

FILES = {"a.wasm": WASM, "d/b.wasm": WASM, "t.txt": b"text"}

LINKS = {
    "a file": {"l": "a.wasm"},
    "a file, by the way of its own folder": {"d/l": "../d/./b.wasm"},
    "a folder that is not a member": {"l": "d"},
    "a folder, and through it a file": {"l": "d", "m": "l/b.wasm"},
    "the root": {"d/l": ".."},
    "a chain of links": {"l": "m", "m": "n", "n": "a.wasm"},
    "a file that is not a module": {"l.wasm": "t.txt"},
    "nothing": {"l.wasm": "missing.wasm"},
    "nothing in a folder": {"l": "d/missing"},
    "a folder that is missing": {"l": "missing/b.wasm"},
    "a chain to nothing": {"l": "m", "m": "n", "n": "missing"},
    "itself": {"l": "l"},
    "a circle": {"l": "m", "m": "l"},
    "something in itself": {"l": "l/b.wasm"},
    "a file, as if it were a folder": {"l": "a.wasm/", "m": "a.wasm/..", "n": "a.wasm/."},
    "a link to a file, as if it were a folder": {"l": "m/../d/b.wasm", "m": "a.wasm"},
    "a folder, with a slash": {"l": "d/", "m": "d/.//b.wasm"},
    "outside": {"l": "../x"},
    "outside, through a link to a folder": {"d/e/up": "../..", "l": "d/e/up/../x"},
    "outside, by a chain": {"l": "m", "m": "/etc"},
}


def archive_of(suffix: str, links: dict[str, str]) -> bytes:
    """With all links first, before what they lead to."""
    if suffix == ".zip":
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, target in links.items():
                info = zipfile.ZipInfo(name)
                info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
                archive.writestr(info, target)
            for name, data in FILES.items():
                archive.writestr(name, data)
        return out.getvalue()
    members = (special(name, tarfile.SYMTYPE, target) for name, target in links.items())
    data = tar_of(*members, *FILES.items())
    return gzip.compress(data) if suffix == ".tgz" else data


@pytest.mark.parametrize("links", LINKS.values(), ids=LINKS)
@pytest.mark.parametrize("suffix", [".tar", ".tgz", ".zip"])
def test_a_link_in_an_archive_is_judged_as_in_a_folder(
    links: dict[str, str], suffix: str, tmp_path: Path
) -> None:
    folder = tmp_path / "f"
    (tmp_path / "x").write_bytes(WASM)
    for name, data in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    for name, target in links.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(target)
    archive = tmp_path / f"a{suffix}"
    archive.write_bytes(archive_of(suffix, links))
    in_folder = {name.removeprefix("f/"): said for name, said in found(tmp_path, "f").items()}
    in_archive = found(tmp_path, archive.name)
    assert {name.partition("!")[2]: said for name, said in in_archive.items()} == in_folder
    fails = any(isinstance(said, str) for said in in_folder.values())
    out = tmp_path / f"out{suffix}"
    assert bool(rewritten([str(archive)], str(out))) is fails
    assert out.exists() is not fails


def test_a_link_that_is_excluded_does_not_count_but_leads_on(tmp_path: Path) -> None:
    data = archive_of(".tar", {"l": "missing", "m": "n", "n": "a.wasm", "o": "l"})
    (tmp_path / "a.tar").write_bytes(data)
    assert found(tmp_path, exclude=("l", "n")) == {
        "a.tar!a.wasm": WASM,
        "a.tar!d/b.wasm": WASM,
        "a.tar!o": "NN001",
    }


def test_a_chain_of_forty_links_is_followed_and_no_longer_one(tmp_path: Path) -> None:
    links = {str(number): str(number + 1) for number in range(60)} | {"60": "a.wasm"}
    (tmp_path / "a.tar").write_bytes(archive_of(".tar", links))
    refused = [name for name, said in found(tmp_path).items() if said == "NN001"]
    assert refused == [f"a.tar!{number}" for number in range(21)]


HARD = (
    special("h.wasm", tarfile.LNKTYPE, "a.wasm"),
    special("d/again", tarfile.LNKTYPE, "./h.wasm"),
    special("soft", tarfile.SYMTYPE, "a.wasm"),
    special("d/soft", tarfile.LNKTYPE, "soft"),
    special("not.wasm", tarfile.LNKTYPE, "t.txt"),
    special("t2.txt", tarfile.LNKTYPE, "t.txt"),
)


@pytest.mark.parametrize("suffix", [".tar", ".tgz"])
def test_a_file_is_found_by_each_of_its_names_in_a_tar(suffix: str, tmp_path: Path) -> None:
    data = tar_of(("x.wasm.gz", gzip.compress(WASM)), *FILES.items(), *HARD, ("z", WASM))
    name = f"a{suffix}"
    (tmp_path / name).write_bytes(gzip.compress(data) if suffix == ".tgz" else data)
    assert found(tmp_path) == {
        f"{name}!x.wasm.gz": WASM,
        f"{name}!a.wasm": WASM,
        f"{name}!d/b.wasm": WASM,
        f"{name}!z": WASM,
        f"{name}!h.wasm": WASM,
        f"{name}!d/again": WASM,
        f"{name}!not.wasm": "NN101",
        f"{name}!d/soft": "NN001",  # which leads to d/a.wasm
    }


def test_all_names_of_a_file_give_the_rewritten_bytes_in_the_readers_of_others(
    tmp_path: Path,
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.wasm").write_bytes(WASM)
    (tmp_path / "in" / "b.wasm").hardlink_to(tmp_path / "in" / "a.wasm")
    (tmp_path / "in" / "c").hardlink_to(tmp_path / "in" / "a.wasm")
    (tmp_path / "in" / "soft").symlink_to("c")
    subprocess.run(["tar", "-cf", "a.tar", "in"], check=True, cwd=tmp_path)
    assert found(tmp_path, "a.tar").keys() == {
        f"a.tar!in/{name}" for name in ("a.wasm", "b.wasm", "c")
    }
    assert rewritten([str(tmp_path / "a.tar")], str(tmp_path / "b.tar")) == []
    (tmp_path / "out").mkdir()
    subprocess.run(["tar", "-xf", "b.tar", "-C", "out"], check=True, cwd=tmp_path)
    for name in ("a.wasm", "b.wasm", "c", "soft"):
        assert (tmp_path / "out" / "in" / name).read_bytes() == WASM + ADDED
    with tarfile.open(tmp_path / "b.tar") as archive:
        assert sorted(member.type for member in archive) == [b"0", b"1", b"1", b"2", b"5"]


@pytest.mark.parametrize(
    ("first", "exclude", "why"),
    [
        pytest.param("a.wasm", ("a.wasm",), "a link to a.wasm, which is excluded", id="left out"),
        pytest.param("0" * 64, (), "its name is the digest of what is in it", id="a blob"),
    ],
)
def test_a_hard_link_to_what_must_not_change_is_looked_at_and_not_changed(
    first: str, exclude: tuple[str, ...], why: str, tmp_path: Path
) -> None:
    path, out = tmp_path / "a.tar", tmp_path / "b.tar"
    path.write_bytes(tar_of((first, WASM), special("h.wasm", tarfile.LNKTYPE, first)))
    output = Output([str(path)], str(out), exclude=exclude)
    *_, item = output.find()
    assert isinstance(item, Item)
    with open_item(item) as source:
        assert (item.name, source.data) == (f"{path}!h.wasm", WASM)
    with pytest.raises(OutputError, match=why):
        output.put(item, WASM + ADDED)
    close_archive()
    assert not out.exists()


def test_a_hard_link_through_a_link_to_a_folder_is_refused_in_words_that_say_so(
    tmp_path: Path,
) -> None:
    """bsdtar does not unpack it, and GNU tar does."""
    links = special("l", tarfile.SYMTYPE, "d"), special("h", tarfile.LNKTYPE, "./l/b.wasm")
    (tmp_path / "a.tar").write_bytes(tar_of(("d/b.wasm", WASM), *links))
    *_, item = find([str(tmp_path)])
    assert isinstance(item, Refused)
    assert (item.error.code, "l is a link, which some readers" in str(item.error)) == (
        "NN005",
        True,
    )


@pytest.mark.parametrize(
    "kind", [tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE], ids=["link", "soft link", "folder"]
)
def test_a_member_with_a_size_for_data_that_its_kind_has_not_is_refused(
    kind: bytes, tmp_path: Path
) -> None:
    """Some readers skip so many bytes, in which others see members."""
    info = special("x", kind, "a")
    info.size = 1024
    (tmp_path / "a.tar").write_bytes(tar_of(("a", WASM), info, ("b", WASM)))
    assert found(tmp_path) == {"a.tar!a": WASM, "a.tar": "NN005"}


def test_a_folder_of_the_oldest_format_that_has_data_is_refused(tmp_path: Path) -> None:
    info = special("x.wasm/", tarfile.AREGTYPE)
    info.size = len(WASM)
    data = info.tobuf(tarfile.USTAR_FORMAT) + WASM.ljust(512, b"\0") + bytes(1024)
    (tmp_path / "a.tar").write_bytes(data)
    assert found(tmp_path) == {"a.tar": "NN005"}


def test_what_gnu_tar_writes_for_incremental_backups_has_its_own_names(tmp_path: Path) -> None:
    """Its headers have times where others have a part of the name."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.wasm").write_bytes(WASM)
    (tmp_path / "in" / "b").hardlink_to(tmp_path / "in" / "a.wasm")
    (tmp_path / "in" / "c").symlink_to("a.wasm")
    command = ["tar", "--listed-incremental=state", "-cf", "a.tar", "in"]
    subprocess.run(command, check=True, cwd=tmp_path)
    assert found(tmp_path, "a.tar") == {"a.tar!in/a.wasm": WASM, "a.tar!in/b": WASM}
