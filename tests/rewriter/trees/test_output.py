"""Trees and archives come out with changed modules, and are the same otherwise."""

from __future__ import annotations

import gzip
import os
import stat
import struct
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from rewriter.errors import OutputError
from rewriter.trees.item import Item
from rewriter.trees.output import Output
from tests.rewriter.trees.test_archives import make_tree, special, tar_of, zip_of
from tests.support.trees import ADDED, WASM, found, rewritten

OLD = 1_500_000_000_123_456_789


def state(folder: Path) -> dict[str, tuple[object, ...]]:
    """Of each file: its mode, and its time and content, or where a link leads to."""
    files: dict[str, tuple[object, ...]] = {}
    for path in sorted(folder.rglob("*")):
        name, status = str(path.relative_to(folder)), path.lstat()
        if path.is_symlink():
            files[name] = (os.readlink(path),)
        elif path.is_dir():
            files[name] = (stat.S_IMODE(status.st_mode),)
        else:
            files[name] = stat.S_IMODE(status.st_mode), status.st_mtime_ns, path.read_bytes()
    return files


def tree_with_all_kinds(folder: Path) -> Path:
    tree = make_tree(folder)
    (tree / "t.txt").chmod(0o640)
    (tree / "empty").mkdir(mode=0o750)
    (tree / "read-only").mkdir()
    (tree / "read-only" / "m").write_bytes(WASM)
    (tree / "read-only").chmod(0o555)
    (tree / "a\nb").write_bytes(b"x")
    (tree / "folder").symlink_to("empty")
    os.utime(tree / "t.txt", ns=(OLD, OLD))
    return tree


def test_a_tree_is_the_same_except_for_its_modules(tmp_path: Path) -> None:
    tree = tree_with_all_kinds(tmp_path)
    before = state(tree)
    (tree / ".git").mkdir()
    out = tmp_path / "out" / "deep"
    assert rewritten([str(tree)], str(out)) == []
    assert not (out / ".git").exists()
    (tree / ".git").rmdir()
    assert state(tree) == before
    after = state(out)
    assert list(after) == list(before)
    for name, had in before.items():
        data = had[-1]
        if isinstance(data, bytes) and data.startswith(WASM):
            assert after[name][-1] == data + ADDED
        else:
            assert after[name] == had


