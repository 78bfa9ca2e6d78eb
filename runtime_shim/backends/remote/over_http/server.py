"""A model on a server, over HTTP."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from http import HTTPStatus
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
    Layout,
    Metadata,
    Region,
    layout_of,
    request_id,
)
from runtime_shim.backends.remote.model import Endpoint
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

_DEFAULT_PORTS = (("http", 80), ("https", 443))
"""Ports that are not named in requests."""


class HttpServer:
    """Implements remote.interface.Server."""

    def __init__(self, endpoint: Endpoint, access: Access) -> None:
        self.name = str(endpoint)
        self._endpoint = endpoint
        self._host = _host_of(endpoint)
        self._identity = Identity(endpoint)
        self._access = access
        self._context = access.context() if endpoint.is_secure else None
        version = f"/versions/{quote(endpoint.version, safe='')}" if endpoint.version else ""
        self._path = f"/v2/models/{quote(endpoint.model, safe='')}{version}"
        self._kept: list[Connection] = []
        self._takes_binary: bool | None = None
        self._described_tensors: tuple[Layout, str] | None = None
        """What the last request said of its tensors, and for which layout."""

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
        answer = self._asked(f"GET {self._path}/ready", [], until)
        if answer.status != HTTPStatus.OK:
            raise NotTaken(f"{self.name} is not ready")

    def register(self, region: str, key: str, size: int, until: float) -> None:
        body = json.dumps({"key": key, "offset": 0, "byte_size": size}).encode()
        self._posted(f"/v2/systemsharedmemory/region/{region}/register", body, until)

    def unregister(self, region: str, until: float) -> None:
        self._posted(f"/v2/systemsharedmemory/region/{region}/unregister", b"", until)

    def _posted(self, path: str, body: bytes, until: float) -> None:
        self._check_status(self._asked(f"POST {path}", [body], until))

    def infer(
        self,
        inputs: Sequence[Given],
        outputs: Sequence[tuple[Port, Region | None]],
        until: float,
    ) -> Sequence[Answered]:
        if self._takes_binary is None:
            self._takes_binary = "binary_tensor_data" in self.extensions(until)
        mine = request_id()
        text = infer_body(mine, self._tensors(inputs, outputs))
        data = [each.data for each in inputs if not isinstance(each.data, Region)]
        body = [text, *data] if self._takes_binary else [text]
        answer = self._asked(f"POST {self._path}/infer", body, until, LARGEST_ANSWER)
        self._check_status(answer)
        try:
            length = answer.header(HEADER_LENGTH.lower())
        except Garbled as error:
            raise contradiction(self.name, str(error)) from None
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
        answer = self._asked(f"GET {path}", [], until)
        self._check_status(answer)
        return json_of(self.name, answer.data)

    def _check_status(self, answer: Answer) -> None:
        if answer.status == HTTPStatus.OK:
            return
        data = answer.data[:LARGEST_DESCRIPTION]
        said = data.decode("utf-8", "replace")
        with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
            said = str(json.loads(data)["error"])
        said = f"{answer.status}: {self._access.without_secrets(said)}"
        raise refused(self.name, said, _ERRNOS.get(answer.status, Errno.RUNTIME_ERROR))

    def _asked(
        self, what: str, body: list[bytes], until: float, largest: int = LARGEST_DESCRIPTION
    ) -> Answer:
        """Ask for a method and a path. With several pieces, the body is JSON with binary tensors
        after it."""
        connection = self._connection(until)
        is_sent = False
        try:
            connection.send([self._head(what, body), *body])
            is_sent = True
            answer = read_answer(connection, largest)
        except BaseException as error:
            is_cut = not is_sent and isinstance(error, ConnectionError)
            refusal = _refusal(connection, largest) if is_cut else None
            connection.close()
            if refusal is not None:
                return refusal
            if isinstance(error, TimeoutError):
                raise late(self.name) from None
            if isinstance(error, Garbled):
                raise contradiction(self.name, str(error)) from None
            if not isinstance(error, OSError | BrokenOff):
                raise
            if not is_sent:  # an incomplete request cannot be begun with
                raise NotTaken(f"{self.name}: {_how(error)}") from None
            raise lost(self.name, _how(error)) from None
        if answer.is_last or len(self._kept) >= _MOST_KEPT:
            connection.close()
        else:
            self._kept.append(connection)
        return answer

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
        try:
            return Connection(self._endpoint.host, self._endpoint.port, self._context, until)
        except OSError as error:
            raise NotTaken(f"{self.name}: {_how(error)}") from None

    def _head(self, what: str, body: list[bytes]) -> bytes:
        """The request line and the headers."""
        lines = [f"{what} HTTP/1.1", f"Host: {self._host}"]
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
    address = endpoint.address
    if (endpoint.scheme, endpoint.port) in _DEFAULT_PORTS:
        address = address.removesuffix(f":{endpoint.port}")
    with contextlib.suppress(UnicodeError):  # such a name has no address either
        address = address.encode("idna").decode()
    return address


def _refusal(connection: Connection, largest: int) -> Answer | None:
    """What a server has said that does not want the rest of a request."""
    try:
        answer = read_answer(connection, largest)
    except (OSError, BrokenOff, Garbled):
        return None
    return answer if answer.status >= HTTPStatus.BAD_REQUEST else None


def _how(error: OSError | BrokenOff) -> str:
    """An error of the connection, without anything that a server or a file has put into it."""
    if isinstance(error, BrokenOff):
        return str(error)
    return error.strerror or type(error).__name__
