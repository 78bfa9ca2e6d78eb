"""Measures which memory wasi-nn uses: the first, the exported one, or a shared one."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from rewriter.probing.host import Host
from rewriter.probing.inference.encodings import Way
from rewriter.probing.measured import Layout
from rewriter.probing.modules.models import parts
from rewriter.probing.modules.text import PLACES, quoted

__all__ = ["in_first", "in_shared"]

_FREE = 0x800
"""The address of a model in memory."""


_TWO = ("(memory 3)", '(memory (export "memory") 3)')
_SHARED = ('(memory (export "memory") 3 3 shared)',)


def in_first(host: Host, way: Way) -> bool | None:
    """Whether a model loads only from the first of two memories, although the second is exported.
    False if it loads only from the second. None if it loads from neither or both, or if exit codes
    are not available."""
    first, exported = (_loads(host, way, _TWO, place) for place in range(2))
    return first if first != exported else None


def in_shared(host: Host, way: Way) -> bool | None:
    """Whether a model loads from a shared memory; None if exit codes are not available."""
    return _loads(host, way, _SHARED, 0) if host.codes else None


def _loads(host: Host, way: Way, memories: Sequence[str], place: int) -> bool:
    """Whether `load` succeeds if the model is in memory number `place`. The answer is an exit code,
    because printed text would have to be in the memory that WASI uses."""
    data, pairs, at = list[tuple[int, bytes]](), list[int](), _FREE
    for part in parts(way.format, "f32", way.shape):
        data.append((at, part))
        pairs += (at, len(part))
        at += len(part) // 16 * 16 + 32
    data.append((at, struct.pack(f"<{len(pairs)}I", *pairs)))
    where: tuple[int, ...] = (at, len(pairs) // 2)
    if way.layouts[0] is Layout.WAMR:
        data.append((at + 64, struct.pack("<2I", *where)))
        where = (at + 64,)
    arguments = (*where, way.encoding, 0, PLACES["GRAPH"])
    segments = [
        f"(data (memory {place}) (i32.const {start}) {quoted(content)})" for start, content in data
    ]
    kinds, values = " i32" * len(arguments), " ".join(f"(i32.const {it})" for it in arguments)
    text = (
        f'(module (import "{way.module}" "load" (func $load (param{kinds}) (result i32)))',
        '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))',
        *memories,
        f'(func (export "_start") (if (i32.eqz (call $load {values}))',
        f"(then (call $exit (i32.const {host.CODE})))))",
        *segments,
        ")",
    )
    return host.exits("\n".join(text).encode(), host.CODE)
