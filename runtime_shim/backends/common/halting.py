"""Contexts whose computation can be stopped."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from runtime_shim.backends.interface import ExecutionContext

__all__ = ["HaltableContext", "halt"]


@runtime_checkable
class HaltableContext(ExecutionContext, Protocol):
    """A context that computes step by step."""

    def halt(self) -> None:
        """Let the call that is running in another thread, and every later one, raise HostError with
        `runtime_error` after its next step. Returns at once."""


def halt(context: ExecutionContext) -> None:
    """Stop a context, if its NN runtime can be stopped."""
    if isinstance(context, HaltableContext):
        context.halt()
