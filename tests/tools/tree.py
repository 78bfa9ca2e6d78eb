"""The folders of the three packages, as CONTRIBUTING.md has them: python -m tests.tools.tree"""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("nnshim", "runtime_shim", "rewriter")

__all__ = ["ROOT", "tree"]


def tree() -> str:
    """A row a folder: what it is, by its package's docstring, and the files in it."""
    rows = ["| folder | what is in it | files |", "| --- | --- | --- |"]
    for package in PACKAGES:
        for init in sorted((ROOT / package).rglob("__init__.py")):
            folder = init.parent
            what = " ".join(
                (ast.get_docstring(ast.parse(init.read_text())) or "").split("\n\n")[0].split()
            )
            files = sorted(
                file.name
                for file in folder.iterdir()
                if file.suffix in {".py", ".wat"} and file != init
            )
            rows.append(f"| `{folder.relative_to(ROOT)}/` | {what} | {', '.join(files)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(tree())
