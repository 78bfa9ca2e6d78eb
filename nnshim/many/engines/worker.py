"""A process that works on what another one hands it, until that one is gone."""

from __future__ import annotations

import gc
import pickle
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, NoReturn

from nnshim.many.ending import not_lost
from rewriter.errors import NNShimError

__all__ = ["READY", "STARTED", "Do", "Failed", "answer", "serve"]

Do = Callable[[Sequence[Any]], list[Any]]
"""What is done with a list of items. It gives what is found in the first of them, at least in
one."""

STARTED, READY = "started", "ready"
"""What a worker says first: that it waits for its work, and that it has that."""


class Failed(NamedTuple):
    """The work ended with an error that is about all of it, and not about one file."""

    error: NNShimError | str


def serve(connection: Connection) -> None:
    """Receive what is to be done, pickled, and then lists of items, and send back a list of results
    for each. SIGTERM ends it, but first
    what it is writing is removed. Ctrl-C is for the process that started it, which says so here by
    SIGTERM."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    from rewriter.terminal import take_over

    take_over()
    with not_lost(SystemExit, _leave):
        _serve(connection)


def _serve(connection: Connection) -> None:
    try:
        connection.send(STARTED)
        work: Do = pickle.loads(connection.recv_bytes())  # noqa: S301 - from the parent
        gc.freeze()  # what the imports made stays
        connection.send(READY)
        while True:
            items = connection.recv()
            connection.send(answer(work, items))
    except (EOFError, BrokenPipeError, ConnectionResetError):  # nobody waits for it any more
        return


def answer(work: Do, items: Sequence[Any]) -> list[Any] | Failed:
    """What the work gives, or why it has ended as a whole."""
    try:
        return work(items)
    except NNShimError as error:
        return Failed(error)
    except Exception as error:  # noqa: BLE001 - the other process says so
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return Failed(f"{type(error).__name__}: {error} ({frame.filename}:{frame.lineno})")


def _leave(*_: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(128 + signal.SIGTERM)
