"""ZIP archives as many tools make them: handled byte for byte, or refused in words."""

from __future__ import annotations

import io
import struct
import subprocess
import zipfile
import zlib
from pathlib import Path
from typing import IO, cast

import pytest

from rewriter.trees.find import find
from rewriter.trees.item import Item, Refused, Unsearched
from tests.rewriter.trees.test_archives import tar_of, zip_of
from tests.support.trees import ADDED, WASM, found, rewritten

FILL = bytes(range(256)) * 40

MODULE = WASM + b"\0\x80\x50\1x" + FILL[:-2]


def members_of(path: Path) -> list[tuple[str, bytes]]:
    """By Python's zipfile, which checks every checksum."""
    with zipfile.ZipFile(path) as archive:
        return [(info.filename, archive.read(info)) for info in archive.infolist()]


def span_of(data: bytes, name: bytes) -> bytes:
    """A member's own header and its stored data."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        info = archive.getinfo(name.decode())
        end = info.header_offset + 30 + len(name) + len(info.extra) + info.compress_size
        return data[info.header_offset : end]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA], ids=["bzip2", "LZMA"])
def test_members_that_are_packed_in_other_ways_come_out_packed_so(
    method: int, tmp_path: Path
) -> None:
    data = zip_of(("m.wasm", MODULE), ("t.txt", FILL), ("n.wasm", MODULE), method=method)
    (tmp_path / "a.zip").write_bytes(data)
    assert found(tmp_path) == {"a.zip!m.wasm": MODULE, "a.zip!n.wasm": MODULE}
    out = tmp_path / "b.zip"
    assert rewritten([str(tmp_path / "a.zip")], str(out)) == []
    changed = MODULE + ADDED
    assert members_of(out) == [("m.wasm", changed), ("t.txt", FILL), ("n.wasm", changed)]
    with zipfile.ZipFile(out) as archive:
        assert {info.compress_type for info in archive.infolist()} == {method}
        assert all(info.compress_size < info.file_size for info in archive.infolist())
    assert span_of(data, b"t.txt") in out.read_bytes()


def test_bzip2_packs_in_blocks_of_the_same_size(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("m.wasm", MODULE, zipfile.ZIP_BZIP2, 3)
    assert rewritten([str(tmp_path / "a.zip")], str(tmp_path / "b.zip")) == []
    assert b"m.wasmBZh3" in (tmp_path / "b.zip").read_bytes()


@pytest.mark.parametrize(
    ("method", "name"),
    [(1, "Shrink"), (6, "Implode"), (9, "Deflate64"), (93, "Zstandard"), (95, "XZ"), (98, "PPMd")],
)
@pytest.mark.parametrize("packed", ["m.wasm", "t.txt"])
def test_a_method_that_is_not_read_is_named(
    method: int, name: str, packed: str, tmp_path: Path
) -> None:
    data = bytearray(zip_of(("m.wasm", WASM), ("t.txt", b"text")))
    for place in (data.index(packed.encode()) - 22, data.rindex(packed.encode()) - 36):
        data[place] = method
    path, out = tmp_path / "a.zip", tmp_path / "b.zip"
    path.write_bytes(data)
    refused = [item for item in find([str(path)]) if isinstance(item, Refused)]
    assert [str(item.error) for item in refused] == [
        f"cannot read {path}!{packed}: it is compressed by {name}, which is not read; "
        "make the archive again with deflate"
    ]
    assert (str(out), "NN002") in rewritten([str(path)], str(out))
    assert not out.exists()


class Pipe:
    """Takes bytes, and cannot go back."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> int:
        self.data += data
        return len(data)

    def flush(self) -> None:
        pass


@pytest.mark.parametrize("method", [0, 8, 12])
def test_sizes_that_follow_after_the_data_are_read(method: int, tmp_path: Path) -> None:
    pipe = Pipe()
    with zipfile.ZipFile(cast(IO[bytes], pipe), "w", method) as archive:
        archive.writestr("m.wasm", MODULE)
        archive.writestr("t.txt", FILL)
    (tmp_path / "a.zip").write_bytes(pipe.data)
    assert found(tmp_path) == {"a.zip!m.wasm": MODULE}
    assert rewritten([str(tmp_path / "a.zip")], str(tmp_path / "b.zip")) == []
    assert members_of(tmp_path / "b.zip") == [("m.wasm", MODULE + ADDED), ("t.txt", FILL)]
    assert span_of(pipe.data, b"t.txt") in (tmp_path / "b.zip").read_bytes()
    assert found(tmp_path, "b.zip") == {"b.zip!m.wasm": MODULE + ADDED}


