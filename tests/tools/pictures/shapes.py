"""Boxes, texts and arrows of the pictures that are drawn, in SVG. All lengths are in pixels."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["BOX", "arrow", "box", "document", "text", "vertical"]

BOX = 54
"""Height of a box."""

_STYLE = """\
text { font: 15px system-ui, sans-serif; fill: #24292f; text-anchor: middle }
.small { font-size: 12.5px; fill: #57606a }
.start { text-anchor: start }
.code { font-family: ui-monospace, monospace }
rect { fill: #f6f8fa; stroke: #8c959f; rx: 6 }
.ours { fill: #ddf4ff; stroke: #0969da }
path { fill: none; stroke: #8c959f; stroke-width: 1.5 }
.head { fill: #8c959f; stroke: none }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9198a1 }
  rect { fill: #151b23; stroke: #656c76 } .ours { fill: #0c2d6b; stroke: #4493f8 }
  path { stroke: #656c76 } .head { fill: #656c76 }
}"""


def document(width: int, height: int, title: str, parts: Iterable[str]) -> str:
    """A whole picture. Screen readers say its title."""
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    style = f"<style>\n{_STYLE}\n</style>"
    return "\n".join([head, f"<title>{title}</title>", style, *parts, "</svg>", ""])


def box(
    x: int, y: int, width: int, texts: tuple[str, str], kind: str = "", look: str = ""
) -> list[str]:
    """With its left side at x and its middle at y, and two lines in it."""
    place = f'x="{x}" y="{y - BOX // 2}" width="{width}" height="{BOX}"'
    middle = x + width // 2
    return [
        f'<rect {place} class="{look}"/>',
        text(middle, y - 3, texts[0], kind),
        text(middle, y + 16, texts[1], "small"),
    ]


def text(x: int, y: int, words: str, kind: str) -> str:
    """With its middle at x, or its start, if `kind` has the word start."""
    return f'<text x="{x}" y="{y}" class="{kind}">{words}</text>'


def arrow(x: int, y: int, to_x: int, to_y: int) -> str:
    """To the right."""
    bend = (x + to_x) // 2
    tip = to_x - 8
    line = f'<path d="M{x} {y} C{bend} {y} {bend} {to_y} {tip} {to_y}"/>'
    head = f'<path class="head" d="M{to_x} {to_y} l-9 -5 v10 z"/>'
    return line + head


def vertical(x: int, y: int, to_y: int) -> str:
    """An arrow down or up."""
    back = -9 if to_y > y else 9
    line = f'<path d="M{x} {y} V{to_y + back}"/>'
    return line + f'<path class="head" d="M{x} {to_y} l-5 {back} h10 z"/>'
