"""The picture of guests, rewrite and hosts in the README."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["drawn"]

_WIDTH, _HEIGHT = 880, 270
_BOX = 54
"""Height of a box, in pixels."""

_STYLE = """\
text { font: 15px system-ui, sans-serif; fill: #24292f; text-anchor: middle }
.small { font-size: 12.5px; fill: #57606a }
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

_GUESTS = [
    ("wasi_ephemeral_nn", "guests from Rust"),
    ("wasi_nn", "guests from C, AssemblyScript"),
]
_HOSTS = [
    ("Wasmtime", "wasi_ephemeral_nn"),
    ("WAMR", "either name, by build and release"),
    ("WasmEdge", "wasi_ephemeral_nn"),
    ("nnshim run", "either name, CPU or GPU"),
]


def drawn() -> str:
    """The picture as SVG."""
    left, middle, right = 20, 345, 620
    guests = _column(_GUESTS, left, 220, "code")
    hosts = _column(_HOSTS, right, 240, "")
    center = _HEIGHT // 2
    parts = [
        *(_arrow(left + 220, y, middle, center) for y in _places(len(_GUESTS))),
        *(_arrow(middle + 190, center, right, y) for y in _places(len(_HOSTS))),
        *guests,
        *_box(middle, center, 190, ("nnshim rewrite", "renames and adapts"), "code", "ours"),
        *hosts,
        _text(middle + 95, center + 58, "nnshim check", "code"),
        _text(middle + 95, center + 76, "will it run there?", "small"),
    ]
    size = f'width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    title = "<title>Guests, nnshim rewrite, and hosts</title>"
    return "\n".join([head, title, f"<style>\n{_STYLE}\n</style>", *parts, "</svg>", ""])


def _places(count: int) -> list[int]:
    """The middles of so many boxes, evenly from top to bottom."""
    return [_HEIGHT * (2 * place + 1) // (2 * count) for place in range(count)]


def _column(rows: Sequence[tuple[str, str]], x: int, width: int, kind: str) -> list[str]:
    boxes = zip(_places(len(rows)), rows, strict=True)
    return [part for y, texts in boxes for part in _box(x, y, width, texts, kind, "")]


def _box(x: int, y: int, width: int, texts: tuple[str, str], kind: str, look: str) -> list[str]:
    place = f'x="{x}" y="{y - _BOX // 2}" width="{width}" height="{_BOX}"'
    middle = x + width // 2
    return [
        f'<rect {place} class="{look}"/>',
        _text(middle, y - 3, texts[0], kind),
        _text(middle, y + 16, texts[1], "small"),
    ]


def _text(x: int, y: int, text: str, kind: str) -> str:
    return f'<text x="{x}" y="{y}" class="{kind}">{text}</text>'


def _arrow(x: int, y: int, to_x: int, to_y: int) -> str:
    bend = (x + to_x) // 2
    tip = to_x - 8
    line = f'<path d="M{x} {y} C{bend} {y} {bend} {to_y} {tip} {to_y}"/>'
    head = f'<path class="head" d="M{to_x} {to_y} l-9 -5 v10 z"/>'
    return line + head
