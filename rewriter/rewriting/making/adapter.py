"""The adapter that has the functions of wasi_ephemeral_nn and calls those of wasi:nn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from rewriter.abi.numbers import Errno
from rewriter.functions.wat import fill, read

__all__ = ["FUNCTIONS", "NO_NAMES", "Names", "adapter_text", "interface_text"]

FUNCTIONS = frozenset(
    (
        *("load", "load_by_name", "load_by_name_with_config", "init_execution_context"),
        *("set_input", "compute", "get_output", "unload", "finalize_execution_context"),
        *("compute_single", "get_output_single", "fini_single"),
    )
)
"""The functions that the adapter has: those of the witx and wasmedge ABIs."""

_ERRORS = (
    Errno.INVALID_ARGUMENT,
    Errno.INVALID_ENCODING,
    Errno.RUNTIME_ERROR,  # timeout
    Errno.RUNTIME_ERROR,
    Errno.UNSUPPORTED_OPERATION,
    Errno.TOO_LARGE,
    Errno.NOT_FOUND,
    Errno.UNSUPPORTED_OPERATION,  # security
    Errno.RUNTIME_ERROR,  # unknown
)
"""The errno for each value of wasi:nn's error-code."""

_MOST_DIMENSIONS = 0xFFFF


class Names(NamedTuple):
    """What the host calls the inputs and outputs of the guest's models, by index.

    The adapter uses the index in decimal digits for an input without a name, and the position for
    an output without one.
    """

    inputs: Mapping[int, str]
    outputs: Mapping[int, str]


NO_NAMES = Names({}, {})

_FOLDER = Path(__file__).parent


def interface_text() -> str:
    """The interfaces of wasi:nn that the adapter calls, in WIT."""
    return read(str(_FOLDER / "world.wit"))


def adapter_text(names: Names = NO_NAMES) -> str:
    """The adapter's core module as text, with these names in it."""
    values: dict[str, int | str] = {
        "ERRNOS": sum(errno << 4 * code for code, errno in enumerate(_ERRORS)),
        "MOST_DIMENSIONS": _MOST_DIMENSIONS,
        "KNOWN_NAMES": "\n  ".join(_known(names)),
        **{
            errno.name: errno.value
            for errno in (
                Errno.INVALID_ARGUMENT,
                Errno.INVALID_ENCODING,
                Errno.MISSING_MEMORY,
                Errno.RUNTIME_ERROR,
                Errno.UNSUPPORTED_OPERATION,
                Errno.TOO_LARGE,
            )
        },
    }
    return fill(read(str(_FOLDER / "adapter.wat")), values)


def _known(names: Names) -> Iterator[str]:
    """The functions that put the names into memory, and find one by its index.

    They are instructions and not a data segment, which an adapter must not have.
    """
    text = b"".join(name.encode() for table in names for name in table.values())
    yield "(func $write_names"
    if text:
        yield f"  (global.set $names (call $new (i32.const {len(text)})))"
        yield "  (if (i32.eqz (global.get $names)) (then (unreachable)))"
    for at in range(0, len(text), 8):
        piece = text[at : at + 8]
        for done, byte in enumerate(piece if len(piece) < 8 else ()):
            yield _store("i32.store8", at + done, f"i32.const {byte}")
        if len(piece) == 8:
            yield _store("i64.store", at, f"i64.const {int.from_bytes(piece, 'little')}")
    yield ")"
    place = 0
    for function, table in zip(("input_name", "output_name"), names, strict=True):
        yield ";; The length in the upper half and the address, 0 where none is known."
        yield f"(func ${function} (param $index i32) (result i64)"
        for index, name in table.items():
            length = len(name.encode())
            yield f"  (if (i32.eq (local.get $index) (i32.const {index})) (then (return"
            yield "    (i64.or (i64.extend_i32_u"
            yield f"      (i32.add (global.get $names) (i32.const {place})))"
            yield f"      (i64.const {length << 32})))))"
            place += length
        yield "  (i64.const 0))"


def _store(instruction: str, offset: int, value: str) -> str:
    return f"  ({instruction} offset={offset} (global.get $names) ({value}))"
