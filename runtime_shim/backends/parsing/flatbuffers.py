"""FlatBuffers from guests."""

from __future__ import annotations

import functools
import mmap

from rewriter.abi.dialects import Errno
from rewriter.models.flatbuffer import FlatBuffer, Table
from runtime_shim.errors import HostError

__all__ = ["root_of"]


def root_of(data: bytes | mmap.mmap, what: str) -> Table:
    """The root table. Its methods raise HostError with `invalid_argument` for anything outside of
    the file."""
    return FlatBuffer(data, what, functools.partial(HostError, Errno.INVALID_ARGUMENT)).root()
