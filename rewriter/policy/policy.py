"""What modules may ask for, as one frozen value that checks itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from rewriter.abi.dialects import DIALECTS, Encoding, Target
from rewriter.errors import UsageError
from rewriter.suggestions import did_you_mean

__all__ = ["ENCODINGS", "FUNCTIONS", "TARGETS", "UNKNOWN", "Policy"]

ENCODINGS = tuple(encoding.name.lower() for encoding in Encoding)
TARGETS = tuple(target.name.lower() for target in Target)
FUNCTIONS = tuple(dict.fromkeys(name for d in DIALECTS.values() for name in d.functions))
"""The names of wasi-nn's functions in core modules, which also stand for those of components."""

UNKNOWN = ("fail", "allow")

_KNOWN: Mapping[str, tuple[str, ...]] = {
    "encodings": ENCODINGS,
    "targets": TARGETS,
    "functions": FUNCTIONS,
}


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What modules may ask for. Nothing is restricted by a field that is None; with an empty list,
    nothing of its kind is allowed.

    - `encodings`: of models that are passed to `load`, such as onnx. With autodetect, the host
      finds out the format, so that any may be loaded.
    - `targets`: cpu, gpu, tpu.
    - `functions`: wasi-nn's functions that may be imported, by their names in core modules.
    - `named_graphs`: the names with which graphs may be loaded.
    - `imports`: the import modules besides wasi-nn's; of components, interfaces with or without a
      version, or packages, such as wasi:io.
    - `unknown`: what is done about a fact that a module does not show: `fail` or `allow`.

    Raises UsageError for an unknown encoding, target or function, and for a value of another type.
    """

    encodings: Iterable[str] | None = None
    targets: Iterable[str] | None = None
    functions: Iterable[str] | None = None
    named_graphs: Iterable[str] | None = None
    imports: Iterable[str] | None = None
    unknown: str = "fail"

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name == "unknown":
                continue
            given = getattr(self, field.name)
            if given is None:
                continue
            if isinstance(given, str) or not isinstance(given, Iterable):
                raise UsageError(f"{field.name}: expected a list of names, got {given!r}")
            names = tuple(given)
            for name in names:
                _check(field.name, name)
            object.__setattr__(self, field.name, frozenset(names))
        if self.unknown not in UNKNOWN:
            raise UsageError(f"unknown: expected {' or '.join(UNKNOWN)}, got {self.unknown!r}")

    def allows(self, subject: str, name: str) -> bool:
        """Whether the field `subject` allows a name."""
        allowed = getattr(self, subject)
        return allowed is None or name in allowed

    def limits(self, subject: str) -> bool:
        """Whether the field `subject` restricts anything."""
        return getattr(self, subject) is not None


def _check(field: str, name: object) -> None:
    if not isinstance(name, str):
        raise UsageError(f"{field}: expected a name, got {name!r}")
    known = _KNOWN.get(field)
    if known is not None and name not in known:
        meant = did_you_mean(name, known)
        raise UsageError(f"{field}: {name!r} is not one of {', '.join(known)}{meant}")
