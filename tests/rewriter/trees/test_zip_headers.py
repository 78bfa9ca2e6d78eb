"""A ZIP member's own header, and where its data end: refused, where readers take different ones."""

from __future__ import annotations

import bz2
import io
import struct
import tracemalloc
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.rewriter.trees.test_archives import zip_of
from tests.support.trees import WASM, found

MODULE = WASM + b"\0\5\1xabc"
SHORT, LONG, WIDE = len(WASM), len(MODULE), 0xFFFFFFFF
CRC = zlib.crc32(MODULE)


def field(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def wide(*numbers: int) -> bytes:
    """The extra field with numbers of 64 bits."""
    return field(1, struct.pack(f"<{len(numbers)}Q", *numbers))


def other_name(name: bytes) -> bytes:
    """The extra field with another name for `m`."""
    return field(0x7075, struct.pack("<BI", 1, zlib.crc32(b"m")) + name)


def zip_with(
    stored: bytes = MODULE,
    *,
    size: int = LONG,
    method: int = 0,
    flags: int = 0,
    extra: bytes = b"",
    local: tuple[int, int, int] | None = None,
    local_flags: int | None = None,
    local_extra: bytes = b"",
    after: bytes = b"",
) -> bytes:
    """An archive with one member, `m`, of the first bytes of MODULE. `local` are the CRC and the
    sizes that its own header says, `local_flags` its flags, if they are not those of its record."""
    numbers = zlib.crc32(MODULE[:size]), len(stored), size
    here = (numbers if local is None else local), (flags if local_flags is None else local_flags)
    data = struct.pack("<4s5H", b"PK\3\4", 45, here[1], method, 0, 33)
    data += struct.pack("<3I2H", *here[0], 1, len(local_extra)) + b"m" + local_extra
    data += stored + after
    record = struct.pack("<4s6H", b"PK\1\2", 45, 45, flags, method, 0, 33)
    record += struct.pack("<3I5H2I", *numbers, 1, len(extra), *[0] * 5) + b"m" + extra
    return data + record + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, len(record), len(data), 0)


BOTH = (CRC, WIDE, WIDE)
FOLLOW = (0, 0, 0)

CONTRADICTIONS = {
    "checksum": zip_with(local=(CRC + 1, LONG, LONG)),
    "encrypted": zip_with(local_flags=1),
    "sizes of 64 bits": zip_with(local=BOTH, local_extra=wide(SHORT, SHORT)),
    "a stored size of 64 bits": zip_with(local=(CRC, WIDE, LONG), local_extra=wide(LONG, SHORT)),
    "sizes of 64 bits that are missing": zip_with(local=BOTH),
    "sizes of 64 bits, which nothing says": zip_with(local_extra=wide(SHORT, SHORT)),
    "sizes of 64 bits, which nothing says, in the directory": zip_with(extra=wide(SHORT, SHORT)),
    "two fields with sizes": zip_with(
        local=BOTH, local_extra=wide(LONG, LONG) + wide(SHORT, SHORT)
    ),
    "a field with another name": zip_with(local_extra=other_name(b"n")),
    "a field with another name than that of the directory": zip_with(
        extra=other_name(b"n"), local_extra=other_name(b"o")
    ),
    "two fields with names": zip_with(extra=other_name(b"n") + other_name(b"o")),
    "sizes although they follow": zip_with(flags=8, local=(CRC, SHORT, SHORT)),
    "checksum although it follows": zip_with(flags=8, local=(CRC + 1, 0, 0)),
    "other sizes after the data": zip_with(
        flags=8, local=FOLLOW, after=struct.pack("<4s3I", b"PK\7\x08", CRC, SHORT, SHORT)
    ),
    "something else after the data": zip_with(flags=8, local=FOLLOW, after=bytes(16)),
}