def test_zeros_that_fill_the_last_block_of_a_pipe_are_kept(tmp_path: Path) -> None:
    """As bsdtar writes them."""
    data = zip_of(("m.wasm", MODULE), ("t.txt", FILL))
    (tmp_path / "a.zip").write_bytes(data + bytes(-len(data) % 10240))
    assert found(tmp_path) == {"a.zip!m.wasm": MODULE}
    assert rewritten([str(tmp_path / "a.zip")], str(tmp_path / "b.zip")) == []
    assert members_of(tmp_path / "b.zip") == [("m.wasm", MODULE + ADDED), ("t.txt", FILL)]
    assert (tmp_path / "b.zip").read_bytes().endswith(bytes(-len(data) % 10240))


BEFORE = b"#!/bin/sh\nexec unzip $0\n" + bytes(range(256))


@pytest.mark.parametrize("adjusted", [False, True], ids=["joined", "adjusted"])
def test_what_comes_before_an_archive_is_kept(adjusted: bool, tmp_path: Path) -> None:
    path, out = tmp_path / "a.zip", tmp_path / "b.zip"
    path.write_bytes(BEFORE + zip_of(("m.wasm", MODULE), ("t.txt", FILL), ("n", MODULE), method=8))
    if adjusted:
        subprocess.run(["zip", "-qA", "a.zip"], check=True, cwd=tmp_path)
    assert found(tmp_path) == {"a.zip!m.wasm": MODULE, "a.zip!n": MODULE}
    assert rewritten([str(path)], str(out)) == []
    changed = MODULE + ADDED
    assert members_of(out) == [("m.wasm", changed), ("t.txt", FILL), ("n", changed)]
    assert out.read_bytes().startswith(BEFORE + b"PK\3\4")
    assert subprocess.run(["unzip", "-tqq", out], capture_output=True).returncode <= 1  # a warning
    assert rewritten([str(path)], str(out), changes=lambda _: False) == []
    assert out.read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(zip_of(("x", WASM))[:-76], id="a member that is not in the directory"),
        pytest.param(bytes(262142) + zip_of(("x", WASM)), id="another zip, far behind"),
        pytest.param(b"PK\1\2" + bytes(42), id="a directory"),
        pytest.param(tar_of(("x", WASM)), id="a tar"),
        pytest.param(b"\x1f\x8b\x08", id="gzip"),
    ],
)
def test_what_others_would_read_before_an_archive_is_refused(before: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(before + zip_of(("m.wasm", WASM)))
    assert found(tmp_path) == {"a.zip": "NN005"}


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_a_module_with_the_name_of_an_archive_is_judged_and_a_warning_said(
    suffix: str, tmp_path: Path
) -> None:
    (tmp_path / f"a{suffix}").write_bytes(WASM)
    module, warning = find([str(tmp_path)])
    assert isinstance(module, Item)
    assert isinstance(warning, Unsearched)
    assert warning.diagnostic.code == "NN008"


NAMES = {
    "cp437": (b"\x81\x84.wasm", 0, b"", "üä.wasm"),
    "UTF-8 without a flag": ("ü.wasm".encode(), 0, b"", "ü.wasm"),
    "UTF-8": ("ü.wasm".encode(), 0x800, b"", "ü.wasm"),
    "Shift-JIS": (b"\x83\x65.wasm", 0, b"", "âe.wasm"),
    "a field with the name in UTF-8": (
        b"_.wasm",
        0,
        struct.pack("<HHBI", 0x7075, 5 + 7, 1, zlib.crc32(b"_.wasm")) + "ü.wasm".encode(),
        "ü.wasm",
    ),
    "a field about another name": (
        b"a.wasm",
        0,
        struct.pack("<HHBI", 0x7075, 5 + 6, 1, zlib.crc32(b"_.wasm")) + b"b.wasm",
        "a.wasm",
    ),
}


def with_name(name: bytes, flags: int, extra: bytes, data: bytes = WASM) -> bytes:
    """An archive with one member, made by hand."""
    sizes = zlib.crc32(data), len(data), len(data), len(name), len(extra)
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, flags, 0, 0, 33, *sizes) + name + extra
    record = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, flags, 0, 0, 33, *sizes, 0, 0, 0, 0, 0)
    record += name + extra
    start = len(local) + len(data)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, len(record), start, 0)
    return local + data + record + end


