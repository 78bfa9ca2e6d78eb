"""A model on a server, over HTTP."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from rewriter.abi.dialects import Errno
from runtime_shim.backends.common.tensor_info import Port
from runtime_shim.backends.remote.access import Access
from runtime_shim.backends.remote.answers.identity import Identity
from runtime_shim.backends.remote.answers.limits import LARGEST_ANSWER, LARGEST_DESCRIPTION
from runtime_shim.backends.remote.failures import (
    NotTaken,
    contradiction,
    late,
    lost,
    refused,
)
from runtime_shim.backends.remote.interface import (
    Answered,
    Given,
    Metadata,
    Region,
    request_id,
)
from runtime_shim.backends.remote.model import Endpoint
from runtime_shim.backends.remote.over_http.bodies import (
    HEADER_LENGTH,
    answered,
    infer_body,
    json_of,
    metadata_of,
)
from runtime_shim.backends.remote.over_http.sockets import Connection
from runtime_shim.errors import HostError
from runtime_shim.guest_text import quoted

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

_Answer = tuple[int, http.client.HTTPMessage, bytes]


class HttpServer:
    """Implements remote.interface.Server."""

    def __init__(self, endpoint: Endpoint, access: Access) -> None:
        self.name = str(endpoint)
        self._host, self._port = endpoint.host, endpoint.port
        self._identity = Identity(endpoint)
        self._access = access
        self._context = access.context() if endpoint.is_secure else None
        version = f"/versions/{quote(endpoint.version, safe='')}" if endpoint.version else ""
        self._path = f"/v2/models/{quote(endpoint.model, safe='')}{version}"
        self._kept: list[Connection] = []
        self._takes_binary: bool | None = None

    def close(self) -> None:
        while self._kept:
            self._kept.pop().close()

    def extensions(self, until: float) -> Sequence[str]:
        found = self._described("/v2", until).get("extensions", [])
        return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []

    def metadata(self, until: float) -> Metadata:
        described = self._described(self._path, until)
        self._identity.check_described(described.get("name"), described.get("versions"))
        found = metadata_of(self.name, described)
        return found._replace(platform=self._access.without_secrets(found.platform))

    def check_ready(self, until: float) -> None:
        status, _, _ = self._asked("GET", f"{self._path}/ready", [], {}, until, LARGEST_DESCRIPTION)
        if status != http.client.OK:
            raise NotTaken(f"{self.name} is not ready")

    def register(self, region: str, key: str, size: int, until: float) -> None:
        body = json.dumps({"key": key, "offset": 0, "byte_size": size}).encode()
        self._posted(f"/v2/systemsharedmemory/region/{region}/register", body, until)

    def unregister(self, region: str, until: float) -> None:
        self._posted(f"/v2/systemsharedmemory/region/{region}/unregister", b"", until)

    def _posted(self, path: str, body: bytes, until: float) -> None:
        answer = self._asked("POST", path, [body], {}, until, LARGEST_DESCRIPTION)
        self._check_status(answer)

    def infer(
        self,
        inputs: Sequence[Given],
        outputs: Sequence[tuple[Port, Region | None]],
        until: float,
    ) -> Sequence[Answered]:
        if self._takes_binary is None:
            self._takes_binary = "binary_tensor_data" in self.extensions(until)
        mine = request_id()
        text, after = infer_body(mine, inputs, outputs, binary=self._takes_binary)
        headers = {HEADER_LENGTH: str(len(text))} if after else {}
        headers["Content-Type"] = "application/octet-stream" if after else "application/json"
        body = [text, *after]
        answer = self._asked("POST", f"{self._path}/infer", body, headers, until, LARGEST_ANSWER)
        self._check_status(answer)
        _, told, data = answer
        return answered(self._identity, mine, data, _header(self.name, told, HEADER_LENGTH))

    def _described(self, path: str, until: float) -> dict[str, Any]:
        answer = self._asked("GET", path, [], {}, until, LARGEST_DESCRIPTION)
        self._check_status(answer)
        return json_of(self.name, answer[2])

    def _check_status(self, answer: _Answer) -> None:
        status, _, data = answer
        if status == http.client.OK:
            return
        said = data[:LARGEST_DESCRIPTION].decode("utf-8", "replace")
        with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
            said = str(json.loads(data[:LARGEST_DESCRIPTION])["error"])
        said = self._access.without_secrets(said)
        raise refused(self.name, f"{status}: {said}", _ERRNOS.get(status, Errno.RUNTIME_ERROR))

    def _asked(
        self,
        method: str,
        path: str,
        body: list[bytes],
        headers: dict[str, str],
        until: float,
        largest: int,
    ) -> _Answer:
        connection = self._connection(until)
        is_sent = False
        response: http.client.HTTPResponse | None = None
        try:
            self._send(connection, method, path, body, headers)
            is_sent = True
            response = connection.getresponse()
            if response.status < http.client.OK:  # the answer is still to come
                raise contradiction(self.name, f"it begins with the status {response.status}")
            data = self._read(response, largest)
        except BaseException as error:
            is_cut = not is_sent and isinstance(error, ConnectionError)
            refusal = self._refusal(connection, largest) if is_cut else None
            connection.close()
            if response is not None:
                response.close()
            if refusal is not None:
                return refusal
            if isinstance(error, TimeoutError):
                raise late(self.name) from None
            if not isinstance(error, OSError | http.client.HTTPException):
                raise
            if not is_sent:  # an incomplete request cannot be begun with
                raise NotTaken(f"{self.name}: {_how(error)}") from None
            raise self._broken(error) from None
        if response.will_close or len(self._kept) >= _MOST_KEPT:
            connection.close()
        else:
            self._kept.append(connection)
        return response.status, response.headers, data

    def _refusal(self, connection: Connection, largest: int) -> _Answer | None:
        """What a server has said that does not want the rest of a request."""
        try:
            with connection.getresponse() as response:
                answer = response.status, response.headers, self._read(response, largest)
        except (OSError, http.client.HTTPException, HostError):
            return None
        return answer if response.status >= http.client.BAD_REQUEST else None

    def _connection(self, until: float) -> Connection:
        while self._kept:
            try:
                kept = self._kept.pop()
            except IndexError:  # another thread has taken it
                break
            if kept.is_usable():
                kept.until = until
                return kept
            kept.close()
        made = Connection(self._host, self._port, self._context, until)
        try:
            made.connect()
        except OSError as error:
            raise NotTaken(f"{self.name}: {_how(error)}") from None
        return made

    def _send(
        self,
        connection: Connection,
        method: str,
        path: str,
        body: list[bytes],
        headers: dict[str, str],
    ) -> None:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in (*headers.items(), *self._access.headers):
            connection.putheader(name, value)
        if method == "POST":
            connection.putheader("Content-Length", str(sum(map(len, body))))
        connection.endheaders()
        for piece in body:
            connection.send(piece)
        connection.send_all()

    def _read(self, response: http.client.HTTPResponse, largest: int) -> bytes:
        given = _header(self.name, response.headers, "Content-Length")
        if given is not None and not (given.isascii() and given.isdecimal()):
            raise contradiction(self.name, f"its Content-Length is {quoted(given)}")
        length = response.length
        if length is not None and length > largest:
            raise contradiction(self.name, f"it has {length} bytes")
        data = response.read(largest + 1 if length is None else length)
        if len(data) > largest:
            raise contradiction(self.name, f"it has more than {largest} bytes")
        if length is not None and len(data) < length:
            raise http.client.IncompleteRead(b"", length - len(data))
        return data

    def _broken(self, error: Exception) -> Exception:
        is_garbage = isinstance(error, http.client.HTTPException) and not isinstance(
            error, http.client.RemoteDisconnected | http.client.IncompleteRead
        )
        how = _how(error)
        return contradiction(self.name, how) if is_garbage else lost(self.name, how)


def _header(server: str, headers: http.client.HTTPMessage, name: str) -> str | None:
    """The value of a header. Raises HostError if it has several."""
    values = {value.strip() for value in headers.get_all(name, ())}
    if len(values) > 1:
        raise contradiction(server, f"it has several headers {name}")
    return values.pop() if values else None


def _how(error: BaseException) -> str:
    """An error of the connection, without anything that a server or a file has put into it."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return type(error).__name__
