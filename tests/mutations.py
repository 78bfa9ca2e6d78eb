"""Broken forms of models, and what becomes of them."""

from __future__ import annotations

import os
import random
import resource
import signal
import threading
from collections import Counter
from collections.abc import Sequence

from rewriter.dialects import Encoding, Target, TensorType
from runtime_shim.backends.isolated import IsolatedBackend
from runtime_shim.errors import HostError

__all__ = ["Input", "mutated", "try_mutations"]

Input = tuple[TensorType, tuple[int, ...], bytes]

MEMORY = 6 << 30
"""Bytes of address space of the process that has a model: a flipped bit in a dimension may ask for
any length."""

PATIENCE = 20
"""Seconds for a model to load and to compute."""

_WORDS = (b"\0" * 4, b"\xff" * 4, b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\xff" * 8, b"\x01\0\0\0")


def mutated(data: bytes, choose: random.Random) -> bytes:
    """The same bytes cut off, with some of them flipped, overwritten, repeated, moved or left out;
    or bytes that never made sense."""
    made = bytearray(data)
    kind = choose.randrange(8)
    if kind == 0:
        return choose.randbytes(choose.choice([0, 1, 8, 100, len(data)]))
    if kind == 1:
        return bytes(made[: choose.randrange(len(made))])
    for _ in range(choose.choice([1, 1, 2, 4, 16])):
        at = choose.randrange(len(made))
        end = min(len(made), at + choose.choice([1, 2, 4, 8, 64]))
        if kind <= 4:
            made[at] ^= 1 << choose.randrange(8)
        elif kind == 5:
            word = choose.choice(_WORDS)
            made[at : at + len(word)] = word
        elif kind == 6:
            made[at:at] = made[at:end]
        elif len(made) > 64:
            del made[at:end]
    return bytes(made)


def try_mutations(
    encoding: Encoding, parts: Sequence[bytes], given: Input, count: int, seed: int
) -> Counter[str]:
    """How often a model, with one of its parts broken, "computed" an output, or ended with an
    errno, or how with its process."""
    choose = random.Random(seed)
    backend = IsolatedBackend(encoding)
    outcomes: Counter[str] = Counter()
    for _ in range(count):
        place = choose.randrange(len(parts))
        broken = [
            mutated(part, choose) if index == place else part for index, part in enumerate(parts)
        ]
        outcomes[_outcome(backend, broken, given)] += 1
    return outcomes


def _outcome(backend: IsolatedBackend, parts: Sequence[bytes], given: Input) -> str:
    process = backend.running()
    resource.prlimit(process.pid, resource.RLIMIT_AS, (MEMORY, MEMORY))
    patience = threading.Timer(PATIENCE, os.kill, (process.pid, signal.SIGKILL))
    patience.start()
    tensor_type, shape, data = given
    try:
        context = backend.load(parts, Target.CPU).init_execution_context()
        context.set_input(0, tensor_type, shape, memoryview(data))
        context.compute()
        context.get_output(0)
    except HostError as error:
        return process.lost or error.errno.name
    finally:
        patience.cancel()
    return "computed"
