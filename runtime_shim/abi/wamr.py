"""WAMR's older ABI, where it differs from witx: two structures, the type numbers, and counts.

A TensorFlow Lite model accepts only 32-bit floats, as on WAMR. Other models accept every type that
the ABI can name, each in its own size, as WAMR's OpenVINO backend did before 2.4.0.

set_input and get_output are implemented twice: see runtime_shim.abi.witx, and copies.wamr.wat.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod

from rewriter.abi.dialects import ELEMENT_SIZE, Dialect, Errno
from rewriter.abi.structures import WAMR_BUILDERS, WAMR_DIMENSIONS, WAMR_OUTPUT_UNIT, WAMR_TENSOR
from runtime_shim.abi import witx
from runtime_shim.abi.memory import GuestMemory
from runtime_shim.errors import HostError
from runtime_shim.host.session import Floats, Session

__all__ = ["functions"]


def load(
    session: Session,
    guest: GuestMemory,
    builder_array: int,
    encoding: int,
    target: int,
    graph_out: int,
    *,
    dialect: Dialect,
    check: witx.Check | None = None,
) -> int:
    """See witx.load."""
    builders, count = guest.unpack(WAMR_BUILDERS, builder_array)
    arguments = (builders, count, encoding, target, graph_out)
    return witx.load(session, guest, *arguments, dialect=dialect, check=check)


def init_execution_context(
    session: Session, guest: GuestMemory, graph: int, context_out: int
) -> int:
    """Inputs and outputs of quantised models are floats."""
    guest.check_writable(context_out, 4)
    guest.write_u32(context_out, session.init_execution_context(graph, floats=Floats.IN_AND_OUT))
    return witx.SUCCESS


def set_input(
    session: Session,
    guest: GuestMemory,
    context: int,
    index: int,
    tensor: int,
    *,
    dialect: Dialect,
) -> int:
    """The data has no length, so other type numbers cannot be recognised. Every host of this ABI
    used these."""
    dimensions, tensor_type, data = guest.unpack(WAMR_TENSOR, tensor)
    shape = witx.read_shape(guest, *guest.unpack(WAMR_DIMENSIONS, dimensions))
    kind = witx.meaning(dialect.tensor_types, tensor_type, "tensor type", Errno.INVALID_ARGUMENT)
    with guest.view(data, prod(shape) * ELEMENT_SIZE[kind]) as view:
        session.set_input(context, index, tensor_type, shape, view, dialect)
    return witx.SUCCESS


def get_output(
    session: Session, guest: GuestMemory, context: int, index: int, out_buffer: int, size: int
) -> int:
    """`size` points to the size of the buffer, and then to the size of the output, both counted in
    32-bit floats. Guests declare more than they have, so only what is written is checked."""
    (room,) = guest.u32s(size, 1)
    output = session.output_in_place(context, index)
    count = -(-len(output) // WAMR_OUTPUT_UNIT)
    if count > room:
        guest.write_u32(size, count)
        raise HostError(
            Errno.TOO_LARGE, f"output {index} has {count} times 4 bytes, but the buffer has {room}"
        )
    guest.write(out_buffer, output)
    guest.write_u32(size, count)
    return witx.SUCCESS


def functions(dialect: Dialect) -> dict[str, Callable[..., int]]:
    """See runtime_shim.abi."""
    return {
        **witx.functions(dialect),
        "load": partial(load, dialect=dialect),
        "init_execution_context": init_execution_context,
        "set_input": partial(set_input, dialect=dialect),
        "get_output": get_output,
    }
