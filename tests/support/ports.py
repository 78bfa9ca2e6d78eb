"""Ports of this machine for servers that a test starts."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

__all__ = ["closed_port"]


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """A port on which nobody listens, but for a server of the test's own that sets SO_REUSEADDR: it
    is taken, so that no other process gets it meanwhile."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
