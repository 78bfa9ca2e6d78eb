"""A command that runs modules: each in a file of its own, several at a time, and again where one
does not come to its end."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from threading import Lock
from typing import NamedTuple, Self, TypeVar

from rewriter.errors import NNShimError
from rewriter.files import wasm_tools
from rewriter.probing.command import Ran, run
from rewriter.probing.lines import NOBODY, read

__all__ = ["ProbeFailed", "Runner", "Seen"]

_SHOWN = 1000
"""Characters of a host's own output that an error has."""

_SUSPICIOUS = 12
"""Modules in a row that hang, after which a host may have stopped to run any."""

_UNSTEADY = 4
"""Modules that may do something else when they are run again. On some hosts one or two do, after
what writes outside of a buffer."""

_TRIES = 3

_T = TypeVar("_T")
_R = TypeVar("_R")


class ProbeFailed(NNShimError):
    """Nothing that can be trusted comes out of the host's command; the message has what it
    printed."""


class Seen(NamedTuple):
    """How a process ended, what it printed, and what its module told in it; `lost` is whether lines
    of it are missing."""

    code: int | None
    output: bytes
    told: tuple[tuple[str, int], ...]
    lost: bool

    @property
    def has_ended(self) -> bool:
        """Whether the module said that it came to its end."""
        return any(key == "end" for key, _ in self.told)

    @property
    def how(self) -> str:
        """How the process ended, in words."""
        return "did not end in time" if self.code is None else f"ended with {self.code}"

    @property
    def printed(self) -> str:
        """What was printed, the first and the last of it where that is much."""
        lines = [line.strip() for line in self.output.decode("utf-8", "replace").splitlines()]
        whole = "; ".join(line for line in lines if line)
        if len(whole) > _SHOWN:
            whole = f"{whole[: _SHOWN // 2]} ... {whole[-_SHOWN // 2 :]}"
        return whole or "nothing"

    @property
    def outcome(self) -> tuple[tuple[tuple[str, int], ...], int | None]:
        """What is the same where the same came of it. A signal can be this or that one."""
        return self.told, -1 if self.code is not None and self.code < 0 else self.code


class Runner:
    """Runs modules in files of a folder that is there within a `with`. `on_run` is called after
    each process; `signals` is whether one has ended by a signal."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        timeout: float = 20,
        jobs: int = 1,
        on_run: Callable[[], object] = lambda: None,
        runs: Callable[[Sequence[str], str, float], Ran] = run,
    ) -> None:
        self.command = tuple(command)
        self.jobs = jobs
        self.signals = False
        self.processes = 0
        self._timeout = timeout
        self._on_run = on_run
        self._runs = runs
        self._hangs = self._unsteady = 0
        self._failed: ProbeFailed | None = None
        self._mark = secrets.token_hex(2)
        self._numbers, self._lock = count(), Lock()
        self._stack = ExitStack()
        self.folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="nnprobe-"))
        self._pool = self._stack.enter_context(ThreadPoolExecutor(jobs))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._stack.close()

    def finish(self) -> None:
        """Raises ProbeFailed where the command runs no modules any more."""
        raise NotImplementedError

    def each(self, function: Callable[[_T], _R], values: Iterable[_T]) -> list[_R]:
        """The results, in order, of calls that do not wait for one another. Only what is run at
        the top may call it, because the number of threads is limited."""
        return list(self._pool.map(function, values))

    def settled(self, text: bytes, is_whole: Callable[[Seen], bool]) -> Seen:
        """What comes of a module in the text format. Where it is not `is_whole`, it is run again,
        and a third time if something else comes of it then: a device may be busy for a moment.

        Raises ProbeFailed where that is so of several modules, or lines are missing each time.
        """
        tried: list[Seen] = []
        while len(tried) < _TRIES:
            seen = self.once(text)
            before = [each.outcome for each in tried if not each.lost]
            tried.append(seen)
            if not seen.lost and (is_whole(seen) or seen.outcome in before):
                break
        if seen.lost:
            raise ProbeFailed(
                "lines that a module printed are missing, or not as it printed them, in what comes"
                f" out of the command, which is: {seen.printed}"
            )
        if len({each.outcome for each in tried}) > 1:
            self._count_unsteady(tried)
        return seen

    def _count_unsteady(self, tried: Sequence[Seen]) -> None:
        with self._lock:
            self._unsteady += 1
            number = self._unsteady
        if number > _UNSTEADY:
            ways = ", and then ".join(f"{each.how} and printed {each.printed}" for each in tried)
            raise ProbeFailed(
                f"the command does not do the same each time, so nothing of it is written down:"
                f" {number} modules did something else when they were run again. The last of them"
                f" {ways}"
            )

    def once(self, text: bytes) -> Seen:
        """What comes of a module in one process. Raises ProbeFailed where it is that of another
        module, or the command does not run any more."""
        with self._lock:
            if self._failed is not None:
                raise self._failed
            number = next(self._numbers)
            self.processes += 1
        path = os.path.join(self.folder, f"{number}.wasm")
        module = f"{self._mark}{number:0{len(NOBODY) - len(self._mark)}x}".encode()
        with open(path, "wb") as file:
            file.write(wasm_tools.assemble(text).replace(NOBODY, module))
        try:
            ran = self._runs(self.command, path, self._timeout)
        finally:
            os.unlink(path)
            self._on_run()
        lines = read(ran.output, module)
        if lines.others:
            raise self.mixed_up()
        with self._lock:
            self._hangs = self._hangs + 1 if ran.code is None else 0
            has_stopped = self._hangs == _SUSPICIOUS
            self.signals |= ran.code is not None and ran.code < 0
        if has_stopped:
            try:
                self.finish()
            except ProbeFailed as error:
                self._failed = error
                raise
        return Seen(ran.code, ran.output, lines.told, lines.lost)

    def mixed_up(self) -> ProbeFailed:
        """That what came of a module is what came of another."""
        if self.jobs > 1:
            return ProbeFailed(
                "modules that are run at the same time get one another's answers: the command may"
                " copy each to the same name, or have one output for all. Use --jobs 1, or give"
                " each a name of its own"
            )
        return ProbeFailed(
            "the command prints, or exits as, a module that it was given before: it has to run the"
            " one that it is given, and to print what that one prints"
        )
