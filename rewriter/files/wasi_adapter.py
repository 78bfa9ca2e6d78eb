"""The adapters that have the functions of WASI 0.1 in a component: files of a package on npm.

Wasmtime's developers write them, and the package @bytecodealliance/jco carries them. They are not
in the repository. A build of nnshim downloads them, and so does `fetch`.

The package's page is https://www.npmjs.com/package/@bytecodealliance/jco; the source is
crates/wasi-preview1-component-adapter of https://github.com/bytecodealliance/wasmtime.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress

from rewriter.errors import DependencyMissing, InputError, OutputError

__all__ = ["ADDRESS", "COMMAND", "FOLDER", "REACTOR", "fetch", "find", "missing"]

ADDRESS = "https://registry.npmjs.org/@bytecodealliance/jco/-/jco-1.35.0.tgz"
"""Of 2026-09-24; its adapters are for WASI 0.2.12."""

_ARCHIVE_SHA256 = "893e80e993a2cb3735e195a0c2dc3ab7d683877a813bb024a27499ee86e12b13"

_ARCHIVE_SIZE = 16 << 20
"""More bytes than the archive has."""

COMMAND = "wasi_snapshot_preview1.command.wasm"
"""For a guest with `_start`."""

REACTOR = "wasi_snapshot_preview1.reactor.wasm"
"""For any other guest."""

_SHA256: Mapping[str, str] = {
    COMMAND: "2a652d711c1fff34f9d5a0e073e50ef7eeb8fe7d8a6d559eae643a4c049a7b94",
    REACTOR: "b857310c4753c8fafaa0f890e9ccf978dc3d9dbe8804b1125291a627485041d0",
}

_INSIDE = "package/lib/"
"""Where they are in the archive."""

FOLDER = os.path.join(os.path.dirname(__file__), "wasi_adapters")
"""Where they are in the package, beside their licence."""

_TIMEOUT = 30
"""Seconds without a byte."""


def find(name: str) -> bytes:
    """COMMAND or REACTOR. Raises DependencyMissing if it is not there or not the right file."""
    try:
        with open(os.path.join(FOLDER, name), "rb") as file:
            data = file.read()
    except FileNotFoundError:
        problem = "is missing: it could not be downloaded when nnshim was built"
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    else:
        if _is_right(name, data):
            return data
        problem = "has another content than expected"
    raise DependencyMissing(
        f"the adapter for WASI {problem} ({os.path.join(FOLDER, name)}); --fetch-wasi-adapter "
        f"downloads it from {ADDRESS}, and --wasi-adapter FILE takes another one"
    )


def missing() -> bool:
    """Whether one of the files is not there, or has another content than expected."""
    for name in _SHA256:
        try:
            find(name)
        except DependencyMissing:
            return True
    return False


def fetch(address: str = ADDRESS) -> None:
    """Download the files into FOLDER, which they reach complete and compared with their digests.

    Raises InputError if the archive cannot be downloaded or is another one, and OutputError if they
    cannot be written.
    """
    files = _unpacked(_downloaded(address))
    for name, data in files.items():
        temporary = os.path.join(FOLDER, f".{os.getpid()}-{name}")
        try:
            with open(temporary, "wb") as file:
                file.write(data)
            os.replace(temporary, os.path.join(FOLDER, name))
        except OSError as error:
            raise OutputError(f"cannot write {FOLDER}/{name}: {error.strerror}") from error
        finally:
            with suppress(OSError):  # it has its own name by then, unless it was not written
                os.unlink(temporary)


def _downloaded(address: str) -> bytes:
    from http.client import HTTPException
    from urllib.request import urlopen

    try:
        with urlopen(address, timeout=_TIMEOUT) as answer:  # noqa: S310 - the address is ours
            data: bytes = answer.read(_ARCHIVE_SIZE)
    except (OSError, HTTPException) as error:
        raise InputError(f"cannot download {address}: {error}") from error
    if _sha256(data) != _ARCHIVE_SHA256:
        raise InputError(
            f"{address} has another content than expected: its SHA-256 is {_sha256(data)}, and not "
            f"{_ARCHIVE_SHA256}"
        )
    return data


def _unpacked(archive: bytes) -> Mapping[str, bytes]:
    import io
    import tarfile

    files = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as opened:
        for name in _SHA256:
            member = opened.extractfile(_INSIDE + name)
            files[name] = b"" if member is None else member.read()
            if not _is_right(name, files[name]):
                raise InputError(f"{name} in the archive has another content than expected")
    return files


def _is_right(name: str, data: bytes) -> bool:
    return _sha256(data) == _SHA256[name]


def _sha256(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()
