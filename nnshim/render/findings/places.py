"""Where a file is, as programs on other machines have it: from the current folder, which is a
repository's root in a pipeline."""

from __future__ import annotations

import os
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from nnshim.render.values import FileReport

__all__ = ["ROOT", "artifact", "path_from_here"]

ROOT = "%SRCROOT%"
"""What SARIF's readers call the root of the sources."""


def path_from_here(path: str) -> str:
    """The path with `/`, and from the current folder if it is below that. A `..` stays."""
    pure = PurePath(path)
    if pure.is_absolute() and pure.is_relative_to(here := os.getcwd()):
        pure = pure.relative_to(here)
    return pure.as_posix()


def artifact(report: FileReport) -> dict[str, Any]:
    """A file as an `artifactLocation` of SARIF. A member of an archive is a fragment of the
    archive's URI. Bytes that are not UTF-8 are percent-encoded like all others."""
    file = report.path if report.archive is None else report.archive
    member = report.path[len(file) :].lstrip("!/")
    fragment = f"#{_quoted(member)}" if report.archive is not None else ""
    path = path_from_here(file)
    if PurePath(path).is_absolute():
        return {"uri": Path(path).as_uri() + fragment}
    return {"uri": _quoted(path) + fragment, "uriBaseId": ROOT}


def _quoted(path: str) -> str:
    return quote(os.fsencode(path))
