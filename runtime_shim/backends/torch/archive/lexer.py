"""A lexer for TorchScript's source code, with the same tokens as PyTorch's.

It reads only what PyTorch writes, and refuses what could be read in two ways: strings in triple
quotes, backslashes outside of strings, tabs, and characters that are not ASCII.

https://github.com/pytorch/pytorch/blob/main/torch/csrc/jit/frontend/lexer.h
"""

from __future__ import annotations

import re
from typing import NamedTuple

from rewriter.abi.dialects import Errno
from runtime_shim.errors import HostError
from runtime_shim.guest_text import quoted

__all__ = ["Token", "refusal", "tokens_of"]

_DEEPEST = 100
"""Maximum nesting of brackets, and half the maximum indentation in columns. PyTorch's parser and
compiler recurse for each level, on a limited stack."""

_LONGEST_EXPRESSION = 2000
"""Maximum number of tokens without a comma: a chain of operators is a tree as deep as it is
long."""

_CHARACTERS = re.compile(rb"[\n -~]*")

_TOKEN = re.compile(
    r"""
    (?P<blank>\ +)
  | (?P<newline>\n)
  | (?P<comment>\#(?!\ type:)[^\n]*)
  | (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?j?)(?![\w.])
  | (?P<string>(?!'''|\"\"\")(?:'(?:[^'\\\n]|\\[^\n])*'|"(?:[^"\\\n]|\\[^\n])*"))
  | (?P<name>(?!is\ not\w|not\ in\w)[A-Za-z_][A-Za-z0-9_]*)
  | (?P<operator>\.\.\.|->|[-+*/%@()\[\]:,={}><.?!&^|~])
    """,
    re.VERBOSE | re.ASCII,
)


class Token(NamedTuple):
    """A token. `kind` is name, number, string or operator. `column` is the column, from 0, of a
    token that starts a statement, and -1 for all others. Lines count from 1."""

    kind: str
    text: str
    line: int
    column: int


def tokens_of(name: str, code: bytes) -> list[Token]:
    """The tokens of a file. Raises HostError with `invalid_argument` for code that PyTorch does not
    write."""
    if _CHARACTERS.fullmatch(code) is None:
        raise HostError(
            Errno.INVALID_ARGUMENT,
            f"the model's code, {name}, contains characters that are not ASCII",
        )
    text = code.decode("ascii")
    tokens = []
    position, line, line_start, begins = 0, 1, 0, True
    run_lengths = [0]
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise refusal(name, code, line, "cannot be read")
        position = found.end()
        kind = found.lastgroup or ""
        if kind == "newline":
            line, line_start = line + 1, position
            if len(run_lengths) == 1:
                begins, run_lengths = True, [0]
        elif kind not in ("blank", "comment"):
            word = found[0]
            column = found.start() - line_start if begins else -1
            begins = False
            tokens.append(Token(kind, word, line, column))
            _count(run_lengths, word)
            if (
                not 0 < len(run_lengths) <= _DEEPEST
                or run_lengths[-1] > _LONGEST_EXPRESSION
                or column > 2 * _DEEPEST
            ):
                raise refusal(name, code, line, "is nested too deeply")
    if len(run_lengths) != 1:
        raise refusal(name, code, line, "ends inside brackets")
    return tokens


def _count(run_lengths: list[int], word: str) -> None:
    if word in ("(", "[", "{"):
        run_lengths.append(0)
    elif word in (")", "]", "}"):
        run_lengths.pop()
    elif word == ",":
        run_lengths[-1] = 0
    if run_lengths:
        run_lengths[-1] += 1


def refusal(name: str, code: bytes, line: int, why: str) -> HostError:
    """The error for a line of a file."""
    lines = code.split(b"\n")
    text = lines[line - 1].strip().decode("utf-8", "replace")[:200] if line <= len(lines) else ""
    return HostError(
        Errno.INVALID_ARGUMENT, f"the model's code, {name} line {line}, {why}: {quoted(text)}"
    )
