"""docs/codes.md, from the table of codes: python -m tests.tools.code_pages"""

from __future__ import annotations

import importlib
from pathlib import Path

from rewriter.codes import SUBJECTS, codes_about

__all__ = ["PAGE", "page"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "codes.md"

_HEAD = (
    "# Codes",
    "Everything that nnshim says about a module, a host or an installation has a code: in brackets"
    " in text, as `code` in `--json`. A code keeps its meaning and is never reused."
    " `nnshim explain NN204` prints its entry on this page.",
    "An error rules something out: the module cannot be processed, cannot run there, or is not what"
    " it should be. A warning asks for an action, or says what no longer holds: a rewrite fixes"
    " everything that `nnshim check` warns about.",
    "A condition comes from the module itself, but looking at the module does not show whether it"
    " is met: an import that may fail for some arguments or that the host may not define, a"
    " section, a constant. A need is the same for every guest of its kind: a backend, a model, a"
    " named graph. Unseen means something that the module does not show, such as the size of its"
    " buffers. A note is for information only."
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
