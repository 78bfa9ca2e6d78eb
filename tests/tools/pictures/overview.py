"""The picture of guests, rewrite and hosts in the README."""

from __future__ import annotations

from collections.abc import Sequence

from tests.tools.pictures.shapes import arrow, box, document, text

__all__ = ["drawn"]

_WIDTH, _HEIGHT = 880, 270
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
        *(arrow(left + 220, y, middle, center) for y in _places(len(_GUESTS))),
        *(arrow(middle + 190, center, right, y) for y in _places(len(_HOSTS))),
        *guests,
        *box(middle, center, 190, ("nnshim rewrite", "renames and adapts"), "code", "ours"),
        *hosts,
        text(middle + 95, center + 58, "nnshim check", "code"),
        text(middle + 95, center + 76, "will it run there?", "small"),
    ]
    return document(_WIDTH, _HEIGHT, "Guests, nnshim rewrite, and hosts", parts)


def _places(count: int) -> list[int]:
    """The middles of so many boxes, evenly from top to bottom."""
    return [_HEIGHT * (2 * place + 1) // (2 * count) for place in range(count)]


def _column(rows: Sequence[tuple[str, str]], x: int, width: int, kind: str) -> list[str]:
    boxes = zip(_places(len(rows)), rows, strict=True)
    return [part for y, texts in boxes for part in box(x, y, width, texts, kind)]
