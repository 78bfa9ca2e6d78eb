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
from runtime_shim.guest_text import quoted

__all__ = ["Answer", "BrokenOff", "Garbled", "read_answer"]

_LONGEST = 1 << 16
"""In bytes, of the status with the headers, and of a line between chunks."""

_AT_ONCE = 64 << 20
"""For how many bytes there is memory before they arrive."""

_STARTS = b"HTTP/1."

_END = re.compile(rb"\n\r?\n")
"""After the last header. A line may end without CR."""

_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: [^\0\r]*)?")

_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\0\r]*)")
"""A name is followed by the colon at once. A line that continues the one before is not accepted."""

_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")

_LENGTH = re.compile(r"[0-9]{1,18}")


class Garbled(Exception):
    """What has arrived is not an answer, or too large. The message says why."""


class BrokenOff(Exception):
    """The connection has ended before the answer."""


class Answer(NamedTuple):
    """`headers` have their names in small letters. `is_last` says that the server sends no other
    answer on the connection."""

    status: int
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
        version, status, headers = _head(connection)
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
        return Answer(status, headers, b"", is_last)
    if _is_chunked(headers):
        if length is not None:
            raise Garbled("it has a Content-Length and a Transfer-Encoding")
        if version == 0:
            raise Garbled("it has a Transfer-Encoding, which HTTP/1.0 has not")
        return Answer(status, headers, _chunks(connection, largest), is_last)
    if length is None:
        return Answer(status, headers, _rest(connection, largest), is_last=True)
    if length > largest:
        raise Garbled(f"it has {length} bytes")
    return Answer(status, headers, _exactly(connection, length), is_last)


def _head(connection: Connection) -> tuple[int, int, list[tuple[str, str]]]:
    """The minor version, the status and the headers."""
    arrived = connection.arrived
    while True:
        if not arrived.startswith(_STARTS[: len(arrived)]):
            raise Garbled("it does not begin as an answer of HTTP/1.1")
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
    headers = []
    for line in lines:
        header = _HEADER.fullmatch(line.removesuffix(b"\r"))
        if header is None:
            raise Garbled("a header cannot be read")
        name, value = header.groups()
        headers.append((name.decode().lower(), value.rstrip(b" \t").decode("latin-1")))
    return int(status[1]), int(status[2]), headers


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
        raise Garbled(f"its Content-Length is {quoted(given)}")
    return int(given)


def _is_chunked(headers: Sequence[tuple[str, str]]) -> bool:
    given = _one(headers, "transfer-encoding")
    if given is not None and given.lower() != "chunked":
        raise Garbled(f"its Transfer-Encoding is {quoted(given)}")
    return given is not None


def _chunks(connection: Connection, largest: int) -> bytearray:
    data = bytearray()
    while size := _size(_line(connection)):
        if len(data) + size > largest:
            raise Garbled(f"it has more than {largest} bytes")
        data += _exactly(connection, size)
        if _line(connection, 2):
            raise Garbled("a chunk does not end where it says")
    while _line(connection):  # headers after the data
        pass
    return data


def _size(line: bytes) -> int:
    size = line.partition(b";")[0].strip(b" \t")
    if not _SIZE.fullmatch(size):
        raise Garbled("the size of a chunk cannot be read")
    return int(size, 16)


def _line(connection: Connection, longest: int = _LONGEST) -> bytes:
    """The next line, of at most so many bytes, without its end."""
    arrived = connection.arrived
    while (end := arrived.find(b"\n", 0, longest)) < 0:
        if len(arrived) >= longest:
            raise Garbled(f"a line between chunks has more than {longest} bytes")
        _receive(connection)
    line = bytes(arrived[:end])
    del arrived[: end + 1]
    return line.removesuffix(b"\r")


def _exactly(connection: Connection, size: int) -> bytes | bytearray:
    arrived = connection.arrived
    if len(arrived) >= size:
        found = bytes(arrived[:size])
        del arrived[:size]
        return found
    data = bytearray(arrived)
    arrived.clear()
    while (filled := len(data)) < size:
        data += bytes(min(size - filled, max(_AT_ONCE, filled)))
        with memoryview(data) as view:
            while filled < len(view):
                count = connection.receive_into(view[filled:])
                if not count:
                    raise BrokenOff(f"{size - filled} bytes were missing")
                filled += count
    return data


def _rest(connection: Connection, largest: int) -> bytes:
    """All that arrives before the connection ends."""
    arrived = connection.arrived
    while len(arrived) <= largest:
        if not connection.receive():
            data = bytes(arrived)
            arrived.clear()
            return data
    raise Garbled(f"it has more than {largest} bytes")


def _receive(connection: Connection) -> None:
    if not connection.receive():
        raise BrokenOff("it has closed the connection")
