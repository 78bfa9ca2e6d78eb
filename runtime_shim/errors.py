"""Errors of the runtime. The base classes are in rewriter.errors.

HostError       becomes an errno for the guest (runtime_shim.engine.host_functions)
  DeviceLost    the process can no longer use a device
  Unreadable    a number has no meaning
    OutsideMemory   a pointer outside the guest's memory
  UnknownHandle the guest does not have this handle
  CodedError    its reason has a code
    BackendMissing  a backend cannot be imported
    ServerError     an inference server cannot be reached, or does not answer as it should
HostHarm        the emulated host would corrupt memory or crash
LinkError       the module has unresolved imports

How a guest ended is described by runtime_shim.engine.outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rewriter.abi.dialects import Errno
from rewriter.errors import NNShimError

__all__ = [
    "BackendMissing",
    "CodedError",
    "DeviceLost",
    "HostError",
    "HostHarm",
    "LinkError",
    "OutsideMemory",
    "ServerError",
    "UnknownHandle",
    "Unreadable",
]

_LONGEST_REASON = 2000
"""In characters. Models and guests can put text of any length into a reason."""


class HostError(NNShimError):
    """A call that the host refuses. The guest gets `errno`, the log gets `reason`. `remedy` names
    what the operator can do about it, if anything: "graphs" (name one), "device" (allow another),
    "server" (see to it), or "limit NAME".

    A guest can cause one with every call, so creating one is cheap: the arguments are stored
    unchanged, and the message is formatted when it is read.
    """

    args: tuple[Errno, str] | tuple[Errno, str, str] | tuple[Errno, str, str, str]

    if TYPE_CHECKING:

        def __init__(self, errno: Errno, reason: str, remedy: str = "") -> None: ...

    @property
    def errno(self) -> Errno:
        """The errno that the guest gets."""
        return self.args[0]

    @property
    def reason(self) -> str:
        """The reason, truncated to a length that suits a log."""
        reason = self.args[1]
        return reason if len(reason) <= _LONGEST_REASON else reason[:_LONGEST_REASON] + "..."

    @property
    def remedy(self) -> str:
        """What the operator can do, as one word; empty if there is nothing to do."""
        return self.args[2] if len(self.args) > 2 else ""

    def __str__(self) -> str:
        return f"{self.errno.name.lower()}: {self.reason}"


class DeviceLost(HostError):
    """A device no longer accepts any request from this process."""


class Unreadable(HostError):
    """An argument is a number without a meaning."""


class OutsideMemory(Unreadable):
    """A memory range passed by the guest is not inside its memory."""


class UnknownHandle(HostError):
    """The guest was never given the handle, or has released it."""


class CodedError(HostError):
    """A call that the host refuses for a reason that has a code in rewriter.codes."""

    def __init__(self, errno: Errno, reason: str, remedy: str, code: str) -> None:
        super().__init__(errno, reason, remedy)
        self.args = errno, reason, remedy, code
        self.code = code

    def __str__(self) -> str:
        return f"{self.errno.name.lower()}[{self.code}]: {self.reason}"


class BackendMissing(CodedError):
    """A backend whose packages are not installed, or cannot be imported."""


class ServerError(CodedError):
    """A call that the host refuses because of an inference server. Takes the remedy "server"."""


class HostHarm(NNShimError):
    """The host that a guest is run as (RunOptions.as_host) would have read or written out of
    bounds, or its process would have crashed. The guest is stopped instead."""

    code = "NN602"


class LinkError(NNShimError):
    """The module cannot be instantiated: imports or exports are missing or have another type. Takes
    the lines of its message."""

    code = "NN601"

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self._lines = lines

    @property
    def lines(self) -> Sequence[str]:
        """The message, followed by one line for each import or export."""
        return self._lines
