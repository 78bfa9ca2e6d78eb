"""A host under test: its command, and how the probe gets answers from it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count
from typing import NamedTuple

from rewriter.probing.command import End, ended
from rewriter.probing.modules.text import Arena, Part, feature_text, plain_text, steps_text
from rewriter.probing.runner import ProbeFailed, Runner, Seen

__all__ = ["Answers", "Host", "Item"]

_CODE = 42
"""An exit code that no host uses itself."""

_OF_FEATURES = 17
"""The first exit code of modules with a feature. Each feature has its own."""

_MANY = 400
"""How many lines the module prints that shows whether output is complete. No other prints more."""

_ROUNDS = 4
"""How often `jobs` modules are run at once, to see whether each gets its own answer."""

_FIRST = 3
"""The exit code that means 0 if exit codes are answers. $leave in wat/prelude.wat adds it."""

_LAST = 103

Texts = Callable[[int], tuple[bytes, list[str]]]
"""Makes a module's text and its keys. The argument is the number of the answer to return as the
exit code, or -1."""


class Answers(NamedTuple):
    """The answers of a module, in order, and how it ended; None if it finished."""

    told: tuple[tuple[str, int], ...]
    end: End | None

    @property
    def started(self) -> bool:
        return ("start", 1) in self.told

    def first(self, key: str) -> int | None:
        """The first answer with a key, or None."""
        return next((value for name, value in self.told if name == key), None)


class Item(NamedTuple):
    """The answers of one trial, and how it ended the process; None if it did not. Without values if
    the trial could not be run."""

    values: dict[str, int]
    end: End | None = None


class Host(Runner):
    """Runs modules with the host's command, and gets their answers.

    `prints`: answers are printed; otherwise they are exit codes. `codes`: a guest's exit code
    becomes the command's. `ends_with_0`: the command exits with 0 after a guest without an exit
    code.
    """

    CODE = _CODE

    prints = True
    codes = ends_with_0 = False
    _of_trap: int | None = None

    def start(self) -> None:
        """Find out whether the command runs modules, and how to get answers from it.

        Raises ProbeFailed with its output if it runs none, and UsageError if it cannot be started.
        """
        first = self.settled(plain_text(_STARTS)[0], _has_told)
        if first.code is None:
            raise ProbeFailed(
                f"the command did not exit within the time limit; it printed: {first.printed}"
            )
        starts = _has_told(first)
        many = self.settled(plain_text(_TELLS)[0], _has_all) if starts else None
        self.prints = many is not None and _has_all(many)
        self.ends_with_0 = first.code == 0
        codes = (_CODE, _CODE + 1)
        self.codes = all(self.exits(plain_text(_LEAVES.format(code))[0], code) for code in codes)
        if not self.prints and not self.codes:
            what = (
                f"output is lost: a module printed {_MANY} lines, but only {len(many.told)} arrived"
                if many is not None
                else "the command does not run WebAssembly modules, or their output does not arrive"
            )
            last = many or first
            raise ProbeFailed(f"{what}: exit code {last.code}; it printed: {last.printed}")
        self._of_trap = self.settled(plain_text(_TRAPS)[0], lambda _: False).code
        self._check_apart()

    def finish(self) -> None:
        """Check that the command still runs the first module. If it does not, because a device is
        gone or a disk is full, the measurements are worthless.

        Raises ProbeFailed with its output if it does not.
        """
        last = self.once(plain_text(_STARTS if self.prints else _LEAVES.format(_CODE))[0])
        if not (_has_told(last) if self.prints else last.code == _CODE):
            raise ProbeFailed(
                f"the command stopped running modules after {self.processes} of them, so no profile"
                f" is written: it {last.how}, and printed: {last.printed}"
            )

    def _check_apart(self) -> None:
        """Check that modules that run at the same time get their own answers. Raises ProbeFailed if
        one does not: a script may copy all of them to the same name."""
        for _ in range(_ROUNDS if self.jobs > 1 else 0):
            codes = range(_CODE, _CODE + self.jobs)
            body = _STARTS if self.prints else _LEAVES
            texts = [plain_text(body.format(code))[0] for code in codes]
            for code, seen in zip(codes, self.each(self.once, texts), strict=True):
                if not (_has_told(seen) if self.prints else seen.code == code):
                    raise self.mixed_up()

    def ask(self, texts: Texts) -> Answers:
        """The answers of a module."""
        if self.prints:
            return self._answers(self.settled(texts(-1)[0], lambda seen: seen.has_ended))
        told: list[tuple[str, int]] = []
        for number in count(0, 2):
            text, keys = texts(number)
            ran = self._code(text, len(keys))
            if ran is None or not _FIRST <= ran < _FIRST + len(keys):
                return Answers(tuple(told), self._end(ran))
            ran_on = self._code(texts(number + 1)[0], _LAST + 1 - _FIRST)
            if ran_on is None or not _FIRST <= ran_on <= _LAST:
                return Answers(tuple(told), self._end(ran_on))
            told.append((keys[ran - _FIRST], ran_on - _FIRST))
            if told[-1][0] == "end":
                return Answers(tuple(told), None)
        raise AssertionError("numbers do not end")

    def plain(self, body: str, *, exports_memory: bool = True) -> Answers:
        """The answers of a module that consists of the prelude and `body`, in the text format."""
        return self.ask(lambda wanted: plain_text(body, wanted, exports_memory))

    def sweep(self, part: Part, arena: Arena) -> list[Item]:
        """The answers of each item of a part, in as few processes as possible: an item that stops
        needs a new one."""
        items: list[Item] = []
        while len(items) < len(part.items):
            start = len(items)
            answers = self.ask(partial(steps_text, part, arena, start))
            found: list[Item] = []
            for key, value in answers.told:
                if key == "item":
                    found.append(Item({}))
                elif found and key != "end":
                    found[-1].values[key] = value
            if not found:  # the set-up fails, or the module does not link
                return items + [Item({}) for _ in part.items[start:]]
            if answers.end is not None:
                found[-1] = Item(found[-1].values, answers.end)
            items += found
        return items

    def has(self, feature: str, number: int) -> bool:
        """Whether a module with a WebAssembly feature runs. `number` is the feature's index."""
        if not self.codes:
            text = feature_text(feature, by_code=False, code=0)
            return _has_told(self.settled(text, _has_told))
        code = _OF_FEATURES + number
        return self.exits(feature_text(feature, by_code=True, code=code), code)

    def exits(self, text: bytes, code: int) -> bool:
        """Whether a complete module in the text format ends with an exit code."""
        return self.settled(text, lambda seen: seen.code == code).code == code

    def _code(self, text: bytes, count: int) -> int | None:
        """The exit code of a module whose answer is one of `count` numbers, starting at
        `_FIRST`."""
        return self.settled(
            text, lambda seen: seen.code is not None and _FIRST <= seen.code < _FIRST + count
        ).code

    def _end(self, code: int | None) -> End:
        return ended(code, self._of_trap, comes_through=self.codes)

    def _answers(self, seen: Seen) -> Answers:
        return Answers(seen.told, None if seen.has_ended else self._end(seen.code))


_STARTS = '(func (export "_start") (call $tell (i32.const "start") (i32.const 1)))'
_LEAVES = '(func (export "_start") (call $proc_exit (i32.const {})))'
_TELLS = (
    f'(func (export "_start") (local $left i32) (local.set $left (i32.const {_MANY}))'
    ' (loop $next (call $tell (i32.const "line") (local.get $left))'
    " (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))"
)
_TRAPS = '(func (export "_start") (unreachable))'


def _has_told(seen: Seen) -> bool:
    return bool(seen.told)


def _has_all(seen: Seen) -> bool:
    return len(seen.told) == _MANY
