"""Redirects what a TorchScript model prints. PyTorch writes it to Python's current sys.stdout."""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Iterator

from runtime_shim.backends.common import guest_output

__all__ = ["printing"]

_lock = threading.Lock()


class _GuestOutput(io.TextIOBase):
    def write(self, text: str) -> int:
        guest_output.write(text.encode("utf-8", "surrogateescape"))
        return len(text)


@contextlib.contextmanager
def printing() -> Iterator[None]:
    """While this is active, what models print goes immediately to the guest's standard output. One
    model at a time; what other threads print through Python at the same time goes there too."""
    with _lock, contextlib.redirect_stdout(_GuestOutput()):
        yield
