"""Hosts as JSON, in the form that schema.json has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rewriter.functions.feature import READABLE
from rewriter.hosts.host import Quirk

if TYPE_CHECKING:
    from rewriter.diagnostics import Diagnostic
    from rewriter.hosts.host import Backend, Host
    from rewriter.hosts.profiles.compare import Difference

__all__ = ["apart", "diagnostic", "diagnostics", "host"]

Object = dict[str, Any]


def diagnostic(found: Diagnostic) -> Object:
    return {
        "code": found.code,
        "severity": found.severity,
        "message": found.message,
        "offset": found.offset,
        "function": found.function,
        "help": found.help,
    }


def diagnostics(found: Iterable[Diagnostic]) -> list[Object]:
    return [diagnostic(one) for one in found]


def host(row: Host) -> Object:
    return {
        "name": row.name,
        "title": row.title,
        "first": row.first or None,
        "last": row.last or None,
        "modules": row.modules,
        "abis": [
            {
                "name": dialect.name,
                "functions": list(dialect.functions),
                "tensor_types": _numbered(dialect.tensor_names),
                "encodings": _numbered(dialect.encoding_names),
                "errno": _numbered(dialect.errno_names),
            }
            for dialect in row.dialects
        ],
        "backends": [_host_backend(backend) for backend in row.backends],
        "named_graphs": row.graphs or None,
        "needs": row.needs,
        "command": _started(row),
        "other_imports": None
        if row.others is None
        else {module: sorted(functions) for module, functions in row.others.items()},
        "optional_imports": dict(row.optional),
        "links_undefined_functions": row.links_all,
        "reads": {feature.name.lower(): row.features.get(feature) for feature in READABLE},
        "limits": diagnostics(row.limits),
        "source": row.source,
        "measured": row.measured
        and {key: getattr(row.measured, key) for key in ("about", "answers", "names")},
    }


def apart(rows: tuple[Host, Host], found: Sequence[Difference]) -> list[Object]:
    """Two hosts, each with what it does not have in common with the other."""
    one, other = map(host, rows)
    return [
        {**one, "differences": [{"key": d.key, "this": d.one, "other": d.other} for d in found]},
        {**other, "differences": [{"key": d.key, "this": d.other, "other": d.one} for d in found]},
    ]


def _started(row: Host) -> str | None:
    """How it is started, with MODULE for a guest that opens files and loads no graph by name."""
    from rewriter.hosts.starting import Trial, run_words

    return " ".join(run_words(row, Trial("MODULE", True, False))) or None


def _numbered(known: Mapping[int, str]) -> Object:
    return {str(number): name for number, name in sorted(known.items())}


def _host_backend(backend: Backend) -> Object:
    taken = backend.takes
    return {
        "encoding": backend.encoding.name.lower(),
        "library": backend.library or None,
        "built": backend.built or None,
        "released": not backend.extra,
        "takes": None if taken is None else [kind.name.lower() for kind in sorted(taken)],
        "ignores_types": backend.ignores_types,
        "gives": None if backend.gives is None else [t.name.lower() for t in sorted(backend.gives)],
        "quirks": [quirk.name.lower() for quirk in Quirk if quirk in backend.quirks],
        "output_unit": backend.unit.name.lower(),
        "too_small_output": backend.too_small and backend.too_small.name.lower(),
    }
