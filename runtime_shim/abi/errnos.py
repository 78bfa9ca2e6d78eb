"""The numbers of errors in each ABI."""

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
"""The errors that hosts return if their numbering lacks one.

ERRNO_2020: WasmEdge 0.12.1 (wasinnfunc.cpp). ERRNO_2022: WAMR 2.1.0, which returns missing_memory
for a buffer that is too small (wasi_nn_tensorflowlite.cpp). ERRNO_WIT: the same file in WAMR 2.1.1,
which returns too_large wherever 2.1.0 returned missing_memory.
"""


def numbers_of(dialect: Dialect) -> Mapping[Errno, int]:
    """The number of each error for a guest of a dialect. WasmEdge's own errors have its numbers in
    all dialects, because no other ABI uses these numbers. If a measured host has no number for an
    error, and uses the usual number for something else, it becomes a runtime error."""
    own = dialect.errno_numbers
    instead = next((found for table, found in _INSTEAD if table is dialect.errnos), {})
    other = own.get(Errno.RUNTIME_ERROR, own.get(Errno.INVALID_ARGUMENT, int(Errno.RUNTIME_ERROR)))
    numbers = {}
    for errno in Errno:
        number = other if int(errno) in dialect.errnos else int(errno)
        numbers[errno] = own.get(errno, own.get(instead.get(errno, errno), number))
    return MappingProxyType(numbers)
