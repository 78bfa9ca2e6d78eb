"""How an artifact is named: `oci://HOST/NAME:TAG` in a registry, `oci-layout:PATH:TAG` on disk."""

from __future__ import annotations

import re
from typing import NamedTuple

from rewriter.errors import InputError, OutputError, UsageError
from rewriter.oci.descriptor import DIGEST

__all__ = [
    "LAYOUT",
    "REGISTRY",
    "LayoutReference",
    "RegistryReference",
    "is_artifact",
    "is_loopback",
    "is_same_tag",
    "parse_layout_reference",
    "parse_registry_reference",
]

REGISTRY = "oci://"
LAYOUT = "oci-layout:"

_HOST = r"\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
_TAG_OR_DIGEST = rf"(?::(?P<tag>{_TAG}))?(?:@(?P<digest>{DIGEST.pattern}))?"
_REFERENCE = re.compile(
    rf"(?P<host>(?:{_HOST})(?::[0-9]{{1,5}})?)/(?P<name>{_PART}(?:/{_PART})*){_TAG_OR_DIGEST}"
)
"""https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests"""

_IN_LAYOUT = re.compile(rf"(?P<path>.+?){_TAG_OR_DIGEST}", re.S)

_DOCKER = ("docker.io", "index.docker.io")
"""Names of a registry whose own host has another one, and in which images without a group are those
of `library`.

https://github.com/distribution/reference/blob/v0.6.0/normalize.go
"""


class RegistryReference(NamedTuple):
    """A name in a registry. `host` has the port, if there is one."""

    host: str
    name: str
    tag: str | None
    digest: str | None

    def __str__(self) -> str:
        tag = "" if self.tag is None else f":{self.tag}"
        return f"{REGISTRY}{self.host}/{self.name}{tag}" + (f"@{self.digest}" * bool(self.digest))

    @property
    def wanted(self) -> str:
        """The digest, or else the tag."""
        return self.digest or self.tag or ""

    @property
    def is_plain(self) -> bool:
        """Whether the registry is on this machine, which takes no TLS."""
        return is_loopback(re.sub(r":[0-9]+$", "", self.host))

    @property
    def base(self) -> str:
        """The address of the registry's interface, without a slash at its end."""
        host = "registry-1.docker.io" if self.host in _DOCKER else self.host
        return f"{'http' if self.is_plain else 'https'}://{host}"

    @property
    def repository(self) -> str:
        """The name as the registry has it."""
        return (
            f"library/{self.name}" if self.host in _DOCKER and "/" not in self.name else self.name
        )


class LayoutReference(NamedTuple):
    """A layout, and what is meant in it: all of it, without a tag and a digest."""

    path: str
    tag: str | None
    digest: str | None


def is_artifact(path: str) -> bool:
    """Whether an argument names an artifact and not a file."""
    return path.startswith((REGISTRY, LAYOUT))


def is_same_tag(one: str, other: str) -> bool:
    """Whether two arguments name the same tag of the same repository or layout."""
    return _tag_of(one) == _tag_of(other)


def _tag_of(text: str) -> tuple[str, ...]:
    if text.startswith(REGISTRY):
        found = parse_registry_reference(text, InputError)
        return REGISTRY, found.base.lower(), found.repository, found.tag or ""
    from pathlib import Path  # what starts with a file needs none

    layout = parse_layout_reference(text, InputError)
    return LAYOUT, str(Path(layout.path).resolve()), layout.tag or ""


def is_loopback(host: str) -> bool:
    """Whether a host name or an address, in brackets or not, is this machine."""
    import ipaddress  # for what starts with a file, too much

    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def parse_registry_reference(text: str, error: type[InputError | OutputError]) -> RegistryReference:
    """Raises `error` (NN021) where it names nothing in a registry, and UsageError, without the
    text, where there is a password in it."""
    found = _REFERENCE.fullmatch(text.removeprefix(REGISTRY))
    if found is None and "@" in re.sub(rf"@(?:{DIGEST.pattern})\Z", "", text):
        raise UsageError(
            "a reference takes no user and no password, only a digest (`@sha256:...`);"
            " `docker login` and DOCKER_CONFIG give passwords"
        )
    if found is None:
        raise error(f"{text} is not of the form oci://HOST[:PORT]/NAME:TAG", "NN021")
    reference = RegistryReference(found["host"], found["name"], found["tag"], found["digest"])
    if not reference.wanted:
        raise error(f"{text} has no tag and no digest: write {text}:TAG", "NN021")
    if error is OutputError and (reference.tag is None or reference.digest is not None):
        raise error(f"{text}: an output has a tag, and no digest", "NN021")
    return reference


def parse_layout_reference(text: str, error: type[InputError | OutputError]) -> LayoutReference:
    """A tag stands after the last colon, and has no slash. Raises `error` (NN021)."""
    found = _IN_LAYOUT.fullmatch(text.removeprefix(LAYOUT))
    if found is None:
        raise error(f"{text} is not of the form oci-layout:PATH[:TAG]", "NN021")
    if error is OutputError and found["digest"] is not None:
        raise error(f"{text}: an output has a tag, and no digest", "NN021")
    return LayoutReference(found["path"], found["tag"], found["digest"])
