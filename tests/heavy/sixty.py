"""A folder as builds leave it: 60 files of all kinds."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import tarfile
import zipfile
from pathlib import Path

from rewriter import RewriteOptions, rewrite
from tests.support.wasm import assemble, custom

__all__ = ["make"]

SAMPLES = Path(__file__).resolve().parents[2] / "samples"

PLAIN = '(module (memory (export "memory") 1) (func (export "_start")))'
GLOBAL = """(module
  (import "wasi_ephemeral_nn" "compute" (func (param i32) (result i32)))
  (import "env" "g" (global i32))
  (memory (export "memory") 1)
  (func (export "_start")))"""
"""A guest that no host links."""

BY_NAME = """(module
  (import "wasi_nn" "load_by_name" (func (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")))"""
INVALID = """(module
  (import "wasi_nn" "compute" (func (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (result i32) i32.const 0))"""
"""Made invalid below: its last constant becomes a drop of nothing."""


def make(folder: Path) -> list[str]:
    """Returns the names, in order, relative to the folder."""
    folder.mkdir()
    for place in ("edge/a", "edge/b", "server", "vendor"):
        (folder / place).mkdir(parents=True)
    guest = (SAMPLES / "digits.wasm").read_bytes()
    _guests(folder, guest)
    _others(folder, guest)
    _archives(folder, guest)
    names = [str(path.relative_to(folder)) for path in folder.rglob("*") if not _is_folder(path)]
    return sorted(names)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _numbered(module: bytes, number: int) -> bytes:
    """Another module, which does the same."""
    return module + custom(f"build.{number}")


def _guests(folder: Path, guest: bytes) -> None:
    """Of every dialect, and each several times, because a build has more than one."""
    dialects = {
        "witx": guest,
        "wamr-legacy": rewrite(guest, RewriteOptions(host="wamr-legacy@2.3.1")),
        "wamr-ephemeral": rewrite(guest, RewriteOptions(host="wamr-ephemeral@2.3.1")),
        "wasmedge": rewrite(guest, RewriteOptions(host="wasmedge@0.17.1")),
        "by-name": assemble(BY_NAME),
    }
    for number, (name, module) in enumerate(dialects.items()):
        for place in ("edge/a", "edge/b", "server"):
            (folder / place / f"{name}.wasm").write_bytes(_numbered(module, number))
    for number in range(11):
        (folder / f"server/worker-{number}.wasm").write_bytes(_numbered(guest, 10 + number))
    (folder / "server/two\nlines.wasm").write_bytes(_numbered(guest, 20))
    (folder / "server/no-suffix").write_bytes(_numbered(guest, 21))
    (folder / "server/a space & $HOME.wasm").write_bytes(_numbered(guest, 22))
    (folder / "vendor/cannot.wasm").write_bytes(assemble(GLOBAL))
    component = rewrite(guest, RewriteOptions(to="wasi:nn", inputs={0: "input"}))
    (folder / "server/component.wasm").write_bytes(component)


def _others(folder: Path, guest: bytes) -> None:
    for number in range(6):
        (folder / f"vendor/plain-{number}.wasm").write_bytes(_numbered(assemble(PLAIN), number))
    component = '(component (core module (func (export "f"))))'
    (folder / "vendor/other-component.wasm").write_bytes(assemble(component))
    (folder / "vendor/truncated.wasm").write_bytes(guest[:9000])
    (folder / "vendor/empty.wasm").write_bytes(b"")
    (folder / "vendor/text.wasm").write_text("this is not WebAssembly\n")
    invalid = assemble(INVALID)
    (folder / "vendor/invalid.wasm").write_bytes(invalid.replace(b"\x41\x00\x0b", b"\x1a\x1a\x0b"))
    (folder / "vendor/guest.wat").write_text(BY_NAME)
    for name in ("model.onnx", "model.tflite"):
        shutil.copy(SAMPLES / "digits" / name, folder / "edge" / name)
    for number in range(6):
        shutil.copy(SAMPLES / "images" / f"{number}.pgm", folder / "edge/b")
    (folder / "README.md").write_text("# Built\n")
    (folder / "Makefile").write_text("all:\n")
    (folder / "vendor/link.wasm").symlink_to("plain-0.wasm")
    (folder / "vendor/out.wasm").symlink_to("/etc/hostname")
    (folder / "vendor/broken.wasm").symlink_to("nothing.wasm")


def _archives(folder: Path, guest: bytes) -> None:
    module = _numbered(guest, 30)
    (folder / "edge/guest.wasm.gz").write_bytes(gzip.compress(module, mtime=0))
    with tarfile.open(folder / "edge/bundle.tar.gz", "w:gz") as made:
        for name, data in (("lib/guest.wasm", module), ("README", b"a text\n")):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    with zipfile.ZipFile(folder / "edge/bundle.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(zipfile.ZipInfo("guest.wasm"), module)
    os.mkfifo(folder / "edge/pipe.wasm")
