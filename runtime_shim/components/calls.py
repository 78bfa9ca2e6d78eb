"""What the modules that are added to a component call: the NN host's functions."""

from __future__ import annotations

import contextlib
import functools
import logging
import secrets
import struct
from collections.abc import Callable, Mapping, Sequence

from rewriter.abi.dialects import Errno, Target
from rewriter.abi.numbers import ComponentType, error_code
from runtime_shim.abi.memory import GuestMemory
from runtime_shim.components.functions import ENCODINGS, STOPS
from runtime_shim.components.layout import FIRST_SIZE, Kind
from runtime_shim.components.places import Form, Places
from runtime_shim.components.state import (
    NoRoom,
    Port,
    State,
    answer_error,
    answer_grow,
    block_size,
    handle_of,
    reply_sizes,
)
from runtime_shim.engine.binding.components import Fault
from runtime_shim.engine.binding.memories import HostMemory, Memories
from runtime_shim.errors import HostError
from runtime_shim.host.loader import StoreLife
from runtime_shim.host.session import Session
from runtime_shim.host.tensors.named import NamedTensor

__all__ = ["Calls"]

log = logging.getLogger("runtime_shim")

_PAGE = 1 << 16
_LEAST_GROWTH = 1 << 20
"""In bytes. A quarter of what the tensors take, if that is more."""

_MAX_RANK = 64
"""NumPy's limit: https://numpy.org/doc/stable/reference/c-api/array.html#c.NPY_MAXDIMS"""

_MOST_INPUTS = 1 << 16
"""In one call of compute. No model has as many."""


