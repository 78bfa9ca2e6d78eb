"""Tensors in POSIX shared memory, for a server on this machine: its inputs and, if the model fixes
their shapes, its outputs.

https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_shared_memory.md
"""

from __future__ import annotations

import contextlib
import os
import secrets
import weakref
from collections.abc import Sequence
from itertools import accumulate
from math import prod
from time import monotonic

from rewriter.abi.dialects import Errno
from runtime_shim.backends.common.tensor_info import Port
from runtime_shim.backends.remote.answers.limits import LARGEST_ANSWER
from runtime_shim.backends.remote.failures import (
    NotTaken,
    before_an_inference,
    contradiction,
    inexpressible,
    is_of_an_ill_server,
)
from runtime_shim.backends.remote.interface import Answered, Given, Region, Server, place_of
from runtime_shim.errors import ServerError

__all__ = ["SharedMemory", "UnusedSegments"]

_EXTENSION = "system_shared_memory"

_FOLDER = "/dev/shm"  # noqa: S108 - where shm_open has its objects on Linux, shm_overview(7)

_ALIGNMENT = 64
"""In bytes."""

_MARK = 8
"""In bytes. Random ones, again and again, are where an output is to be until the server writes it,
because a server may say that it has computed and leave there what the last inference did. Shorter
outputs are sent."""

_BLOCK = 1 << 16
"""Bytes of marks that are written at once."""

_STEP = 1 << 12
"""In bytes. An output is looked at as often as this, and at its end, for a mark that is left."""

_ENDING = 5.0
"""How many seconds servers have to unmap segments when a context ends. On a busy machine, one may
take more than a second."""


