"""Headers of a tar that say twice what a member is: refused, where readers take different ones."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.rewriter.trees.test_archives import SPARSE, special
from tests.support.trees import WASM, found


def block(name: str, data: bytes, kind: bytes = b"0", *, size: int | None = None) -> bytes:
    """A header and its data; `size` is what the header says, if that is something else."""
    info = special(name, kind)
    info.size = len(data) if size is None else size
    return info.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % 512)


def record(key: str, value: str) -> bytes:
    """With its length before it, which counts itself."""
    rest = f" {key}={value}\n".encode()
    length = len(rest) + 1
    while len(str(length)) + len(rest) != length:
        length += 1
    return str(length).encode() + rest


def extended(kind: bytes, *records: tuple[str, str]) -> bytes:
    return block("x", b"".join(record(*each) for each in records), kind)


FIRST = block("first", WASM)
MEMBER = block("a.wasm", WASM + bytes(1000))
END = bytes(1024)


@pytest.mark.parametrize(
    "key",
    [
        "size",
        "path",
        "linkpath",
        "GNU.sparse.size",
        "GNU.sparse.realsize",
        "GNU.sparse.name",
        "GNU.sparse.numblocks",
        "SCHILY.realsize",
        "GNU.volume.size",
        "SUN.holesdata",
    ],
)
@pytest.mark.parametrize("before", [b"", FIRST], ids=["at the start", "later"])
def test_records_for_all_members_about_their_data_or_names_are_refused(
    key: str, before: bytes, tmp_path: Path
) -> None:
    """tarfile takes `size` after it looked for the next member; bsdtar and 7-Zip take none."""
    data = before + extended(b"g", ("comment", "x"), (key, "8")) + MEMBER + END
    (tmp_path / "a.tar").write_bytes(data)
    assert found(tmp_path).pop("a.tar") == "NN005"


CONTRADICTIONS = {
    "another size": [("size", "8")],
    "a size that is not a number": [("size", "+1008")],
    "no size": [("size", "")],
    "two sizes": [("size", "8"), ("size", "1008")],
    "two names": [("path", "t.txt"), ("path", "a.wasm")],
    "only a size with holes": [("GNU.sparse.size", "8")],
    "only another size with holes": [("GNU.sparse.realsize", "8")],
    "only a name with holes": [("GNU.sparse.name", "t.txt")],
    "holes whose data are less than is stored": [
        ("GNU.sparse.size", "8"),
        ("GNU.sparse.numblocks", "1"),
        ("GNU.sparse.offset", "0"),
        ("GNU.sparse.numbytes", "8"),
    ],
    "holes whose data are more than is stored": [
        ("GNU.sparse.size", "2000"),
        ("GNU.sparse.numblocks", "1"),
        ("GNU.sparse.name", "a.wasm"),
        ("GNU.sparse.map", "0,2000"),
    ],
    "holes whose data overlap": [
        ("GNU.sparse.size", "1008"),
        ("GNU.sparse.numblocks", "2"),
        ("GNU.sparse.name", "a.wasm"),
        ("GNU.sparse.map", "0,508,500,500"),
    ],
    "holes of a later version": [
        ("GNU.sparse.major", "2"),
        ("GNU.sparse.minor", "0"),
        ("GNU.sparse.name", "a.wasm"),
        ("GNU.sparse.realsize", "1008"),
    ],
    "another size before it was packed": [("SCHILY.realsize", "8")],
    "a part of another volume": [("GNU.volume.filename", "a.wasm")],
}


@pytest.mark.parametrize("records", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
@pytest.mark.parametrize("before", [b"", FIRST], ids=["at the start", "later"])
def test_records_of_a_member_that_contradict_its_header_are_refused(
    records: list[tuple[str, str]], before: bytes, tmp_path: Path
) -> None:
    (tmp_path / "a.tar").write_bytes(before + extended(b"x", *records) + MEMBER + END)
    said = {"a.tar!first": WASM} if before else {}
    assert found(tmp_path) == {**said, "a.tar": "NN005"}


LONG, OTHER = b"n" * 120 + b"\0", b"m" * 120 + b"\0"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(block("x", LONG, b"L") + block("x", OTHER, b"L"), id="two long names"),
        pytest.param(block("x", LONG, b"K") + block("x", OTHER, b"K"), id="two long targets"),
        pytest.param(
            extended(b"x", ("mtime", "1")) + extended(b"x", ("mtime", "1")), id="two with records"
        ),
        pytest.param(
            extended(b"x", ("mtime", "1")) + extended(b"X", ("mtime", "1")), id="also of Solaris"
        ),
        pytest.param(block("x", LONG, b"L") + extended(b"x", ("path", "a")), id="both kinds"),
        pytest.param(block("x", LONG, b"L") + extended(b"g", ("mtime", "1")), id="one for all"),
    ],
)
def test_two_headers_for_one_thing_are_refused(headers: bytes, tmp_path: Path) -> None:
    """bsdtar takes the last of two long names, tarfile the first."""
    (tmp_path / "a.tar").write_bytes(FIRST + headers + MEMBER + END)
    assert found(tmp_path) == {"a.tar!first": WASM, "a.tar": "NN005"}


@pytest.mark.parametrize("size", [0, 1008], ids=["none", "the same"])
def test_a_size_in_records_is_taken_where_the_header_has_none_or_the_same(
    size: int, tmp_path: Path
) -> None:
    """As files of 8 GiB or more have it, and all that some writers make."""
    module = WASM + bytes(1000)
    data = extended(b"x", ("size", "1008")) + block("a.wasm", module, size=size) + FIRST + END
    (tmp_path / "a.tar").write_bytes(data)
    assert found(tmp_path) == {"a.tar!a.wasm": module, "a.tar!first": WASM}
    listed = subprocess.run(["tar", "-tf", tmp_path / "a.tar"], check=True, capture_output=True)
    assert listed.stdout.split() == [b"a.wasm", b"first"]


@pytest.mark.parametrize("version", ["0.0", "0.1", "1.0"])
def test_files_with_holes_and_long_names_of_gnu_tar_have_their_own_names(
    version: str, tmp_path: Path
) -> None:
    """After the name, GNU tar writes another one, for readers that do not know of holes."""
    name = "n" * 120
    with (tmp_path / name).open("wb") as file:
        file.write(SPARSE[:8])
        file.seek(len(SPARSE) - 3)
        file.write(b"end")
    options = ["--format=pax", "--sparse", f"--sparse-version={version}"]
    subprocess.run(["tar", *options, "-cf", "a.tar", name], check=True, cwd=tmp_path)
    assert found(tmp_path, "a.tar") == {f"a.tar!{name}": SPARSE}
