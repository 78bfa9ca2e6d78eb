"""A terminal with commands and the colours of their output, as SVG."""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

__all__ = ["terminal"]

_WIDTH = 100
"""Characters."""

_FORMAT = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font: {char_height}px ui-monospace, "DejaVu Sans Mono", monospace;
  font-variant-east-asian: full-width }}
.{unique_id}-title {{ font: bold 18px system-ui, sans-serif }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""rich's own takes its font from a server on the Internet."""


def terminal(commands: Sequence[str], folder: Path) -> str:
    """The commands, each after a prompt, and what they print in this folder: nnshim's real output.

    Raises RuntimeError for one that prints nothing.
    """
    console = Console(
        record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    for command in commands:
        console.print(Text("$ ", style="bold green") + Text(command, style="bold"))
        console.print(Text.from_ansi(_printed(command, folder)), soft_wrap=False)
    return console.export_svg(title="", theme=MONOKAI, code_format=_FORMAT, unique_id="terminal")


def _printed(command: str, folder: Path) -> str:
    _, *arguments = shlex.split(command)
    done = subprocess.run(
        [sys.executable, "-m", "nnshim", *arguments],
        cwd=folder, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(_WIDTH), "TERM": "xterm-256color"},
    )  # fmt: skip
    if not done.stdout.strip():
        raise RuntimeError(f"{command} printed nothing, and its exit code is {done.returncode}")
    return done.stdout.rstrip("\n")
