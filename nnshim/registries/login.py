"""What lets a user into a registry: a password, or a token from the service that it names.

https://distribution.github.io/distribution/spec/auth/token/,
https://distribution.github.io/distribution/spec/auth/oauth/
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from urllib.request import parse_http_list, parse_keqv_list

from nnshim.registries.again import BUSY
from nnshim.registries.connection import Answer, Connection
from nnshim.registries.credentials import Credentials, credentials_for
from rewriter.errors import InputError, OutputError
from rewriter.oci.reference import RegistryReference

__all__ = ["Login", "said_in"]

_TOKEN_SIZE = 1 << 20

_REASON = 300
"""Characters of a registry's message that are shown."""


class Login:
    """`authorization` is the value of the header, None until the registry has asked for one.
    `denied` is what the service for tokens said where it gave none. `error` is what is raised."""

    def __init__(
        self,
        reference: RegistryReference,
        connection: Connection,
        error: type[InputError | OutputError],
    ) -> None:
        self.authorization: str | None = None
        self.denied: str | None = None
        self._reference, self._connection, self._error = reference, connection, error
        self._sent: set[str] = set()

    def log_in(self, refused: Answer) -> bool:
        """Get what the registry asks for with a refusal; False if there is nothing that it would
        take. Raises the error (NN022, NN023)."""
        scheme, _, rest = refused.headers.get("WWW-Authenticate", "").partition(" ")
        self.authorization = self.denied = None
        if scheme.lower() == "basic":
            found = self._credentials
            self.authorization = None if found is None or found.is_token else self._basic(found)
        elif scheme.lower() == "bearer":
            items = [item for item in parse_http_list(rest) if "=" in item]
            asked: Mapping[str, str] = parse_keqv_list(items)
            if "realm" in asked:
                self.authorization = self._bearer(asked)
        return self.authorization is not None

    def hidden(self, text: str) -> str:
        """The start of the text of an answer, without what is secret: it may be sent back."""
        for secret in filter(None, self._sent):
            text = text.replace(secret, "***")
        return text[:_REASON]

    def _basic(self, found: Credentials) -> str:
        self._sent |= {found.secret, found.basic.partition(" ")[2]}
        return found.basic

    @cached_property
    def _credentials(self) -> Credentials | None:
        return credentials_for(self._reference.host, self._error)

    def _bearer(self, asked: Mapping[str, str]) -> str | None:
        query = {key: asked[key] for key in ("service", "scope") if key in asked}
        reading = f"repository:{self._reference.repository}:pull"
        if self._error is OutputError and query.get("scope") == reading:
            query["scope"] = f"{reading},push"  # some registries answer 403 to a later push
        found, headers = self._credentials, {"Accept": "application/json"}
        if found is not None and found.is_token:
            form = {"grant_type": "refresh_token", "client_id": "nnshim", **query}
            form["refresh_token"] = found.secret
            self._sent.add(found.secret)
            answer = self._connection.request(
                "POST", asked["realm"], headers=headers, limit=_TOKEN_SIZE, data=form
            )
        else:
            headers |= {} if found is None else {"Authorization": self._basic(found)}
            answer = self._connection.request(
                "GET", asked["realm"], headers=headers, limit=_TOKEN_SIZE, query=query
            )
        if answer.status in BUSY:
            raise self._error(
                f"{self._reference}: the service for tokens answers {answer.status}", "NN022"
            )
        token = _token(answer)
        if token is None:
            self.denied = f"the service for tokens answers {answer.status}, without a token"
            said = self.hidden(said_in(answer.data))
            self.denied += f": {said}" if said else ""
            return None
        self._sent.add(token)
        return f"Bearer {token}"


def said_in(data: bytes) -> str:
    """What a registry says of an error, of any length.

    https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
    """
    try:
        first = json.loads(data)["errors"][0]
        return str(first.get("message") or first.get("code") or "")
    except (ValueError, RecursionError, TypeError, KeyError, IndexError, AttributeError):
        return ""


def _token(answer: Answer) -> str | None:
    try:
        fields = json.loads(answer.data) if answer.status == 200 else None
    except (ValueError, RecursionError):
        return None
    found = fields.get("token") or fields.get("access_token") if isinstance(fields, dict) else None
    return found if isinstance(found, str) and found.isascii() and found.isprintable() else None
