"""Values to text or JSON, a file for each: what commands hand over, and nothing that they do."""

from rewriter.plurals import counted

__all__ = ["FORMATS", "counted"]

FORMATS = ("text", "json")
"""What `--output-format` of inspect takes: the files here that have both `inspected` and `failed`,
and, but for text, `document`, which puts what these give for several files together."""
