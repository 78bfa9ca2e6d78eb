"""Text from outside, as a terminal may show it.

Names in modules, models, files and configuration can contain anything: escape sequences that hide
or colour the text after them, line breaks that forge a line, marks that reverse its order, and
commands to the runner of a pipeline. A command of nnshim calls `take_over` first; after that,
everything that Python prints is escaped. `shown` is for text that has to stay within a line.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TextIO

from rewriter.descriptors import open_standard

if TYPE_CHECKING:
    import threading

__all__ = [
    "Doing",
    "Unwritten",
    "alive",
    "command_line",
    "file_argument",
    "shown",
    "shown_line",
    "take_over",
    "undisturbed",
    "write_styled",
]

_QUIET = 1.0
"""Seconds that something takes before a terminal shows that it is being done."""

_TICK = 0.5
"""Seconds after which that line is written again."""


_COMMAND = re.compile(r"#(?=#\w*\[)")
"""What begins a command anywhere in a line of a job's log: ##[error], ##vso[task.complete],
##teamcity[buildStop].

https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
https://learn.microsoft.com/en-us/azure/devops/pipelines/scripts/logging-commands
https://www.jetbrains.com/help/teamcity/service-messages.html
"""


class Unwritten(OSError):
    """Printed text cannot be written: standard output is closed or full."""


def shown(text: str) -> str:
    r"""The text on one line, with an escape for each character that is not printable by Python's
    rule: control and format characters, line and paragraph separators, spaces other than the ASCII
    one, and characters that Unicode has not assigned. A byte of a file's name that is not UTF-8
    becomes `\xff`. What a runner would take for a command begins with `\u0023`, which is `#` in
    JSON, too.

    https://docs.python.org/3/library/stdtypes.html#str.isprintable
    """
    if "##" in text:
        text = _COMMAND.sub(r"\\u0023", text)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def shown_line(text: str) -> str:
    r"""The same of a whole line, which GitHub's runner takes for a command if it begins with `::`,
    maybe after spaces: with `\u003a` for the first colon.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
    """
    text = shown(text)
    return text.replace(":", r"\u003a", 1) if text.lstrip().startswith("::") else text


def _escape(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte that is not UTF-8 (PEP 383)
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return char.encode("unicode_escape").decode()
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def command_line(words: Iterable[str], windows: bool = os.name == "nt") -> str:
    """Quote words so that a shell reads them as these words: a POSIX shell, or on Windows cmd and
    PowerShell, which do not know POSIX's single quotes."""
    if not windows:
        import shlex

        return shlex.join(words)
    return " ".join(map(_quoted, words))


def file_argument(path: str) -> str:
    """A file's path as an argument that no command takes for an option. `-` stays `-`: standard
    input or output."""
    return f"./{path}" if path.startswith("-") and path != "-" else path


def _quoted(word: str) -> str:
    r"""Put a word in double quotes if a Windows shell would change it. Windows programs read a
    backslash literally, except before a double quote.

    https://learn.microsoft.com/en-us/cpp/c-language/parsing-c-command-line-arguments
    """
    import re

    if re.fullmatch(r"[\w@+=:./\\-]+", word):
        return word
    word = re.sub(r'(\\*)"', r'\1\1\\"', word)
    return '"' + re.sub(r"\\+$", r"\g<0>\g<0>", word) + '"'


class _Lines(io.TextIOWrapper):
    """Escapes what is printed, and keeps line breaks: those in names are escaped before.
    Raises Unwritten, or BrokenPipeError if the reader is gone."""

    def write(self, text: str) -> int:
        with undisturbed(), _unwritten():
            super().write("\n".join(map(shown, text.split("\n"))))
        return len(text)

    def flush(self) -> None:
        with undisturbed(), _unwritten():
            super().flush()


@contextlib.contextmanager
def _unwritten() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = error.strerror or error
        raise Unwritten(error.errno, f"cannot write to standard output: {reason}") from error


class _Line(io.TextIOWrapper):
    """Escapes what is printed, and keeps a line break only at its end: errors, and Python's
    warnings, loggers and tracebacks, are printed a line at a time, with names in them. What cannot
    be written is lost: these are only remarks, and there is nowhere else to report it."""

    def write(self, text: str) -> int:
        line = text.removesuffix("\n")
        with undisturbed(), contextlib.suppress(OSError):
            super().write(shown(line) + text[len(line) :])
        return len(text)

    def flush(self) -> None:
        with undisturbed(), contextlib.suppress(OSError):
            super().flush()


