"""Errors of the runtime; the tree they hang from is in rewriter.errors.

HostError       becomes an errno for the guest (runtime_shim.engine.host_functions)
  DeviceLost    its process cannot use a device any more
  Unreadable    a number that means nothing
    OutsideMemory   a pointer outside the guest's memory
  UnknownHandle a handle that the guest was not given
HostHarm        the host that is played would do harm, or end
LinkError       the module asks for imports that no one defines

What a guest ends with is in runtime_shim.engine.outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rewriter.abi.dialects import Errno
from rewriter.errors import NNShimError

__all__ = [
    "DeviceLost",
    "HostError",
    "HostHarm",
    "LinkError",
    "OutsideMemory",
    "UnknownHandle",
    "Unreadable",
]

_LONGEST_REASON = 2000
"""Characters: models and guests can put text of any length into it."""


class HostError(NNShimError):
    """A call that the host refuses: the guest gets `errno`, the log gets `reason`. `remedy` is a
    word for what the operator can do about it, where there is something: "graphs" (name one),
    "device" (allow another), or "limit NAME".

    A guest can cause one with every call, so it is cheap to make: the arguments are kept as they
    are, and the message is put together when it is read.
    """

    args: tuple[Errno, str] | tuple[Errno, str, str]

    if TYPE_CHECKING:

        def __init__(self, errno: Errno, reason: str, remedy: str = "") -> None: ...

    @property
    def errno(self) -> Errno:
        """What the guest gets."""
        return self.args[0]

    @property
    def reason(self) -> str:
        """Cut where it is too long for a log."""
        reason = self.args[1]
        return reason if len(reason) <= _LONGEST_REASON else reason[:_LONGEST_REASON] + "..."

    @property
    def remedy(self) -> str:
        """What the operator can do, in a word; empty where there is nothing."""
        return self.args[2] if len(self.args) > 2 else ""

    def __str__(self) -> str:
        return f"{self.errno.name.lower()}: {self.reason}"


class DeviceLost(HostError):
    """A device takes nothing more from this process, whatever it is asked for."""


class Unreadable(HostError):
    """An argument is a number that means nothing."""


class OutsideMemory(Unreadable):
    """A range that a pointer of the guest's begins is not inside its memory."""


class UnknownHandle(HostError):
    """The guest was not given the handle, or has let go of it."""


class HostHarm(NNShimError):
    """The host that a guest is run as (RunOptions.as_host) would have written or read beyond what
    the guest has passed, or its process would have ended: the guest is stopped instead."""

    code = "NN602"


class LinkError(NNShimError):
    """The module cannot be instantiated: imports or exports are missing or of another type. Made of
    its lines."""

    code = "NN601"

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self._lines = lines

    @property
    def lines(self) -> Sequence[str]:
        """What it says, and below it each import or export."""
        return self._lines
