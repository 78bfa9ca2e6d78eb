"""Requests that are made again: after which answers and failures, how often, and how much later.

https://www.rfc-editor.org/rfc/rfc9110#field.retry-after, and what registries say of limits:
https://docs.docker.com/docker-hub/usage/pulls/,
https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from http.client import IncompleteRead, RemoteDisconnected

from urllib3.exceptions import IncompleteRead as Incomplete

__all__ = ["ATTEMPTS", "BUSY", "asked_wait", "is_passing", "wait_after"]

ATTEMPTS = 3
"""Of one request."""

FIRST: float = 1
"""Seconds before the second attempt, if the registry does not say; twice that before each next."""

LONGEST = 30.0
"""Seconds that a registry may ask to wait; otherwise there is no further attempt."""

BUSY = frozenset({429, 502, 503, 504})
"""Answers that another attempt may change: too many requests, and servers that do not answer."""

_PASSING = (ConnectionResetError, BrokenPipeError, IncompleteRead, Incomplete, RemoteDisconnected)


def wait_after(attempt: int, headers: Mapping[str, str]) -> float | None:
    """How long to wait, in seconds, before the attempt after this one, which has failed or had one
    of the answers of BUSY with these headers; None if there is none."""
    if attempt >= ATTEMPTS:
        return None
    asked = asked_wait(headers)
    if asked is None:
        return FIRST * (1 << (attempt - 1))
    return asked if asked <= LONGEST else None


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """What `Retry-After` says, in seconds from now; None if it is missing or not valid."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdecimal():
        return float(value[:9])
    try:
        then: float = parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, then - time.time())


def is_passing(chain: Iterable[BaseException]) -> bool:
    """Whether a connection broke off that stood already, by an exception and its reasons."""
    return any(isinstance(each, _PASSING) for each in chain)