@pytest.mark.parametrize("data", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_header_that_contradicts_the_directory_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    assert found(tmp_path) == {"a.zip": "NN005"}


HONEST = {
    "nothing else": zip_with(),
    "sizes of 64 bits": zip_with(local=BOTH, local_extra=wide(LONG, LONG)),
    "sizes after the data": zip_with(
        flags=8, local=FOLLOW, after=struct.pack("<4s3I", b"PK\7\x08", CRC, LONG, LONG)
    ),
    "sizes after the data, without a mark": zip_with(
        flags=8, local=FOLLOW, after=struct.pack("<3I", CRC, LONG, LONG)
    ),
    "sizes of 64 bits after the data": zip_with(
        flags=8,
        local=(0, WIDE, WIDE),
        local_extra=wide(0, 0),
        after=struct.pack("<4sI2Q", b"PK\7\x08", CRC, LONG, LONG),
    ),
}


@pytest.mark.parametrize("data", HONEST.values(), ids=HONEST)
def test_a_header_that_says_the_same_in_another_way_is_read(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    assert found(tmp_path) == {"a.zip!m": MODULE}
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None


def test_a_name_that_only_the_directory_has_in_another_encoding_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zip_with(extra=other_name(b"n")))
    assert found(tmp_path) == {"a.zip!n": MODULE}


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def packed_by_lzma(data: bytes) -> bytes:
    """With a mark at the end."""
    whole = zip_of(("m", data), method=14)
    return whole[31 : whole.index(b"PK\1\2")]


@pytest.mark.parametrize(
    ("method", "flags", "stored"),
    [
        pytest.param(0, 0, MODULE, id="stored"),
        pytest.param(8, 0, deflated(MODULE), id="deflate"),
        pytest.param(12, 0, bz2.compress(MODULE), id="bzip2"),
        pytest.param(14, 2, packed_by_lzma(MODULE), id="LZMA"),
        pytest.param(8, 0, deflated(WASM) + b"x", id="a byte after deflate"),
        pytest.param(8, 0, deflated(WASM) + bytes(9999), id="many bytes after deflate"),
        pytest.param(12, 0, bz2.compress(WASM) + bz2.compress(MODULE), id="another bzip2"),
        pytest.param(14, 2, packed_by_lzma(WASM) + b"x", id="a byte after LZMA"),
        pytest.param(14, 0, packed_by_lzma(WASM) + bytes(9999), id="many bytes after LZMA"),
        pytest.param(8, 0, deflated(WASM)[:-1], id="deflate without its end"),
    ],
)
def test_data_that_do_not_end_where_their_size_says_are_refused(
    method: int, flags: int, stored: bytes, tmp_path: Path
) -> None:
    """Readers that unpack all see another module."""
    data = zip_with(stored, size=SHORT, method=method, flags=flags)
    (tmp_path / "a.zip").write_bytes(data)
    assert found(tmp_path) == {"a.zip!m": "NN005"}


@pytest.mark.parametrize("method", [8, 12, 14])
def test_data_that_go_on_for_long_after_their_size_are_not_unpacked(
    method: int, tmp_path: Path
) -> None:
    zeros = zip_of(("m", WASM + bytes(1 << 24)), method=method)
    stored = zeros[31 : zeros.index(b"PK\1\2")]
    data = zip_with(stored, size=SHORT, method=method, flags=2 * (method == 14))
    (tmp_path / "a.zip").write_bytes(data)
    tracemalloc.start()
    try:
        assert found(tmp_path) == {"a.zip!m": "NN005"}
        assert tracemalloc.get_traced_memory()[1] < 1 << 22
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("exclude", [(), ("t.bin",)], ids=["looked at", "excluded"])
@pytest.mark.parametrize("method", [0, 8])
def test_a_member_in_the_data_of_another_is_refused_where_sizes_follow(
    method: int, exclude: tuple[str, ...], tmp_path: Path
) -> None:
    """Readers of streams see it, such as bsdtar's and Java's."""
    text = bytes(range(256)) * 40
    packed = deflated(text) if method else text
    hidden = zip_of(("hidden.wasm", WASM))[: 30 + 11 + SHORT]
    stored = packed + struct.pack("<4s3I", b"PK\7\x08", zlib.crc32(text), len(packed), len(text))
    stored += hidden
    whole = text if method else stored
    numbers = zlib.crc32(whole), len(stored), len(whole)
    data = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 8, method, 0, 33, 0, 0, 0, 5, 0) + b"t.bin"
    data += stored + struct.pack("<4s3I", b"PK\7\x08", *numbers)
    record = struct.pack("<4s6H", b"PK\1\2", 20, 20, 8, method, 0, 33)
    record += struct.pack("<3I5H2I", *numbers, 5, *[0] * 6) + b"t.bin"
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, len(record), len(data), 0)
    (tmp_path / "a.zip").write_bytes(data + record + end)
    assert found(tmp_path, exclude=exclude) == {"a.zip": "NN005"}


class Pipe(io.RawIOBase):
    """Takes bytes, and cannot go back."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.data += bytes(data)
        return len(data)


@pytest.mark.parametrize("method", [0, 8, 12, 14])
def test_an_archive_in_an_archive_whose_sizes_follow_hides_nothing(
    method: int, tmp_path: Path
) -> None:
    inner, outer = Pipe(), Pipe()
    for pipe, name, data in ((inner, "m.wasm", WASM), (outer, "t.bin", b"text" * 999)):
        with zipfile.ZipFile(pipe, "w", method) as archive:
            archive.writestr(name, data + inner.data)
            archive.writestr("other.wasm", MODULE)
    assert b"PK\7\x08" in inner.data
    (tmp_path / "a.zip").write_bytes(outer.data)
    assert found(tmp_path) == {"a.zip!other.wasm": MODULE}
