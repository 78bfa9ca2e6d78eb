"""What patterns leave out, and what links lead to in there."""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from rewriter.errors import OutputError
from rewriter.trees.find import find
from rewriter.trees.item import Item
from rewriter.trees.output import Output
from tests.rewriter.trees.test_archives import special, tar_of, zip_of
from tests.support.trees import ADDED, WASM, found, rewritten


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(WASM)


@pytest.mark.parametrize("pattern", ["d", "d/", "d/**", "./d/*", "d/e", "e", "*/e", "*.wasm"])
@pytest.mark.parametrize("before", ["", "./"])
def test_a_pattern_leaves_out_the_same_of_a_folder_and_of_an_archive(
    pattern: str, before: str, tmp_path: Path
) -> None:
    files = ("a", "d/a.wasm", "d/e/b", "f/d2", "f/e/c")
    write(tmp_path / "tree", *files)
    members = [(before + name, WASM) for name in files]
    (tmp_path / "a.tar").write_bytes(tar_of(*members))
    (tmp_path / "a.tgz").write_bytes(gzip.compress(tar_of(*members)))
    (tmp_path / "a.zip").write_bytes(zip_of(*members))
    left = [name.removeprefix("tree/") for name in found(tmp_path, "tree", exclude=(pattern,))]
    assert 0 < len(left) < len(files)
    for archive in ("a.tar", "a.tgz", "a.zip"):
        names = found(tmp_path, archive, exclude=(pattern,))
        assert list(names) == [f"{archive}!{before}{name}" for name in left]


def test_an_absolute_pattern_is_about_where_a_file_really_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "t/v/a", "t/b", "v/c")
    (tmp_path / "t/x.tar").write_bytes(tar_of(("v/a", WASM), ("./w", WASM)))
    (tmp_path / "link").symlink_to("t")
    patterns = (f"{tmp_path}/t/v/*", f"{tmp_path}/t/x.tar!v")
    monkeypatch.chdir(tmp_path / "t")
    for start in (str(tmp_path / "t"), str(tmp_path / "link"), ".", "../link"):
        names = [item.name.removeprefix(f"{start}/") for item in find([start], exclude=patterns)]
        assert names == ["b", "x.tar!./w"]
    assert found(tmp_path, "v", exclude=patterns) == {"v/c": WASM}


LINKS: dict[str, tuple[dict[str, str], dict[str, str | bytes]]] = {
    "a file": ({"use": "v/a.wasm"}, {"use": WASM}),
    "a file, by a chain that is excluded": ({"use": "v/l", "v/l": "a.wasm"}, {"use": WASM}),
    "a file, through a folder": ({"use": "w/a.wasm", "w": "o"}, {"use": WASM}),
    "files that are not modules": (
        {"use.wasm": "v/t.txt", "use.txt": "v/t.txt"},
        {"use.wasm": "NN101"},
    ),
    "a folder with what is excluded": ({"use": "v"}, {"use": "NN001"}),
    "a folder above what is excluded": ({"use": "."}, {"use": "NN001"}),
    "a folder whose files are excluded behind the link, too": ({"use": "o"}, {}),
    "a folder with nothing that is excluded": ({"use": "in"}, {}),
    "a link that is excluded": ({"v/use": "a.wasm"}, {}),
}
"""Links, and what is found by them."""

EXCLUDE = ("v/**", "*/n.wasm", "o/a.wasm", "w/a.wasm")
FILES = ("v/a.wasm", "v/t.txt", "in/b.wasm", "o/n.wasm")


def tree_and_archives(links: dict[str, str], folder: Path) -> None:
    """The same files and links as a folder `f` and as archives."""
    files = [(name, b"text" if name.endswith(".txt") else WASM) for name in FILES]
    if "w" in links:
        files.append(("o/a.wasm", WASM))
    write(folder / "f", *(name for name, _ in files))
    (folder / "f/v/t.txt").write_bytes(b"text")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, target in links.items():
            (folder / "f" / name).symlink_to(target)
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, target)
        for name, data in files:
            archive.writestr(name, data)
    (folder / "a.zip").write_bytes(packed.getvalue())
    members = (special(name, tarfile.SYMTYPE, target) for name, target in links.items())
    (folder / "a.tar").write_bytes(tar_of(*members, *files))
    (folder / "a.tgz").write_bytes(gzip.compress((folder / "a.tar").read_bytes()))


