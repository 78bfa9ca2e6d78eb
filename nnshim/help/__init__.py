"""How the command explains itself: its help, and the completion of shells."""

from __future__ import annotations

__all__ = ["VARIABLE"]

VARIABLE = "_NNSHIM_COMPLETE"
"""Set to the name of a shell, it has the command print what that shell offers for a word."""
