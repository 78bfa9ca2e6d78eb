"""docs/codes.md, from the table of codes: python -m tests.tools.code_pages"""

from __future__ import annotations

import importlib
from pathlib import Path

from rewriter.codes import SUBJECTS, codes_about

__all__ = ["PAGE", "page"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "codes.md"

_HEAD = (
    "# Codes",
    "Whatever nnshim says of a module, a host or what is installed has a code: in brackets in text,"
    " as `code` in `--json`. A code keeps its meaning: none is renumbered, or used again for"
    " something else. `nnshim explain NN204` shows what is here.",
    "An error is in the way: the module cannot be worked on, cannot run there, or is not what it"
    " should be. A warning says that something has to be done, or no longer holds: a rewrite mends"
    " what `nnshim check` warns of.",
    "A condition is what the module itself points to and nobody can decide by looking at it: an"
    " import whose success depends on its arguments, or that the host may not define, a section, a"
    " constant. A need is the same for every guest of its kind: a backend, a model, a graph of some"
    " name. What is unseen depends on something that could not be seen in the module, such as the"
    " size of its buffers. A note is for information, and decides nothing."
    " [verdicts.md](verdicts.md) says which of them count.",
)


def page() -> str:
    """In Markdown, a section for each code."""
    parts = list(_HEAD)
    for digit, subject in SUBJECTS.items():
        about = importlib.import_module(f"rewriter.codes.{subject}").__doc__ or ""
        parts.append(f"## NN{digit}xx: {about.removesuffix('.')}")
        for code in codes_about(subject):
            parts.append(f"### {code.number}")
            parts.append(f"{code.severity.capitalize()}: {code.title}.")
            parts += [code.meaning, f"What to do: {code.remedy}"]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