@pytest.mark.parametrize(("links", "expected"), LINKS.values(), ids=LINKS)
def test_a_link_to_what_is_excluded_is_looked_at_by_its_own_name(
    links: dict[str, str], expected: dict[str, str | bytes], tmp_path: Path
) -> None:
    tree_and_archives(links, tmp_path)
    for name in ("f", "a.tar", "a.tgz", "a.zip"):
        said = found(tmp_path, name, exclude=EXCLUDE)
        assert {each[len(name) + 1 :]: what for each, what in said.items()} == {
            "in/b.wasm": WASM,
            **expected,
        }, name


def test_a_hard_link_to_a_link_to_what_is_excluded_is_looked_at(tmp_path: Path) -> None:
    soft = special("l", tarfile.SYMTYPE, "v/a")
    data = tar_of(soft, special("h.wasm", tarfile.LNKTYPE, "l"), ("v/a", WASM))
    (tmp_path / "a.tar").write_bytes(data)
    said = found(tmp_path, exclude=("v", "l"))
    assert said == {"a.tar!h.wasm": WASM}


def test_a_rewrite_makes_a_file_of_a_link_to_what_is_excluded(tmp_path: Path) -> None:
    tree, out = tmp_path / "f", tmp_path / "out"
    tree_and_archives({"use": "v/a.wasm", "same": "v/a.wasm", "text": "v/t.txt"}, tmp_path)
    out.mkdir()
    (out / "v").mkdir()
    (out / "use").symlink_to("v/a.wasm")  # of an output that was made without this

    def changes(name: str) -> bool:
        return not name.endswith("same")

    assert rewritten([str(tree)], str(out), exclude=EXCLUDE, changes=changes) == []
    assert not (out / "use").is_symlink()
    assert (out / "use").read_bytes() == WASM + ADDED
    assert (out / "v/a.wasm").read_bytes() == WASM
    assert [os.readlink(out / name) for name in ("same", "text")] == ["v/a.wasm", "v/t.txt"]


@pytest.mark.parametrize("name", ["f", "f/*"])
def test_what_is_excluded_is_not_rewritten_in_place_through_a_link(
    name: str, tmp_path: Path
) -> None:
    tree_and_archives({"use": "v/a.wasm"}, tmp_path)
    wrong = rewritten([str(tmp_path / name)], None, exclude=EXCLUDE)
    assert wrong == [(str(tmp_path / "f/use"), "NN001")]
    assert (tmp_path / "f/v/a.wasm").read_bytes() == WASM
    assert (tmp_path / "f/use").is_symlink()


@pytest.mark.parametrize("name", ["a.tar", "a.tgz", "a.zip"])
def test_an_archive_is_not_written_if_a_link_to_what_is_excluded_had_to_change(
    name: str, tmp_path: Path
) -> None:
    tree_and_archives({"use": "v/a.wasm"}, tmp_path)
    out = tmp_path / f"out{name}"
    output = Output([str(tmp_path / name)], str(out), exclude=EXCLUDE)
    for item in output.find():
        assert isinstance(item, Item)
        if not item.name.endswith("use"):
            output.keep(item)
            continue
        with pytest.raises(OutputError, match=r"it is a link to v/a\.wasm, which is excluded"):
            output.put(item, WASM + ADDED)
    assert len(list(output.finish())) == 1
    assert not out.exists()


def test_a_pattern_takes_a_link_to_what_is_excluded(tmp_path: Path) -> None:
    tree_and_archives({"use.wasm": "v/a.wasm"}, tmp_path)
    expected = {"f/in/b.wasm": WASM, "f/use.wasm": WASM}
    assert found(tmp_path, "f/**/*.wasm", exclude=EXCLUDE) == expected
