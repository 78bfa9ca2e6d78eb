"""docs/reference/json.md, from the schema of --json: python -m tests.tools.site.json_page"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.tools.site.links import ROOT

__all__ = ["PAGE", "page"]

PAGE = ROOT / "docs" / "reference" / "json.md"
_SCHEMA = json.loads((ROOT / "nnshim" / "render" / "schema.json").read_text())["$defs"]
_COMMANDS = (
    *("inspect", "check", "rewrite", "verify", "hosts", "explain", "map", "probe", "doctor"),
    *("bench", "cache-list", "config-show"),
)

_HEAD = (
    "# JSON",
    "<!-- python -m tests.tools.site.json_page -->",
    "With `--json`, commands print this on standard output. [The schema](../../nnshim/render/"
    "schema.json) says the same for programs, with `$defs` by the names here, and every command is"
    " tested against it. New fields may be added; no field is removed or changes its meaning.",
    "`[]` in a field's name stands for each element of an array, and `*` for each key of an object."
    " A field marked with ? may be missing.",
)


def page() -> str:
    """In Markdown: a section for each command, then one for each part that they share."""
    parts = list(_HEAD)
    for name in _COMMANDS:
        parts += [f"## nnshim {name.replace('-', ' ')}", *_section(_SCHEMA[name])]
    parts.append("## Parts")
    for name in _SCHEMA:
        if name not in _COMMANDS:
            parts += [f"### {name}", *_section(_SCHEMA[name])]
    return "\n\n".join(parts) + "\n"


def _section(schema: Mapping[str, Any]) -> Iterator[str]:
    if "description" in schema:
        yield schema["description"]
    kind = _kind(schema)
    yield f"{kind[0].upper()}{kind[1:]}."
    rows = list(_rows(schema, ""))
    if rows:
        yield "\n".join(("| field | what it is |", "| --- | --- |", *rows))


def _kind(schema: Mapping[str, Any]) -> str:
    """In a few words: `array of string`, `[diagnostic](#diagnostic) or null`."""
    match schema:
        case {"$ref": reference}:
            name = reference.removeprefix("#/$defs/")
            return f"[{name}](#{name})"
        case {"anyOf": several}:
            return " or ".join(map(_kind, several))
        case {"const": value}:
            return f"`{json.dumps(value)}`"
        case {"enum": values}:
            return " or ".join(f"`{json.dumps(value)}`" for value in values)
        case {"type": "array", "items": items}:
            kind = _kind(items)
            return f"array of ({kind})" if " or " in kind else f"array of {kind}"
        case {"type": "object", "additionalProperties": dict(values)}:
            return f"object of {_kind(values)}"
        case {"type": list(kinds)}:
            return " or ".join(_kind({**schema, "type": kind}) for kind in kinds)
        case {"type": "string", "pattern": pattern}:
            return f"string matching `{pattern}`"
        case {"type": kind}:
            return str(kind)
    return "anything"


def _rows(schema: Mapping[str, Any], path: str) -> Iterator[str]:
    """A line of the table for each field in it, however deep, but for those of other sections."""
    match schema:
        case {"anyOf": several}:
            for each in several:
                yield from _rows(each, path)
        case {"items": items}:
            yield from _rows(items, f"{path}[]")
        case _:
            for name, field in schema.get("properties", {}).items():
                inner = f"{path}.{name}".lstrip(".")
                missing = "" if name in schema.get("required", ()) else " ?"
                about = f": {field['description']}" if "description" in field else ""
                yield f"| `{inner}`{missing} | {_kind(field)}{about} |"
                yield from _rows(field, inner)
            others = schema.get("additionalProperties")
            if isinstance(others, dict):
                yield from _rows(others, f"{path}.*".lstrip("."))


if __name__ == "__main__":
    PAGE.write_text(page())
