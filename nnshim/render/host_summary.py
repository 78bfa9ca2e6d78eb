"""A host on one screen, and two hosts side by side, as lines for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nnshim.render import counted
from nnshim.render.profile import tried_types
from nnshim.render.tables import UNBROKEN, columns, side_by_side, wrapped
from nnshim.render.verdicts import line
from rewriter.hosts.profiles.profile import ABSENT
from rewriter.hosts.starting import Trial, run_words

if TYPE_CHECKING:
    from rewriter.hosts.host import Backend, Host
    from rewriter.hosts.profiles.compare import Difference
    from rewriter.hosts.table import Chosen

__all__ = ["apart", "summaries"]

_MORE = (
    "more with --all: functions and numbers of the ABI, habits of backends, WASI and env"
    " functions, WebAssembly features, notes, source"
)


def summaries(chosen: Chosen) -> list[str]:
    """What decides whether a guest runs on each release, and what was assumed."""
    lines = [line(note) for note in chosen.notes]
    for row in chosen.rows:
        lines += [""] if lines else []
        lines += _summary(row)
    return [*lines, *wrapped(f"  {_MORE}")]


def _summary(row: Host) -> list[str]:
    lines = [f"{row.label}: {row.title}"]
    lines += [f"  releases: {row.releases}"] if row.releases else []
    for dialect in row.dialects:
        module = dialect.layout.module if len(row.modules) > 1 else row.modules[0]
        lines.append(f"  wasi-nn: imported from {module}, in the ABI {dialect.name}")
    if row.backends:
        heads = ("backend", "types", "get_output counts", "a small buffer is")
        cells = [_backend(backend) for backend in row.backends]
        table = columns(heads, [it for it in cells if {*it[1:]} != {"unknown"}], indent=2)
        lines += (text.replace(" ", UNBROKEN) for text in table)
        if others := [name for name, *known in cells if {*known} == {"unknown"}]:
            lines.append(f"  other backends, without known details: {', '.join(others)}")
    lines += [f"  named graphs: {row.graphs}"] if row.graphs else []
    lines += [f"  needs: {', '.join(row.needs)}"] if row.needs else []
    if words := run_words(row, Trial("MODULE", opens_files=True, loads_by_name=False)):
        lines.append(f"  started with: {UNBROKEN.join(words)}")
    if row.others is not None:
        what = "linked; calling it traps" if row.links_all else "refused"
        lines.append(f"  any other function that a module imports: {what}")
    lines += [f"  {line(it)}" for it in row.limits if it.severity.value != "note"]
    if row.measured is not None:
        lines += [f"  {key}: {value}" for key, value in row.measured.about.items()]
    return [part for text in lines for part in wrapped(text)]


def _backend(backend: Backend) -> tuple[str, str, str, str]:
    name = backend.encoding.name.lower() + (" (not as released)" if backend.extra else "")
    if backend.takes is not None and not backend.ignores_types:
        types = ", ".join(kind.name.lower() for kind in sorted(backend.takes))
    elif backend.ignores_types:
        known = ", ".join(kind.name.lower() for kind in sorted(backend.takes or ()))
        types = known or "any"
    else:
        types = tried_types(backend).removeprefix("takes ")
        types = "unknown" if types.startswith("unknown") else types
    if backend.too_small is None:
        return name, types, "unknown", "unknown"
    return name, types, backend.unit.value, backend.too_small.value


def apart(
    names: tuple[str, str], found: Sequence[Difference], everything: bool = True
) -> list[str]:
    """Where two hosts differ, in columns, of what both are known to do. Functions besides wasi-nn's
    are counted, unless `everything` is to be shown."""
    one, other = names
    if not found:
        return [f"no known difference between {one} and {other}"]
    rows: list[tuple[str, str, str]] = []
    counts: dict[str, list[int]] = {}
    for each in found:
        subject, _, rest = each.key.partition(".")
        if everything or subject != "imports":
            rows.append((each.key, str(each.one), str(each.other)))
            continue
        count = counts.setdefault(f"imports.{rest.partition('.')[0]}", [0, 0])
        count[0] += each.one != ABSENT
        count[1] += each.other != ABSENT
    for key, both in counts.items():
        here, there = (counted(number, "function") for number in both)
        rows.append((f"{key} (only differences)", here, there))
    lines = side_by_side(("", one, other), rows)
    return [*lines, "more with --all: each of these functions"] if counts else lines
