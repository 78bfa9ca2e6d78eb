"""Requests to a registry: bounded in time and size, and careful about where credentials go."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from nnshim.registries.again import BUSY, is_passing, wait_after
from rewriter.errors import InputError, OutputError
from rewriter.oci.reference import is_loopback

__all__ = ["Answer", "Connection", "joined", "next_page", "origin"]

T = TypeVar("T")

CONNECTING = 10
"""Seconds until a connection stands."""

WAITING = 30
"""Seconds without a byte."""

ANSWERING = 60
"""Seconds for a request and its answer, and more for large ones:"""

SLOWEST = 64 << 10
"""Bytes a second, on average, after ANSWERING."""

_PIECE = 1 << 20

_MESSAGE = 64 << 10
"""Bytes of an answer that is not the wanted one."""


class Answer(NamedTuple):
    """`data` has at most one byte more than the limit. `url` is where it came from at last, after
    so many attempts."""

    status: int
    headers: Mapping[str, str]
    data: bytes
    url: str
    attempts: int = 1


class Connection:
    """Requests by HTTPS, or to this machine also by HTTP if `is_plain`. `error` is what is raised
    (with NN022), InputError or OutputError."""

    def __init__(self, name: str, is_plain: bool, error: type[InputError | OutputError]) -> None:
        self._name, self._error = name, error
        self._session = _Session(name, is_plain, error)

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        limit: int = _MESSAGE,
        data: bytes | Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        repeatable: bool = False,
    ) -> Answer:
        """Only GET and HEAD follow redirects. They, and what is `repeatable`, are tried again if
        the registry is busy or the connection breaks off. Raises the error where no whole answer
        comes."""
        repeatable = repeatable or method in ("GET", "HEAD")

        def ask() -> Answer:
            with self._session.request(
                method,
                url,
                headers={"Accept-Encoding": "identity", "User-Agent": "nnshim", **headers},
                data=data,
                params=query,
                timeout=(CONNECTING, WAITING),
                allow_redirects=method in ("GET", "HEAD"),
                stream=True,
            ) as answer:
                wanted = limit if answer.ok else _MESSAGE
                body = b"" if method == "HEAD" else _read(answer, wanted)
                return Answer(answer.status_code, answer.headers, body, answer.url)

        size = limit + (len(data) if isinstance(data, bytes) else 0)
        seconds = ANSWERING + size / SLOWEST
        attempt = 0
        while True:
            attempt += 1
            try:
                answer = self._within(seconds, ask)
            except (requests.RequestException, HTTPError, OSError, ValueError) as problem:
                again = repeatable and is_passing(_chain(problem))
                wait = wait_after(attempt, {}) if again else None
                if wait is None:
                    times = f" ({attempt} attempts)" if attempt > 1 else ""
                    raise self._error(
                        f"{self._name} cannot be reached: {_reason(problem)}{times}", "NN022"
                    ) from None
            else:
                busy = repeatable and answer.status in BUSY
                wait = wait_after(attempt, answer.headers) if busy else None
                if wait is None:
                    return answer._replace(attempts=attempt)
            time.sleep(wait)

    def _within(self, seconds: float, ask: Callable[[], T]) -> T:
        """What `ask` returns or raises, in a thread of its own: some waits, as that for a name's
        address, or for a header that never ends, have no other bound."""
        future: futures.Future[T] = futures.Future()

        def run() -> None:
            try:
                future.set_result(ask())
            except BaseException as problem:  # noqa: BLE001 - raised by who waits
                future.set_exception(problem)

        threading.Thread(target=run, daemon=True).start()
        if not futures.wait([future], seconds).done:
            raise self._error(
                f"{self._name} cannot be reached: no whole answer within {seconds:.0f} s", "NN022"
            )
        return future.result()


class _Session(requests.Session):
    """Every request passes `send`, redirects among them."""

    def __init__(self, name: str, is_plain: bool, error: type[InputError | OutputError]) -> None:
        super().__init__()
        self._name, self._is_plain, self._error = name, is_plain, error
        self.auth = _unchanged  # or the user's .netrc would be read
        self.max_redirects = 5
        self.verify = os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR") or True

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        url = urlsplit(request.url or "")
        if url.scheme == "http":
            if not (self._is_plain and is_loopback(url.hostname or "")):
                raise self._error(
                    f"{self._name} leads to {origin(request.url or '')}, without TLS: that is not"
                    " followed",
                    "NN022",
                )
            options["proxies"] = {}  # this machine is not asked for through another one
        request.headers.pop("Cookie", None)  # which sessions of browsers have
        return super().send(request, **options)

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        before, after = response.request.url or "", prepared_request.url or ""
        if origin(before) != origin(after):
            prepared_request.headers.pop("Authorization", None)


def origin(url: str) -> str:
    """Scheme, host and port, without a user and a password; nothing, if it is not an address."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return ""
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"


def joined(base: str, place: str) -> str:
    """An address that is relative to another one; one that is not an address stays as it is."""
    try:
        return urljoin(base, place)
    except ValueError:
        return place


def next_page(answer: Answer) -> str | None:
    """The address of the next part of a list, None after the last one.

    https://www.rfc-editor.org/rfc/rfc8288#section-3
    """
    links = requests.utils.parse_header_links(answer.headers.get("Link", ""))
    found = next((each["url"] for each in links if each.get("rel") == "next"), None)
    return None if found is None else joined(answer.url, found)


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _read(answer: requests.Response, limit: int) -> bytes:
    pieces, left = [], limit + 1
    while left and (piece := answer.raw.read(min(_PIECE, left))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _reason(problem: BaseException) -> str:
    """What went wrong, without an address: there may be a token in it."""
    chain = list(_chain(problem))
    for each in reversed(chain):
        if isinstance(each, OSError) and each.strerror:
            return each.strerror
    if any(isinstance(each, requests.Timeout | TimeoutError) for each in chain):
        return "it does not answer in time"
    if isinstance(problem, requests.TooManyRedirects):
        return "it redirects too often"
    if isinstance(problem, OSError) and not isinstance(problem, requests.RequestException):
        return str(problem)  # of requests, about a file of certificates that is not there
    return type(chain[-1]).__name__


def _chain(problem: BaseException) -> Iterator[BaseException]:
    """An exception, and those that are its reasons, each once."""
    seen: set[int] = set()
    waiting = [problem]
    while waiting:
        each = waiting.pop()
        if id(each) not in seen:
            seen.add(id(each))
            yield each
            inner = (*each.args, getattr(each, "reason", None), each.__cause__, each.__context__)
            waiting += [one for one in inner if isinstance(one, BaseException)]
