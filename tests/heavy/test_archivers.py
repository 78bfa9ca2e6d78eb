"""Archives that libarchive, 7-Zip and Info-ZIP make come out the same but for their modules, by the
same programs' own readers."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.trees import ADDED, WASM, found, rewritten

MAKERS = {
    "bsdtar, ustar": ("bsdtar --format ustar -cf a.tar in", "a.tar"),
    "bsdtar, pax": ("bsdtar --format pax -cf a.tar in", "a.tar"),
    "bsdtar, v7": ("bsdtar --format v7 --exclude link -cf a.tar in", "a.tar"),
    "bsdtar, gzip": ("bsdtar -czf a.tgz in", "a.tgz"),
    "bsdtar, zip": ("bsdtar --format zip -cf a.zip in", "a.zip"),
    "bsdtar, zip to a pipe": ("bsdtar --format zip -cf - in | cat > a.zip", "a.zip"),
    "bsdtar, large zip": ("bsdtar --format zip --options zip:zip64 -cf a.zip in", "a.zip"),
    "bsdcpio": ("find in | bsdcpio --quiet -o -H ustar > a.tar", "a.tar"),
    "7-Zip, tar": ("7zz a -ttar -snl -snh a.tar in", "a.tar"),
    "7-Zip, zip": ("7zz a -tzip -snl a.zip in", "a.zip"),
    "7-Zip, bzip2": ("7zz a -tzip -mm=bzip2 -snl a.zip in", "a.zip"),
    "7-Zip, LZMA": ("7zz a -tzip -mm=lzma -snl a.zip in", "a.zip"),
    "Info-ZIP": ("zip -qry a.zip in", "a.zip"),
    "Info-ZIP, to a pipe": ("zip -qr - in -x in/d/link | cat > a.zip", "a.zip"),
    "Info-ZIP, bzip2": ("zip -qry -Z bzip2 a.zip in", "a.zip"),
    "unpacks itself": ("zip -qry b.zip in && cat /usr/bin/unzipsfx b.zip > a.zip", "a.zip"),
    "unpacks itself, adjusted": (
        "zip -qry b.zip in && cat /usr/bin/unzipsfx b.zip > a.zip && zip -qA a.zip",
        "a.zip",
    ),
}

READERS = {
    ".tar": ("tar -xf {} -C {}", "bsdtar -xf {} -C {}", "7zz x {} -snl -o{}"),
    ".tgz": ("tar -xf {} -C {}", "bsdtar -xf {} -C {}"),
    ".zip": ("bsdtar -xf {} -C {}", "7zz x {} -snl -o{}"),
}


def unpacked(reader: str, archive: Path, folder: Path) -> dict[str, tuple[object, ...]]:
    """Of each file: its mode, time and content, or where a link leads to."""
    folder.mkdir()
    subprocess.run(reader.format(archive, folder).split(), check=True, stdout=subprocess.DEVNULL)
    contents: dict[str, tuple[object, ...]] = {}
    for path in sorted(folder.rglob("*")):
        name, status = str(path.relative_to(folder)), path.lstat()
        if path.is_symlink():
            contents[name] = (os.readlink(path),)
        elif path.is_file():
            contents[name] = status.st_mode, int(status.st_mtime), path.read_bytes()
        else:
            contents[name] = (status.st_mode,)
    return contents


@pytest.mark.parametrize(("command", "name"), MAKERS.values(), ids=MAKERS)
def test_an_archive_of_others_comes_out_the_same_but_for_its_modules(
    command: str, name: str, tmp_path: Path
) -> None:
    tree = tmp_path / "in"
    (tree / "d").mkdir(parents=True)
    module = WASM + b"\0\x81\x20\1x" + bytes(4095)
    (tree / "a.wasm").write_bytes(module)
    (tree / "d" / "second").hardlink_to(tree / "a.wasm")
    (tree / "d" / "link").symlink_to("second")  # 7-Zip takes ".." for an attack
    (tree / "d" / "empty").write_bytes(b"")
    (tree / "d" / "ü.txt").write_bytes(b"text" * 999)
    for path in tree.rglob("*.*"):
        os.utime(path, (1_500_000_000, 1_500_000_000))
    make = ["sh", "-c", f"({command}) > log"]
    subprocess.run(make, check=True, cwd=tmp_path, env={**os.environ, "LC_ALL": "C.UTF-8"})
    archive, out = tmp_path / name, tmp_path / f"out-{name}"
    modules = {f"{name}!in/{each}": module for each in ("a.wasm", "d/second")}
    assert found(tmp_path, name) == modules
    assert rewritten([str(archive)], str(out)) == []
    for index, reader in enumerate(READERS[archive.suffix]):
        before = unpacked(reader, archive, tmp_path / f"before-{index}")
        after = unpacked(reader, out, tmp_path / f"after-{index}")
        changed = {each for each in before if before[each] != after.get(each)}
        assert (after.keys(), changed) == (before.keys(), {"in/a.wasm", "in/d/second"})
        for each in changed:
            *rest, data = before[each]
            assert (data, after[each]) == (module, (*rest, module + ADDED))
