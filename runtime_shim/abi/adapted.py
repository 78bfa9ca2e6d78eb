"""Guests that an adapter stands before: what they expect is not always what their imports say.

The adapter of a witx guest for WAMR passes the size of the guest's buffer in bytes where WAMR's ABI
has a count of floats: WAMR's host compares it with the size of the output in bytes. And a guest
that was written for WAMR takes the tensors of quantised models to be floats on every host.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType

from rewriter.dialects import WAMR, WAMR_OUTPUT_UNIT, WASMEDGE, WITX, Dialect, Errno
from runtime_shim.abi import wamr, wasmedge, witx
from runtime_shim.errors import HostError
from runtime_shim.memory import GuestMemory
from runtime_shim.session import Floats, Session

__all__ = ["FROM_WAMR", "FUNCTIONS", "TO_WAMR"]

TO_WAMR = dataclasses.replace(WAMR, name="witx adapted to wamr")
"""The dialect of a module whose get_output was adapted from witx to WAMR's older ABI."""

FROM_WAMR: Mapping[Dialect, Dialect] = MappingProxyType(
    {
        dialect: dataclasses.replace(dialect, name=f"wamr adapted to {dialect.name}")
        for dialect in (WITX, WASMEDGE)
    }
)
"""The dialects of modules whose get_output was adapted from there, by what they import."""


def get_output(
    session: Session, guest: GuestMemory, context: int, index: int, out_buffer: int, size: int
) -> int:
    """`size` points to the room in the buffer in bytes, and then to the output's count of floats,
    which the adapter multiplies: an output that is not a whole number of them is refused."""
    (room,) = guest.u32s(size, 1)
    output = session.output_in_place(context, index)
    count, rest = divmod(len(output), WAMR_OUTPUT_UNIT)
    if rest:
        raise HostError(
            Errno.UNSUPPORTED_OPERATION,
            f"output {index} has {len(output)} bytes, and the guest was adapted to an ABI that"
            " counts in floats; adapt it with `nnshim rewrite --for nnshim`",
        )
    if len(output) > room:
        raise HostError(
            Errno.TOO_LARGE, f"output {index} has {len(output)} bytes, the buffer {room}"
        )
    guest.write(out_buffer, output)
    guest.write_u32(size, count)
    return witx.SUCCESS


def _init_execution_context(floats: Floats) -> Callable[[Session, GuestMemory, int, int], int]:
    def init(session: Session, guest: GuestMemory, graph: int, context_out: int) -> int:
        guest.check_writable(context_out, 4)
        guest.write_u32(context_out, session.init_execution_context(graph, floats=floats))
        return witx.SUCCESS

    return init


FUNCTIONS: Mapping[str, Mapping[str, Callable[..., int]]] = MappingProxyType(
    {
        TO_WAMR.name: {
            **wamr.FUNCTIONS,
            "init_execution_context": _init_execution_context(Floats.IN),
            "get_output": get_output,
        },
        **{
            adapted.name: {
                **(witx if plain is WITX else wasmedge).FUNCTIONS,
                "init_execution_context": _init_execution_context(Floats.IN_AND_OUT),
            }
            for plain, adapted in FROM_WAMR.items()
        },
    }
)
"""As witx.FUNCTIONS, by the name of the dialect."""
