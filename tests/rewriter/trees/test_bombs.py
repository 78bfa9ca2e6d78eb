"""Archives that unpack to more than is allowed, or take memory or time, are refused early."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from rewriter.trees.find import find
from rewriter.trees.item import Refused
from tests.rewriter.trees.test_archives import tar_of, zip_of
from tests.support.trees import WASM, found

MiB = 1 << 20
MOST = 4 * MiB


def zeros_in_gzip(size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = packer.compress(WASM)
    for _ in range(size // MiB):
        packed += packer.compress(bytes(MiB))
    return packed + packer.flush()


def tar_bomb() -> bytes:
    return gzip.compress(tar_of(("a", WASM), ("zeros", bytes(64 * MiB)), ("b", WASM)))


def zip_bomb() -> bytes:
    return zip_of(("a", WASM), ("b", WASM + bytes(64 * MiB)), method=8)


def bzip2_bomb() -> bytes:
    """zipfile would unpack all of its few bytes at once."""
    return zip_of(("a", WASM), ("b", WASM + bytes(64 * MiB)), ("c", WASM), method=12)


def lzma_bomb() -> bytes:
    return zip_of(("a", WASM), ("b.txt", bytes(64 * MiB)), ("c", WASM), method=14)


def link_bomb() -> bytes:
    """A link whose record says that its target is short."""
    data = bytearray(zip_of(("l", bytes(64 * MiB)), mode=0o120777, method=12))
    for place in (22, data.index(b"PK\1\2") + 24):
        data[place : place + 4] = struct.pack("<I", 99)
    return bytes(data)


def many_in_zip() -> bytes:
    return zip_of(*((str(number), WASM + bytes(MiB)) for number in range(9)), method=8)


def overlapping() -> bytes:
    """Two records of the directory that mean the same member."""
    data = zip_of(("a", WASM))
    start, end = data.index(b"PK\1\2"), len(data) - 22
    record = data[start:end]
    ending = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 2, 2, 2 * len(record), start, 0)
    return data[:start] + record + record + ending


def header(kind: bytes, size: int) -> bytes:
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


def pax_of(record: bytes) -> bytes:
    return header(b"x", len(record)) + record + bytes(-len(record) % 512) + tar_of(("a", WASM))


def sparse_map() -> bytes:
    """Old GNU's, which goes on in block after block."""
    first = bytearray(header(b"S", 0))
    first[482] = 1
    first[148:156] = b" " * 8
    first[148:156] = b"%06o\0 " % sum(first)
    return bytes(first) + (b"00000000000\0" * 42 + b"\1" + bytes(7)) * 40_000


@pytest.mark.parametrize(
    ("name", "make", "expected"),
    [
        ("a.tgz", tar_bomb, {"a.tgz!a": WASM, "a.tgz": "NN007"}),
        ("a.zip", zip_bomb, {"a.zip!a": WASM, "a.zip": "NN007"}),
        ("a.zip", bzip2_bomb, {"a.zip!a": WASM, "a.zip": "NN007"}),
        ("a.zip", lzma_bomb, {"a.zip!a": WASM, "a.zip!c": WASM}),
        ("a.zip", link_bomb, {"a.zip!l": "NN005"}),
        ("a.wasm.gz", lambda: zeros_in_gzip(64 * MiB), {"a.wasm.gz": "NN007"}),
        ("a.tar", lambda: tar_of(("a", zeros_in_gzip(64 * MiB))), {"a.tar": "NN007"}),
        ("a.zip", lambda: zip_of(("a", zeros_in_gzip(64 * MiB))), {"a.zip": "NN007"}),
        ("a.zip", overlapping, {"a.zip": "NN005"}),
        ("a.tar", lambda: header(b"x", 1 << 32) + bytes(99), {"a.tar": "NN007"}),
        ("a.tar", lambda: header(b"L", 1 << 32) + bytes(99), {"a.tar": "NN007"}),
        ("a.tar", lambda: header(b"g", -512), {"a.tar": "NN007"}),
        ("a.tar", lambda: header(b"0", -1024), {"a.tar": "NN005"}),
        ("a.tar", lambda: header(b"L", 512) * 1500, {"a.tar": "NN005"}),
        ("a.tar", sparse_map, {"a.tar": "NN007"}),
        ("a.tar", lambda: pax_of(b"1" * 1_000_000), {"a.tar": "NN005"}),
        (
            "a.tar",
            lambda: pax_of(b"800024 GNU.sparse.map=" + b"1," * 400_000 + b"1\n"),
            {"a.tar": "NN005"},
        ),
        ("a.tgz", lambda: gzip.compress(bytes(64 * MiB)), {"a.tgz": "NN007"}),
    ],
    ids=[
        "zeros in a tar",
        "a large member of a zip",
        "a large member in few bytes",
        "a large member that is not a module",
        "a large target of a link",
        "a compressed module",
        "a compressed module in a tar",
        "a compressed module in a zip",
        "overlapping members",
        "a long header",
        "a long name",
        "a header of negative size",
        "a member of negative size",
        "long names of long names",
        "a map of holes without end",
        "digits for a slow pattern",
        "a map of holes in a header",
        "zeros after the end",
    ],
)
def test_bombs_are_refused_with_little_memory_and_time(
    name: str, make: Callable[[], bytes], expected: dict[str, str | bytes], tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(make())
    tracemalloc.start()
    start = time.process_time()
    try:
        assert found(tmp_path, max_unpacked=MOST) == expected
        assert tracemalloc.get_traced_memory()[1] < 10 * MOST
    finally:
        tracemalloc.stop()
    assert time.process_time() - start < 10


def test_all_modules_of_a_zip_are_limited_together(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(many_in_zip())
    names = found(tmp_path, max_unpacked=MOST)
    assert [name for name, data in names.items() if isinstance(data, bytes)] == [
        f"a.zip!{number}" for number in range(3)
    ]
    assert names["a.zip"] == "NN007"


def test_a_large_member_that_is_no_module_is_allowed_in_a_zip(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zip_of(("a", WASM), ("b", bytes(64 * MiB)), method=8))
    assert found(tmp_path, max_unpacked=MOST) == {"a.zip!a": WASM}


def test_a_directory_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(300):
            info = zipfile.ZipInfo(str(number))
            info.comment = bytes(60_000)
            archive.writestr(info, b"")
    (tmp_path / "a.zip").write_bytes(out.getvalue())
    (item,) = find([str(tmp_path)])
    assert isinstance(item, Refused)
    assert item.error.code == "NN007"


def test_a_member_larger_than_any_module_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rewriter.trees.archives.search.LARGEST_MODULE", 100)
    (tmp_path / "a.tar").write_bytes(tar_of(("a", WASM + bytes(100)), ("b", WASM)))
    assert found(tmp_path) == {"a.tar!a": "NN001", "a.tar!b": WASM}


def test_an_archive_of_too_many_members_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rewriter.trees.archives.tar.members.MOST", 2)
    (tmp_path / "a.tar").write_bytes(tar_of(("a", WASM), ("b", WASM), ("c", WASM)))
    assert found(tmp_path) == {"a.tar!a": WASM, "a.tar!b": WASM, "a.tar": "NN007"}
