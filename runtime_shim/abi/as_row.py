"""A dialect as one host implements it: follows the rules in runtime_shim.abi.rules, and guesses
nothing.

Mistakes of a host are imitated if they do no harm, with one warning. If a host would read or write
beyond what the guest has passed, or crash, HostHarm is raised.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import NamedTuple
from weakref import WeakKeyDictionary

from rewriter.abi.dialects import ELEMENT_SIZE, WAMR, Dialect, Encoding, Errno, TensorType
from rewriter.abi.structures import TENSOR, WAMR_DIMENSIONS, WAMR_TENSOR
from rewriter.hosts.host import TooSmall
from runtime_shim.abi import wamr, wasmedge, witx
from runtime_shim.abi.memory import GuestMemory
from runtime_shim.abi.row import RowDialect, admit, admit_named, answering, check_parts
from runtime_shim.abi.rules import Names, Tensors, check_image
from runtime_shim.backends.interface import QuantizedGraph, elements_of
from runtime_shim.errors import HostError, HostHarm, OutsideMemory, Unreadable
from runtime_shim.host.session import Floats, Session

__all__ = ["functions"]

log = logging.getLogger("runtime_shim")

_BASES = {"witx": witx.functions, "wamr": wamr.functions, "wasmedge": wasmedge.functions}

_FLOAT = ELEMENT_SIZE[TensorType.F32]


_Tensor = tuple[int, int, tuple[int, ...], memoryview]
"""Index, number of the type, shape, data."""


class _Context(NamedTuple):
    """How the backend of a context handles tensors, how many inputs its model has (if known), and
    which of its outputs are quantised."""

    encoding: Encoding
    tensors: Tensors
    inputs: int | None
    quantized: tuple[bool, ...]

    def has(self, output: int) -> bool:
        """Whether an output is quantised, and so is copied float by float."""
        return output < len(self.quantized) and self.quantized[output]


_CONTEXTS: WeakKeyDictionary[Session, dict[int, _Context]] = WeakKeyDictionary()


class _Functions:
    """The functions that differ from the dialect's own."""

    def __init__(self, dialect: RowDialect) -> None:
        self._dialect = dialect
        self._rules = dialect.rules
        self._host = dialect.row.label
        self._said: set[str] = set()

    def load(
        self, load: Callable[..., int], session: Session, guest: GuestMemory, *arguments: int
    ) -> int:
        number = arguments[self._dialect.functions["load"].index("encoding")]
        encoding = self._dialect.encodings.get(number)
        if encoding is not None:
            admit(self._dialect, encoding, self._say)
        return load(session, guest, *arguments, dialect=self._dialect, check=self._check_model)

    def _check_model(self, encoding: Encoding, parts: Sequence[bytes]) -> None:
        check_parts(self._dialect, encoding, parts)

    def init_execution_context(
        self, session: Session, guest: GuestMemory, graph: int, context_out: int
    ) -> int:
        guest.check_writable(context_out, 4)
        encoding, found = session.graph(graph)
        tensors = self._rules.for_encoding(encoding)
        outputs = found.output_quantization if isinstance(found, QuantizedGraph) else ()
        floats = Floats.IN_AND_OUT if tensors.has_floats else None
        context = session.init_execution_context(graph, floats=floats)
        elements = elements_of(session.contexts[context])
        inputs = None if elements is None else len(elements)
        if isinstance(found, QuantizedGraph):
            inputs = len(found.input_quantization)
        about = _Context(encoding, tensors, inputs, tuple(each is not None for each in outputs))
        _CONTEXTS.setdefault(session, {})[context] = about
        guest.write_u32(context_out, context)
        return witx.SUCCESS

    def finalize_execution_context(self, session: Session, context: int) -> int:
        session.finalize_execution_context(context)
        _CONTEXTS.get(session, {}).pop(context, None)
        return witx.SUCCESS

    def set_input(
        self, session: Session, guest: GuestMemory, context: int, index: int, tensor: int
    ) -> int:
        dims, rank, number, data, size = guest.unpack(TENSOR, tensor)
        if self._rules.wide_types:
            (number,) = guest.u32s(tensor + TENSOR.offsets["type"], 1)
        shape = witx.read_shape(guest, dims, rank)
        self._check_input(session, context, index, number, shape, size)
        with guest.view(data, size) as view:
            self._set(session, context, (index, number & 0xFF, shape, view))
        return witx.SUCCESS

    def set_input_of_wamr(
        self, session: Session, guest: GuestMemory, context: int, index: int, tensor: int
    ) -> int:
        dimensions, number, data = guest.unpack(WAMR_TENSOR, tensor)
        shape = witx.read_shape(guest, *guest.unpack(WAMR_DIMENSIONS, dimensions))
        kind = self._check_input(session, context, index, number, shape, None)
        with guest.view(data, prod(shape) * ELEMENT_SIZE[kind]) as view:
            self._set(session, context, (index, number, shape, view))
        return witx.SUCCESS

    def _set(self, session: Session, context: int, tensor: _Tensor) -> None:
        try:
            session.set_input(context, *tensor, self._dialect)
        except HostError as error:
            errno = self._rules.misfits.get(self._about(session, context).encoding)
            if errno is None or error.errno is not Errno.INVALID_ARGUMENT:
                raise
            raise HostError(errno, error.reason) from error

    def _check_input(
        self,
        session: Session,
        context: int,
        index: int,
        number: int,
        shape: tuple[int, ...],
        size: int | None,
    ) -> TensorType:
        """The type of a tensor. Raises HostError if the host's backend does not accept it."""
        encoding, tensors, inputs, _ = self._about(session, context)
        if inputs is not None and index >= inputs:
            reason = f"no input {index}: the model has {inputs} inputs"
            raise HostError(self._rules.bad_index, reason)
        kind = self._dialect.tensor_types.get(number)
        if tensors.takes_floats:
            kind = self._dialect.tensor_types.get(number & 0xFF)  # the host ignores the other bits
            needed = _FLOAT * prod(shape)
            if kind is not TensorType.F32 or (size is not None and size < needed):
                given = "" if size is None else f"{size} bytes of "
                raise HostHarm(
                    f"{self._host} reads input {index} ({given}type {number}) as {needed} "
                    "bytes of 32-bit floats, whatever its type"
                )
        if tensors.types is not None and kind not in tensors.types:
            name = f"type {number}" if kind is None else kind.name.lower()
            raise HostError(
                tensors.refused,
                f"input {index} has the type {name}, but for {encoding.name.lower()} models,"
                f" {self._host} accepts only "
                + ", ".join(sorted(each.name.lower() for each in tensors.types)),
            )
        if tensors.images is not None:
            length = _FLOAT * prod(shape) if size is None else size
            check_image(f"input {index}", shape, length, tensors.images, self._host)
            self._say(
                f"{self._host} reads input {index} in NHWC order, whatever order the model "
                "uses; this run keeps the model's order"
            )
        if kind is None and number not in self._dialect.raw_types:
            raise Unreadable(Errno.INVALID_ARGUMENT, f"unknown tensor type {number}")
        return TensorType.U8 if kind is None else kind

    def get_output(
        self,
        session: Session,
        guest: GuestMemory,
        context: int,
        index: int,
        out_buffer: int,
        out_buffer_max_size: int,
        written_out: int,
        *,
        single: bool = False,
    ) -> int:
        guest.check_writable(written_out, 4)
        get = session.get_output_single if single else session.output_in_place
        try:
            about = self._about(session, context)
            count = self._copy(get, about, guest, context, index, out_buffer, out_buffer_max_size)
        except HostError as error:
            if self._rules.echoes_room and not isinstance(error, OutsideMemory):
                guest.write_u32(written_out, out_buffer_max_size)
            raise
        guest.write_u32(written_out, count)
        return witx.SUCCESS

    def get_output_of_wamr(
        self,
        session: Session,
        guest: GuestMemory,
        context: int,
        index: int,
        out_buffer: int,
        size: int,
    ) -> int:
        (room,) = guest.u32s(size, 1)
        get, about = session.output_in_place, self._about(session, context)
        guest.write_u32(size, self._copy(get, about, guest, context, index, out_buffer, room))
        return witx.SUCCESS

    def _copy(
        self,
        get: Callable[[int, int], memoryview],
        about: _Context,
        guest: GuestMemory,
        context: int,
        index: int,
        out_buffer: int,
        declared: int,
    ) -> int:
        """Copy an output to the guest as far as the host would, and return the count that it would
        report. `declared` is the size of the buffer in the guest's units."""
        tensors = about.tensors
        unit = max(tensors.room, tensors.buffer) if self._dialect.counted else tensors.buffer
        room = declared * unit
        if self._rules.checks_buffer:
            guest.check_writable(out_buffer, room)
        try:
            output = get(context, index)
        except HostError as error:
            if error.errno is not Errno.INVALID_ARGUMENT:
                raise
            raise HostError(self._rules.bad_index, error.reason) from error
        size = len(output)
        sizes = f"output {index} has {size} bytes, but the buffer has {room}"
        fits, in_floats = size <= room, tensors.written != 1
        if tensors.too_small is TooSmall.CUT and not fits:
            self._say(f"{self._host} truncates the output and returns success: {sizes}")
            output, size = output[:room], room
        elif tensors.too_small is TooSmall.FORGOTTEN and not (fits or in_floats):
            self._say(f"{self._host} leaves the buffer unchanged and returns success: {sizes}")
            return room
        elif tensors.room and size > declared * tensors.room:
            raise HostError(self._rules.too_small, sizes)
        elif not fits:
            beyond = f"{size - room} bytes beyond the buffer"
            raise HostHarm(f"{self._host} would have written {beyond}: {sizes}")
        elif tensors.too_small is TooSmall.FORGOTTEN and declared < size and not about.has(index):
            log.info(
                "get_output: %s zeroes output %d and returns success: the buffer for its "
                "%d bytes must be declared as that many floats, but is declared as %d",
                *(self._host, index, size, declared),
            )
            output = memoryview(bytes(declared))
        guest.write(out_buffer, output)
        return -(-size // tensors.written)

    def load_by_name(
        self, session: Session, guest: GuestMemory, name: int, name_len: int, graph_out: int
    ) -> int:
        name_len = self._length(guest, name, name_len, "name")
        witx.load_by_name(session, guest, name, name_len, graph_out)
        admit_named(self._dialect, session, self._say, *guest.u32s(graph_out, 1))
        return witx.SUCCESS

    def load_by_name_with_config(
        self,
        session: Session,
        guest: GuestMemory,
        name: int,
        name_len: int,
        config: int,
        config_len: int,
        graph_out: int,
    ) -> int:
        name_len = self._length(guest, name, name_len, "name")
        config_len = self._length(guest, config, config_len, "configuration")
        wasmedge.load_by_name_with_config(
            session, guest, name, name_len, config, config_len, graph_out
        )
        encoding = admit_named(self._dialect, session, self._say, *guest.u32s(graph_out, 1))
        if self._rules.configures is not None and encoding not in self._rules.configures:
            raise HostHarm(
                f"{self._host} jumps to address 0 in load_by_name_with_config, because its "
                f"backend for {encoding.name.lower()} models does not implement it"
            )
        return witx.SUCCESS

    def compute(self, session: Session, context: int) -> int:
        session.compute(context)
        return witx.SUCCESS

    def _length(self, guest: GuestMemory, pointer: int, length: int, what: str) -> int:
        """The length of a text as the host determines it. Raises HostError if it refuses the
        text."""
        names, told = self._rules.names, guest.read(pointer, length)
        if names is Names.BY_LENGTH:
            if self._rules.refuses_nul and b"\0" in told:
                raise HostError(Errno.INVALID_ARGUMENT, f"the {what} contains a NUL")
            return length
        is_ended = guest.read(pointer + length, 1) == b"\0"
        if names is Names.NUL_NEEDED and not (length and is_ended):
            raise HostError(
                Errno.INVALID_ARGUMENT,
                f"the {what} is empty, or is not followed by the NUL that {self._host} needs",
            )
        if not is_ended and b"\0" not in told:
            raise HostHarm(
                f"{self._host} reads the {what} up to a NUL, whatever length the guest "
                "passes, but no NUL follows it"
            )
        return told.find(b"\0") if b"\0" in told else length

    def _about(self, session: Session, context: int) -> _Context:
        session.contexts[context]  # raises HostError
        made_by_others = _Context(Encoding.AUTODETECT, self._rules.usual, None, ())
        return _CONTEXTS.get(session, {}).get(context, made_by_others)

    def _say(self, text: str) -> None:
        """Warn, once for each kind of text: a guest can cause one with every call."""
        kind = text[:40]
        if kind not in self._said:
            self._said.add(kind)
            log.warning("%s", text)


def functions(dialect: Dialect) -> dict[str, Callable[..., int]]:
    """See runtime_shim.abi."""
    if not isinstance(dialect, RowDialect):
        raise TypeError(dialect)
    own = _Functions(dialect)
    is_wamr = dialect.layout is WAMR.layout
    found = {
        **_BASES[dialect.spoken.implementation](dialect),
        "load": partial(own.load, wamr.load if is_wamr else witx.load),
        "load_by_name": own.load_by_name,
        "load_by_name_with_config": own.load_by_name_with_config,
        "init_execution_context": own.init_execution_context,
        "finalize_execution_context": own.finalize_execution_context,
        "set_input": own.set_input_of_wamr if is_wamr else own.set_input,
        "compute": own.compute,
        "get_output": own.get_output_of_wamr if is_wamr else own.get_output,
        "get_output_single": partial(own.get_output, single=True),
    }
    return {name: answering(function, dialect) for name, function in found.items()}
