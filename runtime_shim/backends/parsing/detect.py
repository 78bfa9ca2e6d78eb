"""Detects the format of a model from its first bytes, without importing a backend."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rewriter.abi.dialects import Encoding, Errno
from runtime_shim.backends.formats import FORMATS, HEAD
from runtime_shim.backends.interface import Part
from runtime_shim.backends.parsing.model_parts import head, other_kind
from runtime_shim.errors import HostError

__all__ = ["detect", "is_xml", "resolve"]


def is_xml(part: Part) -> bool:
    """Whether this is the first part of an OpenVINO model."""
    return re.match(FORMATS[Encoding.OPENVINO].begins, head(part, HEAD)) is not None


def detect(parts: Sequence[Part]) -> Encoding | None:
    """The encoding of a model, None if it is not recognised."""
    if not parts:
        return None
    start = head(parts[0], HEAD)
    for encoding, row in FORMATS.items():
        if len(parts) <= len(row.files) and re.match(row.begins, start):
            return encoding
    return None


def resolve(parts: Sequence[Part], encoding: Encoding, only_this: bool = False) -> Encoding:
    """The encoding to load a model as. This is the model's own format, if it may be loaded under
    the encoding that was named; with `only_this`, it may not. A model that is not recognised is
    left to the backend of the encoding.

    Raises HostError: `invalid_encoding` for a model of another format, which the reason names, and
    `invalid_argument` if autodetect finds none.
    """
    try:
        found = detect(parts)
    except OSError:  # the backend reports the missing file
        return encoding
    if encoding is Encoding.AUTODETECT:
        if found is None:
            raise HostError(Errno.INVALID_ARGUMENT, _unknown(parts))
        return found
    if found is None or found is encoding or encoding not in FORMATS:
        return encoding
    if found in FORMATS[encoding].also and not only_this:
        return found
    if found in FORMATS[encoding].reads:
        return encoding
    raise HostError(
        Errno.INVALID_ENCODING,
        other_kind(parts[0])
        or f"the model is {FORMATS[found].title}, but was loaded as {encoding.name.lower()}",
    )


def _unknown(parts: Sequence[Part]) -> str:
    """Why a model is not in a known format, if this can be seen."""
    found = other_kind(parts[0]) if parts else None
    return found or "the model is not in a known format"
