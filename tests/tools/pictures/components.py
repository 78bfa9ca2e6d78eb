"""The picture of core modules, components and hosts in docs/components.md."""

from __future__ import annotations

from tests.tools.pictures.shapes import BOX, arrow, box, document, text, vertical

__all__ = ["drawn"]

_WIDTH, _HEIGHT = 880, 330
_LEFT, _LEFT_WIDTH = 20, 220
_RIGHT, _RIGHT_WIDTH = 620, 240
_TOP, _MIDDLE, _BOTTOM = 40, 165, 290
"""The middles of three rows."""


def drawn() -> str:
    """The picture as SVG."""
    start, half = _LEFT + _LEFT_WIDTH, BOX // 2
    down, up = _LEFT + 40, _LEFT + 160
    between = (start + _RIGHT) // 2
    parts = [
        vertical(down, _TOP + half, _BOTTOM - half),
        vertical(up, _BOTTOM - half, _TOP + half),
        *(arrow(start, y, _RIGHT, y) for y in (_TOP, _BOTTOM)),
        arrow(start, _TOP + 14, _RIGHT, _MIDDLE - 10),
        arrow(start, _BOTTOM - 14, _RIGHT, _MIDDLE + 10),
        *box(_LEFT, _TOP, _LEFT_WIDTH, ("core module", "wasi_ephemeral_nn, wasi_nn")),
        *box(_LEFT, _BOTTOM, _LEFT_WIDTH, ("component", "wasi:nn, in one of its versions")),
        *box(_RIGHT, _TOP, _RIGHT_WIDTH, ("hosts of core modules", "Wasmtime, WAMR, WasmEdge")),
        *box(_RIGHT, _MIDDLE, _RIGHT_WIDTH, ("nnshim run", "both, CPU or GPU"), "code", "ours"),
        *box(_RIGHT, _BOTTOM, _RIGHT_WIDTH, ("hosts of components", "Wasmtime 24 and later")),
        text(down + 10, _MIDDLE + 4, "--to wasi:nn", "code small start"),
        text(up + 10, _MIDDLE + 4, "--to wasi_ephemeral_nn", "code small start"),
        text(between, _TOP - 10, "nnshim rewrite --for HOST", "code small"),
        text(between, _BOTTOM + 20, "nnshim rewrite --for HOST", "code small"),
    ]
    return document(_WIDTH, _HEIGHT, "Core modules, components, and hosts", parts)
