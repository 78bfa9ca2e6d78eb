"""What a host and the process that runs its models say to each other: messages in JSON over Unix
sockets, one a packet, and tensors in shared memory beside each socket.

The host believes nothing that it reads: a model may have taken over the process.
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
"""In the place of an errno: the process ends because it can no longer use its device."""

LARGEST_MESSAGE = 1 << 16
"""Bytes; a packet can have more than twice as many."""


def send(channel: socket.socket, message: Any, files: Sequence[int] = ()) -> None:
    """Send a message, with open files.

    Raises OSError where the other side is gone, and HostError for a message that is too large.
    """
    data = json.dumps(message).encode()
    if len(data) > LARGEST_MESSAGE:
        raise HostError(Errno.TOO_LARGE, f"a call with {len(data)} bytes of arguments")
    socket.send_fds(channel, [data], files)


def send_at_once(channel: socket.socket, message: Any) -> None:
    """Send a message. Raises BlockingIOError where the other side has to read others first, and
    any other OSError where it is gone."""
    channel.send(json.dumps(message).encode(), socket.MSG_DONTWAIT)


def receive(channel: socket.socket, files: int = 0) -> tuple[Any, list[int]]:
    """The next message, with up to so many open files.

    Raises EOFError where the other side is gone, ValueError for anything but a message.
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
    """Memory of two processes. It can grow, by either, and never shrinks: reading from what
    another process has cut off would end this one."""

    def __init__(self, fd: int | None = None) -> None:
        """That which another process has made, of which there is an open file, or a new one."""
        if fd is None:
            fd = os.memfd_create("nnshim", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
        self.fd = fd
        self._bytes = memoryview(b"")
        free_with(self, os.close, fd)  # the bytes stay until the last view of them is gone

    @property
    def size(self) -> int:
        """In bytes, as far as either side has made it grow."""
        return os.fstat(self.fd).st_size

    def first(self, size: int) -> memoryview:
        """The first bytes, of which there will be so many. Raises OSError where there is no
        memory for them."""
        if size > len(self._bytes):
            if size > self.size:
                os.ftruncate(self.fd, -size // mmap.PAGESIZE * -mmap.PAGESIZE)
            self._bytes = memoryview(mmap.mmap(self.fd, self.size))
        return self._bytes[:size]
