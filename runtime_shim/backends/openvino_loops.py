"""Models whose loops OpenVINO remembers: where a loop collects what each round gives, and makes no
round, there comes out what the last inference that made some has collected, in any context of the
compiled model. Seen with 2026.4.1 on its CPU plugin.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Sequence
from pathlib import Path

from runtime_shim.backends.base import Part

__all__ = ["may_remember"]

_IN_PROTOBUF = re.compile(
    rb"\x22(\x04Loop|\x04Scan|\x0bSequenceMap)"  # NodeProto.op_type
    rb"|\x12(\x05While|\x0eStatelessWhile|\x08LoopCond)"  # NodeDef.op
)
"""Operators of ONNX and of TensorFlow that are loops, each behind its field's tag and length."""

_LOOP = re.compile(rb"type\s*=\s*[\"']Loop[\"']")
_ITERATOR = re.compile(rb"type\s*=\s*[\"']TensorIterator[\"']")
_FREE = b"<dim>-1</dim>"
"""Layers of OpenVINO's IR that are loops; the second makes a round for each element of a dimension,
which can be none only if that is free."""


def may_remember(parts: Sequence[Part]) -> bool:
    """Whether a model may have such a loop: of one that has none, it is almost certain."""
    first = parts[0]
    if not isinstance(first, Path):
        return _has_loop(first, len(parts))
    if not first.stat().st_size:
        return False
    with (
        first.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        return _has_loop(content, len(parts))


def _has_loop(data: bytes | mmap.mmap, parts: int) -> bool:
    if parts == 1:
        return _IN_PROTOBUF.search(data) is not None
    has_iterator = _ITERATOR.search(data) is not None and data.find(_FREE) != -1
    return has_iterator or _LOOP.search(data) is not None
