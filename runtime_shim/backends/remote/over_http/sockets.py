"""Connections on which nothing takes longer than a deadline, however slowly a server sends. The
timeouts of sockets and of http.client hold for each piece that arrives."""

from __future__ import annotations

import errno
import http.client
import io
import select
import socket
import ssl
import threading
from typing import Any

from runtime_shim.backends.remote.interface import left

__all__ = ["Connection"]

_CONNECTING = 5.0
"""How many seconds one attempt to connect may take, so that there is time for another endpoint."""

_SHORT = 1 << 16
"""Up to how many bytes a request is copied into one piece."""


class _Answer(http.client.HTTPResponse):
    """An answer, without what a server may say before it, such as `103 Early Hints`. http.client
    knows only `100 Continue`.

    https://www.rfc-editor.org/rfc/rfc9110#section-15.2
    """

    def begin(self) -> None:
        super().begin()
        while self.status < http.client.OK and self.status != http.client.SWITCHING_PROTOCOLS:
            self.headers = None  # type: ignore[assignment]  # it begins once more
            super().begin()


class Connection(http.client.HTTPConnection):
    """A connection, with TLS if there is a context. Set `until` before each request."""

    response_class = _Answer

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None, until: float) -> None:
        super().__init__(host, port)
        self._context = context
        self.until = until

    def connect(self) -> None:
        connected = _connected(self.host, self.port, self.until)
        try:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is not None:
                connected.settimeout(min(_CONNECTING, left(self.until)))
                connected = self._context.wrap_socket(connected, server_hostname=self.host)
        except BaseException:
            connected.close()
            raise
        self.sock: Any = _Timed(connected, self)

    def send_all(self) -> None:
        """Send what http.client has been given of the request."""
        self.sock.send_all()

    def is_usable(self) -> bool:
        """Whether a connection that was kept is still open, and nothing has arrived that nobody
        asked for."""
        return self.sock is not None and not self.sock.has_surplus()


class _Timed:
    """What http.client needs of a socket. It keeps what is to be sent until it has all of it, so
    that a short request is one packet. http.client closes it before it has read an answer after
    which there is no other, so it stays open for its readers."""

    def __init__(self, connected: socket.socket, connection: Connection) -> None:
        self.connected = connected
        self._connection = connection
        self._unsent: list[bytes] = []
        self._readers = 0
        self._is_closed = False
        self.was_sent_more = False
        """Whether bytes were read that are not of the answer."""

    def wait(self) -> socket.socket:
        """The socket, with the time that is left."""
        self.connected.settimeout(left(self._connection.until))
        return self.connected

    def has_surplus(self) -> bool:
        """Whether there are bytes after the last answer, or the connection has ended."""
        if self.was_sent_more:
            return True
        if isinstance(self.connected, ssl.SSLSocket) and self.connected.pending():
            return True
        poll = select.poll()
        poll.register(self.connected, select.POLLIN)
        return bool(poll.poll(0))

    def sendall(self, data: bytes) -> None:
        self._unsent.append(data)

    def send_all(self) -> None:
        pieces, self._unsent = self._unsent, []
        short = sum(map(len, pieces)) <= _SHORT
        for piece in [b"".join(pieces)] if short else pieces:
            view = memoryview(piece)
            while view:
                view = view[self.wait().send(view) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        self._readers += 1
        return _Reader(_Arriving(self))

    def reader_closed(self) -> None:
        self._readers -= 1
        if self._is_closed:
            self.close()

    def close(self) -> None:
        self._is_closed = True
        if self._readers <= 0:
            self.connected.close()


class _Reader(io.BufferedReader):
    """Reads one answer."""

    raw: _Arriving

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:  # the server has said so of a chunk; it would have no end
            raise http.client.HTTPException
        return super().read(size)

    def close(self) -> None:
        if not self.closed:
            self.raw.end(self)
        super().close()


class _Arriving(io.RawIOBase):
    def __init__(self, timed: _Timed) -> None:
        self._timed = timed
        self._is_over = False

    def readable(self) -> bool:
        return True

    def end(self, reader: io.BufferedReader) -> None:
        """The answer is complete. Takes what is left in the reader's buffer for surplus."""
        self._is_over = True
        self._timed.was_sent_more |= bool(reader.peek(1))

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._timed.reader_closed()

    def readinto(self, buffer: Any) -> int:
        return 0 if self._is_over else self._timed.wait().recv_into(buffer)


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
    raise failed or OSError(f"{host} has no address")


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
    if failed:
        raise failed[0]
    return list(found)
