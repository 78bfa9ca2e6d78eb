"""A host as the probe knows it: a command, and how answers come out of it."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from threading import Lock
from typing import NamedTuple, Self, TypeVar

from rewriter.errors import NNShimError
from rewriter.files import wasm_tools
from rewriter.probing.command import End, Ran, ended, run
from rewriter.probing.modules.text import Arena, Part, feature_text, plain_text, steps_text

__all__ = ["Answers", "Host", "Item", "ProbeFailed"]

_ANSWER = re.compile(rb"\[nnprobe ([a-z_0-9]+) (\d+) (\d+)\]")
_CODE = 42
"""An exit code that no host gives by itself."""

_SHOWN = 1000
"""Characters of a host's own output that an error has."""

_SUSPICIOUS = 12
"""Modules in a row that hang, after which a host may have stopped to run any."""

_FIRST = 3
"""The exit code that means 0 where exit codes are answers; $leave in wat/prelude.wat adds it."""

_LAST = 103

Texts = Callable[[int], tuple[bytes, list[str]]]
"""From the answer that is to be the exit code, or -1, to a module's text and its keys."""

_T = TypeVar("_T")
_R = TypeVar("_R")


class ProbeFailed(NNShimError):
    """The host's command runs no modules; the message has what it printed."""


class Answers(NamedTuple):
    """What a module told, in order, and how it ended, None where it came to its end."""

    told: tuple[tuple[str, int], ...]
    end: End | None

    @property
    def started(self) -> bool:
        return ("start", 1) in self.told

    def first(self, key: str) -> int | None:
        """What was told under a key first, or None."""
        return next((value for name, value in self.told if name == key), None)


class Item(NamedTuple):
    """What one thing that was tried told, and how the process ended in it, None where it did not.
    Nothing at all of what could not be tried."""

    values: dict[str, int]
    end: End | None = None