def test_a_module_that_stays_as_it_is_is_copied_and_one_that_failed_is_not(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a").write_bytes(WASM)
    (tree / "b").write_bytes(WASM)
    os.utime(tree / "a", ns=(OLD, OLD))
    output = Output([str(tree)], str(tmp_path / "out"))
    for item in output.find():
        assert isinstance(item, Item)
        if item.name.endswith("a"):
            output.keep(item)
        else:
            output.fail(item)
    assert list(output.finish()) == []
    assert state(tmp_path / "out") == {"a": (0o644, OLD, WASM)}


def test_what_is_excluded_is_copied_as_it_is(tmp_path: Path) -> None:
    tree = make_tree(tmp_path)
    (tree / "out").symlink_to("/etc")
    out = tmp_path / "out"
    assert rewritten([str(tree)], str(out), exclude=("*.wasm", "hard", "soft", "d*", "out")) == []
    assert state(out) == state(tree)


def test_what_cannot_be_looked_at_is_not_copied(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    os.mkfifo(tree / "pipe")
    (tree / "link").symlink_to("/etc/passwd")
    (tree / "bad.wasm").write_bytes(b"text")
    wrong = rewritten([str(tree)], str(tmp_path / "out"))
    assert [code for _, code in wrong] == ["NN101", "NN006", "NN001"]
    assert state(tmp_path / "out") == {}


@pytest.mark.parametrize("place", ["", "tree"])
def test_a_tree_is_written_in_place(place: str, tmp_path: Path) -> None:
    tree = tree_with_all_kinds(tmp_path)
    before = state(tree)
    assert rewritten([str(tree)], str(tmp_path / place) if place else None) == []
    after = state(tree)
    changed = [name for name in before if before[name] != after[name]]
    assert changed == ["a.wasm", f"{'d' * 120}/{'é' * 60}", "hard", "holes.wasm", "read-only/m"]


TARS = {
    "gnu": ["--format=gnu"],
    "gnu with holes": ["--format=gnu", "--sparse", "--exclude=holes.wasm"],
    "ustar": ["--format=ustar", "--exclude=d*"],
    "v7": ["--format=v7", "--exclude=d*"],
    "pax": ["--format=pax", "--pax-option=comment=x,globexthdr.name=g"],
    "owners": ["--owner=someone:1234567", "--group=others:7654321"],
}


def listed(archive: Path) -> list[str]:
    """By GNU tar, which says nothing on standard error."""
    done = subprocess.run(
        ["tar", "--full-time", "-tvvf", archive], check=True, capture_output=True, text=True
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize("options", TARS.values(), ids=TARS)
@pytest.mark.parametrize("suffix", [".tar", ".tar.gz"])
def test_a_tar_of_gnu_tar_comes_out_with_changed_modules_only(
    options: list[str], suffix: str, tmp_path: Path
) -> None:
    tree = make_tree(tmp_path)
    with (tree / "disk").open("wb") as file:
        file.truncate(1 << 20)
    archive, out = tmp_path / f"all{suffix}", tmp_path / f"out{suffix}"
    command = ["tar", *options, "--sort=name", "-caf", str(archive), "-C", str(tree), "."]
    subprocess.run(command, check=True, capture_output=True)
    assert rewritten([str(archive)], str(out)) == []
    before, after = listed(archive), listed(out)
    assert len(before) == len(after)
    with tarfile.open(archive) as one, tarfile.open(out) as two:
        for had, has, line, new in zip(one, two, before, after, strict=True):
            for field in ("name", "mode", "uid", "gid", "mtime", "type", "linkname", "uname"):
                assert getattr(had, field) == getattr(has, field)
            assert had.pax_headers == has.pax_headers
            if not had.isreg():
                assert line == new
                continue
            data, content = one.extractfile(had), two.extractfile(has)
            assert data is not None
            assert content is not None
            old = data.read()
            assert content.read() == (old + ADDED if old.startswith(WASM) else old)
    (tmp_path / "x").mkdir()
    subprocess.run(["tar", "-xf", out, "-C", tmp_path / "x"], check=True)
    assert (tmp_path / "x" / "a.wasm").read_bytes() == WASM + ADDED
    assert (tmp_path / "x" / "hard").stat().st_ino == (tmp_path / "x" / "a.wasm").stat().st_ino


@pytest.mark.parametrize("options", [[], ["-0"], ["-9"], ["-X"], ["-fz"], ["-y"]], ids=str)
def test_a_zip_of_info_zip_comes_out_with_changed_modules_only(
    options: list[str], tmp_path: Path
) -> None:
    make_tree(tmp_path)
    zipped = ["zip", "-qr", *options, "all.zip", "tree"]
    subprocess.run(zipped, check=True, cwd=tmp_path)
    subprocess.run(["zip", "-qz", "all.zip"], check=True, cwd=tmp_path, input=b"a comment")
    archive, out = tmp_path / "all.zip", tmp_path / "out.zip"
    assert rewritten([str(archive)], str(out)) == []
    subprocess.run(["unzip", "-tqq", out], check=True)
    subprocess.run(["zipinfo", "-v", out], check=True, capture_output=True)
    with zipfile.ZipFile(archive) as one, zipfile.ZipFile(out) as two:
        assert one.comment == two.comment == b"a comment"
        assert [info.filename for info in one.infolist()] == [i.filename for i in two.infolist()]
        for had, has in zip(one.infolist(), two.infolist(), strict=True):
            for field in ("compress_type", "date_time", "external_attr", "create_system"):
                assert getattr(had, field) == getattr(has, field)
            old, new = one.read(had), two.read(has)
            assert new == (old + ADDED if old.startswith(WASM) else old)
            if old == new:
                assert (had.flag_bits, had.extra) == (has.flag_bits, has.extra)
    assert found(tmp_path, "out.zip").keys() == {
        name.replace("all", "out") for name in found(tmp_path, "all.zip")
    }


def test_a_zip_that_was_written_to_a_pipe_comes_out_right(tmp_path: Path) -> None:
    make_tree(tmp_path)
    with (tmp_path / "all.zip").open("wb") as out:
        command = ["sh", "-c", "zip -q -r - tree/holes.wasm tree/t.txt tree/a.wasm | cat"]
        subprocess.run(command, check=True, cwd=tmp_path, stdout=out)
    assert rewritten([str(tmp_path / "all.zip")], None) == []
    subprocess.run(["unzip", "-tqq", tmp_path / "all.zip"], check=True)
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert archive.read("tree/a.wasm") == WASM + ADDED
        assert archive.read("tree/t.txt") == b"text"


def with_wide_numbers(data: bytes) -> bytes:
    """The same archive, as one that is larger than 4 GiB says where its members are."""
    start, end = data.index(b"PK\1\2"), len(data) - 22
    directory, position = b"", start
    while position < end:
        (length,) = struct.unpack_from("<H", data, position + 28)
        (offset,) = struct.unpack_from("<I", data, position + 42)
        extra = struct.pack("<HHQ", 1, 8, offset)
        directory += data[position : position + 30] + struct.pack("<H", len(extra))
        directory += data[position + 32 : position + 42] + b"\xff" * 4
        directory += data[position + 46 : position + 46 + length] + extra
        position += 46 + length
    count = struct.unpack_from("<H", data, end + 10)[0]
    size = len(directory)
    wide = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, start)
    wide += struct.pack("<4sIQI", b"PK\6\7", 0, start + size, 1)
    ending = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 2**32 - 1, 2**32 - 1, 0)
    return data[:start] + directory + wide + ending


def test_an_archive_with_wide_numbers_keeps_them(tmp_path: Path) -> None:
    members = [("a", WASM), ("b", b"text"), ("c", WASM), ("d", b"text")]
    path, out = tmp_path / "a.zip", tmp_path / "b.zip"
    path.write_bytes(with_wide_numbers(zip_of(*members)))
    assert rewritten([str(path)], str(out)) == []
    subprocess.run(["unzip", "-tqq", out], check=True)
    with zipfile.ZipFile(out) as archive:
        assert [archive.read(info) for info in archive.infolist()] == [
            data + ADDED if data == WASM else data for _, data in members
        ]
        assert [len(info.extra) for info in archive.infolist()] == [0, 12, 0, 12]


def test_a_compressed_module_comes_out_compressed_under_the_same_header(tmp_path: Path) -> None:
    (tmp_path / "m.wasm").write_bytes(WASM)
    subprocess.run(["gzip", "-k", "m.wasm"], check=True, cwd=tmp_path)
    path, out = tmp_path / "m.wasm.gz", tmp_path / "out.wasm.gz"
    head = path.read_bytes()[:17]
    assert head.endswith(b"m.wasm\0")
    assert rewritten([str(path)], str(out)) == []
    subprocess.run(["gzip", "-t", out], check=True)
    assert out.read_bytes().startswith(head)
    assert gzip.decompress(out.read_bytes()) == WASM + ADDED


@pytest.mark.parametrize("suffix", [".tar", ".tgz", ".zip"])
def test_a_compressed_module_in_an_archive_stays_compressed(suffix: str, tmp_path: Path) -> None:
    flags = struct.pack("<HBBH", 0x8B1F, 8, 4 | 8 | 16, 0)
    head = flags + b"\0\0\2\3" + struct.pack("<H", 3) + b"abc" + b"name\0" + b"comment\0"
    packed = head + gzip.compress(WASM)[10:]
    make = zip_of if suffix == ".zip" else tar_of
    data = make(("m.gz", packed), ("x", b"x"))
    path, out = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    path.write_bytes(gzip.compress(data) if suffix == ".tgz" else data)
    assert rewritten([str(path)], str(out)) == []
    assert found(tmp_path, out.name) == {f"{out.name}!m.gz": WASM + ADDED}
    whole = out.read_bytes()
    assert head in (gzip.decompress(whole) if suffix == ".tgz" else whole)


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".zip"])
def test_the_same_input_gives_the_same_bytes(suffix: str, tmp_path: Path) -> None:
    members = [("a", WASM), ("b", b"text" * 9999), ("c", WASM)]
    data = zip_of(*members, method=8) if suffix == ".zip" else tar_of(*members)
    path = tmp_path / f"a{suffix}"
    path.write_bytes(gzip.compress(data) if suffix == ".tar.gz" else data)
    for name in ("b", "c"):
        assert rewritten([str(path)], str(tmp_path / f"{name}{suffix}")) == []
    assert (tmp_path / f"b{suffix}").read_bytes() == (tmp_path / f"c{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".zip", ".wasm.gz"])
def test_what_does_not_change_comes_out_byte_for_byte(suffix: str, tmp_path: Path) -> None:
    data = zip_of(("a", WASM)) if suffix == ".zip" else tar_of(("a", WASM), ("b", b"x"))
    data = {".tar.gz": gzip.compress(data), ".wasm.gz": gzip.compress(WASM)}.get(suffix, data)
    path, out = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    path.write_bytes(data)
    assert rewritten([str(path)], str(out), changes=lambda _: False) == []
    assert out.read_bytes() == data


@pytest.mark.parametrize("suffix", [".tar", ".zip"])
@pytest.mark.parametrize("in_place", [False, True])
def test_an_archive_is_not_written_if_something_in_it_failed(
    suffix: str, in_place: bool, tmp_path: Path
) -> None:
    make = zip_of if suffix == ".zip" else tar_of
    path = tmp_path / f"a{suffix}"
    target = path if in_place else tmp_path / f"b{suffix}"
    for members in ((("a", WASM), ("../b", b"")), (("a", WASM), ("b.wasm", b"x"))):
        path.write_bytes(make(*members))
        wrong = rewritten([str(path)], str(target))
        assert [code for _, code in wrong][-1] == "NN002"
        assert path.read_bytes() == make(*members)
        assert os.listdir(tmp_path) == [path.name]
    path.write_bytes(make(("a", WASM), ("b", WASM)))
    output = Output([str(path)], str(target))
    for item in output.find():
        assert isinstance(item, Item)
        if item.name.endswith("a"):
            output.put(item, WASM + ADDED)
        else:
            output.fail(item)
    (refused,) = output.finish()
    assert isinstance(refused.error, OutputError)
    assert path.read_bytes() == make(("a", WASM), ("b", WASM))
    assert os.listdir(tmp_path) == [path.name]


def test_a_module_with_holes_in_a_tar_is_refused_if_it_changes(tmp_path: Path) -> None:
    make_tree(tmp_path)
    command = ["tar", "--sparse", "-cf", "a.tar", "tree/holes.wasm"]
    subprocess.run(command, check=True, cwd=tmp_path)
    path, out = tmp_path / "a.tar", tmp_path / "b.tar"
    assert rewritten([str(path)], str(out)) == [(str(out), "NN002")]
    assert not out.exists()
    assert rewritten([str(path)], str(out), changes=lambda _: False) == []
    assert out.read_bytes() == path.read_bytes()


def test_links_in_a_tar_stay(tmp_path: Path) -> None:
    links = special("d/l", tarfile.SYMTYPE, "../b"), special("h", tarfile.LNKTYPE, "b")
    path = tmp_path / "a.tar"
    path.write_bytes(tar_of(("b", WASM), *links))
    assert rewritten([str(path)], None) == []
    with tarfile.open(path) as archive:
        assert [member.linkname for member in archive] == ["", "../b", "b"]


def test_members_that_are_done_in_any_order_come_out_in_the_archives(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(tar_of(*((str(number), WASM) for number in range(4))))
    output = Output([str(path)], None)
    items = list(output.find())
    for number in (2, 0, 3, 1):
        item = items[number]
        assert isinstance(item, Item)
        output.put(item, WASM + bytes([0, 1, 0]) * number)
    assert list(output.finish()) == []
    sizes = [len(data) for data in found(tmp_path).values()]
    assert sizes == [8, 11, 14, 17]
