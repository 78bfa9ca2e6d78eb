"""A model on a server, over HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import ssl
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from rewriter.abi.dialects import Errno
from runtime_shim.backends.common.tensor_info import Port
from runtime_shim.backends.remote.access import Access
from runtime_shim.backends.remote.answers.identity import Identity
from runtime_shim.backends.remote.answers.limits import LARGEST_ANSWER, LARGEST_DESCRIPTION
from runtime_shim.backends.remote.endpoints import Endpoint
from runtime_shim.backends.remote.failures import (
    NotTaken,
    before_an_inference,
    contradiction,
    late,
    lost,
    refused,
)
from runtime_shim.backends.remote.interface import (
    Answered,
    Given,
    Layout,
    Metadata,
    Region,
    layout_of,
    request_id,
)
from runtime_shim.backends.remote.over_http.answers import Answer, BrokenOff, Garbled, read_answer
from runtime_shim.backends.remote.over_http.bodies import (
    HEADER_LENGTH,
    answered,
    described_tensors,
    infer_body,
    json_of,
    metadata_of,
)
from runtime_shim.backends.remote.over_http.sockets import Connection
from runtime_shim.backends.remote.speaker import Speaker

__all__ = ["HttpServer"]

_MOST_KEPT = 16
"""Connections that are kept for the next request."""

_ERRNOS = {
    400: Errno.INVALID_ARGUMENT,
    404: Errno.NOT_FOUND,
    429: Errno.BUSY,
    501: Errno.UNSUPPORTED_OPERATION,
    503: Errno.BUSY,
}
"""For a server's status. All others are runtime errors."""

_UNAVAILABLE = (502, 503, 504)
"""The status of a server that cannot serve now, or of a proxy before it."""

_NOT_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")
"""What OpenSSL says of an answer that is not TLS, before and since 3.2."""

_DEFAULT_PORTS = (("http", 80), ("https", 443))
"""Ports that are not named in requests."""


