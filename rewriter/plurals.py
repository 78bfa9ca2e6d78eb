"""Numbers of things in messages."""

from __future__ import annotations

__all__ = ["counted"]


def counted(count: int, noun: str) -> str:
    """`1 byte`, `2 bytes`."""
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"
