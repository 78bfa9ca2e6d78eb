"""How a client identifies itself to a server, and whom it trusts. Secrets are here only, and no
text that is printed has them in it."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from rewriter.errors import InputError
from runtime_shim.backends.remote.endpoints import TOKEN
from runtime_shim.backends.remote.model import RemoteModel, Tls, shown

if TYPE_CHECKING:
    import ssl

__all__ = ["Access", "check_variables", "from_environment"]

_VALUE = re.compile(r"[\x20-\x7e]+")

_SEPARATORS = re.compile(r"[\s,;=:\"']+")
"""Between the parts of a value.

https://www.rfc-editor.org/rfc/rfc9110.html#name-common-rules-for-defining-f
"""

_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")

_LONGEST_TEXT = 1 << 16
"""In characters. What a server says beyond is left out."""

_SHORTEST_SECRET = 4
"""In characters. Shorter values may be a part of any text."""

_LONG_SECRET = 8
"""In characters. Such a value is not by chance in the name of a tensor."""


class Access:
    """Headers with their values, and TLS. Its repr has no value. `advice` is what to say after a
    server has refused access."""

    def __init__(self, headers: Mapping[str, str], tls: Tls, advice: str = "") -> None:
        self._headers = tuple(headers.items())
        self.tls = tls
        self.advice = advice
        secrets = {form for value in headers.values() for form in _forms_of(value)}
        longest_first = sorted(secrets, key=len, reverse=True)
        self._longest_secret = max(map(len, secrets), default=0)
        self._secrets = _any_of(longest_first)
        self._long_secrets = _any_of([each for each in longest_first if len(each) >= _LONG_SECRET])

    def __repr__(self) -> str:
        return f"Access({', '.join(name for name, _ in self._headers)})"

    @property
    def headers(self) -> Sequence[tuple[str, str]]:
        """What to send. Not for any text."""
        return self._headers

    def without_secrets(self, text: str) -> str:
        """The beginning of a server's text, which may repeat what was sent to it."""
        found = self._secrets.sub("***", text[:_LONGEST_TEXT])
        if len(text) > _LONGEST_TEXT:  # a value may have been cut in two
            found = found[: max(len(found) - self._longest_secret, 0)]
        return found

    def repeats_secret(self, text: str) -> bool:
        """Whether a long secret is in a text."""
        return bool(self._long_secrets.search(text))

    def context(self) -> ssl.SSLContext:
        """For HTTP over TLS. Raises OSError for files that cannot be read or used."""
        import ssl  # few hosts have servers

        context = ssl.create_default_context(cafile=self.tls.ca)
        if self.tls.certificate is not None:
            # with a password, OpenSSL does not ask the terminal for that of an encrypted key
            context.load_cert_chain(self.tls.certificate, self.tls.key, password="")
        return context

    def pem(self) -> tuple[bytes | None, bytes | None, bytes | None]:
        """The authorities, the key and the certificate for gRPC, which otherwise trusts a list of
        its own. Raises OSError for files that cannot be read."""
        ca = _system_authorities() if self.tls.ca is None else Path(self.tls.ca).read_bytes()
        key, certificate = (
            None if path is None else Path(path).read_bytes()
            for path in (self.tls.key, self.tls.certificate)
        )
        return ca, key, certificate


def _any_of(texts: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, texts)) or "(?!)", re.IGNORECASE)


def _system_authorities() -> bytes | None:
    """In PEM; None if the system has none. They are in one file or in a folder, in which OpenSSL
    looks for files with such names.

    https://docs.openssl.org/master/man1/openssl-rehash/
    """
    import ssl

    paths = ssl.get_default_verify_paths()
    if paths.cafile:
        return Path(paths.cafile).read_bytes()
    files = sorted(Path(paths.capath).iterdir()) if paths.capath else []
    found = [file.read_bytes() for file in files if _HASHED.fullmatch(file.name)]
    return b"\n".join(found) or None


def _forms_of(value: str) -> Iterator[str]:
    """A header's value, the words in it, and the name and password of `Basic`, as they are and as
    servers may write them."""
    import base64  # few hosts have servers
    import html
    import json

    words = {value, *value.split(), *_SEPARATORS.split(value)}
    scheme, _, encoded = value.partition(" ")
    if scheme.lower() == "basic":
        with contextlib.suppress(ValueError):
            decoded = base64.b64decode(encoded).decode()
            words.update((decoded, *decoded.split(":", 1)))
    for word in words:
        if len(word) >= _SHORTEST_SECRET:
            yield from (word, repr(word)[1:-1], json.dumps(word)[1:-1].replace("/", r"\/"))
            yield from (json.dumps(word)[1:-1], quote(word), quote(word, safe=""))
            yield from (html.escape(word), word.encode().hex())
            yield base64.b64encode(word.encode()).decode().rstrip("=")


def check_variables(where: str, headers: Mapping[str, str]) -> None:
    """Raise InputError for a header whose variable is not set, or has a value that cannot be
    sent."""
    for header, variable in headers.items():
        _value(where, header, variable)


def _value(where: str, header: str, variable: str) -> str:
    value = os.environ.get(variable)
    variable = shown(variable)
    if value is None:
        raise InputError(
            f"{where}: the header {header} is in the environment variable {variable}, which is not"
            " set"
        )
    if not _VALUE.fullmatch(value):
        raise InputError(
            f"{where}: the variable {variable}, for the header {header}, is empty or has characters"
            " that are not printable ASCII"
        )
    return value


def from_environment(model: RemoteModel, where: str = "remote") -> Access:
    """The headers of a model, with their values. Raises InputError, which begins with `where`, for
    a variable that is not set or cannot be sent."""
    values = {header: _value(where, header, variable) for header, variable in model.headers.items()}
    if model.takes_token and TOKEN in os.environ:
        values["authorization"] = f"Bearer {_value(where, 'authorization', TOKEN)}"
    return Access(values, model.tls, _advice(model))


def _advice(model: RemoteModel) -> str:
    """Where credentials come from, and which are not sent."""
    if model.takes_token and TOKEN in os.environ:
        return f"; the bearer token in {TOKEN} was sent"
    if model.takes_token:
        return f"; no credentials were sent, because {TOKEN} is not set"
    names = ", ".join(model.headers)
    sent = f"; nnshim sent the header {names}" if names else "; the graph has no headers to send"
    if TOKEN in os.environ:
        sent += f", and {TOKEN} is only sent for models that the command line names"
    return sent
