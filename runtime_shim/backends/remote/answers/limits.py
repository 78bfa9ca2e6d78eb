"""How much a server may answer, so that it cannot fill memory."""

from __future__ import annotations

__all__ = ["LARGEST_ANSWER", "LARGEST_DESCRIPTION"]

LARGEST_ANSWER = 1 << 30
"""In bytes, of all outputs together. It is the default limit of a guest's tensor."""

LARGEST_DESCRIPTION = 16 << 20
"""In bytes, of metadata, and of outputs that are spelled out in JSON."""
