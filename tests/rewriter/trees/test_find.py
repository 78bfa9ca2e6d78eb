"""Modules are found in files and folders by their bytes, and nothing is left out silently."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import socket
import sys
from pathlib import Path

import pytest

from rewriter.errors import InputError
from rewriter.trees.find import find
from rewriter.trees.item import Item
from rewriter.trees.names import read_names
from tests.support.trees import WASM, found

COMPONENT = b"\0asm\x0d\0\1\0"


def write(folder: Path, **files: bytes) -> None:
    for name, data in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def test_modules_and_components_are_known_by_their_bytes(tmp_path: Path) -> None:
    write(tmp_path, a_wasm=WASM, b=COMPONENT, c_txt=b"text", d_wat=b"(module)", e__f_dat=WASM)
    assert found(tmp_path) == {"a.wasm": WASM, "b": COMPONENT, "e/f.dat": WASM}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"", "NN101", id="empty"),
        pytest.param(b"\0as", "NN102", id="cut off in the magic"),
        pytest.param(b"text", "NN101", id="text"),
        pytest.param(b"(module)", "NN101", id="WebAssembly's text format"),
        pytest.param(b"version https://git-lfs.github.com/spec/v1", "NN101", id="a pointer"),
    ],
)
def test_a_file_with_a_modules_name_is_refused_if_it_is_something_else(
    data: bytes, code: str, tmp_path: Path
) -> None:
    (tmp_path / "a.WASM").write_bytes(data)
    assert found(tmp_path) == {"a.WASM": code}


def test_a_module_cut_off_in_its_header_is_handed_on_to_be_judged(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(WASM[:5])
    assert found(tmp_path) == {"a": WASM[:5]}


def test_names_come_in_the_order_of_their_bytes_with_hidden_files(tmp_path: Path) -> None:
    for name in (b"b.d/x", b"B", b".h", b"b-", b"\xff", b"\xc3\xa9", b"a\nb"):
        path = os.path.join(os.fsencode(tmp_path), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(os.fsdecode(path)).write_bytes(WASM)
    names = [os.fsencode(name) for name in found(tmp_path)]
    assert names == [b".h", b"B", b"a\nb", b"b-", b"b.d/x", b"\xc3\xa9", b"\xff"]


def test_git_is_left_out_as_a_folder_and_as_a_file(tmp_path: Path) -> None:
    write(tmp_path, a=WASM)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.wasm").write_bytes(WASM)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / ".git").write_bytes(WASM)
    assert found(tmp_path) == {"a": WASM}


def test_what_is_named_is_judged_whatever_it_is(tmp_path: Path) -> None:
    write(tmp_path, a_txt=b"text", b_txt=b"text")
    assert found(tmp_path, "a.txt", ".") == {"a.txt": b"text"}
    (item,) = find([str(tmp_path / "a.txt")])
    assert isinstance(item, Item)
    assert item.named


def test_a_file_that_is_named_and_found_comes_once(tmp_path: Path) -> None:
    write(tmp_path, d__a=WASM, d__b=WASM)
    assert list(found(tmp_path, "d/b", "d", "d/b", "d/../d")) == ["d/b", "d/a"]


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        ((), ["a.wasm", "d/a.wasm", "d/e/b"]),
        (("*.wasm",), ["d/e/b"]),
        (("d",), ["a.wasm"]),
        (("d/",), ["a.wasm", "d/a.wasm", "d/e/b"]),
        (("d/*.wasm",), ["a.wasm", "d/e/b"]),
        (("d/e",), ["a.wasm", "d/a.wasm"]),
        (("*/d/e/b",), ["a.wasm", "d/a.wasm"]),
    ],
)
def test_what_is_excluded_is_not_looked_at(
    patterns: tuple[str, ...], left: list[str], tmp_path: Path
) -> None:
    write(tmp_path, a_wasm=WASM, d__a_wasm=WASM, d__e__b=WASM)
    if patterns == ("d/",):  # a slash at the end says nothing more
        left = ["a.wasm"]
    assert list(found(tmp_path, exclude=patterns)) == left


def test_what_is_excluded_is_looked_at_if_it_is_named(tmp_path: Path) -> None:
    write(tmp_path, a_wasm=WASM)
    assert found(tmp_path, "a.wasm", exclude=("*.wasm",)) == {"a.wasm": WASM}


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*", ["a.wasm", "d/a.wasm", "d/e/b.wasm"]),
        ("*.wasm", ["a.wasm"]),
        ("**/*.wasm", ["a.wasm", "d/a.wasm", "d/e/b.wasm"]),
        ("d/**", ["d/a.wasm", "d/e/b.wasm"]),
        ("?/e", ["d/e/b.wasm"]),
        ("d/[a-c].wasm", ["d/a.wasm"]),
        ("./**/e/*", ["d/e/b.wasm"]),
    ],
)
def test_a_pattern_stands_for_files_and_for_what_is_in_folders(
    pattern: str, names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, a_wasm=WASM, d__a_wasm=WASM, d__e__b_wasm=WASM, d__t_txt=b"text")
    assert list(found(tmp_path, pattern)) == names
    monkeypatch.chdir(tmp_path)
    assert [os.path.normpath(item.name) for item in find([pattern])] == names


def test_a_pattern_that_matches_nothing_is_refused_and_a_files_own_name_is_no_pattern(
    tmp_path: Path,
) -> None:
    (tmp_path / "[a].wasm").write_bytes(WASM)
    names = found(tmp_path, "[a].wasm", "*.dat", "missing")
    assert names == {"[a].wasm": WASM, "*.dat": "NN001", "missing": "NN001"}


def test_a_pattern_ends_in_a_tree_with_links_that_lead_round(tmp_path: Path) -> None:
    write(tmp_path, a=WASM)
    for name in ("x", "y"):
        (tmp_path / name).symlink_to(".")
    assert found(tmp_path, "**/a") == {"a": WASM}


def test_links_are_looked_at_where_they_lead_to(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    write(tree, d__a=WASM)
    (tmp_path / "outside").write_bytes(WASM)
    (tree / "folder").symlink_to("d")
    (tree / "up").symlink_to("..")
    (tree / "file").symlink_to("d/a")
    (tree / "broken").symlink_to("nothing")
    (tree / "round").symlink_to("round")
    (tree / "out").symlink_to("../outside")
    (tree / "d" / "root").symlink_to("..")
    (tree / "zero").symlink_to("/dev/zero")
    assert found(tree) == {
        "broken": "NN001",
        "d/a": WASM,
        "out": "NN006",
        "round": "NN001",
        "up": "NN006",
        "zero": "NN006",
    }


def test_a_link_into_what_is_left_out_is_looked_at_itself(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "object").write_bytes(WASM)
    (tmp_path / "annexed").symlink_to(".git/object")
    (tmp_path / "folder").symlink_to(".git")
    assert found(tmp_path) == {"annexed": WASM, "folder": "NN001"}


def test_special_files_are_refused_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    os.symlink("pipe", tmp_path / "link")
    with socket.socket(socket.AF_UNIX) as listening:
        folder = os.open(tmp_path, os.O_RDONLY)
        listening.bind(f"/proc/self/fd/{folder}/socket")
        os.close(folder)
        assert found(tmp_path) == {"link": "NN001", "pipe": "NN001", "socket": "NN001"}


def test_what_vanishes_is_refused_by_whoever_opens_it(tmp_path: Path) -> None:
    write(tmp_path, a=WASM, b=WASM, c=WASM)
    names = []
    for item in find([str(tmp_path)]):
        (tmp_path / "b").unlink(missing_ok=True)
        (tmp_path / "c").unlink(missing_ok=True)
        names.append((Path(item.name).name, type(item).__name__))
    assert names == [("a", "Item"), ("b", "Refused"), ("c", "Refused")]


def test_a_compressed_module_is_found_whatever_its_name(tmp_path: Path) -> None:
    packed = gzip.compress(WASM)
    (tmp_path / "a").write_bytes(packed)
    (tmp_path / "b.wasm.gz").write_bytes(packed[:-3])
    (tmp_path / "c.wasm.gz").write_bytes(gzip.compress(b"text"))
    (tmp_path / "d.gz").write_bytes(gzip.compress(b"text"))
    (tmp_path / "e.wasm.gz").write_bytes(packed[:14])
    (tmp_path / "f.wasm.gz").write_bytes(packed + packed)
    (tmp_path / "g.wasm.gz").write_bytes(packed + b"x")
    (tmp_path / "h.wasm.gz").write_bytes(packed + bytes(1000))
    assert found(tmp_path) == {
        "a": WASM,
        "b.wasm.gz": "NN005",
        "c.wasm.gz": "NN101",
        "e.wasm.gz": "NN005",
        "f.wasm.gz": WASM + WASM,
        "g.wasm.gz": "NN005",
        "h.wasm.gz": WASM,
    }


def test_items_are_small_and_can_be_sent_to_another_process(tmp_path: Path) -> None:
    (tmp_path / "a.wasm").write_bytes(WASM + bytes(1 << 20))
    (item,) = find([str(tmp_path)])
    sent = pickle.dumps(item)
    assert pickle.loads(sent) == item
    assert len(sent) < 1000


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (b"a\nb c\n\n-\n", ["a", "b c", "./-"]),
        (b"a\r\nb", ["a", "b"]),
        (b"a\nb\0c\0", ["a\nb", "c"]),
        (b"\xff\n", ["\udcff"]),
        (b"a[1]*\n", ["a[[]1][*]"]),
        (b"", []),
    ],
)
def test_names_are_read_by_lines_or_by_nuls(
    data: bytes, names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "list").write_bytes(data)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert read_names(str(tmp_path / "list")) == read_names("-") == names


def test_a_name_in_a_list_is_not_a_pattern(tmp_path: Path) -> None:
    (tmp_path / "a[1]").write_bytes(WASM)
    (tmp_path / "b1").write_bytes(WASM)
    (tmp_path / "list").write_text(f"{tmp_path}/a[1]\n{tmp_path}/b[1]\n")
    items = list(find(read_names(str(tmp_path / "list"))))
    assert [type(item).__name__ for item in items] == ["Item", "Refused"]


def test_a_list_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_names(str(tmp_path / "list"))


def test_what_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without permissions, which the tests' user may not need."""
    write(tmp_path, a__x=WASM, b=WASM, c=WASM)
    scandir, opened = os.scandir, os.open

    def forbidden(path: str, *rest: int) -> None:
        if Path(path).name in ("a", "b"):
            raise PermissionError(13, "Permission denied", path)

    def listing(path: str) -> object:
        forbidden(path)
        return scandir(path)

    def opening(path: str, *rest: int) -> int:
        forbidden(path)
        return opened(path, *rest)

    monkeypatch.setattr(os, "scandir", listing)
    monkeypatch.setattr(os, "open", opening)
    items = [(Path(item.name).name, type(item).__name__) for item in find([str(tmp_path)])]
    assert items == [("a", "Refused"), ("b", "Refused"), ("c", "Item")]


def test_a_folder_that_is_reached_twice_is_looked_at_once(tmp_path: Path) -> None:
    write(tmp_path, d__a=WASM, d__e__b=WASM, c=WASM)
    paths = [str(tmp_path / name) for name in ("d/e", "d", ".")]
    assert [Path(item.name).name for item in find(paths)] == ["b", "a", "c"]