class Host:
    """Runs modules by the host's command, several at a time, in files of a folder of its own.

    `prints` says whether answers are printed; else they are exit codes. `codes` says whether exit
    codes of a guest are those of the command, and `ends_with_0` whether it is one that has none of
    its own that ends so. `on_run` is called after
    each process. Use it in a `with`, which removes the folder.
    """

    CODE = _CODE

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
        self.prints = True
        self.codes = self.ends_with_0 = False
        self._timeout = timeout
        self._on_run = on_run
        self._runs = runs
        self.processes = self._hangs = 0
        self._of_trap: frozenset[int | None] = frozenset()
        self._numbers, self._lock = count(), Lock()
        self._stack = ExitStack()
        self.folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="nnprobe-"))
        self._pool = self._stack.enter_context(ThreadPoolExecutor(jobs))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._stack.close()

    def start(self) -> None:
        """Find out whether the command runs modules, and how answers come out of it.

        Raises ProbeFailed where it runs none, with what it prints, and UsageError where it cannot
        be started.
        """
        first = self._run(plain_text(_STARTS)[0])
        if first.code is None:
            raise ProbeFailed(
                f"the command does not end by itself: it did not end in time, and printed:"
                f" {_in_short(first.output) or 'nothing'}"
            )
        self.prints = self._parsed(first).started
        self.ends_with_0 = first.code == 0
        codes = [self._run(plain_text(_LEAVES.format(code))[0]).code for code in (_CODE, _CODE + 1)]
        self.codes = codes == [_CODE, _CODE + 1]
        if not self.prints and not self.codes:
            raise ProbeFailed(
                f"the command runs no WebAssembly module, or nothing comes out of it: exit code"
                f" {first.code}; it printed: {_in_short(first.output) or 'nothing'}"
            )
        self._of_trap = frozenset((self._run(plain_text(_TRAPS)[0]).code,)) - {0}

    def finish(self) -> None:
        """Find out whether the command still runs the module that it began with: what was measured
        of one that does not, of a device that is gone or a disk that is full, is worth nothing.

        Raises ProbeFailed where it does not, with what it prints.
        """
        last = self._run(plain_text(_STARTS if self.prints else _LEAVES.format(_CODE))[0])
        if not (self._parsed(last).started if self.prints else last.code == _CODE):
            how = "did not end in time" if last.code is None else f"ended with {last.code}"
            raise ProbeFailed(
                f"the command has run modules, and after {self.processes} of them it does not any"
                f" more, so nothing of it is written down: it {how}, and printed:"
                f" {_in_short(last.output) or 'nothing'}"
            )

    def each(self, function: Callable[[_T], _R], values: Iterable[_T]) -> list[_R]:
        """The results, in order, of calls that do not wait for one another. Only what is run at
        the top may call it, because the number of threads is limited."""
        return list(self._pool.map(function, values))

    def ask(self, texts: Texts) -> Answers:
        """What a module tells."""
        if self.prints:
            return self._parsed(self._run(texts(-1)[0]))
        told: list[tuple[str, int]] = []
        for number in count(0, 2):
            text, keys = texts(number)
            ran = self._run(text)
            if ran.code is None or not _FIRST <= ran.code < _FIRST + len(keys):
                return Answers(tuple(told), ended(ran, self._of_trap))
            ran_on = self._run(texts(number + 1)[0])
            if ran_on.code is None or not _FIRST <= ran_on.code <= _LAST:
                return Answers(tuple(told), ended(ran_on, self._of_trap))
            told.append((keys[ran.code - _FIRST], ran_on.code - _FIRST))
            if told[-1][0] == "end":
                return Answers(tuple(told), None)
        raise AssertionError("numbers do not end")

    def plain(self, body: str, *, exports_memory: bool = True) -> Answers:
        """What a module tells that is the prelude and forms in the text format."""
        return self.ask(lambda wanted: plain_text(body, wanted, exports_memory))

    def sweep(self, part: Part, arena: Arena) -> list[Item]:
        """What each item of a part tells, in as few processes as those that stop allow."""
        items: list[Item] = []
        while len(items) < len(part.items):
            start = len(items)
            answers = self.ask(lambda wanted, at=start: steps_text(part, arena, at, wanted))  # type: ignore[misc]
            found: list[Item] = []
            for key, value in answers.told:
                if key == "item":
                    found.append(Item({}))
                elif found and key != "end":
                    found[-1].values[key] = value
            if not found:  # the set-up does not work, or the module does not link
                return items + [Item({}) for _ in part.items[start:]]
            if answers.end is not None:
                found[-1] = Item(found[-1].values, answers.end)
            items += found
        return items

    def has(self, feature: str) -> bool:
        """Whether a module that has a feature of WebAssembly runs."""
        ran = self._run(feature_text(feature, self.codes, _CODE))
        return ran.code == _CODE if self.codes else bool(self._parsed(ran).told)

    def exit_code(self, text: str) -> int | None:
        """That of a whole module in the text format, which is not one of the probe's own."""
        return self._run(text.encode()).code

    def _parsed(self, ran: Ran) -> Answers:
        told = tuple(
            (key.decode(), int(value))
            for key, value, total in _ANSWER.findall(ran.output)
            if sum(key) + ord(" ") + sum(value) == int(total)
        )
        came_through = any(key == "end" for key, _ in told)
        return Answers(told, None if came_through else ended(ran, self._of_trap))

    def _run(self, text: bytes) -> Ran:
        with self._lock:
            number = next(self._numbers)
            self.processes += 1
        path = os.path.join(self.folder, f"{number}.wasm")
        with open(path, "wb") as file:
            file.write(wasm_tools.assemble(text))
        try:
            ran = self._runs(self.command, path, self._timeout)
        finally:
            os.unlink(path)
            self._on_run()
        with self._lock:
            self._hangs = self._hangs + 1 if ran.code is None else 0
            has_stopped = self._hangs == _SUSPICIOUS
        if has_stopped:
            self.finish()
        return ran


_STARTS = '(func (export "_start") (call $tell (i32.const "start") (i32.const 1)))'
_LEAVES = '(func (export "_start") (call $proc_exit (i32.const {})))'
_TRAPS = '(func (export "_start") (unreachable))'


def _in_short(output: bytes) -> str:
    """What was printed, the first and the last of it where that is much."""
    lines = [line.strip() for line in output.decode("utf-8", "replace").splitlines()]
    whole = "; ".join(line for line in lines if line)
    return whole if len(whole) <= _SHOWN else f"{whole[: _SHOWN // 2]} ... {whole[-_SHOWN // 2 :]}"
