"""Starts the command."""

from __future__ import annotations

import gc
from typing import NoReturn

__all__ = ["main"]


def main() -> NoReturn:
    """Run the command, and exit."""
    gc.disable()  # before the imports: what they make stays, and looking at it takes time
    from nnshim.cli import main as command

    try:
        command()
    finally:
        gc.freeze()  # else Python looks at all of that before it exits


if __name__ == "__main__":
    main()
