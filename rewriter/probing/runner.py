"""Runs modules with a command: each in a file of its own, several at a time, and again if one does
not finish."""

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
"""Characters of a host's output that an error shows."""

_SUSPICIOUS = 12
"""After this many hanging modules in a row, the probe checks whether the host still runs any."""

_UNSTEADY = 4
"""How many modules may give a different result when they are run again. On some hosts one or two
do, after writes outside a buffer."""

_TRIES = 3

_T = TypeVar("_T")
_R = TypeVar("_R")


class ProbeFailed(NNShimError):
    """The output of the host's command cannot be trusted. The message shows what it printed."""


class Seen(NamedTuple):
    """How a process ended, what it printed, and its module's answers. `lost`: lines are missing."""

    code: int | None
    output: bytes
    told: tuple[tuple[str, int], ...]
    lost: bool

    @property
    def has_ended(self) -> bool:
        """Whether the module reported that it finished."""
        return any(key == "end" for key, _ in self.told)

    @property
    def how(self) -> str:
        """How the process ended, in words."""
        return "timed out" if self.code is None else f"exited with {self.code}"

    @property
    def printed(self) -> str:
        """The output on one line. If it is long, only its beginning and its end."""
        lines = [line.strip() for line in self.output.decode("utf-8", "replace").splitlines()]
        whole = "; ".join(line for line in lines if line)
        if len(whole) > _SHOWN:
            whole = f"{whole[: _SHOWN // 2]} ... {whole[-_SHOWN // 2 :]}"
        return whole or "nothing"

    @property
    def outcome(self) -> tuple[tuple[tuple[str, int], ...], int | None]:
        """A value to compare runs by. All signals count as the same."""
        return self.told, -1 if self.code is not None and self.code < 0 else self.code


class Runner:
    """Runs modules from files in a temporary folder, which exists within a `with` statement.
    `on_run` is called after each process. `signals`: some process was ended by a signal."""

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
        """Raise ProbeFailed if the command has stopped running modules."""
        raise NotImplementedError

    def each(self, function: Callable[[_T], _R], values: Iterable[_T]) -> list[_R]:
        """The results of parallel calls, in order. Nested calls are not allowed, because the number
        of threads is limited."""
        return list(self._pool.map(function, values))

    def settled(self, text: bytes, is_whole: Callable[[Seen], bool]) -> Seen:
        """Run a module in the text format. If the result is not `is_whole`, the module is run
        again, and a third time if the result differs: a device may be busy for a moment.

        Raises ProbeFailed if too many modules give differing results, or if lines are missing each
        time.
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
                "lines that a module printed are missing or changed in the command's output:"
                f" {seen.printed}"
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
                "the command does not behave the same each time, so no profile is written:"
                f" {number} modules gave a different result when they were run again. The last one"
                f" {ways}"
            )

    def once(self, text: bytes) -> Seen:
        """Run a module in one process. Raises ProbeFailed if the result belongs to another module,
        or if the command has stopped running modules."""
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
        """The error if the result of a module belongs to another module."""
        if self.jobs > 1:
            return ProbeFailed(
                "modules that run at the same time get each other's answers: the command may copy"
                " all of them to the same file, or use one output for all. Use --jobs 1, or change"
                " the command to use a separate file for each module"
            )
        return ProbeFailed(
            "the command returned the output or the exit code of an earlier module: it must run the"
            " module that it is given, and print what that module prints"
        )
