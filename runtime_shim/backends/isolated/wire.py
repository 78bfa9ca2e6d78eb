"""The protocol between a host and the process that runs its models: JSON messages over Unix
sockets, one per packet, and tensors in shared memory for each socket.

The host trusts nothing that it reads, because a model may have taken over the process.
"""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import socket
from collections.abc import Sequence
from typing import Any

from rewriter.abi.dialects import Errno
from runtime_shim.backends.common.c_objects import free_with
from runtime_shim.errors import HostError

__all__ = ["DEVICE_LOST", "LARGEST_MESSAGE", "SharedMemory", "receive", "send", "send_at_once"]

DEVICE_LOST = -1
"""In place of an errno: the process ends because it can no longer use its device."""

LARGEST_MESSAGE = 1 << 16
"""In bytes; the maximum for a packet is more than twice as high."""


def send(channel: socket.socket, message: Any, files: Sequence[int] = ()) -> None:
    """Send a message, with open files.

    Raises OSError if the other side is gone, and HostError for a message that is too large.
    """
    data = json.dumps(message).encode()
    if len(data) > LARGEST_MESSAGE:
        raise HostError(
            Errno.TOO_LARGE,
            f"the arguments of a call take {len(data)} bytes, at most {LARGEST_MESSAGE} are "
            "possible",
        )
    socket.send_fds(channel, [data], files)


def send_at_once(channel: socket.socket, message: Any) -> None:
    """Send a message without waiting. Raises BlockingIOError if the other side has to read other
    messages first, and any other OSError if it is gone."""
    channel.send(json.dumps(message).encode(), socket.MSG_DONTWAIT)


def receive(channel: socket.socket, files: int = 0) -> tuple[Any, list[int]]:
    """The next message, with up to `files` open files.

    Raises EOFError if the other side is gone, ValueError for anything that is not a message.
    """
    try:
        data, fds, flags, _ = socket.recv_fds(channel, LARGEST_MESSAGE, files)
    except ConnectionResetError:
        data, fds, flags = b"", [], 0
    if not data:
        raise EOFError("the other side is gone")
    if flags & socket.MSG_TRUNC:
        raise ValueError(f"a message of more than {LARGEST_MESSAGE} bytes")
    try:
        return json.loads(data), fds
    except RecursionError:
        raise ValueError("a message with nested lists") from None


class SharedMemory:
    """Memory of two processes. Either can make it grow, and it never shrinks: reading memory that
    another process has cut off would kill this one."""

    def __init__(self, fd: int | None = None) -> None:
        """Use memory that another process has made, given its open file, or make new memory."""
        if fd is None:
            fd = os.memfd_create("nnshim", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
        self.fd = fd
        self._bytes = memoryview(b"")
        free_with(self, os.close, fd)  # the bytes stay until the last view of them is gone

    @property
    def size(self) -> int:
        """Size in bytes, including growth by either side."""
        return os.fstat(self.fd).st_size

    def first(self, size: int) -> memoryview:
        """The first `size` bytes, growing the memory if needed. Raises OSError if there is not
        enough."""
        if size > len(self._bytes):
            if size > self.size:
                os.ftruncate(self.fd, -size // mmap.PAGESIZE * -mmap.PAGESIZE)
            self._bytes = memoryview(mmap.mmap(self.fd, self.size))
        return self._bytes[:size]
