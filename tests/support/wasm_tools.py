"""Modules as other tools leave them, which is here wasm-tools."""

from __future__ import annotations

import subprocess

from rewriter.files.wasm_tools import find

__all__ = ["printed", "tool"]


def tool(*arguments: str, data: bytes) -> bytes:
    """What a subcommand of wasm-tools makes of its standard input."""
    done = subprocess.run([find(), *arguments], input=data, capture_output=True, check=True)
    return done.stdout


def printed(module: bytes) -> str:
    return tool("print", "-", data=module).decode()