class HttpServer:
    """Implements remote.interface.Server."""

    def __init__(self, endpoint: Endpoint, access: Access, binary: bool | None = None) -> None:
        self.name = str(endpoint)
        self.speaker = Speaker(self.name, access)
        self._endpoint = endpoint
        self._host = _host_of(endpoint)
        self._identity = Identity(endpoint, self.speaker)
        self._access = access
        self._context = access.context() if endpoint.is_secure else None
        version = f"/versions/{quote(endpoint.version, safe='')}" if endpoint.version else ""
        self._path = f"/v2/models/{quote(endpoint.model, safe='')}{version}"
        self._kept: list[Connection] = []
        self._process = os.getpid()
        self._takes_binary = binary
        self._described_tensors: tuple[Layout, str] | None = None
        """What the last request said of its tensors, and for which layout."""

    def close(self) -> None:
        while self._kept:
            self._kept.pop().close()

    def has_lost_connection(self) -> bool:
        lost = (
            []
            if self._process != os.getpid()
            else [each for each in list(self._kept) if not each.is_usable()]
        )
        has_lost = False
        for each in lost:
            with contextlib.suppress(ValueError):  # another thread has taken it
                self._kept.remove(each)
                each.close()
                has_lost = True
        return has_lost

    def extensions(self, until: float) -> Sequence[str]:
        found = self._described("/v2", until).get("extensions", [])
        return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []

    def metadata(self, until: float) -> Metadata:
        described = self._described(self._path, until)
        self._identity.check_described(described.get("name"), described.get("versions"))
        return metadata_of(self.speaker, described)

    def check_ready(self, until: float) -> None:
        with self._answer(f"GET {self._path}/ready", [], until) as answer:
            if answer.status != HTTPStatus.OK:
                raise NotTaken(f"{self.name} is not ready")

    def register(self, region: str, key: str, size: int, until: float) -> None:
        body = json.dumps({"key": key, "offset": 0, "byte_size": size}).encode()
        self._posted(f"/v2/systemsharedmemory/region/{region}/register", body, until)

    def unregister(self, region: str, until: float) -> None:
        self._posted(f"/v2/systemsharedmemory/region/{region}/unregister", b"", until)

    def _posted(self, path: str, body: bytes, until: float) -> None:
        with self._answer(f"POST {path}", [body], until) as answer:
            self._check_status(answer)

    def infer(
        self,
        inputs: Sequence[Given],
        outputs: Sequence[tuple[Port, Region | None]],
        until: float,
    ) -> Sequence[Answered]:
        if self._takes_binary is None:
            with before_an_inference():
                self._takes_binary = "binary_tensor_data" in self.extensions(until)
        mine = request_id()
        text = infer_body(mine, self._tensors(inputs, outputs))
        data = [each.data for each in inputs if not isinstance(each.data, Region)]
        body = [text, *data] if self._takes_binary else [text]
        what = f"POST {self._path}/infer"
        with self._answer(what, body, until, LARGEST_ANSWER, self._identity) as answer:
            self._check_status(answer)
            length = answer.header(HEADER_LENGTH.lower())
            return answered(self._identity, mine, answer.data, length)

    def _tensors(
        self, inputs: Sequence[Given], outputs: Sequence[tuple[Port, Region | None]]
    ) -> str:
        """What a request says of its tensors. It is made once for all requests with the same layout
        unless it has them in it."""
        if not self._takes_binary:
            return described_tensors(inputs, outputs, binary=False)
        layout = layout_of(inputs, outputs)
        kept = self._described_tensors
        if kept is None or kept[0] != layout:
            text = described_tensors(inputs, outputs, binary=True)
            kept = self._described_tensors = layout, text
        return kept[1]

    def _described(self, path: str, until: float) -> dict[str, Any]:
        with self._answer(f"GET {path}", [], until) as answer:
            self._check_status(answer)
            return json_of(self.speaker, answer.data)

    def _check_status(self, answer: Answer) -> None:
        """Raise HostError unless the server has done what it was asked for."""
        encoding = answer.header("content-encoding")
        is_plain = encoding is None or encoding.lower() == "identity"
        if answer.status == HTTPStatus.OK:
            if not is_plain:
                raise Garbled("nobody asked for its Content-Encoding", encoding)
            return
        said = _error_of(answer.data[:LARGEST_DESCRIPTION]) if is_plain else ""
        if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
            said = "nnshim does not go where a server sends it"
        said = f"{answer.status}: {self.speaker.says(said or answer.reason)}"
        if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            said += self._access.advice
        errno = _ERRNOS.get(answer.status, Errno.RUNTIME_ERROR)
        is_unavailable = answer.status in _UNAVAILABLE
        raise refused(self.speaker, said, errno, is_unavailable=is_unavailable)

    @contextlib.contextmanager
    def _answer(
        self,
        what: str,
        body: list[bytes],
        until: float,
        largest: int = LARGEST_DESCRIPTION,
        identity: Identity | None = None,
    ) -> Iterator[Answer]:
        """Ask for a method and a path. With several pieces, the body is JSON with binary tensors
        after it. The connection is used again if what is done with the answer raises nothing. With
        an identity, it has not been used before, and is not used again, unless the server is known
        to echo ids: if it has sent a surplus answer, this request would get that one."""
        is_certain = identity is None or identity.repeats_ids
        connection = self._connection(until) if is_certain else self._new_connection(until)
        try:
            answer = self._asked(connection, what, body, largest)
            yield answer
        except BaseException as error:
            connection.close()
            if isinstance(error, Garbled):
                raise contradiction(self.speaker, error.told_by(self.speaker)) from None
            raise
        is_certain = identity is None or identity.repeats_ids
        if answer.is_last or not is_certain or len(self._kept) >= _MOST_KEPT:
            connection.close()
        else:
            self._kept.append(connection)

    def _asked(self, connection: Connection, what: str, body: list[bytes], largest: int) -> Answer:
        is_sent = False
        try:
            try:
                connection.send([self._head(what, body), *body])
                is_sent = True
            except ConnectionError:  # it may have said why it does not want the rest
                refusal = _told(connection, largest)
                if refusal is None:
                    raise
                if refusal.status < HTTPStatus.BAD_REQUEST:
                    how = "it has answered before it had the whole request"
                    raise lost(self.speaker, how) from None
                return refusal
            return read_answer(connection, largest)
        except TimeoutError:
            raise late(self.speaker) from None
        except (OSError, BrokenOff) as error:
            if not is_sent:  # an incomplete request cannot be begun with
                raise NotTaken(f"{self.name}: {_how(error)}") from None
            raise lost(self.speaker, _how(error)) from None

    def _connection(self, until: float) -> Connection:
        if self._process != os.getpid():  # a fork has these connections, too
            self._process = os.getpid()
            self.close()
        while self._kept:
            try:
                kept = self._kept.pop()
            except IndexError:  # another thread has taken it
                break
            if kept.is_usable():
                kept.until = until
                return kept
            kept.close()
        return self._new_connection(until)

    def _new_connection(self, until: float) -> Connection:
        try:
            return Connection(self._endpoint.host, self._endpoint.port, self._context, until)
        except OSError as error:
            raise NotTaken(f"{self.name}: {_how(error)}") from None

    def _head(self, what: str, body: list[bytes]) -> bytes:
        """The request line and the headers."""
        lines = [f"{what} HTTP/1.1", f"Host: {self._host}", "Accept-Encoding: identity"]
        lines += [f"{name}: {value}" for name, value in self._access.headers]
        if body:
            lines.append(f"Content-Length: {sum(map(len, body))}")
        if len(body) > 1:
            lines.append(f"{HEADER_LENGTH}: {len(body[0])}")
            lines.append("Content-Type: application/octet-stream")
        elif body:
            lines.append("Content-Type: application/json")
        return "\r\n".join([*lines, "", ""]).encode("ascii")


def _host_of(endpoint: Endpoint) -> str:
    """How a request names the host, which may be international."""
    named = endpoint
    with contextlib.suppress(UnicodeError):  # such a name has no address either
        named = endpoint._replace(host=endpoint.host.encode("idna").decode())
    if (endpoint.scheme, endpoint.port) in _DEFAULT_PORTS:
        return named.address.removesuffix(f":{endpoint.port}")
    return named.address


def _told(connection: Connection, largest: int) -> Answer | None:
    """What a server has said before the connection ended, if anything."""
    try:
        return read_answer(connection, largest)
    except (OSError, BrokenOff):
        return None


def _error_of(data: bytes | bytearray) -> str:
    """What the body of an answer says of an error. Empty for a page for people."""
    with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
        return str(json.loads(data)["error"])
    return "" if data.lstrip().startswith(b"<") else data.decode("utf-8", "replace").strip()


def _how(error: OSError | BrokenOff) -> str:
    """An error of the connection, without anything that a server or a file has put into it."""
    if isinstance(error, BrokenOff):
        return str(error)
    if isinstance(error, TimeoutError) and not error.strerror:
        return "could not connect within the time allowed"
    how = error.strerror or type(error).__name__
    if isinstance(error, ssl.SSLError) and any(each in how for each in _NOT_TLS):
        how += "; this port does not seem to speak TLS: try http:// in place of https://"
    return how