def write_styled(stream: TextIO, text: str, style: str) -> None:
    """Write text on one line, shown as above, in a style: the parameters of SGR, such as `1;31`.
    Only a stream of `take_over` gets a style; on any other the text is plain.

    https://ecma-international.org/publications-and-standards/standards/ecma-48/ (8.3.117)
    """
    if not style or not isinstance(stream, _Lines | _Line):
        stream.write(text)
        return
    failed = _unwritten() if isinstance(stream, _Lines) else contextlib.suppress(OSError)
    with undisturbed(), failed:
        io.TextIOWrapper.write(stream, f"\x1b[{style}m{shown(text)}\x1b[0m")


def take_over() -> None:
    """Escape everything that this process prints through Python, as above. Characters that the
    output's encoding lacks become escapes, too, and lines end alike on every system. A closed
    stream is opened, as in rewriter.descriptors."""
    open_standard()
    sys.stdout = _over(sys.stdout, 1, _Lines)
    sys.stderr = _over(sys.stderr, 2, _Line)


def _over(stream: TextIO | None, fd: int, kind: type[io.TextIOWrapper]) -> TextIO:
    if stream is None:  # it was closed when Python started
        return kind(open(fd, "wb", closefd=False), "utf-8", "backslashreplace", "\n")
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    return kind(
        stream.buffer,
        encoding=stream.encoding,
        errors="backslashreplace",
        newline="\n",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


class Doing:
    """What is being done, in words; `text` may change meanwhile, or be what says more each time
    that it is asked. `is_shown` says whether there is a line that shows it."""

    def __init__(self, text: str) -> None:
        self.text: object = text
        self.is_shown = False


@contextlib.contextmanager
def alive(text: str, file: str = "") -> Iterator[Doing]:
    """Show on the last line of a terminal what is being done, with which file, and for how long,
    once it takes more than a second. Nothing of that stays, and before anything else that Python
    prints it goes; what writes to the terminal by other means writes over it. Where one is inside
    another, the inner one's text is shown.

    Only where a command prints (see take_over) to a terminal that has a line to write again:
    nothing is shown anywhere else, nor in a program that uses this package, nor while somebody
    types the file on the terminal ("-"). There are no colours.
    """
    global _line
    doing = Doing(f"{text} {'standard input' if file == '-' else file}".rstrip())
    if _line is not None:
        doing.is_shown = True
        with _line.inside(doing):
            yield doing
        return
    is_typed = file == "-" and sys.stdin is not None and sys.stdin.isatty()
    if is_typed or not (isinstance(sys.stderr, _Line) and _can_show(sys.stderr)):
        yield doing
        return
    doing.is_shown = True
    _line = _StatusLine(sys.stderr.fileno(), doing)
    try:
        yield doing
    finally:
        _line.end()
        _line = None


def _can_show(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM", "dumb") not in ("", "dumb", "unknown")


def undisturbed() -> contextlib.AbstractContextManager[None]:
    """While anything else is written, up to the end of a line: the line of `alive` is gone, and
    stays away."""
    line = _line
    return contextlib.nullcontext() if line is None else line.hidden()


class _StatusLine:
    """The line, which a thread writes."""

    def __init__(self, fd: int, doing: Doing) -> None:
        import threading  # which what runs without a terminal does without
        import time

        self._fd = fd
        self._doing = [doing]
        self._clock = time.monotonic
        self._started = self._clock()
        self._lock = threading.RLock()  # a signal's handler may write while its thread does
        self._is_shown = False
        self._ended = threading.Event()
        self._thread: threading.Thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @contextlib.contextmanager
    def inside(self, doing: Doing) -> Iterator[None]:
        self._doing.append(doing)
        try:
            yield
        finally:
            self._doing.remove(doing)

    @contextlib.contextmanager
    def hidden(self) -> Iterator[None]:
        with self._lock:
            if self._is_shown:
                self._write("\r\x1b[K")
                self._is_shown = False
            yield

    def end(self) -> None:
        self._ended.set()
        self._thread.join()
        with self.hidden():
            pass

    def _run(self) -> None:
        wait = _QUIET
        while not self._ended.wait(wait):
            wait = _TICK
            with self._lock:
                self._write(f"\r\x1b[K{self._text()}\r")
                self._is_shown = True

    def _text(self) -> str:
        """No longer than the terminal's line, as only one line can be written again."""
        seconds = f" ({self._clock() - self._started:.0f} s)"
        try:
            room = os.get_terminal_size(self._fd).columns - len(seconds) - 1
        except OSError:
            room = 0
        text = shown(f"nnshim: {self._doing[-1].text}")
        if room <= 0:  # a terminal that does not know its width
            room = 79 - len(seconds)
        return (text if len(text) <= room else f"{text[: room - 3]}...") + seconds

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):  # the terminal is gone
            os.write(self._fd, text.encode(errors="replace"))


_line: _StatusLine | None = None
"""The one of this process, while something is done."""
