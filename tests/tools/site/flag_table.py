"""The tables in docs/command-lines.md, from the data: python -m tests.tools.site.flag_table"""

from __future__ import annotations

from nnshim.other_hosts import FLAGS, SOURCES

__all__ = ["tables"]


def tables() -> str:
    """In Markdown, a section with a table for each host's command."""
    parts = []
    for command, source in SOURCES.items():
        rows = [
            f"| `{flag.flag}` | {'taken' if flag.taken else 'refused'} | {flag.what} |"
            for flag in FLAGS
            if flag.command == command
        ]
        head = ["| flag | `nnshim run` | what it does, or what to write instead |"]
        parts += [f"## {command}", f"{source}.", "\n".join([*head, "| --- | --- | --- |", *rows])]
    return "\n\n".join(parts)


if __name__ == "__main__":
    print(tables())
