"""Where a module of an artifact was found, as lines for people and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rewriter.files.input import Origin

__all__ = ["as_json", "as_lines"]


def as_lines(path: str, origin: Origin) -> list[str]:
    """What the reference `path` names, and below it what was left alone; nothing where the
    reference says it all."""
    if origin.in_index is None:
        first = f"{path} is {origin.manifest}"
        is_said = origin.manifest in path and not origin.passed_over
    else:
        first = f"{path} is the index {origin.in_index}; its module is in the manifest"
        first += f" {origin.manifest}"
        is_said = False
    others = [
        f"  left alone: {each.digest} ({each.platform or 'no platform'}): {each.reason}"
        for each in origin.passed_over
    ]
    return [] if is_said else [first, *others]


def as_json(origin: Origin | None) -> dict[str, Any]:
    """The member `artifact` of an object, if the module is one of an artifact."""
    if origin is None:
        return {}
    passed_over = [each._asdict() for each in origin.passed_over]
    value = {"manifest": origin.manifest, "index": origin.in_index, "passed_over": passed_over}
    return {"artifact": value}
