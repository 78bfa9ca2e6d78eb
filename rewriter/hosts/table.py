"""The table of hosts, and lookup of the names that `--for` and `--from` take."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from rewriter.abi.dialects import MODULE_NAMES, WAMR, WASMEDGE, WITX, Encoding, Layout, TensorType
from rewriter.abi.snapshots import AUGUST, JUNE, OCTOBER, UNVERSIONED, Components
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
"""What people write by mistake instead of NAME@RELEASE: `wamr-2.2`, `wasmtime:14`."""

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
    components=Components(
        OCTOBER, "0.2", also=(*UNVERSIONED, JUNE, AUGUST), exits_with_code=False, has_options=False
    ),
)


UNRELEASED = "main"
"""The release name of the newest state of a host's source."""


class Family(NamedTuple):
    """The rows that one name stands for, the oldest first. Without a version, the name means the
    newest release, or all releases if `every` is set. If `closed` is set, the name takes no
    version, and `closed` is the name of the family that does."""

    name: str
    title: str
    rows: tuple[Host, ...]
    every: bool = False
    closed: str = ""

    @property
    def released(self) -> tuple[Host, ...]:
        """All rows but the unreleased one, which has to be named explicitly."""
        return tuple(row for row in self.rows if row.last != UNRELEASED)

    @property
    def newest(self) -> Host:
        """The row of the newest release."""
        return self.released[-1]


class Chosen(NamedTuple):
    """The rows that a name, with or without a version, or the path of a profile stands for: one or
    more, the oldest first. `notes` say what was assumed."""

    name: str
    rows: tuple[Host, ...]
    notes: tuple[Diagnostic, ...] = ()

    @property
    def newest(self) -> Host:
        """The row that a rewrite is made for."""
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
"""The hosts and libraries that `--from` accepts: what a guest can have been built for, or with."""

HOSTS: Mapping[str, Host] = MappingProxyType({f.name: f.newest for f in _ALL})
"""The newest release of each."""


def find_hosts(name: str) -> Chosen:
    """The rows that NAME or NAME@VERSION stands for.

    A version may have fewer numbers than a release: `wamr@2.1` means all releases that start with
    2.1. A version newer than the table is treated as the newest one in it, and a note says so. A
    name that contains a slash or ends with `.toml` is the path of a profile.

    Raises UsageError for an unknown name, for a version that is malformed or older than all known
    releases, and for a profile that cannot be read.
    """
    return _measured(name) if is_profile(name) else _find(name, FAMILIES, "host")


def find_any(name: str) -> Chosen:
    """Like `find_hosts`, for libraries too."""
    if is_profile(name):
        return _measured(name)
    return _find(name, {f.name: f for f in (*_ALL, *_LIBRARIES)}, "host or library")


def find_guest(name: str) -> Host:
    """The row of the host or library NAME or NAME@VERSION that a guest was built for or with.

    Raises what `find_hosts` does, and UsageError for a profile: measuring a host does not show what
    its guests are built with."""
    if is_profile(name):
        raise UsageError(f"{name} is a profile, but --from takes the name of a host or library")
    return _find(name, GUESTS, "host or library").newest


def find_host(name: str) -> Host:
    """The row that a rewrite for NAME or NAME@VERSION targets. Raises what `find_hosts` does."""
    return find_hosts(name).newest


def find_row(name: str) -> Chosen:
    """The only row that NAME or NAME@VERSION stands for. Raises what `find_hosts` does, and
    UsageError if there are several."""
    chosen = find_hosts(name)
    if len(chosen.rows) > 1:
        labels = ", ".join(row.label for row in chosen.rows)
        raise UsageError(f"{name!r} stands for releases that differ; name one: {labels}")
    return chosen


def registering(module: str) -> dict[str, frozenset[Layout]]:
    """The families of hosts that register a module name in any release, with the layouts of their
    ABIs. `nnshim run` is left out, because it registers every name in every ABI."""
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
    """Whether the name of a host is the path of a profile."""
    return "/" in name or "\\" in name or name.lower().endswith(".toml")


def _measured(path: str) -> Chosen:
    from rewriter.hosts.profiles.file import read_file  # only needed for profiles
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
    """A suggestion for an unknown name, or nothing."""
    with suppress(OSError, ValueError):  # the name is too long or contains a NUL
        if Path(name).is_file():
            return f"; for the profile of that name, write ./{name}"
    several = [each.strip() for each in name.split(",")]
    if len(several) > 1 and all(each.partition("@")[0] in families for each in several):
        return f"; these are {len(several)} names, and each --for takes one"
    family_name, at, version = name.partition("@")
    if family_name in GUESTS:
        return "; it is a library, which only `--from` takes"
    parted = _PARTED.fullmatch(name.casefold())
    if parted and parted[1] in families and families[parted[1]].newest.first:
        return f"; did you mean {parted[1]}@{parted[2]}?"
    near = nearest(family_name, families)
    return f"; did you mean {near}{at}{version}?" if near else ""


def _of_version(family: Family, name: str, version: str) -> Chosen:
    wanted = _numbers(version)
    if not family.newest.first:
        raise UsageError(f"{name!r}: {family.name} has no releases; leave out the version")
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
            f"{name!r} is older than every known release: {known}; `nnshim hosts` lists them"
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
    """Whether a release is newer than all known ones, but is known with `0.` before it."""
    newest, meant = _numbers(family.newest.last), (0, *wanted)
    return (
        wanted[0] > newest[0] == 0
        and _numbers(family.rows[0].first)[: len(meant)] <= meant
        and meant[: len(newest)] <= newest
    )


def _same(name: str, rows: tuple[Host, ...], wanted: Version) -> Iterator[Diagnostic]:
    """A note for a release whose row is named after a newer release."""
    last = _numbers(rows[-1].last)
    if len(rows) == 1 and wanted < last[: len(wanted)]:
        row = rows[0]
        alike = f"{row.releases}, which behave alike and are listed as {row.label}"
        message = f"{name} is one of {alike}"
        yield Diagnostic("NN229", message)


def _covers(row: Host, end: str | None, wanted: Version) -> bool:
    """Whether a row covers one of the releases that start with these numbers. `end` is the first
    release of the next row. 2.4 counts as 2.4.0."""
    if _numbers(row.first)[: len(wanted)] > wanted:
        return False
    return end is None or _without_zeros(_numbers(end)) > _without_zeros(wanted)


def _assumed(name: str, row: Host, wanted: Version, family: Family) -> Iterator[Diagnostic]:
    """A note for a release after the last one of its row."""
    last = _numbers(row.last)
    if wanted <= last[: len(wanted)] or wanted[: len(last)] <= last:
        return
    what = "newer than any release" if row is family.newest else "not a release"
    message = f"{name} is {what} that nnshim knows; it is treated as {row.last}"
    yield Diagnostic("NN224", message)


Version = tuple[float, ...]
"""The numbers of a release, or a prefix of them."""


def _without_zeros(numbers: Version) -> Version:
    while numbers and not numbers[-1]:
        numbers = numbers[:-1]
    return numbers


def _numbers(version: str) -> Version:
    """A version as numbers; empty if it is malformed."""
    if version == UNRELEASED:
        return (float("inf"),)
    parts = version.removeprefix("v").split(".")
    are_numbers = all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts)
    return tuple(map(int, parts)) if are_numbers else ()
