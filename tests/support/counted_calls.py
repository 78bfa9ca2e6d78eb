"""Which calls of a guest reach the host."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runtime_shim import Session

__all__ = ["counted"]


def counted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Session, str]]:
    """The sessions, and names of the methods, that guests' calls reach from now on."""
    calls: list[tuple[Session, str]] = []
    for name in ("set_input", "compute", "output_in_place"):
        monkeypatch.setattr(Session, name, _counting(calls, name, getattr(Session, name)))
    return calls


def _counting(
    calls: list[tuple[Session, str]], name: str, method: Callable[..., object]
) -> Callable[..., object]:
    def call(session: Session, *arguments: object) -> object:
        calls.append((session, name))
        return method(session, *arguments)

    return call
