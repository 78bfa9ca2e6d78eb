"""Connections on which nothing takes longer than a deadline, however slowly a server sends. The
timeout of a socket holds for each piece that arrives."""

from __future__ import annotations

import errno
import select
import socket
import ssl
import threading
from collections.abc import Sequence
from typing import Any

from runtime_shim.backends.remote.interface import left

__all__ = ["Connection"]

_CONNECTING = 5.0
"""How many seconds one attempt to connect may take, so that there is time for another endpoint."""

_SHORT = 1 << 16
"""Up to how many bytes a request is copied into one piece."""


_PIECE = 1 << 16
"""How many bytes are asked for if it is not known how many there are."""


class Connection:
    """A connection, with TLS if there is a context. Set `until` before each request. `arrived` has
    what was received and not yet read.

    Connecting raises OSError; so does everything else, and TimeoutError when the time is over.
    """

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None, until: float) -> None:
        self.until = until
        self.arrived = bytearray()
        connected = _connected(host, port, until)
        try:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                connected.settimeout(min(_CONNECTING, left(until)))
                connected = context.wrap_socket(connected, server_hostname=host)
        except BaseException:
            connected.close()
            raise
        self._socket = connected

    def send(self, pieces: Sequence[bytes]) -> None:
        """Send all of them. A short request is one packet."""
        is_short = sum(map(len, pieces)) <= _SHORT
        for piece in [b"".join(pieces)] if is_short else pieces:
            view = memoryview(piece)
            while view:
                view = view[self._waiting().send(view) :]

    def receive(self) -> bool:
        """Wait for more. False if the server has ended the connection."""
        found = self._waiting().recv(_PIECE)
        self.arrived += found
        return bool(found)

    def receive_into(self, view: memoryview) -> int:
        """How many bytes were received; 0 if the server has ended the connection."""
        return self._waiting().recv_into(view)

    def is_usable(self) -> bool:
        """Whether the connection is still open, and nothing has arrived that nobody asked for."""
        if self.arrived or (isinstance(self._socket, ssl.SSLSocket) and self._socket.pending()):
            return False
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        self._socket.close()

    def _waiting(self) -> socket.socket:
        """The socket, with the time that is left."""
        self._socket.settimeout(left(self.until))
        return self._socket


def _connected(host: str, port: int, until: float) -> socket.socket:
    """A connection to the first address that takes one. Raises OSError."""
    failed: OSError | None = None
    for family, kind, protocol, _, address in _addresses(host, port, until):
        made = socket.socket(family, kind, protocol)
        try:
            made.settimeout(min(_CONNECTING, left(until)))
            made.connect(address)
        except OSError as error:
            made.close()
            failed = error
        except BaseException:
            made.close()
            raise
        else:
            return made
    raise failed or OSError(errno.EADDRNOTAVAIL, "the host has no address")


def _addresses(host: str, port: int, until: float) -> list[Any]:
    """The addresses of a name. The system's resolver knows no deadline, so a thread waits for it,
    which is left behind if it takes too long."""
    found: list[Any] = []
    failed: list[OSError] = []

    def resolve() -> None:
        try:
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            failed.append(error)
        except UnicodeError:  # a part of a name has at most 63 characters
            failed.append(OSError(errno.EINVAL, f"{host} cannot be a name"))

    thread = threading.Thread(target=resolve, daemon=True)
    thread.start()
    thread.join(min(_CONNECTING, left(until)))
    if thread.is_alive():
        raise TimeoutError
    if failed:
        raise failed[0]
    return list(found)
