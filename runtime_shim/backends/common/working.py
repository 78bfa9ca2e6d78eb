"""Contexts whose computations take memory that they keep."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from runtime_shim.backends.interface import ExecutionContext

__all__ = ["WorkingContext"]


@runtime_checkable
class WorkingContext(ExecutionContext, Protocol):
    """A context that takes memory when it computes, and keeps it for the next time."""

    def allow(self, most: int) -> None:
        """Let computations raise HostError with `too_large` before they take more than so many
        bytes. Without this call, they may take any number."""

    def working_bytes(self) -> int:
        """The memory that the context has now, in bytes."""
