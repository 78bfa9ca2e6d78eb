"""The table in docs/configuration.md, from the schema: python -m tests.tools.site.key_table"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nnshim.config.schema import read_schema
from nnshim.config.shown import toml

__all__ = ["table"]


def table() -> str:
    """In Markdown, a row for each key."""
    return "\n".join(("| key | what it says | example |", "| --- | --- | --- |", *_rows()))


def _rows() -> Iterator[str]:
    for key, schema in read_schema()["properties"].items():
        if "properties" in schema:
            yield f"| `[{key}]` | {schema['description']} | |"
            for name, inner in schema["properties"].items():
                yield _row(name, inner)
        else:
            yield _row(key, schema)


def _row(key: str, schema: Mapping[str, Any]) -> str:
    what = schema["description"]
    known = schema.get("enum") or schema.get("items", {}).get("enum")
    if known is not None:
        what = f"{what} One of: {', '.join(f'`{name}`' for name in known)}."
    return f"| `{key}` | {what} | `{key} = {toml(schema['examples'][0])}` |"


if __name__ == "__main__":
    print(table())
