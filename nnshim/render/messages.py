"""Messages of NN runtimes, which have many lines: the first one that says something.

A message is known to be one of these by how it starts or goes on. In any other, a line break
belongs to a name, and stays in the line.
"""

from __future__ import annotations

import re

__all__ = ["lines_of", "summary"]

_LEADS = re.compile(
    r"(Exception from \S+:\d+:"
    r"|(\[\w+\] )?([\w ]{1,80} node with name '[^']*' )?Check '.*' failed at \S+:\d+:"
    r"|FrontEnd API failed with \w+:"
    r"|Model wasn't fully converted\."
    r"|Summary:"
    r"|The following operation failed in the TorchScript interpreter\.)\s*$"
)
"""Lines, or the ends of lines, that only lead to the one that says what is wrong.

https://github.com/openvinotoolkit/openvino/blob/master/src/core/src/except.cpp,
https://github.com/pytorch/pytorch/blob/main/torch/csrc/jit/runtime/interpreter.cpp
"""

_TRAILS = re.compile(
    r"\n\s*(CUDA kernel errors might be |Exception raised from |Node number \d+ \(\w+\) failed to )"
)
"""What begins a line after the one that says what is wrong.

https://github.com/pytorch/pytorch/blob/main/c10/cuda/CUDAException.cpp,
https://github.com/google-ai-edge/LiteRT/blob/main/tflite/core/subgraph.cc
"""

_MORE = " (-v shows all of it)"


def lines_of(text: str, verbose: bool, indent: str = "    ") -> list[str]:
    """Of an NN runtime's message all lines if `verbose`, those after the first one indented; else
    its summary, with a word about where the rest is. Any other message is one line."""
    text = text.rstrip("\n")
    short = summary(text)
    if short == text:
        return [text]
    if not verbose:
        return [short + _MORE]
    first, *others = text.split("\n")
    return [first, *(indent + line for line in others)]


def summary(text: str) -> str:
    """The first line of an NN runtime's message that says what is wrong, after what nnshim has put
    before it. Any other message stays as it is."""
    trail = _TRAILS.search(text)
    if trail is not None:
        text = text[: trail.start()]
    first, *others = text.split("\n")
    lead = _LEADS.search(first)
    if lead is None:
        return first if trail is not None else text
    said = _raised(others) or _first(others)
    if said is None:
        return text
    before = first[: lead.start()]
    kind = f"{said.partition(' ')[0]} "
    return (before.removesuffix(kind) if kind.endswith(": ") else before) + said


def _raised(lines: list[str]) -> str | None:
    """What was raised below a traceback, None where there is no traceback, or not all of it."""
    if not any(line.startswith("Traceback ") for line in lines):
        return None
    last = next((line for line in reversed(lines) if line.strip()), "")
    return last if re.match(r"[\w.]+(Error|Exception)\b", last) else None


def _first(lines: list[str]) -> str | None:
    """The first that says something, with the next one if it ends with a colon."""
    telling = [line.strip() for line in lines if line.strip() and not _LEADS.fullmatch(line)]
    taken = 1 + (telling[:1] != [] and telling[0].endswith(":"))
    return " ".join(telling[:taken]).removeprefix("-- ") or None
