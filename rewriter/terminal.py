"""Text from outside, as a terminal may show it.

Names in modules, models, files and configuration can have anything in them: escape sequences that
hide or colour what follows, line breaks that forge a line, marks that reverse its order. Whoever
runs a command calls `take_over` first, after which nothing that Python prints reaches a terminal as
it is; `shown` is for text that has to stay within a line.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterable, Iterator
from typing import TextIO

from rewriter.descriptors import open_standard

__all__ = ["Unwritten", "command_line", "file_argument", "shown", "take_over", "write_styled"]


class Unwritten(OSError):
    """What is printed cannot be written: standard output is closed, or full."""


def shown(text: str) -> str:
    r"""The text on one line, with an escape for whatever is not printable by Python's rule:
    control and format characters, line and paragraph separators, spaces other than the ASCII one,
    and what Unicode has not assigned. A byte of a file's name that is not UTF-8 is `\xff`.

    https://docs.python.org/3/library/stdtypes.html#str.isprintable
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte that is not UTF-8 (PEP 383)
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return char.encode("unicode_escape").decode()
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def command_line(words: Iterable[str], windows: bool = os.name == "nt") -> str:
    """Words as one line that a shell reads as these words: POSIX's; on Windows cmd and PowerShell,
    neither of which knows the single quotes of the others."""
    if not windows:
        import shlex

        return shlex.join(words)
    return " ".join(map(_quoted, words))


def file_argument(path: str) -> str:
    """The path of a file as an argument that no command takes for an option. `-` stays what it is:
    standard input or output."""
    return f"./{path}" if path.startswith("-") and path != "-" else path


def _quoted(word: str) -> str:
    r"""In double quotes if a shell of Windows would make something else of it. Programs there read
    a backslash as such unless a double quote follows.

    https://learn.microsoft.com/en-us/cpp/c-language/parsing-c-command-line-arguments
    """
    import re

    if re.fullmatch(r"[\w@+=:./\\-]+", word):
        return word
    word = re.sub(r'(\\*)"', r'\1\1\\"', word)
    return '"' + re.sub(r"\\+$", r"\g<0>\g<0>", word) + '"'


class _Lines(io.TextIOWrapper):
    """Shows what is printed, and keeps the line breaks: those in names are escaped before.
    Raises Unwritten, or BrokenPipeError where the reader is gone."""

    def write(self, text: str) -> int:
        with _unwritten():
            super().write("\n".join(map(shown, text.split("\n"))))
        return len(text)

    def flush(self) -> None:
        with _unwritten():
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
    """Shows what is printed, and keeps a line break at its end only: who reports an error, Python's
    warnings, loggers and tracebacks among them, prints a line at a time, with names in it. What
    cannot be written is lost: there is nowhere to say so, and it is remarks only."""

    def write(self, text: str) -> int:
        line = text.removesuffix("\n")
        with contextlib.suppress(OSError):
            super().write(shown(line) + text[len(line) :])
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            super().flush()


def write_styled(stream: TextIO, text: str, style: str) -> None:
    """Write text on one line, shown as above, in a style: the parameters of SGR, such as `1;31`.
    Only a stream of `take_over` gets a style; on any other the text is plain.

    https://ecma-international.org/publications-and-standards/standards/ecma-48/ (8.3.117)
    """
    if not style or not isinstance(stream, _Lines | _Line):
        stream.write(text)
        return
    with _unwritten() if isinstance(stream, _Lines) else contextlib.suppress(OSError):
        io.TextIOWrapper.write(stream, f"\x1b[{style}m{shown(text)}\x1b[0m")


def take_over() -> None:
    """Have all that this process prints by Python's means shown as above. What the output's
    encoding cannot express becomes an escape, too, and lines end alike on every system. A stream
    that is closed is opened, as in rewriter.descriptors."""
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
