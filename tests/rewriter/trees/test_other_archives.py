"""Other archives, and modules compressed in other ways, are not looked into, which is said."""

from __future__ import annotations

import bz2
import gzip
import lzma
import subprocess
import zlib
from pathlib import Path

import pytest

from tests.rewriter.trees.test_archives import tar_of, zip_of
from tests.support.trees import WASM, found

NAMES = (
    *("a.whl", "a.JAR", "a.tar.xz", "a.tzst", "a.deb", "a.wasm.br", "a.wasm.zst", "a.wasm.lz4"),
    *("a.wasm.lzma", "a.WASM.gz.gz", "a.tar.lzma", "a.tar.Z", "a.pyz", "a.iso", "a.cpio"),
)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_looked_into_is_said(name: str, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / name).write_bytes(b"and so on")
    (tmp_path / "tree/guest.wasm").write_bytes(WASM)
    (tmp_path / "tree/model.pt").write_bytes(b"PK\x03\x04 a model")
    (tmp_path / "tree/libcore.rlib").write_bytes(b"!<arch>\n")
    (tmp_path / "tree/libc.a").write_bytes(b"!<arch>\n")
    assert found(tmp_path, "tree") == {f"tree/{name}": "NN008", "tree/guest.wasm": WASM}


def old_tar() -> bytes:
    """A tar as from before the magic, by its format in Python, with another sum."""
    data = bytearray(tar_of(("a.wasm", WASM)))
    data[257:512] = bytes(255)
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    return bytes(data)


CPIO = b"070701" + b"0" * 104 + b"a.wasm\0"
LZ4 = bytes.fromhex("04224d18 60 40 82 08000080") + WASM + bytes(4)
"""A frame whose only block is not compressed."""

ARCHIVES = {
    "zip": zip_of(("a.wasm", WASM)),
    "tar": tar_of(("a.wasm", WASM)),
    "tar.gz": gzip.compress(tar_of(("a.wasm", WASM))),
    "bz2": bz2.compress(WASM),
    "xz": lzma.compress(WASM),
    "zst": bytes.fromhex("28b52ffd2008410000") + WASM,
    "zst after a frame that is skipped": bytes.fromhex("502a4d18 00000000 28b52ffd"),
    "lzma": lzma.compress(WASM * 9, lzma.FORMAT_ALONE),
    "zlib": zlib.compress(WASM),
    "zlib with a tar": zlib.compress(tar_of(("a.wasm", WASM))),
    "gzip in gzip": gzip.compress(gzip.compress(WASM)),
    "gzip in zlib": zlib.compress(gzip.compress(WASM)),
    "lz4": LZ4,
    "lz4 in gzip": gzip.compress(LZ4),
    "ar": b"!<arch>\na.wasm/         0           0     0     100644  8         `\n" + WASM,
    "cpio": CPIO,
    "tar without a magic": old_tar(),
}
"""Each with a module in it, or that could be."""


@pytest.mark.parametrize("data", ARCHIVES.values(), ids=ARCHIVES)
def test_an_archive_by_another_name_is_said(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    for name in ("package.vsix", "package"):
        (tmp_path / "tree" / name).write_bytes(data)
    (tmp_path / "a.tar").write_bytes(tar_of(("package.vsix", data)))
    (tmp_path / "b.zip").write_bytes(zip_of(("package.vsix", data)))
    assert found(tmp_path, "tree") == dict.fromkeys(("tree/package.vsix", "tree/package"), "NN008")
    for archive in ("a.tar", "b.zip"):
        assert found(tmp_path, archive) == {f"{archive}!package.vsix": "NN008"}


def test_the_oldest_format_of_gnu_tar_is_known(tmp_path: Path) -> None:
    (tmp_path / "a.wasm").write_bytes(WASM)
    command = ["tar", "--format=v7", "-cf", "tree/package", "a.wasm"]
    (tmp_path / "tree").mkdir()
    subprocess.run(command, check=True, cwd=tmp_path)
    assert b"ustar" not in (tmp_path / "tree/package").read_bytes()
    assert found(tmp_path, "tree") == {"tree/package": "NN008"}


OTHERS = [
    *(b"text\n" * 999, b"070701 is a number\n", b"x^2\n" * 200, b"x\x01\0\0" * 200),
    *(bytes(4096), b"]\0\0\0" + bytes(99), b"\x7fELF\2\1\1" + bytes(999)),
    *(b"\x89PNG\r\n\x1a\n" + zlib.compress(bytes(99)), zlib.compress(b"text" * 99)),
    *(gzip.compress(b"text"), b"a" * 148 + b"0007777\0" + b"a" * 400, b"LZIPPER\n"),
]


@pytest.mark.parametrize("data", OTHERS, ids=range(len(OTHERS)))
def test_other_files_are_left_alone(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    for name in ("a", "a.txt", "a.gz", "a.o", "wasm.lz4.txt"):
        (tmp_path / "tree" / name).write_bytes(data)
    (tmp_path / "a.tar").write_bytes(tar_of(("a", data)))
    assert found(tmp_path) == {}
