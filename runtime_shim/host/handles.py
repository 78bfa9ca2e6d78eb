"""The handles by which guests refer to objects of the host."""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

from rewriter.abi.dialects import Errno
from runtime_shim.errors import UnknownHandle
from runtime_shim.host.pool import host_is_closed

__all__ = ["Ended", "Handles"]

R = TypeVar("R")


class Handles(dict[int, R]):
    """Handles of one kind. Looking up any other number raises UnknownHandle."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._kind = kind

    def forget(self, handle: int) -> None:
        self[handle]  # raises HostError; `del` alone would raise KeyError
        del self[handle]

    def __missing__(self, handle: int) -> R:
        raise UnknownHandle(Errno.INVALID_ARGUMENT, f"{handle} is not a handle of {self._kind}")


class Ended(Handles[Any]):
    """The handles of a session whose host is closed: always empty."""

    def __init__(self) -> None:
        super().__init__("")

    def __contains__(self, handle: object) -> bool:
        raise host_is_closed()

    def __missing__(self, handle: int) -> NoReturn:
        raise host_is_closed()

    def __setitem__(self, handle: int, value: object) -> NoReturn:
        raise host_is_closed()
