"""Sizes and times: a number with a unit, or without."""

from __future__ import annotations

import re

from rewriter.errors import UsageError

__all__ = ["parse_size", "parse_time", "size_text"]

_SIZE = r"(?ai)(\d{1,20})(?:\.(\d{1,20}))?(?:([kmgt])(b|ib)?|b)?"
"""A number without a unit is bytes. K, M, G and T are powers of 1024, and so are KiB and so on; KB
and so on are powers of 1000, as in coreutils.

https://www.gnu.org/software/coreutils/manual/html_node/Block-size.html
"""

_TIME = r"(?ai)(\d{1,20}(?:\.\d{1,20})?) ?(ms|s|m|min|h)"

_SECONDS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}

_DIGITS = 30
"""More than any number needs; Python refuses to read thousands."""


def parse_size(option: str, text: str) -> int:
    """Bytes. Raises UsageError."""
    found = re.fullmatch(_SIZE, text)
    if found is None or (found[2] and not found[3]):
        raise UsageError(
            f"{option} {text}: expected a number of bytes, or one with a unit: 64M and 1.5GiB are"
            " powers of 1024, 200MB is one of 1000"
        )
    whole, part, prefix, suffix = found.groups()
    base = 1000 if (suffix or "").lower() == "b" else 1024
    unit: int = base ** (" kmgt".index(prefix.lower()) if prefix else 0)
    parts: int = 10 ** len(part or "")
    return int(whole) * unit + int(part or "0") * unit // parts


def size_text(size: int) -> str:
    """A number of bytes for people, in powers of 1024: 999 bytes, 9.7 KiB, 853 MiB."""
    number = float(size)
    if size < 1024:
        return f"{size} bytes"
    for unit in ("KiB", "MiB", "GiB"):
        number /= 1024
        if number < 1024 or unit == "GiB":
            break
    return f"{number:.0f} {unit}" if number >= 100 else f"{number:.1f} {unit}"


def parse_time(option: str, text: str) -> float:
    """Seconds. A number without a unit is seconds, and may be one that whoever takes it refuses:
    negative, infinite or not a number. Raises UsageError."""
    found = re.fullmatch(_TIME, text)
    if found is not None:
        return float(found[1]) * _SECONDS[found[2].lower()]
    try:
        if len(text) < _DIGITS:
            return float(text)
    except ValueError:
        pass
    raise UsageError(
        f"{option} {text}: expected a time, e.g. 500ms, 1.5s, 2m or 1h; a number alone is seconds"
    )
