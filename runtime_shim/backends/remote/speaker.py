"""A server in messages: its URL, and what it says, without the secrets that were sent to it."""

from __future__ import annotations

from runtime_shim.backends.remote.access import Access
from runtime_shim.guest_text import quoted

__all__ = ["Speaker"]


class Speaker:
    """As text, it is the server's URL."""

    def __init__(self, url: str, access: Access) -> None:
        self._url = url
        self._access = access

    def __str__(self) -> str:
        return self._url

    def quoted(self, value: object) -> str:
        """Something of an answer, shortened and in quotes."""
        found = quoted(value, self._access.without_secrets)
        return self._access.without_secrets(found)  # a number may be one, too

    def says(self, text: str) -> str:
        """A server's text as it is, but for characters that cannot be seen."""
        found = self._access.without_secrets(text)
        if found.isprintable():
            return found
        return "".join(each if each.isprintable() else repr(each)[1:-1] for each in found)

    def repeats_secret(self, text: str) -> bool:
        """Whether a long secret is in a text that guests and messages are to get as it is."""
        return self._access.repeats_secret(text)
