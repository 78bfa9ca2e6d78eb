"""The table of hosts, and how `--for` and `--from` name what stands in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from rewriter.abi.dialects import MODULE_NAMES, WAMR, WASMEDGE, WITX, Encoding, Layout, TensorType
from rewriter.abi.wasi import PREVIEW_1, WASI
from rewriter.diagnostics import Diagnostic
from rewriter.errors import UsageError
from rewriter.functions.feature import Feature
from rewriter.hosts import libraries, wamr, wasmedge, wasmtime
from rewriter.hosts.host import CPU, EVERY_TARGET, Backend, Host, Quirk, Start, TooSmall
from rewriter.hosts.parts import ONE
from rewriter.suggestions import nearest

__all__ = [
    "FAMILIES",
    "GUESTS",
    "HOSTS",
    "UNRELEASED",
    "Chosen",
    "Family",
    "find_any",
    "find_guest",
    "find_host",
    "find_hosts",
    "find_row",
    "is_profile",
    "registering",
]

_PARTED = re.compile(r"(.+?)[-:= ]v?([0-9][0-9.]*)")
"""What is written for NAME@RELEASE: `wamr-2.2`, `wasmtime:14`."""

_QUIRKS = frozenset((Quirk.AS_BYTES, Quirk.WHOLE_BY_NAME))

_NNSHIM = Host(
    name="nnshim",
    title="`nnshim run`",
    modules=MODULE_NAMES,
    dialects=(WITX, WAMR, WASMEDGE),
    limits=(Diagnostic("NN238", "only language models (GGUF) stream", function="compute_single"),),
    backends=tuple(
        Backend(
            encoding,
            frozenset(TensorType),
            too_small=TooSmall.REFUSED,
            quirks=_QUIRKS | {Quirk.ONNX_TOO} if encoding is Encoding.OPENVINO else _QUIRKS,
            targets=EVERY_TARGET,
            devices=EVERY_TARGET - CPU,
            parts=range(1, 3) if encoding in (Encoding.OPENVINO, Encoding.GGML) else ONE,
        )
        for encoding in (
            *(Encoding.OPENVINO, Encoding.ONNX, Encoding.TENSORFLOW, Encoding.PYTORCH),
            *(Encoding.TENSORFLOWLITE, Encoding.GGML),
        )
    ),
    graphs=f"{wasmedge.PRELOADED}; {wasmtime.DIRECTORY}",
    needs=("an NN runtime for the model: `nnshim doctor` says which work",),
    source="runtime_shim",
    others={WASI: PREVIEW_1},
    tells_numbers=True,
    features={**wasmtime.FEATURES, Feature.MANY_LABELS: False},
    nn_in_shared=False,
    initializes=True,
    entries=("", "_start"),
    without_memory=frozenset(("proc_exit",)),
    start=Start(("nnshim", "run"), ("--dir", "."), ("--nn-preload", "NAME:ENCODING:CPU:FILES")),
)


UNRELEASED = "main"
"""What stands for the newest state of a host's source."""


class Family(NamedTuple):
    """The rows that one name stands for, the oldest first. The name alone means the newest release,
    or all of them, where `every` is set. One that is `closed` takes no version, and has the name of
    the family that does."""

    name: str
    title: str
    rows: tuple[Host, ...]
    every: bool = False
    closed: str = ""

    @property
    def released(self) -> tuple[Host, ...]:
        """What is not released yet has to be asked for."""
        return tuple(row for row in self.rows if row.last != UNRELEASED)

    @property
    def newest(self) -> Host:
        """The row of the newest release."""
        return self.released[-1]


class Chosen(NamedTuple):
    """What a name, with a version or without, or the path of a profile stands for: `rows`, the
    oldest first, of which there is one or more. `notes` say what was assumed."""

    name: str
    rows: tuple[Host, ...]
    notes: tuple[Diagnostic, ...] = ()

    @property
    def newest(self) -> Host:
        """The one that a rewrite is made for."""
        return self.rows[-1]


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

