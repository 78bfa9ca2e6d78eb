"""The table of hosts, and how `--for` and `--from` name what stands in it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rewriter.abi.dialects import MODULE_NAMES, WAMR, WASMEDGE, WITX
from rewriter.abi.wasi import PREVIEW_1, WASI
from rewriter.diagnostics import Diagnostic
from rewriter.errors import UsageError
from rewriter.hosts import libraries, wamr, wasmedge, wasmtime
from rewriter.hosts.host import OFF_IN_WASMTIME, Host

__all__ = [
    "FAMILIES",
    "GUESTS",
    "HOSTS",
    "Chosen",
    "Family",
    "find_guest",
    "find_host",
    "find_hosts",
]

_NNSHIM = Host(
    name="nnshim",
    title="`nnshim run`",
    modules=MODULE_NAMES,
    dialects=(WITX, WAMR, WASMEDGE),
    limits=(Diagnostic("NN238", "only language models (GGUF) stream"),),
    source="runtime_shim",
    others={WASI: PREVIEW_1},
    tells_numbers=True,
    lacks=OFF_IN_WASMTIME,
    initializes=True,
    entries=("", "_start"),
    without_memory=frozenset(("proc_exit",)),
)


@dataclass(frozen=True)
class Family:
    """The rows that one name stands for, the oldest first. The name alone means the newest release,
    or all of them, where `every` is set. One that is `closed` takes no version, and has the name of
    the family that does."""

    name: str
    title: str
    rows: tuple[Host, ...]
    every: bool = False
    closed: str = ""

    @property
    def newest(self) -> Host:
        """The row of the newest release: what is not released yet has to be asked for."""
        return next(row for row in reversed(self.rows) if row.last != _UNRELEASED)


@dataclass(frozen=True)
class Chosen:
    """What a name, with a version or without, stands for: `rows`, the oldest first, of which there
    is one or more. `notes` say what was assumed."""

    name: str
    rows: tuple[Host, ...]
    notes: tuple[Diagnostic, ...] = ()

    @property
    def newest(self) -> Host:
        """The one that a rewrite is made for."""
        return self.rows[-1]


_UNRELEASED = "main"
"""What stands for the newest state of a host's source."""

_ALL = (
    Family("wasmtime", "Wasmtime", wasmtime.ROWS),
    Family("wamr", "WAMR, as a release builds by default", wamr.DEFAULT),
    Family("wamr-ephemeral", "WAMR built with WASI_EPHEMERAL_NN", wamr.EPHEMERAL),
    Family(
        "wamr-2.1",
        "WAMR 2.1.1 to 2.3.x, built with WASI_EPHEMERAL_NN",
        wamr.OLD_EPHEMERAL,
        every=True,
        closed="wamr-ephemeral",
    ),
    Family("wamr-legacy", "WAMR built without WASI_EPHEMERAL_NN", wamr.LEGACY, every=True),
    Family("wasmedge", "WasmEdge's wasi_nn plugin", wasmedge.ROWS),
    Family("nnshim", "`nnshim run`", (_NNSHIM,)),
)

_LIBRARIES = (
    Family("wasi-nn", "the Rust crate wasi-nn", libraries.WASI_NN),
    Family("as-wasi-nn", "bytecodealliance/wasi-nn's bindings for AssemblyScript", libraries.AS),
    Family("wasmedge-wasi-nn", "the Rust crate wasmedge-wasi-nn", libraries.WASMEDGE_WASI_NN),
)

_UNKNOWN = Family("unknown", libraries.UNKNOWN.title, (libraries.UNKNOWN,))

FAMILIES: Mapping[str, Family] = MappingProxyType({family.name: family for family in _ALL})

GUESTS: Mapping[str, Family] = MappingProxyType(
    {**{family.name: family for family in (*_LIBRARIES, _UNKNOWN)}, **FAMILIES}
)
"""What a guest can have been built for, or with: `--from`."""

HOSTS: Mapping[str, Host] = MappingProxyType({f.name: f.newest for f in _ALL})
"""The newest release of each."""


def find_hosts(name: str) -> Chosen:
    """The rows that NAME or NAME@VERSION stands for. A version may have fewer numbers than a
    release: `wamr@2.1` is each release that starts so. One that is newer than the table is taken
    for the newest in it, and a note says so.

    Raises UsageError for a name that is not known, and for a version that is older than all that
    are known or is not one.
    """
    return _find(name, FAMILIES, "host")


def find_guest(name: str) -> Host:
    """What NAME or NAME@VERSION, of a host or of a library, says of a guest that was built for it.
    Raises what `find_hosts` does."""
    return _find(name, GUESTS, "host or library").newest


def find_host(name: str) -> Host:
    """The row that a rewrite for NAME or NAME@VERSION is made for. Raises what `find_hosts`
    does."""
    return find_hosts(name).newest


def _find(name: str, families: Mapping[str, Family], what: str) -> Chosen:
    family_name, at, version = name.partition("@")
    family = families.get(family_name)
    if family is None:
        near = difflib.get_close_matches(name, families, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"{name!r} is not a known {what} ({', '.join(families)}){hint}")
    if not at:
        released = tuple(row for row in family.rows if row.last != _UNRELEASED)
        return Chosen(name, released if family.every else (family.newest,))
    return _of_version(family, name, version)


def _of_version(family: Family, name: str, version: str) -> Chosen:
    known = [row for row in family.rows if row.first]
    wanted = _numbers(version)
    if not known:
        raise UsageError(f"{name!r}: {family.name} has no versions here")
    if family.closed or not wanted:
        other = f"{family.closed}@{version}" if family.closed and wanted else ""
        hint = f"; write {other}" if other else ""
        first, last = known[0].first, family.newest.last
        raise UsageError(f"{name!r}: {family.name} has the releases {first} to {last}{hint}")
    if wanted < _numbers(known[0].first)[: len(wanted)]:
        raise UsageError(f"{name!r} is older than what is known: the first is {known[0].first}")
    rows = tuple(
        row for row, end in zip(known, [*known[1:], None], strict=True) if _covers(row, end, wanted)
    )
    if rows == (family.newest,) and wanted > _numbers(family.newest.last)[: len(wanted)]:
        note = Diagnostic(
            "NN224",
            f"{name} is newer than what is known of it, and is taken for {family.newest.last}",
        )
        return Chosen(name, rows, (note,))
    return Chosen(name, rows)


def _covers(row: Host, following: Host | None, wanted: tuple[float, ...]) -> bool:
    """Whether one of the releases that start with these numbers belongs to a row, which ends where
    the one that is `following` starts. 2.4 starts where 2.4.0 does."""
    if _numbers(row.first)[: len(wanted)] > wanted:
        return False
    return following is None or _without_zeros(_numbers(following.first)) > _without_zeros(wanted)


def _without_zeros(numbers: tuple[float, ...]) -> tuple[float, ...]:
    while numbers and not numbers[-1]:
        numbers = numbers[:-1]
    return numbers


def _numbers(version: str) -> tuple[float, ...]:
    """A version as numbers; empty where it is not one."""
    if version == _UNRELEASED:
        return (float("inf"),)
    parts = version.removeprefix("v").split(".")
    return (
        tuple(map(int, parts)) if all(part.isascii() and part.isdigit() for part in parts) else ()
    )
