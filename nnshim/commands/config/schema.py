"""nnshim config schema: the keys, for editors."""

from nnshim.common import say

__all__ = ["command"]


def command() -> None:
    """Print the JSON Schema of a configuration, for editors.

    Exit codes: 0 printed; 2 usage.
    """
    from nnshim.config.schema import SCHEMA

    say(*SCHEMA.read_text(encoding="utf-8").rstrip("\n").split("\n"))
