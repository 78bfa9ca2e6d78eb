"""Backends, and the models that they have loaded, which may share one process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol, runtime_checkable
from weakref import WeakValueDictionary

from rewriter.abi.dialects import Encoding, Errno
from runtime_shim.backends.interface import Backend, Graph, Place
from runtime_shim.errors import HostError

__all__ = ["Pool", "host_is_closed"]

_GraphKey = tuple[Encoding, Place, tuple[bytes, ...], str]


class Pool:
    """Backends, made at their first use. `loaded` has the models that were loaded from bytes and
    are still in use. May be shared by threads."""

    def __init__(self, new_backend: Callable[[Encoding], Backend]) -> None:
        self._new_backend = new_backend
        self._backends: dict[Encoding, Backend] = {}
        self.loaded: WeakValueDictionary[_GraphKey, Graph] = WeakValueDictionary()
        self._locks: WeakValueDictionary[object, _Lock] = WeakValueDictionary()
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def backend(self, encoding: Encoding) -> Backend:
        """The backend of an encoding. Other backends can be made at the same time, because an
        import takes seconds. Raises HostError."""
        with self.lock_of(encoding):
            if self._ended.is_set():
                raise host_is_closed()
            backend = self._backends.get(encoding)
            if backend is None:
                backend = self._backends[encoding] = self._new_backend(encoding)
            if self._ended.is_set():  # ended in the meantime
                self.close()
                raise host_is_closed()
            return backend

    def lock_of(self, key: object) -> _Lock:
        """A lock for one model: it is loaded only once, while others can be loaded at the same
        time."""
        with self._lock:
            return self._locks.setdefault(key, _Lock())

    def close(self) -> None:
        """End the processes of backends that have one; their models are lost. The next load starts
        afresh."""
        while self._backends:
            _, backend = self._backends.popitem()
            if isinstance(backend, _HasProcess):
                backend.close()

    def end(self) -> None:
        """Close it for good: no more backends are made."""
        self._ended.set()
        self.close()


def host_is_closed() -> HostError:
    """The error for every use of a closed host."""
    return HostError(Errno.RUNTIME_ERROR, "the host is closed")


@runtime_checkable
class _HasProcess(Protocol):
    """runtime_shim.backends.isolated.client.IsolatedBackend, which is imported only where it is
    used."""

    def close(self) -> None: ...


class _Lock:
    """A lock that a WeakValueDictionary can hold."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()