_LIBRARIES = tuple(
    Family(rows[0].name, rows[0].title, rows)
    for rows in (libraries.WASI_NN, libraries.AS, libraries.WASMEDGE_WASI_NN)
)

_UNKNOWN = Family("unknown", libraries.UNKNOWN.title, (libraries.UNKNOWN,))

FAMILIES: Mapping[str, Family] = MappingProxyType({family.name: family for family in _ALL})

GUESTS: Mapping[str, Family] = MappingProxyType(
    {**FAMILIES, **{family.name: family for family in (*_LIBRARIES, _UNKNOWN)}}
)
"""What a guest can have been built for, or with: `--from`."""

HOSTS: Mapping[str, Host] = MappingProxyType({f.name: f.newest for f in _ALL})
"""The newest release of each."""


def find_hosts(name: str) -> Chosen:
    """The rows that NAME or NAME@VERSION stands for. A version may have fewer numbers than a
    release: `wamr@2.1` is each release that starts so. One that is newer than the table is taken
    for the newest in it, and a note says so. A name with a slash in it, or with `.toml` at its end,
    is the path of a profile.

    Raises UsageError for a name that is not known, for a version that is older than all that are
    known or is not one, and for a profile that cannot be read.
    """
    return _measured(name) if is_profile(name) else _find(name, FAMILIES, "host")


def find_any(name: str) -> Chosen:
    """As `find_hosts`, and of libraries, too."""
    if is_profile(name):
        return _measured(name)
    return _find(name, {f.name: f for f in (*_ALL, *_LIBRARIES)}, "host or library")


def find_guest(name: str) -> Host:
    """What NAME or NAME@VERSION, of a host or of a library, says of a guest that was built for it.
    Raises what `find_hosts` does, and UsageError for a profile: what a host was measured to take
    is not what its guests are built with."""
    if is_profile(name):
        raise UsageError(
            f"{name} is a profile, and --from takes hosts and libraries by their names"
        )
    return _find(name, GUESTS, "host or library").newest


def find_host(name: str) -> Host:
    """The row that a rewrite for NAME or NAME@VERSION is made for. Raises what `find_hosts`
    does."""
    return find_hosts(name).newest


def find_row(name: str) -> Chosen:
    """The one row that NAME or NAME@VERSION stands for. Raises what `find_hosts` does, and
    UsageError where it stands for several."""
    chosen = find_hosts(name)
    if len(chosen.rows) > 1:
        labels = ", ".join(row.label for row in chosen.rows)
        raise UsageError(f"{name!r} stands for releases that differ; name one: {labels}")
    return chosen


def registering(module: str) -> dict[str, frozenset[Layout]]:
    """The families of hosts that register a module name in any release, with the layouts of the
    ABIs behind it. `nnshim run`, which registers every name in every ABI, is not among them."""
    found = {
        family.name: frozenset(
            dialect.layout
            for row in family.rows
            if module in row.modules
            for dialect in row.dialects
        )
        for family in _ALL
        if family.rows != (_NNSHIM,)
    }
    return {name: layouts for name, layouts in found.items() if layouts}


def is_profile(name: str) -> bool:
    """Whether what names a host is the path of a profile."""
    return "/" in name or "\\" in name or name.lower().endswith(".toml")


def _measured(path: str) -> Chosen:
    from rewriter.hosts.profiles.file import read_file  # where one was named
    from rewriter.hosts.profiles.row import row_of

    row, notes = row_of(read_file(path), path)
    return Chosen(path, (row,), notes)


def _find(name: str, families: Mapping[str, Family], what: str) -> Chosen:
    family_name, at, version = name.partition("@")
    family = families.get(family_name)
    if family is None:
        raise UsageError(
            f"{name!r} is not a known {what} ({', '.join(families)}){_meant(name, families)}"
        )
    if not at:
        return Chosen(name, family.released if family.every else (family.newest,))
    return _of_version(family, name, version)