@pytest.mark.parametrize(("raw", "flags", "extra", "name"), NAMES.values(), ids=NAMES)
def test_names_are_shown_in_their_encoding_and_kept_as_bytes(
    raw: bytes, flags: int, extra: bytes, name: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(with_name(raw, flags, extra))
    assert found(tmp_path) == {f"a.zip!{name}": WASM}
    assert rewritten([str(path)], None) == []
    assert path.read_bytes() == with_name(raw, flags, extra, WASM + ADDED)


@pytest.mark.parametrize(
    ("raw", "flags", "extra", "said"),
    [
        pytest.param(b"\x81.wasm", 0x800, b"", {"a.zip": "NN005"}, id="not the UTF-8 it says"),
        pytest.param(b"../m", 0, b"", {"a.zip!../m": "NN006"}, id="up"),
        pytest.param(
            b"m",
            0,
            struct.pack("<HHBI", 0x7075, 9, 1, zlib.crc32(b"m")) + b"../m",
            {"a.zip!../m": "NN006"},
            id="up by the other name",
        ),
        pytest.param(
            b"../m",
            0,
            struct.pack("<HHBI", 0x7075, 6, 1, zlib.crc32(b"../m")) + b"m",
            {"a.zip!m": "NN006"},
            id="up but for the other name",
        ),
        pytest.param(b"m.wasm\0.txt", 0, b"", {"a.zip!m.wasm\0.txt": "NN005"}, id="a NUL"),
        pytest.param(b"", 0, b"", {"a.zip!": "NN006"}, id="no name"),
        pytest.param(b"m.wasm/", 0, b"", {"a.zip!m.wasm/": "NN005"}, id="a folder with data"),
    ],
)
def test_a_name_that_others_may_take_for_another_one_is_refused(
    raw: bytes, flags: int, extra: bytes, said: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "a.zip").write_bytes(with_name(raw, flags, extra))
    assert found(tmp_path) == said


@pytest.mark.parametrize(
    ("method", "stored"),
    [(0, 0), (8, 2)],
    ids=["stored", "deflated, as some tools do with nothing"],
)
def test_a_folder_without_data_is_no_trouble(method: int, stored: int, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("d.wasm/", b"", method)
        archive.writestr("m", WASM)
        assert archive.getinfo("d.wasm/").compress_size == stored
    assert found(tmp_path) == {"a.zip!m": WASM}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        pytest.param(30, ord("x"), id="name"),
        pytest.param(8, 8, id="method"),
        pytest.param(18, 7, id="stored size"),
        pytest.param(22, 9, id="size"),
        pytest.param(6, 8, id="whether sizes follow"),
    ],
)
def test_a_header_that_its_directory_contradicts_is_refused(
    place: int, value: int, tmp_path: Path
) -> None:
    """Readers of streams go by it."""
    data = bytearray(with_name(b"m", 0, b""))
    data[place] = value
    (tmp_path / "a.zip").write_bytes(data)
    assert found(tmp_path) == {"a.zip": "NN005"}


def test_a_folder_whose_size_hides_its_data_is_refused(tmp_path: Path) -> None:
    data = bytearray(with_name(b"m.wasm/", 0, b""))
    for place in (22, data.index(b"PK\1\2") + 24):
        data[place] = 0
    (tmp_path / "a.zip").write_bytes(data)
    assert found(tmp_path) == {"a.zip!m.wasm/": "NN005"}


def test_a_large_archives_end_that_its_other_end_contradicts_is_refused(tmp_path: Path) -> None:
    """Readers without ZIP64 would see another directory."""
    data = zip_of(("m", WASM))
    start, end = data.index(b"PK\1\2"), len(data) - 22
    numbers = 45, 45, 0, 0, 1, 1, end - start, start
    wide = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, *numbers)
    wide += struct.pack("<4sIQI", b"PK\6\7", 0, end, 1)
    (tmp_path / "a.zip").write_bytes(data[:end] + wide + data[end:])
    assert found(tmp_path) == {"a.zip!m": WASM}
    other = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, end - start, start - 1, 0)
    (tmp_path / "a.zip").write_bytes(data[:end] + wide + other)
    assert found(tmp_path) == {"a.zip": "NN005"}


GOOD_ZIP = zip_of(("a", WASM), ("b", b"text" * 99), method=8)


def with_count(count: int) -> bytes:
    data = bytearray(GOOD_ZIP)
    struct.pack_into("<HH", data, len(data) - 14, count, count)
    return bytes(data)


def without_record(number: int) -> bytes:
    """An archive with a member that its directory does not have, but readers of streams see."""
    data = zip_of(("a", WASM), ("b", WASM), ("c", WASM))
    start, end = data.index(b"PK\1\2"), len(data) - 22
    length = (end - start) // 3
    records = [data[start + length * place :][:length] for place in range(3) if place != number]
    ending = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 2, 2, 2 * length, start, 0)
    return data[:start] + b"".join(records) + ending


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"PK\3\4", id="four bytes"),
        pytest.param(GOOD_ZIP[:-1], id="cut off"),
        pytest.param(GOOD_ZIP + b"x", id="a byte after the end"),
        pytest.param(with_count(1), id="fewer members by the end than in the directory"),
        pytest.param(with_count(3), id="more members by the end than in the directory"),
        pytest.param(without_record(0), id="a hidden first member"),
        pytest.param(without_record(1), id="a hidden member"),
        pytest.param(without_record(2), id="a hidden last member"),
    ],
)
def test_a_damaged_zip_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    assert found(tmp_path) == {"a.zip": "NN005"}
