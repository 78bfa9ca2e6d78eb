"""What someone meant who wrote a name that is not known."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["did_you_mean", "nearest"]

_CUTOFF = 0.5
"""Of difflib's ratio: `onx` and `onnx` have 0.86, `wsmedge` and `wasmedge` 0.93."""


def nearest(word: str, known: Iterable[str], cutoff: float = _CUTOFF) -> str | None:
    """The known name that is closest to a word, in any case; None where none is close."""
    import difflib  # only after a mistake

    names = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word.casefold(), names, n=1, cutoff=cutoff)
    return names[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str], cutoff: float = _CUTOFF) -> str:
    """The end of a message about a word that is not known: empty, or `; did you mean NAME?`."""
    near = nearest(word, known, cutoff)
    return f"; did you mean {near}?" if near else ""