def _meant(name: str, families: Mapping[str, Family]) -> str:
    """What to write instead of a name that is not known, if that can be guessed."""
    with suppress(OSError, ValueError):  # no file has a name that is too long, or a NUL in it
        if Path(name).is_file():
            return f"; for the profile of that name, write ./{name}"
    family_name, at, version = name.partition("@")
    if family_name in GUESTS:
        return "; only `--from` takes it"
    parted = _PARTED.fullmatch(name.casefold())
    if parted and parted[1] in families and families[parted[1]].newest.first:
        return f"; did you mean {parted[1]}@{parted[2]}?"
    near = nearest(family_name, families)
    return f"; did you mean {near}{at}{version}?" if near else ""


def _of_version(family: Family, name: str, version: str) -> Chosen:
    wanted = _numbers(version)
    if not family.newest.first:
        raise UsageError(
            f"{name!r}: {family.name} has no releases; leave out what follows the name"
        )
    known = f"{family.name} has the releases {family.released[0].first} to {family.newest.last}"
    if not wanted:
        raise UsageError(f"{name!r} does not name a release: {known}; `nnshim hosts` lists them")
    if family.closed:
        hint = f"write {family.closed}@{version}"
        raise UsageError(f"{name!r}: {known}; {hint}; `nnshim hosts` lists them")
    if _is_slip(wanted, family):
        raise UsageError(f"{name!r}: {known}; did you mean {family.name}@0.{version}?")
    if wanted < _numbers(family.rows[0].first)[: len(wanted)]:
        raise UsageError(
            f"{name!r} is older than what is known: {known}; `nnshim hosts` lists them"
        )
    ends = [row.first for row in family.rows[1:]]
    rows = tuple(
        row
        for row, end in zip(family.rows, (*ends, None), strict=True)
        if _covers(row, end, wanted)
    )
    notes = (*_same(name, rows, wanted), *_assumed(name, rows[-1], wanted, family))
    return Chosen(name, rows, notes)


def _is_slip(wanted: Version, family: Family) -> bool:
    """Whether a release is newer than all that are known, and known with a zero before it."""
    newest, meant = _numbers(family.newest.last), (0, *wanted)
    return (
        wanted[0] > newest[0] == 0
        and _numbers(family.rows[0].first)[: len(meant)] <= meant
        and meant[: len(newest)] <= newest
    )


def _same(name: str, rows: tuple[Host, ...], wanted: Version) -> Iterator[Diagnostic]:
    """What is to be said of a release that belongs to a row which is called by another one."""
    last = _numbers(rows[-1].last)
    if len(rows) == 1 and wanted < last[: len(wanted)]:
        row = rows[0]
        message = f"{name} is among {row.releases}, which do the same, and go by {row.label}"
        yield Diagnostic("NN229", message)


def _covers(row: Host, end: str | None, wanted: Version) -> bool:
    """Whether one of the releases that start with these numbers belongs to a row, which ends where
    the next starts. 2.4 starts where 2.4.0 does."""
    if _numbers(row.first)[: len(wanted)] > wanted:
        return False
    return end is None or _without_zeros(_numbers(end)) > _without_zeros(wanted)


def _assumed(name: str, row: Host, wanted: Version, family: Family) -> Iterator[Diagnostic]:
    """What is to be said of a release after the last of a row."""
    last = _numbers(row.last)
    if wanted <= last[: len(wanted)] or wanted[: len(last)] <= last:
        return
    what = "newer than any release" if row is family.newest else "not a release"
    message = f"{name} is {what} that nnshim knows, and is treated as {row.last}"
    yield Diagnostic("NN224", message)


Version = tuple[float, ...]
"""The numbers of a release, or the first of them."""


def _without_zeros(numbers: Version) -> Version:
    while numbers and not numbers[-1]:
        numbers = numbers[:-1]
    return numbers


def _numbers(version: str) -> Version:
    """A version as numbers; empty where it is not one."""
    if version == UNRELEASED:
        return (float("inf"),)
    parts = version.removeprefix("v").split(".")
    are_numbers = all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts)
    return tuple(map(int, parts)) if are_numbers else ()
