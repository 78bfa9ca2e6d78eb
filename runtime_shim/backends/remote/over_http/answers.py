"""Answers of HTTP/1.1. An answer that two readers could understand in two ways is not used.

http.client reads headers with the parser for e-mails, which takes longer than everything else that
is done for a small inference.

https://www.rfc-editor.org/rfc/rfc9112
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import NamedTuple

from runtime_shim.backends.remote.over_http.sockets import Connection
from runtime_shim.backends.remote.speaker import Speaker

__all__ = ["Answer", "BrokenOff", "Garbled", "read_answer"]

_LONGEST = 1 << 16
"""In bytes, of the status with the headers, and of a line between chunks."""

_AT_ONCE = 64 << 20
"""For how many bytes there is memory before they arrive."""

_STARTS = b"HTTP/1."

_END = re.compile(rb"\n\r?\n")
"""After the last header. A line may end without CR."""

_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: ([\t\x20-\x7e\x80-\xff]*))?")

_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)")
"""A name is followed by the colon at once. A line that continues the one before is not accepted."""

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?")
"""Of a chunk, with extensions."""

_LENGTH = re.compile(r"[0-9]{1,18}")


class Garbled(Exception):
    """What has arrived is not an answer, or too large. The message says why. `value` is what cannot
    be understood, if it is to be told."""

    def __init__(self, why: str, value: str | None = None) -> None:
        super().__init__(why)
        self._value = value

    def told_by(self, server: Speaker) -> str:
        """Why, without secrets."""
        return f"{self} {server.quoted(self._value)}" if self._value is not None else str(self)


class BrokenOff(Exception):
    """The connection has ended before the answer."""


class Answer(NamedTuple):
    """`reason` is the status in words, which may be empty. `headers` have their names in small
    letters. `is_last` says that the server sends no other answer on the connection."""

    status: int
    reason: str
    headers: Sequence[tuple[str, str]]
    data: bytes | bytearray
    is_last: bool

    def header(self, name: str) -> str | None:
        """The value of a header, by its name in small letters. Raises Garbled if there are several
        and they differ."""
        return _one(self.headers, name)


def read_answer(connection: Connection, largest: int) -> Answer:
    """Read an answer with at most so many bytes after its headers. Answers of the kind `103 Early
    Hints` before it are left out.

    Raises Garbled, BrokenOff, TimeoutError, and OSError.
    """
    while True:
        version, status, reason, headers = _head(connection)
        if status >= HTTPStatus.OK:
            break
        if status == HTTPStatus.SWITCHING_PROTOCOLS:
            raise Garbled("it switches to another protocol")
    length = _length(headers)
    options = {
        each.strip().lower()
        for name, value in headers
        if name == "connection"
        for each in value.split(",")
    }
    is_last = "close" in options or (version == 0 and "keep-alive" not in options)
    if status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
        return Answer(status, reason, headers, b"", is_last)
    if _is_chunked(headers):
        if length is not None:
            raise Garbled("it has a Content-Length and a Transfer-Encoding")
        if version == 0:
            raise Garbled("it has a Transfer-Encoding, which HTTP/1.0 has not")
        return Answer(status, reason, headers, _chunks(connection, largest), is_last)
    if length is None:
        return Answer(status, reason, headers, _rest(connection, largest), is_last=True)
    if length > largest:
        raise Garbled(f"it has {length} bytes")
    return Answer(status, reason, headers, _exactly(connection, length), is_last)


def _instead(arrived: bytes | bytearray) -> str:
    """What begins like this instead, if that is known.

    https://www.rfc-editor.org/rfc/rfc9113.html#name-frame-format
    """
    if arrived[3:9] == b"\x04\x00\x00\x00\x00\x00":  # the settings with which HTTP/2 begins
        return ", but as one of gRPC: try grpc:// in place of http://"
    if arrived[:2] == b"\x15\x03":  # an alert
        return ", but as one of TLS: try https:// in place of http://"
    return ""


def _head(connection: Connection) -> tuple[int, int, str, list[tuple[str, str]]]:
    """The minor version, the status, the same in words, and the headers."""
    arrived = connection.arrived
    while True:
        if not arrived.startswith(_STARTS[: len(arrived)]):
            raise Garbled(f"it does not begin as an answer of HTTP/1.1{_instead(arrived)}")
        found = _END.search(arrived, 0, _LONGEST)
        if found is not None:
            break
        if len(arrived) >= _LONGEST:
            raise Garbled(f"its headers have more than {_LONGEST} bytes")
        _receive(connection)
    first, *lines = bytes(arrived[: found.start()]).split(b"\n")
    del arrived[: found.end()]
    status = _STATUS.fullmatch(first.removesuffix(b"\r"))
    if status is None:
        raise Garbled("its status cannot be read")
    headers = [_header(line.removesuffix(b"\r")) for line in lines]
    return int(status[1]), int(status[2]), (status[3] or b"").decode("latin-1"), headers


def _header(line: bytes) -> tuple[str, str]:
    header = _HEADER.fullmatch(line)
    if header is None:
        raise Garbled("a header cannot be read")
    name, value = header.groups()
    return name.decode().lower(), value.rstrip(b" \t").decode("latin-1")


def _one(headers: Sequence[tuple[str, str]], name: str) -> str | None:
    values = {value for each, value in headers if each == name}
    if len(values) > 1:
        raise Garbled(f"it has several headers {name}")
    return values.pop() if values else None


def _length(headers: Sequence[tuple[str, str]]) -> int | None:
    given = _one(headers, "content-length")
    if given is None:
        return None
    if not _LENGTH.fullmatch(given):
        raise Garbled("its Content-Length is", given)
    return int(given)


def _is_chunked(headers: Sequence[tuple[str, str]]) -> bool:
    given = [value for name, value in headers if name == "transfer-encoding"]
    if given and [each.lower() for each in given] != ["chunked"]:
        raise Garbled("its Transfer-Encoding is", ", ".join(given))
    return bool(given)


def _chunks(connection: Connection, largest: int) -> bytearray:
    data = bytearray()
    while size := _size(_line(connection)):
        if len(data) + size > largest:
            raise Garbled(f"it has more than {largest} bytes")
        _extend(data, connection, size)
        if _line(connection, 2):
            raise Garbled("a chunk does not end where it says")
    while line := _line(connection):
        _header(line)  # after the data, and so of no use
    return data


def _size(line: bytes) -> int:
    size = _SIZE.fullmatch(line)
    if size is None:
        raise Garbled("the size of a chunk cannot be read")
    return int(size[1], 16)


def _line(connection: Connection, longest: int = _LONGEST) -> bytes:
    """The next line, of at most so many bytes, without its end."""
    arrived = connection.arrived
    while (end := arrived.find(b"\n", 0, longest)) < 0:
        if len(arrived) >= longest:
            raise Garbled(f"a line between chunks has more than {longest} bytes")
        _receive(connection)
    line = bytes(arrived[: end + 1])
    del arrived[: end + 1]
    if not line.endswith(b"\r\n"):
        raise Garbled("a line between chunks has not the right end")
    return line[:-2]


def _exactly(connection: Connection, size: int) -> bytes | bytearray:
    arrived = connection.arrived
    if len(arrived) >= size:
        found = bytes(arrived[:size])
        del arrived[:size]
        return found
    data = bytearray()
    _extend(data, connection, size)
    return data


def _extend(data: bytearray, connection: Connection, size: int) -> None:
    """Add the next so many bytes, without a copy of those that are still to arrive."""
    arrived = connection.arrived
    end = len(data) + size
    data += arrived[:size]
    del arrived[:size]
    while (filled := len(data)) < end:
        data += bytes(min(end - filled, max(_AT_ONCE, filled)))
        with memoryview(data) as view:
            while filled < len(view):
                count = connection.receive_into(view[filled:])
                if not count:
                    raise BrokenOff(f"{end - filled} bytes were missing")
                filled += count


def _rest(connection: Connection, largest: int) -> bytearray:
    """All that arrives before the connection ends."""
    arrived = connection.arrived
    while len(arrived) <= largest:
        if not connection.receive():
            connection.arrived = bytearray()
            return arrived
    raise Garbled(f"it has more than {largest} bytes")


def _receive(connection: Connection) -> None:
    if not connection.receive():
        raise BrokenOff("it has closed the connection")
