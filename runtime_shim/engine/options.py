"""The options of a run: what a guest gets, and how it is started."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from os import PathLike, fspath
from typing import TYPE_CHECKING, Protocol, TypedDict

from rewriter.abi.dialects import find_dialect
from rewriter.errors import UsageError

if TYPE_CHECKING:
    from runtime_shim.host.graph_specs import NamedGraph
    from runtime_shim.host.limits import Limits

__all__ = ["CAPTURED", "Capture", "HostOptions", "Reader", "RunOptions", "Writer"]


class HostOptions(TypedDict, total=False):
    """Arguments of NNHost from which another process can make its own host."""

    graphs: Iterable[NamedGraph]
    graph_files: str | None
    devices: Mapping[str, str]
    gpu_fallback: bool
    threads: int | None
    fast_math: bool
    model_cache: str | None
    model_cache_size: int | None
    limits: Limits
    isolate: bool


class Reader(Protocol):
    """A binary file open for reading, or any object with this method."""

    def read(self, size: int, /) -> bytes | None: ...


class Writer(Protocol):
    """A binary file open for writing, or any object with this method. It returns how many bytes it
    has written, at least one, or None for all of them."""

    def write(self, data: bytes, /) -> int | None: ...


class Capture(Enum):
    """The type of CAPTURED."""

    CAPTURED = "captured"


CAPTURED = Capture.CAPTURED
"""Return this output as bytes in the outcome."""


@dataclass(frozen=True)
class RunOptions:
    """What a guest gets, and how it is started.

    `argv`: its arguments, starting with its own name. `env`: its environment variables. `dirs`: the
    folder of the host for each path of the guest. All strings have to be UTF-8 without NUL. In
    `read_only_dirs`, which are paths of the guest among those of `dirs`, it can only read.

    `stdin` is None (this process's standard input), bytes, or a binary file open for reading. A
    file is read ahead. `run` does not wait for a read that is still running when the guest has
    ended. `stdout` and `stderr` are each None (this process's), CAPTURED, or a binary file open for
    writing, which is written to and flushed while the guest runs. If a file stops accepting data,
    `run` waits until one second after the limit `timeout`, and leaves behind the thread that writes
    to it. Files need no descriptor (io.BytesIO works), and are used from other threads. `stdout`
    also gets what models print. A guest that writes more than the host's limit `output` to a
    captured stream is stopped. To make that possible, a guest with any stream that is not this
    process's is compiled like one with a `timeout`: its tight loops take up to a third longer.

    `invoke` is an export to call instead of _start, and `invoke_args` are its arguments, as text.
    With `trap_unknown_imports`, functions that are not defined trap when they are called.
    `guest_abi` is the name of the guest's dialect, in case its imports do not show it. `as_host` is
    a host, such as `wasmedge`, or a host and a release, such as `wamr-legacy@2.3.1`: the guest runs
    as it would there, with only what that host defines, by its numbers and rules (docs/run-as.md).
    Features that the host's engine refuses are not refused here; for a verdict on those, use
    rewriter.check. Components have none of these options. With `cache`, wasmtime keeps compiled
    code in its own cache for the next run. With `backtrace`, the lines of a trap have all frames,
    including those of Rust's panic handler.

    Raises UsageError for options that are invalid alone or together.
    """

    argv: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    dirs: Mapping[str, str | PathLike[str]] = field(default_factory=dict)
    stdin: Reader | bytes | None = None
    stdout: Writer | Capture | None = None
    stderr: Writer | Capture | None = None
    invoke: str | None = None
    invoke_args: Sequence[str] = ()
    trap_unknown_imports: bool = False
    guest_abi: str | None = None
    as_host: str | None = None
    cache: bool = True
    backtrace: bool = False
    read_only_dirs: Collection[str] = ()

    @property
    def redirects(self) -> bool:
        """Whether a stream of the guest is not this process's."""
        return any(each is not None for each in (self.stdin, self.stdout, self.stderr))

    @property
    def is_for_core_modules(self) -> bool:
        """Whether an option has no meaning for components."""
        named = (self.invoke, self.guest_abi, self.as_host)
        return self.trap_unknown_imports or any(each is not None for each in named)

    def __post_init__(self) -> None:
        _check_texts("argv", self.argv)
        _check_mapping("env", self.env)
        _check_mapping("dirs", self.dirs)
        _check_texts("env", self.env)
        _check_texts("env", self.env.values())
        _check_texts("dirs", self.dirs)
        _check_texts("dirs", [fspath(path) for path in self.dirs.values()])
        for path in self.read_only_dirs:
            if path not in self.dirs:
                raise UsageError(f"read_only_dirs: {path!r} is not a path in dirs")
        _check_texts("invoke_args", self.invoke_args)
        for name in self.env:
            if not name or "=" in name:
                raise UsageError(f"env: invalid variable name {name!r}")
        if self.invoke_args and self.invoke is None:
            raise UsageError(
                "invoke_args has no effect without invoke, which names the export to call"
            )
        if self.guest_abi is not None:
            find_dialect(self.guest_abi)
        if self.as_host is not None:
            _check_host(self.as_host, self.guest_abi)
        if self.stdin is not None and not isinstance(self.stdin, bytes):
            _check_file("stdin", self.stdin, "read", "bytes")
        for name, output in (("stdout", self.stdout), ("stderr", self.stderr)):
            if output is not None and output is not CAPTURED:
                _check_file(name, output, "write", "CAPTURED")


def _check_mapping(name: str, given: object) -> None:
    if not isinstance(given, Mapping):
        kind = type(given).__name__
        raise UsageError(f"{name} cannot be of type {kind}: expected a mapping")


def _check_texts(name: str, values: object) -> None:
    if isinstance(values, str | bytes) or not hasattr(values, "__iter__"):
        raise UsageError(f"{name} cannot be {values!r}: expected a sequence of strings")
    for value in values:
        if not isinstance(value, str):
            raise UsageError(
                f"{name}: expected a str, but {value!r} is of type {type(value).__name__}"
            )
        if "\0" in value:
            raise UsageError(
                f"{name}: {value!r} contains a NUL, which would end the guest's string"
            )
        try:
            value.encode()
        except UnicodeEncodeError:
            raise UsageError(f"{name}: {value!r} is not UTF-8, which guests need") from None


def _check_host(name: str, guest_abi: str | None) -> None:
    from rewriter.hosts.table import find_row  # imported only if a host is named

    if guest_abi is not None:
        raise UsageError(
            "as_host (--as) sets the ABI already: do not combine it with guest_abi (--guest-abi)"
        )
    find_row(name)


def _check_file(name: str, file: object, method: str, other: str) -> None:
    if isinstance(file, io.TextIOBase):
        raise UsageError(f"{name} is open in text mode: a guest needs a binary file")
    if not callable(getattr(file, method, None)):
        raise UsageError(
            f"{name} cannot be {file!r}: expected None, {other}, or a file with a method {method}"
        )
