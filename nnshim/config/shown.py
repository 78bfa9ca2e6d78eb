"""The configuration in force as text that is TOML, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnshim.config.config import Config
    from nnshim.config.merged import Value

__all__ = ["as_json", "as_text", "toml"]


def as_text(config: Config, values: Sequence[Value]) -> list[str]:
    """Lines of TOML, with where each value comes from in a comment."""
    remark = "no configuration file" if config.remark is None else config.remark
    lines = [f"# {remark}"]
    table = ""
    for value in sorted(values, key=lambda value: _table(value) != ""):
        if _table(value) != table:
            table = _table(value)
            lines += ["", f"[{table}]"]
        lines.append(f"{_text(value)}  # {_source(config, value)}")
    return lines


def as_json(config: Config, values: Sequence[Value]) -> dict[str, Any]:
    return {
        "file": config.path,
        "not_read": config.beside,
        "values": [
            {
                "key": value.key,
                "value": value.value,
                "source": value.source.replace(" ", "_"),
                "line": value.line,
            }
            for value in values
        ],
    }


def _table(value: Value) -> str:
    return value.key.partition(".")[0] if "." in value.key else ""


def _text(value: Value) -> str:
    key = value.key.rpartition(".")[2]
    if value.value is None:
        return f"# {key}: not restricted"
    return f"{key} = {toml(value.value)}"


def toml(value: object) -> str:
    """A value as TOML has it: a boolean, a string, a list, or a table in a line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        inner = ", ".join(f"{toml(key)} = {toml(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, str):  # TOML has JSON's escapes
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return f"[{', '.join(map(toml, value))}]" if isinstance(value, Sequence) else str(value)


def _source(config: Config, value: Value) -> str:
    if value.source != "file":
        return value.source
    return f"{config.path}" if value.line is None else f"{config.path}:{value.line}"
