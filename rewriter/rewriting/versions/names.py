"""The names of a component's imports, and what they become."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from rewriter.errors import UsageError

__all__ = ["by_rename", "check_names", "matches"]

_WORD = r"(?:[a-z][0-9a-z]*|[A-Z][0-9A-Z]*)"
_LABEL = rf"{_WORD}(?:-{_WORD})*"
_PLACE = rf"{_LABEL}(?::{_LABEL})+"
_VERSION = r"@\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?"
_PACKAGE = re.compile(rf"{_PLACE}(?:{_VERSION})?")
_NAME = re.compile(rf"{_LABEL}|{_PLACE}(?:/{_LABEL})+(?:{_VERSION})?")
"""https://github.com/WebAssembly/component-model/blob/main/design/mvp/Explainer.md#import-and-export-definitions
"""


def check_names(renames: Mapping[str, str]) -> None:
    """Raise UsageError for new names that no import of a component can have."""
    for old, new in renames.items():
        if _is_package(old):
            if not _is_package(new):
                raise UsageError(
                    f"renames (--rename): {old} is a package, so its new name has to be one too "
                    f"(wasi:nn@0.2.0-rc-2024-10-28), not {new}"
                )
        elif not _NAME.fullmatch(new):
            raise UsageError(
                f"renames (--rename): {new} cannot be the name of a component's import: give the "
                "name of an interface (wasi:nn/graph@0.2.0-rc-2024-10-28), a package or a function"
            )


def by_rename(names: Iterable[str], renames: Mapping[str, str]) -> dict[str, str]:
    """The names that change, old to new. `renames` has names of imports, or packages with or
    without a version, which stand for all their interfaces: `wasi:nn@0.2.0-rc-2024-08-19`."""
    changed = {}
    for name in names:
        for old, new in renames.items():
            if name == old:
                changed[name] = new
                break
            if _is_package(old) and matches(name, old):
                package, at, version = new.partition("@")
                interface = name.partition("@")[0].partition("/")[2]
                changed[name] = f"{package}/{interface}{at}{version}"
    return changed


def matches(name: str, old: str) -> bool:
    """Whether an import has this name, or is an interface of the package with this name."""
    if not _is_package(old):
        return name == old
    interface, _, version = name.partition("@")
    package, slash, _ = interface.partition("/")
    return bool(slash) and (package, version) == (old.partition("@")[0], old.partition("@")[2])


def _is_package(name: str) -> bool:
    return _PACKAGE.fullmatch(name) is not None
