"""Local models that stand in for those on inference servers."""

from __future__ import annotations

import logging
from collections.abc import Callable

from rewriter.abi.dialects import Errno
from runtime_shim.backends.interface import Graph
from runtime_shim.errors import HostError, ServerError

__all__ = ["StandIn"]

_CODE = "NN609"

log = logging.getLogger("runtime_shim")


class StandIn:
    """The local model of a named graph whose servers may be out of reach. `load` loads it, or
    returns it if it is loaded."""

    def __init__(self, name: str, load: Callable[[], Graph]) -> None:
        self._name = name
        self._load = load
        self._is_used = False

    def load(self, reason: str) -> Graph:
        """The graph, in place of servers that are out of reach for a reason. Warns when it begins
        to be used, not for each inference, because a guest could fill the log. Raises ServerError
        with both reasons if it cannot be loaded."""
        try:
            graph = self._load()
        except HostError as error:
            both = f"{reason}; and the local model cannot be used: {error.reason}"
            raise ServerError(Errno.RUNTIME_ERROR, both, "server", "NN603") from error
        if not self._is_used:
            self._is_used = True
            log.warning(
                "warning[%s]: the named graph %r runs on its local model: %s",
                *(_CODE, self._name, reason),
            )
        return graph

    def is_over(self) -> None:
        """A server has answered."""
        if self._is_used:
            self._is_used = False
            log.warning("the named graph %r runs on its server again", self._name)
