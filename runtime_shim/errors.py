"""Errors of the runtime; the tree they hang from is in rewriter.errors.

HostError       becomes an errno for the guest (runtime_shim.linker)
LinkError       the module asks for imports that no one defines
GuestTrap       the guest stopped with a trap
"""

from __future__ import annotations

from rewriter.dialects import Errno
from rewriter.errors import NNShimError

__all__ = ["GuestTrap", "HostError", "LinkError"]


class HostError(NNShimError):
    """A call that the host refuses: the guest gets `errno`, the log gets `reason`."""

    def __init__(self, errno: Errno, reason: str) -> None:
        super().__init__(f"{errno.name.lower()}: {reason}")
        self.errno = errno
        self.reason = reason


class LinkError(NNShimError):
    """The module cannot be instantiated: imports or exports are missing or of another type."""


class GuestTrap(NNShimError):
    """The guest trapped; the message is the engine's, with the wasm backtrace."""
