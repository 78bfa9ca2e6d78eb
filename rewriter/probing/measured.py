"""The measurements of a host, as values. None means that something was not measured: nothing here
is guessed."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, TypeAlias

from rewriter.probing.command import End

__all__ = [
    "Answer",
    "Backend",
    "Bounds",
    "Components",
    "Entries",
    "Interface",
    "Layout",
    "Measured",
    "NameEnd",
    "Names",
    "Room",
    "Signatures",
    "TypeWidth",
    "Unit",
    "Unknown",
]

Answer: TypeAlias = int | End
"""The outcome of a call: an errno, or how it ended the guest or the host."""


class Unknown(Enum):
    """What happens to a module that imports and calls an undefined function."""

    REFUSED = "refused"
    TRAPS = "traps when called"
    ANSWERS = "answers"


class Signatures(Enum):
    """When the host compares the type of an import with that of its function."""

    AT_LINK = "at link"
    AT_CALL = "at call"
    NEVER = "never"


class Layout(Enum):
    """The ABI whose structures and parameters a function takes."""

    WITX = "witx"
    WAMR = "wamr"


class Unit(Enum):
    """The unit in which get_output counts."""

    BYTES = "bytes"
    ELEMENTS = "elements"


class Bounds(Enum):
    """What get_output does with a buffer that is smaller than the output."""

    REFUSED = "refused"
    CUT = "cut"
    OVERRUN = "overrun"
    FORGOTTEN = "forgotten"
    ABORTS = "aborts"
    TRAPS = "traps"


class TypeWidth(Enum):
    """How many bits of a tensor's type the host reads."""

    BYTE = 8
    WORD = 32


class Room(NamedTuple):
    """What get_output did with a buffer of a `declared` length.

    `written` is the count that it stored, or None if it stored nothing. `extent` is the number of
    bytes that it wrote, from the buffer's start. `agreeing` is how many of these match the
    output."""

    declared: int
    answer: Answer
    written: int | None
    extent: int
    agreeing: int


class NameEnd(Enum):
    """How the host finds the end of a name."""

    LENGTH = "its length, whatever follows"
    ZERO_NEEDED = "its length, and a zero must follow"
    ZERO = "a zero"


class Names(NamedTuple):
    """How load_by_name behaves.

    `unknown` and `unknown_with_zero` are the answers to an unknown name, followed by another byte
    and by a zero. `outside` is the answer to a name outside the memory. `end` is how the host finds
    the end of a name. `works`: a context can be created for a graph that was loaded by name."""

    unknown: Answer | None
    unknown_with_zero: Answer | None
    outside: Answer | None
    end: NameEnd | None
    works: bool | None


class Backend(NamedTuple):
    """What a host does with models of one format.

    - `encoding`: the number under which they load.
    - `types`: the numbers of tensor types, by name. `refused`: types that no number works for.
    - `answers`: for each type number, the outcome with a tensor for a model of 32-bit floats.
    - `ignores_types`: every type number gives the same result. `tells_types`: one number works for
      several types, which the host distinguishes by the tensor's length.
    - `room`, `written`: the units of the guest's buffer and of the count that get_output stores.
    - `size_needed`: an errno for a small buffer comes with the needed size.
    - `one_model`: a model replaces the previous one.
    - `habits`: those that were shown or ruled out, by their names in
      rewriter.hosts.profiles.profile.
    - `gives`: the types of outputs that come back right.
    """

    format: str
    encoding: int
    types: dict[str, int]
    refused: frozenset[str]
    answers: dict[int, Answer]
    ignores_types: bool | None
    tells_types: bool
    width: TypeWidth | None
    room: Unit | None
    written: Unit | None
    bounds: Bounds | None
    size_needed: bool | None
    one_model: bool | None
    rooms: tuple[Room, ...]
    faults: dict[str, Answer]
    habits: dict[str, bool]
    gives: frozenset[str] | None


class Interface(NamedTuple):
    """What a host registers under one module name.

    `layouts` are combinations of the layouts of load, set_input and get_output with which models
    run; if no model runs, those that fit the types of load and get_output. `encodings` has load's
    answer for each format and number. `faults` are those that need no model."""

    module: str
    functions: tuple[str, ...]
    signatures: Signatures | None
    layouts: tuple[tuple[Layout, Layout, Layout], ...]
    encodings: dict[str, dict[int, Answer]]
    names: Names | None
    faults: dict[str, Answer]
    backends: tuple[Backend, ...]


class Entries(NamedTuple):
    """Which functions a host calls by itself.

    - `called`: it calls the first of these that a module exports without parameters.
    - `initialize`: it calls `_initialize` before `_start`. `initialize_alone`: it calls it in a
      module without `_start`. `both`: it accepts a module with both.
    - `odd_initialize`: it accepts an `_initialize` with parameters in a module with `_start`.
    - `start`: it calls the start function.
    - `takes_results`: `_start` may return a number. `takes_any_main`: `main` may return something
      that C's does not.
    - `hidden_memory`: WASI works with a memory that is not exported.
    - `exit_without_memory`: proc_exit works without a memory.
    - `needs_memory`: it refuses a module without a memory."""

    called: tuple[str, ...] | None
    initialize: bool | None
    initialize_alone: bool
    both: bool | None
    odd_initialize: bool | None
    start: bool | None
    takes_results: bool
    takes_any_main: bool | None
    hidden_memory: bool | None
    exit_without_memory: bool | None
    needs_memory: bool | None


class Components(NamedTuple):
    """What a host has for components.

    - `runs`: it runs a component that imports nothing.
    - `wasi_nn`: the versions of wasi:nn that it has, "" for the one without a version.
    - `wasi`: the versions of WASI whose interfaces it finds. `0.2` stands for all of 0.2.
    - `exits_with_code`: it has `exit-with-code` of wasi:cli/exit."""

    runs: bool
    wasi_nn: tuple[str, ...] | None = None
    wasi: tuple[str, ...] | None = None
    exits_with_code: bool | None = None


class Measured(NamedTuple):
    """All measurements.

    `prints`: standard output was available. `codes`: exit codes were. `signals`: a process of the
    host was ended by a signal, so aborts do not show as exit codes. `placed` is the errno of
    fd_pwrite to standard output, if any. `in_first`: wasi-nn uses the first memory, whichever is
    exported. `in_shared`: it works in a shared memory."""

    prints: bool
    codes: bool
    unknown_imports: Unknown | None
    features: dict[str, bool]
    entries: Entries
    wasi: dict[str, dict[str, bool]] | None
    placed: int | None
    in_first: bool | None
    in_shared: bool | None
    interfaces: tuple[Interface, ...]
    signals: bool
    processes: int
    components: Components | None = None
