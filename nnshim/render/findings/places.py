"""Where a file is, as programs on other machines have it: from the current folder, which is a
repository's root in a pipeline."""

from __future__ import annotations

import os
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote

__all__ = ["ROOT", "artifact", "path_from_here"]

ROOT = "%SRCROOT%"
"""What SARIF's readers call the root of the sources."""


def path_from_here(path: str) -> str:
    """The path with `/`, and from the current folder if it is below that. A `..` stays."""
    pure = PurePath(path)
    if pure.is_absolute() and pure.is_relative_to(here := os.getcwd()):
        pure = pure.relative_to(here)
    return pure.as_posix()


def artifact(path: str) -> dict[str, Any]:
    """A file as an `artifactLocation` of SARIF. Bytes that are not UTF-8 are percent-encoded like
    all others. A member of an archive keeps its `!`: not all readers take a relative URI with a
    fragment for one."""
    path = path_from_here(path)
    if PurePath(path).is_absolute():
        return {"uri": Path(path).as_uri()}
    return {"uri": quote(os.fsencode(path), safe="/!"), "uriBaseId": ROOT}
