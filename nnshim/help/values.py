"""The values that an option or an argument takes, as completion offers them: by its metavar."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

__all__ = ["Offer", "paths", "values_of"]


class Offer(NamedTuple):
    """Values, each with a few words about it, which may be empty; and whether `files` fit, too."""

    values: Iterable[tuple[str, str]] = ()
    files: bool = False


def values_of(metavar: str, begun: str) -> Offer:
    """What may stand where a help has this metavar, given how the value begins. Files fit where
    nothing else is known."""
    metavar = metavar.strip("[].").replace("]...", "")
    if metavar in _MADE:
        return _MADE[metavar](begun)
    if metavar in _FREE:
        return Offer()
    if _CHOICES.fullmatch(metavar):
        return Offer([(choice, "") for choice in metavar.split("|")])
    return Offer(files=True)


_CHOICES = re.compile(r"[a-z_]+(?:\|[a-z_]+)*")

_FREE = frozenset(
    (
        *("COMMIT", "DEVICE", "INDEX=TYPE:DIMxDIM", "JSON", "K[=V]", "K[=V", "N", "NAME"),
        *("OLD=NEW", "SIZE", "TEXT", "TIME", "VERSION"),
    )
)
"""What nobody can list."""


def _hosts(begun: str) -> Offer:
    from rewriter.hosts.table import FAMILIES

    return Offer(_named(FAMILIES, begun), files=True)


def _hosts_and_libraries(begun: str) -> Offer:
    from rewriter.hosts.table import GUESTS

    return Offer(_named(GUESTS, begun), files=True)


def _named(families: Mapping[str, object], begun: str) -> Iterator[tuple[str, str]]:
    """The families, and after an @ the releases of the one before it."""
    from rewriter.hosts.table import GUESTS

    name, at, _ = begun.partition("@")
    if not at:
        yield from ((each, GUESTS[each].title) for each in families)
    elif name in families:
        for row in GUESTS[name].rows:
            for release in dict.fromkeys((row.first, row.last)):
                if release:
                    yield f"{name}@{release}", row.title


def _abis(_: str) -> Offer:
    from rewriter.abi.dialects import DIALECTS

    return Offer([(dialect.name, f"{dialect.layout} layout") for dialect in DIALECTS.values()])


def _codes(begun: str) -> Offer:
    from rewriter.codes import all_codes

    upper = begun[:2].isupper() or not begun
    return Offer(
        [(code.number if upper else code.number.lower(), code.title) for code in all_codes()]
    )


def _encodings(_: str = "") -> Offer:
    from rewriter.abi.dialects import Encoding

    return Offer([(encoding.name.lower(), "") for encoding in Encoding])


def _targets() -> list[str]:
    from rewriter.abi.dialects import Target

    return [*(target.name.lower() for target in Target), "auto"]


def _module_names(_: str) -> Offer:
    from rewriter.abi.dialects import MODULE_NAMES
    from rewriter.options import COMPONENT, versions

    return Offer([(name, "") for name in (*MODULE_NAMES, COMPONENT, *versions())])


def _devices(begun: str) -> Offer:
    if "=" in begun:
        return Offer()
    names = [*(name for name, _ in _encodings().values), *_targets()]
    return Offer([(f"{name}=", "") for name in names])


def _graphs(begun: str) -> Offer:
    """`nn-graph=ENCODING::DIR`"""
    before, colons, folder = begun.partition("::")
    if colons:
        return Offer([(f"{before}::{path}", "") for path in paths(folder)])
    return Offer([(f"nn-graph={name}::", "") for name, _ in _encodings().values])


def _preloads(begun: str) -> Offer:
    """`NAME:ENCODING:TARGET:PATH[:PATH]`"""
    before, colon, _ = begun.rpartition(":")
    step = before.count(":")
    if not colon:
        return Offer()
    if step == 0:
        return Offer([(f"{before}:{name}:", "") for name, _ in _encodings().values])
    if step == 1:
        return Offer([(f"{before}:{name}:", "") for name in _targets()])
    return Offer([(f"{before}:{path}", "") for path in paths(begun[len(before) + 1 :])])


def _probed(begun: str) -> Offer:
    """`NAME[=ENCODING]`"""
    from rewriter.probing.modules.models import FORMATS

    name, equals, _ = begun.partition("=")
    return Offer([(f"{name}={each}", "") for each in FORMATS] if equals else ())


def _reports(begun: str) -> Offer:
    """`FORMAT=FILE`"""
    from nnshim.render.reports import REPORTS

    name, equals, path = begun.partition("=")
    values = [f"{name}={each}" for each in paths(path)] if equals else [f"{f}=" for f in REPORTS]
    return Offer([(value, "") for value in values])


def _limits(begun: str) -> Offer:
    from nnshim.run_options import NAMED_LIMITS

    return Offer() if "=" in begun else Offer([(f"{name}=", "") for name in NAMED_LIMITS])


def paths(begun: str) -> Iterator[str]:
    """The paths that begin so, for a value in which a shell does not see a path."""
    folder, name = os.path.split(begun)
    try:
        found = sorted(os.scandir(folder or "."), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in found:
        if entry.name.startswith(name) and (name or not entry.name.startswith(".")):
            yield os.path.join(folder, entry.name) + ("/" if entry.is_dir() else "")


_MADE: Mapping[str, Callable[[str], Offer]] = {
    "ABI": _abis,
    "CODE": _codes,
    "CODE|MESSAGE": _codes,
    "ENCODING": _encodings,
    "ENCODING|TARGET=[BACKEND:]DEVICE": _devices,
    "FORMAT=FILE": _reports,
    "HOST[@RELEASE": _hosts_and_libraries,
    "HOST[@RELEASE]|PROFILE": _hosts,
    "NAME:ENCODING:TARGET:PATH[:PATH": _preloads,
    "NAME=N": _limits,
    "NAME[=ENCODING": _probed,
    "NAME[@RELEASE": _hosts_and_libraries,
    "nn-graph=ENCODING::DIR": _graphs,
    "wasi_nn|wasi_ephemeral_nn|wasi:nn[@VERSION": _module_names,
}
"""By the metavar, without brackets and dots around it."""
