"""Where a guest's standard output is, for models that print."""

from __future__ import annotations

import os

__all__ = ["use", "write"]

_descriptor = 1
"""The process's own, which is also the guest's."""


def use(descriptor: int) -> None:
    """Write to another file descriptor from now on."""
    global _descriptor
    _descriptor = descriptor


def write(text: bytes) -> None:
    """Write all of a text, at once and without a buffer. Raises OSError."""
    while text:
        text = text[os.write(_descriptor, text) :]
