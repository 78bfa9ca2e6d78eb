"""How a client identifies itself to a server, and whom it trusts. Secrets are here only, and no
text that is printed has them in it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rewriter.errors import InputError
from runtime_shim.backends.remote.model import TOKEN, RemoteModel, Tls

if TYPE_CHECKING:
    import ssl

__all__ = ["Access", "check_variables", "from_environment"]

_HEADER = re.compile(r"[a-z0-9_.-]+")
"""gRPC's keys, which are HTTP's in small letters.

https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

_VALUE = re.compile(r"[\x20-\x7e]+")

_SHORTEST_SECRET = 4
"""In characters. Shorter values may be a part of any text."""


class Access:
    """Headers with their values, and TLS. Its repr has no value."""

    def __init__(self, headers: Mapping[str, str], tls: Tls) -> None:
        self._headers = tuple(headers.items())
        self.tls = tls
        words = {word for value in headers.values() for word in (value, *value.split())}
        self._secrets = sorted(
            (word for word in words if len(word) >= _SHORTEST_SECRET), key=len, reverse=True
        )

    def __repr__(self) -> str:
        return f"Access({', '.join(name for name, _ in self._headers)})"

    @property
    def headers(self) -> Sequence[tuple[str, str]]:
        """What to send. Not for any text."""
        return self._headers

    def without_secrets(self, text: str) -> str:
        """A server's text, which may repeat what was sent to it."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def context(self) -> ssl.SSLContext:
        """For HTTP over TLS. Raises OSError for files that cannot be read or used."""
        import ssl  # few hosts have servers

        context = ssl.create_default_context(cafile=self.tls.ca)
        if self.tls.certificate is not None:
            context.load_cert_chain(self.tls.certificate, self.tls.key)
        return context

    def pem(self) -> tuple[bytes | None, bytes | None, bytes | None]:
        """The authorities, the key and the certificate for gRPC, which otherwise trusts a list of
        its own. Raises OSError for files that cannot be read."""
        import ssl

        ca = self.tls.ca or ssl.get_default_verify_paths().cafile
        return tuple(  # type: ignore[return-value]
            None if path is None else Path(path).read_bytes()
            for path in (ca, self.tls.key, self.tls.certificate)
        )


def check_variables(where: str, headers: Mapping[str, str]) -> None:
    """Raise InputError for a header that cannot be sent, or whose variable is not set."""
    for header, variable in headers.items():
        if not _HEADER.fullmatch(header) or header.startswith("grpc-"):
            raise InputError(
                f"{where}: {header!r} cannot be a header; expected small letters, digits and -"
            )
        _value(where, header, variable)


def _value(where: str, header: str, variable: str) -> str:
    value = os.environ.get(variable)
    if value is None:
        raise InputError(
            f"{where}: the header {header} is in the variable {variable}, which is not set"
        )
    if not _VALUE.fullmatch(value):
        raise InputError(
            f"{where}: the variable {variable}, for the header {header}, is empty or has characters"
            " that are not printable ASCII"
        )
    return value


def from_environment(model: RemoteModel) -> Access:
    """The headers of a model, with their values. Raises InputError for a variable that is not set
    or cannot be sent."""
    values = {
        header: _value("remote", header, variable) for header, variable in model.headers.items()
    }
    if model.takes_token and TOKEN in os.environ:
        values["authorization"] = f"Bearer {_value('remote', 'authorization', TOKEN)}"
    return Access(values, model.tls)
