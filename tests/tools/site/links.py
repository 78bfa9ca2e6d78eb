"""Links in Markdown: where each stands in a text, and the anchors that a text has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["ROOT", "Link", "anchors", "broken", "links"]

ROOT = Path(__file__).resolve().parents[3]

_CODE = re.compile(
    r"^ *(?P<fence>`{3,})[^`\n]*\n.*?^ *(?P=fence)`*$|(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)",
    re.DOTALL | re.MULTILINE,
)
_LINK = re.compile(r"!?\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^()\s]*)\)")
_HEADING = re.compile(r"^#{1,6} +(.*?)#*$", re.MULTILINE)
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


class Link(NamedTuple):
    """`text` and `target` as they are written; `start` and `end` are offsets of the whole."""

    text: str
    target: str
    start: int
    end: int

    @property
    def outside(self) -> bool:
        """Whether it leads to another site."""
        return re.match(r"[a-z][a-z0-9+.-]*:", self.target) is not None


def links(text: str) -> Iterator[Link]:
    """Of an inline link `[text](target)` or image each, outside of code."""
    masked = _CODE.sub(lambda code: "`" * len(code[0]), text)
    for found in _LINK.finditer(masked):
        start, end = found.span("text")
        yield Link(text[start:end], found["target"], *found.span())


def anchors(text: str) -> set[str]:
    """What `#` can lead to, as GitHub and the site make it of headings. Two headings of the same
    text raise ValueError: the two make different anchors of the second."""
    text = _CODE.sub(lambda code: "" if code["fence"] else code[0], text)
    found = set[str]()
    for heading in _HEADING.findall(text):
        words = _LINK.sub(lambda link: link["text"], heading).strip().lower()
        anchor = _NOT_IN_ANCHORS.sub("", words).replace(" ", "-")
        if anchor in found:
            raise ValueError(f"two headings make the anchor #{anchor}")
        found.add(anchor)
    return found


def broken(page: Path, root: Path = ROOT) -> Iterator[str]:
    """The targets in a page that lead nowhere: no such file below `root`, or no such heading."""
    for link in links(page.read_text()):
        path, _, anchor = link.target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not link.outside and not _is_there(file, anchor, root):
            yield link.target


def _is_there(file: Path, anchor: str, root: Path) -> bool:
    if not file.is_relative_to(root) or not file.exists():
        return False
    return not anchor or (file.suffix == ".md" and anchor in anchors(file.read_text()))
