"""What `uv tool install` has noted of a tool, to install the tool again with one extra more.

uv replaces what it has installed: extras and packages that its line does not name are removed.
https://docs.astral.sh/uv/concepts/tools/
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["Receipt", "is_uv_tool", "read_receipt"]

_FILE = "uv-receipt.toml"
"""uv leaves it in the environment of a tool. https://docs.astral.sh/uv/reference/storage/"""

_UNDERSTOOD = frozenset(("requirements", "entrypoints", "python", "options"))
"""Keys of a receipt. `options` are settings of indexes, which uv reads from its own settings."""

_PLACES = ("path", "directory", "editable", "url")


class Receipt(NamedTuple):
    """What has to be named again: the tool's extras, the versions of it that were asked for, such
    as `==0.1.0`, and uv's options for its Python and for other packages."""

    extras: frozenset[str]
    versions: str
    options: Sequence[str]


def is_uv_tool(prefix: str) -> bool:
    """Whether an environment was made by `uv tool install`."""
    return os.path.exists(os.path.join(prefix, _FILE))


def read_receipt(prefix: str, tool: str) -> Receipt | None:
    """What an environment has. None if it is not the environment of `tool`, or if its receipt
    cannot be read or says something that would be lost by installing the tool again."""
    import tomllib

    try:
        with open(os.path.join(prefix, _FILE), "rb") as file:
            about = tomllib.load(file)["tool"]
        own, *others = about["requirements"]
        if own["name"] != tool or not _UNDERSTOOD.issuperset(about):
            return None
        python = ["--python", about["python"]] if "python" in about else []
        options = [word for other in others for word in _with(other)]
        return Receipt(
            frozenset(own.get("extras", ())), own.get("specifier", ""), [*python, *options]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _with(requirement: Mapping[str, Any]) -> Sequence[str]:
    """The option for another package. Raises KeyError for one that cannot be named in a line."""
    places = [key for key in _PLACES if key in requirement]
    if len(places) > 1 or not {"name", "extras", "specifier", *_PLACES}.issuperset(requirement):
        raise KeyError("requirement")
    extras = f"[{','.join(requirement['extras'])}]" if requirement.get("extras") else ""
    if not places:
        return ["--with", requirement["name"] + extras + requirement.get("specifier", "")]
    at = requirement[places[0]]
    if places == ["url"]:
        return ["--with", f"{requirement['name']}{extras} @ {at}"]
    return ["--with-editable" if places == ["editable"] else "--with", at + extras]
