"""The numbers that errors have for a guest, by its ABI."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rewriter.abi.dialects import Dialect, Errno
from rewriter.abi.numbers import ERRNO_2020, ERRNO_2022, ERRNO_WIT

__all__ = ["numbers_of"]

_INSTEAD: tuple[tuple[Mapping[int, Errno], Mapping[Errno, Errno]], ...] = (
    (
        ERRNO_2020,
        {
            Errno.INVALID_ENCODING: Errno.INVALID_ARGUMENT,
            Errno.RUNTIME_ERROR: Errno.BUSY,
            Errno.UNSUPPORTED_OPERATION: Errno.INVALID_ARGUMENT,
            Errno.TOO_LARGE: Errno.MISSING_MEMORY,
            Errno.NOT_FOUND: Errno.INVALID_ARGUMENT,
        },
    ),
    (
        ERRNO_2022,
        {
            Errno.UNSUPPORTED_OPERATION: Errno.RUNTIME_ERROR,
            Errno.TOO_LARGE: Errno.MISSING_MEMORY,
            Errno.NOT_FOUND: Errno.INVALID_ARGUMENT,
        },
    ),
    (ERRNO_WIT, {Errno.MISSING_MEMORY: Errno.TOO_LARGE, Errno.BUSY: Errno.RUNTIME_ERROR}),
)
"""What hosts return where their numbering has no number for it.

ERRNO_2020: WasmEdge 0.12.1 (wasinnfunc.cpp). ERRNO_2022: WAMR 2.1.0, to which too small a buffer is
missing_memory (wasi_nn_tensorflowlite.cpp). ERRNO_WIT: the same file in WAMR 2.1.1, in which all
that was missing_memory is too_large.
"""


def numbers_of(dialect: Dialect) -> Mapping[Errno, int]:
    """What a guest of a dialect gets for each error. WasmEdge's own errors have its numbers in all
    dialects, because none has given these to anything else. What a host that was measured has no
    number for is a runtime error, where it has given that number to something else."""
    own = dialect.errno_numbers
    instead = next((found for table, found in _INSTEAD if table is dialect.errnos), {})
    other = own.get(Errno.RUNTIME_ERROR, own.get(Errno.INVALID_ARGUMENT, int(Errno.RUNTIME_ERROR)))
    numbers = {}
    for errno in Errno:
        number = other if int(errno) in dialect.errnos else int(errno)
        numbers[errno] = own.get(errno, own.get(instead.get(errno, errno), number))
    return MappingProxyType(numbers)
