"""Guests with adapters, which do not always expect what their imports say.

A witx guest's adapter for WAMR passes the size of the guest's buffer in bytes where WAMR's ABI has
a count of floats, because WAMR's host compares it with the size of the output in bytes. And a guest
that was written for WAMR expects the tensors of quantised models to be floats on every host.

get_output is implemented twice: see runtime_shim.abi.witx, and copies.wamr.wat with room.bytes.wat.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from rewriter.abi.dialects import LAYOUTS, WAMR, Dialect, Errno
from rewriter.abi.structures import WAMR_OUTPUT_UNIT
from runtime_shim.abi import wamr, wasmedge, witx
from runtime_shim.abi.memory import GuestMemory
from runtime_shim.errors import HostError
from runtime_shim.host.session import Floats, Session

__all__ = ["adapted", "functions"]


def adapted(dialect: Dialect) -> Dialect:
    """The dialect of a module that imports `dialect`, if its get_output was adapted from the other
    layout."""
    (other,) = (layout for layout in LAYOUTS if layout is not dialect.layout)
    return dataclasses.replace(
        dialect, name=f"{other} adapted to {dialect.name}", implementation="adapted"
    )


def get_output(
    session: Session, guest: GuestMemory, context: int, index: int, out_buffer: int, size: int
) -> int:
    """`size` points to the size of the buffer in bytes. The output's count of floats is stored
    there, which the adapter multiplies by 4, so an output that is not a whole number of floats is
    refused."""
    (room,) = guest.u32s(size, 1)
    output = session.output_in_place(context, index)
    count, rest = divmod(len(output), WAMR_OUTPUT_UNIT)
    if rest:
        raise HostError(
            Errno.UNSUPPORTED_OPERATION,
            f"output {index} has {len(output)} bytes, which is not a whole number of "
            "floats, but the guest was adapted to an ABI that counts in floats; adapt it "
            "with `nnshim rewrite --for nnshim`",
        )
    if len(output) > room:
        raise HostError(
            Errno.TOO_LARGE, f"output {index} has {len(output)} bytes, but the buffer has {room}"
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


def functions(dialect: Dialect) -> dict[str, Callable[..., int]]:
    """See runtime_shim.abi."""
    if dialect.layout is WAMR.layout:
        return {
            **wamr.functions(dialect),
            "init_execution_context": _init_execution_context(Floats.IN),
            "get_output": get_output,
        }
    return {
        **wasmedge.functions(dialect),
        "init_execution_context": _init_execution_context(Floats.IN_AND_OUT),
    }