def _most_growth(memory: HostMemory) -> int:
    """By how much the memory grows at a time, so that it grows seldom."""
    return max(_LEAST_GROWTH, (memory.size - FIRST_SIZE) // 4)


def _guest_memory(memory: HostMemory) -> GuestMemory:
    return GuestMemory(memory.address, memory.size, lambda: memory.size)


def _answers(name: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """For a method that returns what the guest gets: a HostError becomes an error of the guest's.
    `name` is the function that the guest has called."""

    def decorate(method: Callable[..., int]) -> Callable[..., int]:
        @functools.wraps(method)
        def answered(self: Calls, *arguments: int) -> int:
            try:
                answer = method(self, *arguments)
            except HostError as error:
                answer = self.refuse(name, error)
            self.check_stop()
            return answer

        return answered

    return decorate


class Calls:
    """The functions of one instance of the added modules, for the session of its guest. `memories`
    are those of its engine, and `memory` is the modules' own. The added modules have checked
    pointers into the guest's memory; they are checked again here."""

    def __init__(
        self, session: Session, memories: Memories, memory: HostMemory, life: StoreLife
    ) -> None:
        self._session = session
        self._life = life
        self._memory = memory
        self._state = State(memory)
        self._entries: dict[int, int] = {}
        """The entry of each context."""
        self._memories = memories
        self._sought = 0
        self._guest = GuestMemory(0, 0)
        self._pending: Callable[[], int] = lambda: 0
        self.functions: Mapping[str, Callable[..., int | None]] = {
            "more": self._more,
            "stop": self._stop,
            "unload": self._unload,
            "finalize": self._finalize,
            "mark": self._mark,
            "find": self._find,
            "resume": self._resume,
            "load": self._load,
            "load-by-name": self._load_by_name,
            "init": self._init,
            "compute": self._compute,
            "again": self._again,
            "set-input": self._set_input,
            "run": self._run,
            "get-output": self._get_output,
            "check-text": self._check_text,
        }
        """By the names in FUNCTIONS."""

    def take_over(self) -> None:
        """Have the session use the places of this instance, after calls of another one."""
        if "_places" in vars(self):
            self._session.use_arena(self._places, self._life)

    @functools.cached_property
    def _places(self) -> Places:
        return Places(self._session, self._state.places, self._life, self._drop_plan)

    def _drop_plan(self, context: int) -> None:
        entry = self._entries.get(context)
        if entry is not None:
            self._state.drop_plan(entry)

    def check_stop(self) -> None:
        """Raise what stops the guest from outside."""
        if self._session.stop is not None:
            raise self._session.stop

    def refuse(self, name: str, error: HostError) -> int:
        """The answer to a call that the host refuses."""
        self._session.refused = name, type(error)(*error.args)  # without its cause and traceback
        log.info("%s: %s", name, error)
        code, text = error_code(error.errno), error.reason.encode("utf-8", "replace")
        sizes = (block_size(len(text), 0),)
        return self._room(sizes, lambda: answer_error(self._state.error(code, text)), limited=False)

    def _room(
        self, sizes: Sequence[int], answer: Callable[[], int], *, limited: bool = True
    ) -> int:
        """The answer, once there is room for blocks of these sizes. Raises HostError if it is
        `limited`, and there cannot be."""
        try:
            self._state.reserve(sizes)
        except NoRoom as error:
            if limited:
                self._check_room(error.missing)
            self._pending = functools.partial(self._room, sizes, answer, limited=False)
            return answer_grow(error.missing)
        return answer()

    def _resume(self) -> int:
        return self._pending()

    def _more(self, missing: int) -> int:
        """How many pages the memory for tensors grows by. Raises Fault beyond the limit `total`."""
        memory = self._memory
        try:
            self._check_room(missing)
        except HostError as error:
            self._session.refused = "tensor", type(error)(*error.args)
            raise Fault(f"wasi:nn: {error.reason}") from error
        wanted = max(missing, min(_most_growth(memory), memory.maximum - memory.size))
        with contextlib.suppress(HostError):
            self._check_room(wanted)
            missing = wanted
        return -(-missing // _PAGE)

    def _check_room(self, missing: int) -> None:
        """Raise HostError if that many more bytes for tensors exceed the limit `total`."""
        size = sum(memory.size - FIRST_SIZE for memory in self._memories.hosts())
        self._session.usage.check_total(size + missing)

    def _stop(self, reason: int, number: int) -> None:
        raise Fault(f"wasi:nn: {STOPS[reason].format(number)}")

    def _unload(self, graph: int) -> None:
        self._session.unload(graph)
        self.check_stop()

    def _finalize(self, context: int) -> None:
        self._session.finalize_execution_context(context)
        self._entries.pop(context, None)
        self.check_stop()

    def _mark(self) -> int:
        self._sought = secrets.randbits(64)
        return self._sought

    def _find(self) -> None:
        """Find the guest's memory, which begins with the mark now."""
        mark = self._sought.to_bytes(8, "little")
        for memory in self._memories.guests():
            if memory.size >= len(mark) and memory.view[: len(mark)] == mark:
                self._guest = _guest_memory(memory)
                return
        raise LookupError("the guest's memory is not one of its engine's")

    def _name(self, pointer: int, length: int) -> bytes:
        """The bytes of a string of the guest's. Raises HostError beyond the limit `names`."""
        self._session.usage.check_name(length)
        return self._guest.read(pointer, length)

    def _text(self, pointer: int, length: int) -> str:
        """A string of the guest's. Raises HostError beyond the limit `names`, and Fault unless it
        is UTF-8, as the canonical ABI demands."""
        return self._decoded(self._name(pointer, length))

    def _decoded(self, text: bytes) -> str:
        try:
            return text.decode()
        except UnicodeDecodeError as error:
            raise Fault(f"wasi:nn: a string is not UTF-8: {error}") from error

    def _check_text(self, pointer: int, length: int) -> None:
        with contextlib.suppress(HostError):  # the text stays in the guest
            self._text(pointer, length)

    @_answers("load")
    def _load(self, builders: int, count: int, encoding: int, target: int) -> int:
        session, kind = self._session, ENCODINGS[encoding]
        session.check_parts(kind, count)
        fields = self._guest.u32s(builders, 2 * count)
        size = sum(fields[1::2])
        if size > self._guest.current_size():  # parts may overlap, and have any size together
            raise HostError(
                Errno.INVALID_ARGUMENT, "the builders are larger than the guest's memory"
            )
        session.check_load(size)
        parts = [self._guest.read(fields[at], fields[at + 1]) for at in range(0, 2 * count, 2)]
        graph = session.load(parts, kind, Target(target))
        return handle_of(self._state.number(Kind.GRAPH, graph))

    @_answers("load-by-name")
    def _load_by_name(self, name: int, length: int) -> int:
        graph = self._session.load_by_name(self._text(name, length))
        return handle_of(self._state.number(Kind.GRAPH, graph))

    @_answers("init-execution-context")
    def _init(self, graph: int) -> int:
        assert self._places  # noqa: S101 - they have to be there before the context
        context = self._session.init_execution_context(graph)
        entry = self._entries[context] = self._state.number(Kind.CONTEXT, context)
        return handle_of(entry)

    @_answers("compute")
    def _compute(self, context: int, block: int, count: int) -> int:
        session, state = self._session, self._state
        if count > _MOST_INPUTS:
            raise HostError(Errno.INVALID_ARGUMENT, f"no model has {count} inputs")
        given = [
            self._set(context, self._name(pointer, length), entry)
            for pointer, length, entry in state.inputs(block, count)
        ]
        session.compute(context)
        answer, outputs = self._outputs(context)
        if not answer >> 32:  # otherwise the outputs are still to be read where they are
            self._plan(context, given, outputs)
        return answer

    def _outputs(self, context: int) -> tuple[int, Sequence[NamedTensor]]:
        """The answer with all outputs of a context, and these."""
        outputs = self._session.outputs(context)
        reply = functools.partial(self._state.reply, outputs)
        return self._room(reply_sizes(outputs), reply), outputs

    @_answers("compute")
    def _again(self, context: int) -> int:
        """Compute by the context's plan: its inputs are in their places. 0 if its outputs are, too,
        and otherwise an answer as that of `_compute`."""
        self._session.compute(context)
        if self._state.has_plan(self._entries[context]):
            return 0
        answer, _ = self._outputs(context)
        return answer

    def _plan(
        self, context: int, given: Sequence[tuple[bytes, Form]], outputs: Sequence[NamedTensor]
    ) -> None:
        """Give a context a plan if the tensors of this call will be at the same places next time,
        as far as they are like those of this call. The first few calls find that out."""
        session, places = self._session, self._places
        if not getattr(session.contexts[context], "has_fixed_shapes", False):
            return
        inputs = places.inputs(context, [name for name, _ in given])
        if inputs is None:
            return
        into: list[Port] = []
        for (name, form), place in zip(given, inputs, strict=True):
            shape = struct.unpack(f"<{form.rank}I", form.dimensions)
            into.append(Port(name, form.type, len(place.data), shape, place.offset))
        out: list[Port] = []
        for index, output in enumerate(outputs):
            session.output_in_place(context, index)  # moves it there, the second time
            offset = places.output(context, index)
            if offset is None:
                return
            port = output.name.encode(), output.type, len(output.data), output.shape, offset
            out.append(Port(*port))
        self._state.drop_plan(self._entries[context])
        self._state.add_plan(self._entries[context], into, out)

    @_answers("set-input")
    def _set_input(self, context: int, name: int, length: int, entry: int) -> int:
        self._set(context, self._name(name, length), entry)
        return 0

    def _set(self, context: int, name: bytes, entry: int) -> tuple[bytes, Form]:
        """Set an input to the tensor of an entry. Returns its name and form."""
        rank = self._state.rank(entry)
        if rank > _MAX_RANK:
            raise HostError(
                Errno.INVALID_ARGUMENT,
                f"a tensor cannot have {rank} dimensions (at most {_MAX_RANK})",
            )
        form = Form(*self._state.form(entry))
        data = self._state.data(entry)
        places = self._places
        if places.take(context, name, form, data):
            return name, form
        index = self._session.input_index(context, self._decoded(name))
        places.forget(context)
        shape = struct.unpack(f"<{form.rank}I", form.dimensions)
        self._session.set_tensor(context, index, ComponentType(form.type), shape, data)
        places.note(context, index, name, form)
        return name, form

    @_answers("compute")
    def _run(self, context: int) -> int:
        self._session.compute(context)
        return 0

    @_answers("get-output")
    def _get_output(self, context: int, name: int, length: int) -> int:
        session, state = self._session, self._state
        index = session.output_index(context, self._text(name, length))
        output = session.output(context, index)
        sizes = (block_size(len(output.data), len(output.shape)),)
        return self._room(sizes, lambda: state.tensor_of(output))
