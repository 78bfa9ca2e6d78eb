"""The time limit of a guest."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from time import monotonic
from typing import ParamSpec, TypeVar

from runtime_shim.engine.outcome import Reason, Stopped

__all__ = ["Deadline"]

P = ParamSpec("P")
R = TypeVar("R")


class Deadline:
    """A point in time, `timeout` seconds after this is made; None for no limit."""

    def __init__(self, timeout: float | None) -> None:
        self._timeout = timeout
        self._end = None if timeout is None else monotonic() + timeout

    def within(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function and return its result. Raises what it raises, or Stopped if it takes
        too long.

        The function cannot be interrupted: it then continues in its own thread until it is done.
        """
        if self._end is None:
            return function(*args, **kwargs)
        from concurrent.futures import Future, wait  # imported only if there is a limit

        future: Future[R] = Future()

        def call() -> None:
            try:
                future.set_result(function(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
                future.set_exception(error)

        threading.Thread(target=call, daemon=True).start()
        if not wait([future], self._left(self._end)).done:
            raise self._over()
        return future.result()

    @contextlib.contextmanager
    def ends(self, stop: Callable[[BaseException], None], patience: float = 0.0) -> Iterator[None]:
        """Call `stop` from another thread `patience` seconds after the deadline. Raises Stopped if
        that is already over."""
        if self._end is None:
            yield
            return
        left = self._left(self._end + patience)
        if left <= 0:
            raise self._over()
        timer = threading.Timer(left, stop, [self._over()])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _left(self, end: float) -> float:
        """Seconds until `end`, at least 0."""
        return max(0.0, end - monotonic())

    def _over(self) -> Stopped:
        return Stopped(Reason.TIMED_OUT, f"it ran for longer than {self._timeout:g} s")
