"""Descriptors: the type, digest and size of content, which content is compared with.

Specification: https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from rewriter.errors import InputError

__all__ = ["DIGEST", "Descriptor", "Json", "describe", "digest_of", "parse_descriptor"]

Json = dict[str, Any]

DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
"""The two algorithms that the specification registers."""


class Descriptor(NamedTuple):
    """`size` is in bytes. `fields` has all of the JSON object, annotations among it."""

    media_type: str
    digest: str
    size: int
    fields: Mapping[str, Any]

    def annotation(self, key: str) -> str | None:
        """An annotation, if it is there and is text."""
        annotations = self.fields.get("annotations")
        value = annotations.get(key) if isinstance(annotations, dict) else None
        return value if isinstance(value, str) else None

    @property
    def platform(self) -> str | None:
        """What an index says that a manifest is for, such as `linux/arm64/v8`, or None.

        https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md
        """
        found = self.fields.get("platform")
        if not isinstance(found, dict):
            return None
        parts = [found.get(key) for key in ("os", "architecture", "variant")]
        return "/".join(part for part in parts if isinstance(part, str) and part) or None

    def check(self, data: bytes, where: str) -> bytes:
        """The data. Raises InputError (NN026) where its size or digest is another one."""
        if len(data) != self.size:
            raise InputError(
                f"{where}: {self.digest} has {len(data)} bytes, and {self.size} were stated",
                "NN026",
            )
        found = digest_of(data, self.digest.partition(":")[0])
        if found != self.digest:
            raise InputError(f"{where}: what {self.digest} names is {found}", "NN026")
        return data

    def with_content(self, data: bytes) -> Descriptor:
        """The same descriptor for other content. Data in it (`data`, `urls`) is left out."""
        fields = {key: self.fields[key] for key in self.fields if key not in ("data", "urls")}
        fields |= {"digest": digest_of(data), "size": len(data)}
        return Descriptor(self.media_type, fields["digest"], len(data), fields)


def digest_of(data: bytes | memoryview, algorithm: str = "sha256") -> str:
    """`sha256:` and the digest in hexadecimal; or with `sha512`."""
    import hashlib  # OpenSSL, a tenth of the start-up time

    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def describe(media_type: str, data: bytes) -> Descriptor:
    """The descriptor of content."""
    digest, size = digest_of(data), len(data)
    fields = {"mediaType": media_type, "digest": digest, "size": size}
    return Descriptor(media_type, digest, size, fields)


def parse_descriptor(value: object, where: str) -> Descriptor:
    """Raises InputError (NN026) for JSON that is not a descriptor, or has a digest that cannot be
    checked."""
    if isinstance(value, dict):
        media_type, digest, size = (value.get(key) for key in ("mediaType", "digest", "size"))
        if (
            isinstance(media_type, str)
            and isinstance(digest, str)
            and isinstance(size, int)
            and not isinstance(size, bool)
            and size >= 0
        ):
            if DIGEST.fullmatch(digest):
                return Descriptor(media_type, digest, size, value)
            raise InputError(f"{where}: {digest} is not a digest by SHA-256 or SHA-512", "NN026")
    raise InputError(f"{where}: a descriptor lacks its mediaType, digest or size", "NN026")
