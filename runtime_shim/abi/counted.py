"""Guests with adapters that follow the units in which WAMR's hosts count outputs: bytes for models
of OpenVINO, 32-bit floats for all others, whatever the layout.

The adapters keep the unit in a global, by the encoding that `load` is called with, and refuse a
model of the other kind (rewriter/adapters/pieces). So the unit is the same for all contexts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from rewriter.abi.dialects import WAMR, Dialect, Encoding, Errno, Layout
from rewriter.abi.structures import WAMR_OUTPUT_UNIT
from runtime_shim.abi import adapted, wasmedge, witx
from runtime_shim.abi.memory import GuestMemory
from runtime_shim.errors import HostError
from runtime_shim.host.session import Session

if TYPE_CHECKING:
    from rewriter.adapters.adapter import Adapter

__all__ = ["counted", "functions", "of_outputs"]


@dataclass(frozen=True, eq=False, kw_only=True)
class CountedDialect(Dialect):
    """A dialect that was adapted from another one with the layout `guest_layout`."""

    guest_layout: Layout


def of_outputs(adapter: Adapter, dialect: Dialect) -> Dialect:
    """The dialect of a module that imports `dialect`, given the adapter of its get_output."""
    if adapter.needs_global:
        return counted(dialect, adapter.source)
    across = adapter.source.layout != adapter.target.layout
    return adapted.adapted(dialect) if across else dialect


def counted(dialect: Dialect, source: Dialect) -> Dialect:
    """The dialect of a module that imports `dialect` and whose get_output was adapted from
    `source`."""
    known = {field.name: getattr(dialect, field.name) for field in fields(Dialect)}
    known |= {
        "name": f"{source.layout} counted by {dialect.name}",
        "implementation": "counted",
    }
    return CountedDialect(**known, guest_layout=source.layout)


class _Outputs:
    def __init__(self, dialect: Dialect, load: Callable[..., int]) -> None:
        self._dialect = dialect
        self._load = load
        self._unit = WAMR_OUTPUT_UNIT

    def load(self, session: Session, guest: GuestMemory, *arguments: int) -> int:
        errno = self._load(session, guest, *arguments)
        encoding = arguments[self._dialect.functions["load"].index("encoding")]
        of_openvino = self._dialect.encodings[encoding] is Encoding.OPENVINO
        self._unit = 1 if of_openvino else WAMR_OUTPUT_UNIT
        return errno

    def by_name(self, load: Callable[..., int]) -> Callable[..., int]:
        """One of load_by_name's functions, after which the adapters count in bytes."""

        def function(session: Session, guest: GuestMemory, *arguments: int) -> int:
            errno = load(session, guest, *arguments)
            self._unit = 1
            return errno

        return function

    def _output(self, session: Session, context: int, index: int, room: int) -> memoryview:
        """An output that fits into `room`."""
        output = session.output_in_place(context, index)
        count, rest = divmod(len(output), self._unit)
        if rest:
            raise HostError(
                Errno.UNSUPPORTED_OPERATION,
                f"output {index} has {len(output)} bytes, which is not a whole number of "
                "floats, but the guest was adapted to an ABI that counts in floats; adapt "
                "it with `nnshim rewrite --for nnshim`",
            )
        if count > room:
            raise HostError(
                Errno.TOO_LARGE,
                f"output {index} has {count} times {self._unit} bytes, but the buffer has {room}",
            )
        return output

    def get_output_of_wamr(
        self,
        session: Session,
        guest: GuestMemory,
        context: int,
        index: int,
        out_buffer: int,
        size: int,
    ) -> int:
        """get_output of WAMR since 2.4.0: the size of the buffer is first in its units, and then,
        for the copy itself, in bytes. The adapter calls it with both."""
        (room,) = guest.u32s(size, 1)
        output = self._output(session, context, index, room)
        if len(output) <= room:
            guest.write(out_buffer, output)
        guest.write_u32(size, len(output) // self._unit)
        return witx.SUCCESS

    def get_output(
        self,
        session: Session,
        guest: GuestMemory,
        context: int,
        index: int,
        out_buffer: int,
        out_buffer_max_size: int,
        written_out: int,
    ) -> int:
        """get_output of WAMR before 2.4.0, built with WASI_EPHEMERAL_NN: both sizes are in its
        units."""
        guest.check_writable(written_out, 4)
        output = self._output(session, context, index, out_buffer_max_size)
        guest.write(out_buffer, output)
        guest.write_u32(written_out, len(output) // self._unit)
        return witx.SUCCESS


def functions(dialect: CountedDialect) -> dict[str, Callable[..., int]]:
    """See runtime_shim.abi."""
    across = dialect.guest_layout is not dialect.layout
    base = (adapted if across else wasmedge).functions(dialect)
    outputs = _Outputs(dialect, base["load"])
    if dialect.layout is WAMR.layout:
        return {**base, "load": outputs.load, "get_output": outputs.get_output_of_wamr}
    named = ("load_by_name", "load_by_name_with_config")
    return {
        **base,
        **{name: outputs.by_name(base[name]) for name in named},
        "load": outputs.load,
        "get_output": outputs.get_output,
    }