class _Segment:
    """A shared memory object that one server maps. It is read and written as a file: if the server
    truncates it, memory that this process had mapped would be gone."""

    def __init__(self, size: int) -> None:
        self.name = f"nnshim-{secrets.token_hex(16)}"
        self.process = os.getpid()
        self.size = size
        path = os.path.join(_FOLDER, self.name)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        weakref.finalize(self, os.close, self._file)
        try:
            os.posix_fallocate(self._file, 0, size)
        except OSError:
            self.unlink()
            raise

    @property
    def is_mine(self) -> bool:
        """Whether this process has made it. A fork has its parent's, and must not write to them."""
        return self.process == os.getpid()

    def unlink(self) -> None:
        """Remove its name, so that nothing is left behind, however this process ends."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(_FOLDER, self.name))

    def write(self, offset: int, data: bytes) -> None:
        view = memoryview(data)
        while view:
            written = os.pwrite(self._file, view, offset)
            view, offset = view[written:], offset + written

    def fill(self, region: Region, mark: bytes) -> None:
        """Write the mark again and again."""
        block = mark * (min(_BLOCK, region.size + _MARK) // _MARK)
        for start in range(0, region.size, _BLOCK):
            self.write(region.offset + start, block[: region.size - start])

    def read(self, region: Region) -> bytes:
        """A copy; shorter than the region if the server has truncated the object."""
        return os.pread(self._file, region.size, region.offset)


class UnusedSegments:
    """Names of segments that servers may still have mapped, of all contexts of a graph. A server
    that does not answer in time is asked again. May be shared by threads."""

    def __init__(self) -> None:
        self._names: list[tuple[Server, str]] = []

    def add(self, server: Server, name: str) -> None:
        self._names.append((server, name))

    def unregister(self, until: float, only: Server | None = None) -> None:
        """Let the servers, or only one of them, unmap what they have."""
        still = []
        for _ in range(len(self._names)):
            try:
                server, name = self._names.pop()
            except IndexError:  # another thread has taken the last one
                break
            if only not in (None, server) or not _is_unmapped(server, name, until):
                still.append((server, name))
        self._names += still


def _is_unmapped(server: Server, name: str, until: float) -> bool:
    """Let a server unmap a segment. One that refuses does not have it."""
    try:
        server.unregister(name, until)
    except NotTaken:
        return False
    except ServerError as error:
        return not is_of_an_ill_server(error)
    return True


class SharedMemory:
    """The segments of one execution context, one for each server. After a failed inference, the
    server may still write to its segment, so the next one gets another. So does a server that was
    started again, which says that there is no such segment. `graph` has the servers,
    and lives as long as they map segments, of which `unused` has those that no context uses."""

    def __init__(self, unused: UnusedSegments, graph: object) -> None:
        self._segments: dict[str, tuple[Server, _Segment]] = {}
        self._unused = unused
        mapped = self._segments, unused, graph
        weakref.finalize(self, _unregister_all, *mapped).atexit = False

    def infer(
        self,
        server: Server,
        inputs: Sequence[Given],
        outputs: Sequence[tuple[Port, Region | None]],
        until: float,
    ) -> Sequence[Answered]:
        """Like Server.infer. Raises NotTaken and HostError."""
        may_be_forgotten = server.name in self._segments
        try:
            return self._infer(server, inputs, outputs, until)
        except ServerError as error:
            if not may_be_forgotten or error.errno is not Errno.NOT_FOUND:
                raise
        return self._infer(server, inputs, outputs, until)  # in another segment, which it knows

    def _infer(
        self,
        server: Server,
        inputs: Sequence[Given],
        outputs: Sequence[tuple[Port, Region | None]],
        until: float,
    ) -> Sequence[Answered]:
        sizes = [len(each.data) for each in inputs if not isinstance(each.data, Region)]
        fixed = [(port, _size(port)) for port, _ in outputs]
        wanted_bytes = sum(size for _, size in fixed)
        if wanted_bytes > LARGEST_ANSWER:
            raise contradiction(server.speaker, f"its outputs have {wanted_bytes} bytes")
        sizes += [size for _, size in fixed if size]
        ends = list(accumulate(-(-size // _ALIGNMENT) * _ALIGNMENT for size in sizes))
        starts = [0, *ends][: len(sizes)]
        segment = self._segment(server, max(ends[-1], 1), until)
        places = (
            Region(segment.name, start, size) for start, size in zip(starts, sizes, strict=True)
        )
        try:
            given = []
            for each in inputs:
                place = next(places)
                segment.write(place.offset, each.data if isinstance(each.data, bytes) else b"")
                given.append(each._replace(data=place if place.size else b""))
            wanted = [(port, next(places) if size else None) for port, size in fixed]
            mark = secrets.token_bytes(_MARK)
            for _, region in wanted:
                if region is not None:
                    segment.fill(region, mark)
            answered = server.infer(given, wanted, until)
        except BaseException:
            self._give_up(server)
            raise
        regions = {port.name: region for port, region in wanted if region is not None}
        return [
            self._read(server, segment, mark, each, regions.get(each.name)) for each in answered
        ]

    def _read(
        self,
        server: Server,
        segment: _Segment,
        mark: bytes,
        answered: Answered,
        region: Region | None,
    ) -> Answered:
        if region is None:
            return answered
        name = server.speaker.quoted(answered.name)
        told = {key: answered.told.get(key) for key in place_of(region)}
        is_told = any(value is not None for value in told.values())
        if answered.data is not None:  # it was sent nevertheless
            if is_told:
                self._give_up(server)
                raise contradiction(server.speaker, f"the output {name} has its data twice")
            return answered
        for key, asked in place_of(region).items():
            value = told[key]
            if value is not None and (type(value) is not type(asked) or value != asked):
                self._give_up(server)
                raise contradiction(
                    server.speaker,
                    f"the {key} of the output {name} is"
                    f" {server.speaker.quoted(value)}, not {asked}",
                )
        data = segment.read(region)
        if len(data) < region.size:
            self._give_up(server)
            raise contradiction(server.speaker, "the shared memory is shorter than before")
        if _has_mark(data, mark):
            raise contradiction(
                server.speaker, f"the output {name} is not, or not all, in the shared memory"
            )
        return answered._replace(data=memoryview(data))

    def _segment(self, server: Server, size: int, until: float) -> _Segment:
        """The segment of a server, with at least this size."""
        _, found = self._segments.get(server.name, (server, None))
        if found is not None and found.is_mine and found.size >= size:
            return found
        self._give_up(server)
        try:
            with before_an_inference():
                made = self._registered(server, size, until)
        except ServerError as error:
            if error.errno is Errno.NOT_FOUND:  # of the request, not of the model
                raise inexpressible(error.reason) from None
            raise
        self._segments[server.name] = server, made
        return made

    def _registered(self, server: Server, size: int, until: float) -> _Segment:
        if _EXTENSION not in server.extensions(until):
            raise inexpressible(f"{server.name} has no shared memory: it lacks {_EXTENSION}")
        self._unused.unregister(until, server)
        made = _Segment(size)
        try:
            server.register(made.name, f"/{made.name}", size, until)
        except ServerError:
            self._unused.add(server, made.name)  # it may have mapped it nevertheless
            raise
        finally:
            made.unlink()
        return made

    def _give_up(self, server: Server) -> None:
        _, segment = self._segments.pop(server.name, (server, None))
        if segment is not None and segment.is_mine:
            self._unused.add(server, segment.name)


def _has_mark(data: bytes, mark: bytes) -> bool:
    """Whether something of what an output's place was filled with is left."""
    end = len(data) % _MARK
    last = (mark + mark)[end : end + _MARK]
    return data.endswith(last) or any(
        data.startswith(mark, at) for at in range(0, len(data), _STEP)
    )


def _size(port: Port) -> int:
    """Of an output whose shape the model fixes, in bytes; 0 if it is to be sent."""
    shape = port.fixed_shape
    if shape is None or port.element is None:
        return 0
    size = prod(shape) * port.element.size
    return size if size >= _MARK else 0


def _unregister_all(
    segments: dict[str, tuple[Server, _Segment]], unused: UnusedSegments, _graph: object
) -> None:
    for server, segment in segments.values():
        if segment.is_mine:
            unused.add(server, segment.name)
    unused.unregister(monotonic() + _ENDING)
