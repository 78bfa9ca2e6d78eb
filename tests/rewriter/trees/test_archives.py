"""Modules are found in what GNU tar, Info-ZIP and Python make; hostile archives are refused."""

from __future__ import annotations

import gzip
import io
import os
import stat
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from rewriter.errors import InputError
from rewriter.trees.find import find
from rewriter.trees.item import Item, Refused
from rewriter.trees.opening import close_archive, open_item
from tests.support.trees import WASM, found

MiB = 1 << 20

SPARSE = WASM + bytes(3 * MiB) + b"end"


def make_tree(folder: Path) -> Path:
    tree = folder / "tree"
    (tree / ("d" * 120)).mkdir(parents=True)
    (tree / "a.wasm").write_bytes(WASM)
    (tree / ("d" * 120) / ("é" * 60)).write_bytes(WASM)
    (tree / "t.txt").write_bytes(b"text")
    (tree / "hard").hardlink_to(tree / "a.wasm")
    (tree / "soft").symlink_to("a.wasm")
    with (tree / "holes.wasm").open("wb") as file:
        file.write(SPARSE[:8])
        file.seek(len(SPARSE) - 3)
        file.write(b"end")
    return tree


@pytest.mark.parametrize(
    "options",
    [
        ["--format=gnu"],
        ["--format=pax"],
        ["--format=oldgnu", "--sparse"],
        ["--format=gnu", "--sparse"],
        ["--format=pax", "--sparse", "--sparse-version=0.0"],
        ["--format=pax", "--sparse", "--sparse-version=0.1"],
        ["--format=pax", "--sparse", "--sparse-version=1.0"],
        ["--format=pax", "--pax-option=comment=x,globexthdr.name=g,mtime=1"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tgz"])
def test_members_of_what_gnu_tar_makes_are_found(
    options: list[str], suffix: str, tmp_path: Path
) -> None:
    tree = make_tree(tmp_path)
    archive = tmp_path / f"all{suffix}"
    command = ["tar", *options, "--sort=name", "-caf", str(archive), "-C", str(tree), "."]
    subprocess.run(command, check=True)
    assert found(tmp_path, archive.name) == {
        f"all{suffix}!{name}": data
        for name, data in (
            ("./a.wasm", WASM),
            (f"./{'d' * 120}/{'é' * 60}", WASM),
            ("./holes.wasm", SPARSE),
            ("./hard", WASM),
        )
    }


@pytest.mark.parametrize("options", [[], ["-0"], ["-9"], ["-Z", "bzip2"], ["-fz"], ["-y"]], ids=str)
def test_members_of_what_info_zip_makes_are_found(options: list[str], tmp_path: Path) -> None:
    make_tree(tmp_path)
    names = [os.path.relpath(path, tmp_path) for path in (tmp_path / "tree").rglob("*")]
    zipped = ["zip", "-q", *options, "all.zip", "-@"]
    subprocess.run(zipped, check=True, cwd=tmp_path, input="\n".join(sorted(names)).encode())
    expected = {
        "all.zip!tree/a.wasm": WASM,
        f"all.zip!tree/{'d' * 120}/{'é' * 60}": WASM,
        "all.zip!tree/hard": WASM,
        "all.zip!tree/holes.wasm": SPARSE,
    }
    if options != ["-y"]:
        expected["all.zip!tree/soft"] = WASM
    assert found(tmp_path, "all.zip") == expected


def test_members_of_a_zip_that_was_written_to_a_pipe_are_found(tmp_path: Path) -> None:
    make_tree(tmp_path)
    with (tmp_path / "all.zip").open("wb") as out:
        command = ["sh", "-c", "zip -q -r - tree/a.wasm tree/holes.wasm | cat"]
        subprocess.run(command, check=True, cwd=tmp_path, stdout=out)
    names = {"all.zip!tree/a.wasm": WASM, "all.zip!tree/holes.wasm": SPARSE}
    assert found(tmp_path) == {**names, "tree/hard": WASM} | found(tmp_path, "tree") | names


def tar_of(*members: tuple[str, bytes] | tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1]))
    return out.getvalue()


def special(name: str, kind: bytes, linkname: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, linkname
    return info


def zip_of(*members: tuple[str, bytes], mode: int = 0, method: int = 0) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name)
            info.external_attr, info.compress_type = mode << 16, method
            archive.writestr(info, data)
    return out.getvalue()


UNSAFE_NAMES = ["../a", "/a", "x/../../a", "..\\a", "\\a", "C:\\a", "a/.."]


@pytest.mark.parametrize("name", UNSAFE_NAMES)
@pytest.mark.parametrize("make", [tar_of, zip_of])
def test_a_name_that_leads_out_of_the_archive_is_refused(
    make: Callable[..., bytes], name: str, tmp_path: Path
) -> None:
    suffix = ".tar" if make is tar_of else ".zip"
    (tmp_path / f"a{suffix}").write_bytes(make((name, WASM), ("b", WASM)))
    assert found(tmp_path) == {f"a{suffix}!{name}": "NN006", f"a{suffix}!b": WASM}


@pytest.mark.parametrize(
    ("member", "code"),
    [
        pytest.param(special("d/l", tarfile.SYMTYPE, "../../x"), "NN006", id="a link out"),
        pytest.param(special("l", tarfile.SYMTYPE, "/etc/passwd"), "NN006", id="an absolute link"),
        pytest.param(special("l", tarfile.LNKTYPE, "x"), "NN006", id="a hard link to outside"),
        pytest.param(special("l", tarfile.LNKTYPE, "../x"), "NN006", id="a hard link up"),
        pytest.param(special("l", b"M"), "NN005", id="the rest of a file in another volume"),
        pytest.param(special("l", tarfile.CHRTYPE), "NN001", id="a device"),
        pytest.param(special("l", tarfile.BLKTYPE), "NN001", id="a disk"),
        pytest.param(special("l", tarfile.FIFOTYPE), "NN001", id="a pipe"),
    ],
)
def test_a_member_of_a_tar_that_is_not_safe_is_refused(
    member: tarfile.TarInfo, code: str, tmp_path: Path
) -> None:
    (tmp_path / "a.tar").write_bytes(tar_of(member, ("b", WASM)))
    assert found(tmp_path) == {f"a.tar!{member.name}": code, "a.tar!b": WASM}


@pytest.mark.parametrize(
    ("mode", "data", "code"),
    [
        (stat.S_IFLNK | 0o777, b"../../x", "NN006"),
        (stat.S_IFLNK | 0o777, b"/etc", "NN006"),
        (stat.S_IFLNK | 0o777, b"x" * 5000, "NN006"),
        (stat.S_IFCHR, b"", "NN001"),
        (stat.S_IFIFO, b"", "NN001"),
    ],
)
def test_a_member_of_a_zip_that_is_not_safe_is_refused(
    mode: int, data: bytes, code: str, tmp_path: Path
) -> None:
    (tmp_path / "a.zip").write_bytes(zip_of(("d/l", data), mode=mode))
    assert found(tmp_path) == {"a.zip!d/l": code}


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(WASM)
    subprocess.run(["zip", "-q", "-P", "secret", "a.zip", "a"], check=True, cwd=tmp_path)
    assert found(tmp_path, "a.zip") == {"a.zip!a": "NN005"}


def test_an_unknown_kind_of_compression_is_refused(tmp_path: Path) -> None:
    data = bytearray(zip_of(("a", WASM)))
    for place in (8, data.index(b"PK\1\2") + 10):
        data[place] = 99
    (tmp_path / "a.zip").write_bytes(data)
    assert found(tmp_path) == {"a.zip!a": "NN005"}


def test_members_with_one_name_are_all_looked_at(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tar_of(("a", WASM), ("a", WASM + b"\0\1\0")))
    sizes = []
    for item in find([str(tmp_path)]):
        assert isinstance(item, Item)
        with open_item(item) as source:
            sizes.append(len(source.data))
    assert sizes == [8, 11]


def test_an_archive_in_an_archive_is_said_and_a_compressed_module_in_one_is_found(
    tmp_path: Path,
) -> None:
    members = [("i.zip", b"PK"), ("i.tgz", gzip.compress(b"x")), ("m.wasm.gz", gzip.compress(WASM))]
    members += [("x", gzip.compress(WASM)), ("y.wasm.gz", gzip.compress(b"x")), ("z.wasm", b"x")]
    members += [("c.wasm.gz", gzip.compress(WASM)[:-1])]
    codes: dict[str, str | bytes] = {"i.zip": "NN008", "i.tgz": "NN008", "m.wasm.gz": WASM}
    codes |= {"x": WASM, "y.wasm.gz": "NN101", "z.wasm": "NN101", "c.wasm.gz": "NN005"}
    (tmp_path / "a.tar").write_bytes(tar_of(*members))
    (tmp_path / "b.zip").write_bytes(zip_of(*members))
    (tmp_path / "c.tgz").write_bytes(gzip.compress(tar_of(*members)))
    for archive in ("a.tar", "b.zip", "c.tgz"):
        assert found(tmp_path, archive) == {f"{archive}!{name}": codes[name] for name in codes}


def test_what_is_excluded_in_an_archive_is_not_looked_at(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tar_of(("../x", WASM), ("d/y", WASM), ("z", WASM)))
    assert found(tmp_path, exclude=("x", "*/a.tar!d/*")) == {"a.tar!z": WASM}


def pax(records: bytes) -> bytes:
    """An extended header."""
    info = special("x", tarfile.XHDTYPE)
    info.size = len(records)
    return info.tobuf(tarfile.USTAR_FORMAT) + records + bytes(-len(records) % 512)


def test_a_name_with_a_nul_in_it_is_refused(tmp_path: Path) -> None:
    """Some readers of a tar end it there."""
    data = pax(b"20 path=a.wasm\0.txt\n") + tar_of(("x", b"text"))
    (tmp_path / "a.tar").write_bytes(data)
    assert found(tmp_path) == {"a.tar!a.wasm\0.txt": "NN005"}


GOOD_TAR = tar_of(("a", WASM), ("b", bytes(600)), ("c", WASM))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"text" * 200, id="text"),
        pytest.param(GOOD_TAR[:100], id="cut off in the first header"),
        pytest.param(GOOD_TAR[:515], id="cut off in data"),
        pytest.param(GOOD_TAR[:1024], id="cut off after a member"),
        pytest.param(GOOD_TAR[:1500], id="cut off in a header"),
        pytest.param(GOOD_TAR[:2000], id="cut off in a member that is no module"),
        pytest.param(GOOD_TAR[:1024] + b"x" * 512 + GOOD_TAR[1536:], id="a damaged header"),
        pytest.param(GOOD_TAR + GOOD_TAR, id="another archive after the end"),
        pytest.param(GOOD_TAR[:1024] + bytes(512) + GOOD_TAR[1024:], id="a hole of zeros"),
        pytest.param(pax(b"30 GNU.sparse.map=0,1\n") + GOOD_TAR, id="a record of a wrong length"),
        pytest.param(pax(b"99 size=1\n") + GOOD_TAR, id="a record that is too long"),
        pytest.param(pax(b"10 size:11\n") + GOOD_TAR, id="a record without a value"),
        pytest.param(tar_of(special("x" * 200, tarfile.REGTYPE))[:1024], id="half a long name"),
    ],
)
@pytest.mark.parametrize("suffix", [".tar", ".tgz"])
def test_a_damaged_tar_never_looks_like_a_shorter_one(
    data: bytes, suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(gzip.compress(data) if suffix == ".tgz" else data)
    assert found(tmp_path)[path.name] == "NN005"


def test_a_damaged_member_is_refused_when_it_is_read(tmp_path: Path) -> None:
    data = zip_of(("a", WASM + b"\0\4\1xab"))
    (tmp_path / "a.zip").write_bytes(data.replace(b"xab", b"xAb"))
    assert found(tmp_path) == {"a.zip!a": "NN005"}


@pytest.mark.parametrize(
    ("name", "data", "what"),
    [
        ("a.tar", b"PK\3\4" + bytes(600), "a ZIP archive, not a tar archive; unpack it with unzip"),
        ("a.tar", b"", "the file is empty; make it again"),
        ("a.tgz", tar_of(("a", WASM)), "a tar archive, not compressed with gzip; unpack it"),
        (
            "a.zip",
            b"\xfd7zXZ\0" + bytes(99),
            "compressed with xz, not a ZIP archive; decompress it",
        ),
    ],
)
def test_what_its_name_takes_for_another_archive_is_named(
    name: str, data: bytes, what: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(data)
    (item,) = find([str(tmp_path)])
    assert isinstance(item, Refused)
    assert (item.error.code, what in str(item.error)) == ("NN005", True)


def test_an_archive_that_changes_meanwhile_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(GOOD_TAR)
    item = next(find([str(path)]))
    path.write_bytes(GOOD_TAR + bytes(512))
    assert isinstance(item, Item)
    close_archive()
    with pytest.raises(InputError, match="it has changed"), open_item(item):
        pass


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 1, 0)])
@pytest.mark.parametrize("suffix", [".tar", ".tgz", ".zip"])
def test_members_are_opened_in_any_order(
    order: tuple[int, ...], suffix: str, tmp_path: Path
) -> None:
    members = [
        (str(number), WASM + bytes([0, 1 + number, 0]) + bytes(number)) for number in range(3)
    ]
    data = zip_of(*members) if suffix == ".zip" else tar_of(*members)
    (tmp_path / f"a{suffix}").write_bytes(gzip.compress(data) if suffix == ".tgz" else data)
    items = list(find([str(tmp_path)]))
    for number in order:
        item = items[number]
        assert isinstance(item, Item)
        with open_item(item) as source:
            assert source.data == members[number][1]
