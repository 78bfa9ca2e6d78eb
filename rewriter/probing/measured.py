"""What was measured of a host, as values. None stands for what was not measured: nothing here is
guessed."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, TypeAlias

from rewriter.probing.command import End

__all__ = [
    "Answer",
    "Backend",
    "Bounds",
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
"""What a call gives: an errno, or how the guest or the host ended in it."""


class Unknown(Enum):
    """What becomes of a module that imports and calls what nobody defines."""

    REFUSED = "refused"
    TRAPS = "traps when called"
    ANSWERS = "answers"


class Signatures(Enum):
    """When the type of an import is compared with that of its function."""

    AT_LINK = "at link"
    AT_CALL = "at call"
    NEVER = "never"


class Layout(Enum):
    """Whose structures and parameters a function takes."""

    WITX = "witx"
    WAMR = "wamr"


class Unit(Enum):
    """What get_output counts."""

    BYTES = "bytes"
    ELEMENTS = "elements"


class Bounds(Enum):
    """What get_output does with a buffer that has fewer bytes than the output."""

    REFUSED = "refused"
    CUT = "cut"
    OVERRUN = "overrun"
    FORGOTTEN = "forgotten"
    ABORTS = "aborts"
    TRAPS = "traps"


class TypeWidth(Enum):
    """How many bits of a tensor's type are read."""

    BYTE = 8
    WORD = 32


class Room(NamedTuple):
    """What get_output did with a buffer `declared` to have as much, in the guest's count: `written`
    is what it stored as the count, None where it stored nothing; `extent` how many bytes it wrote
    from the buffer's start on; `agreeing` how many of them are the output's."""

    declared: int
    answer: Answer
    written: int | None
    extent: int
    agreeing: int


class NameEnd(Enum):
    """By what a name ends."""

    LENGTH = "its length, whatever follows"
    ZERO_NEEDED = "its length, and a zero has to follow"
    ZERO = "a zero"


class Names(NamedTuple):
    """What load_by_name answers to a name that nobody has, with another byte behind it and with a
    zero, and to one outside of the memory; by what a name ends; and whether a context can be made
    of a graph that was loaded by one."""

    unknown: Answer | None
    unknown_with_zero: Answer | None
    outside: Answer | None
    end: NameEnd | None
    works: bool | None


class Backend(NamedTuple):
    """What a host does with models of one format. `encoding` is the number that they load under.

    `types` has the numbers of tensor types, by their names, `refused` the names of those that it
    takes by none; `answers` what comes of
    a tensor for a model of 32-bit floats with each number; one that `ignores_types` gives the
    same under each, one that `tells_types` takes a number for several types, by their tensors'
    lengths. `room` is what get_output counts in the guest's buffer, `written` in what it
    stores. `size_needed` is whether an errno of a small buffer comes with the size, `one_model`
    whether a model takes the place of the one that was loaded before. `habits` are those that were
    shown or ruled out, by the names in rewriter.hosts.profiles.profile, and `gives` the types of
    outputs that come back right.
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
    """What a host registers under one module name. `layouts` are those of load,
    set_input and get_output in which models run together, or by the types of load and get_output
    could, where none does. `encodings` has what load answers to a model of
    each format, by number. `faults` are those that need no model."""

    module: str
    functions: tuple[str, ...]
    signatures: Signatures | None
    layouts: tuple[tuple[Layout, Layout, Layout], ...]
    encodings: dict[str, dict[int, Answer]]
    names: Names | None
    faults: dict[str, Answer]
    backends: tuple[Backend, ...]


class Entries(NamedTuple):
    """What a host calls by itself: of functions without parameters that a module exports, the first
    of `called`; `initialize` is whether `_initialize` is called before `_start`, `initialize_alone`
    without one, and `both` whether a module may have the two; `odd_initialize` is whether one may
    have a `_initialize` with parameters beside `_start`; `start` whether the start function
    is; `takes_results` whether `_start` may give a number, and `takes_any_main` whether `main` may
    give what C's does not. `hidden_memory` is whether WASI works
    with a memory that is not exported, `exit_without_memory` whether proc_exit does without any,
    and `needs_memory` whether a module without one is refused."""

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


class Measured(NamedTuple):
    """All of it. `prints` is whether standard output could be had, `codes` whether exit codes;
    `signals` whether a process of the host has ended by a signal, which then is not an exit code.
    `placed` is the errno of fd_pwrite to standard output, None where there is none. `in_first` is
    whether wasi-nn works in the first memory, whichever is exported, and `in_shared` whether it
    works in one that is shared."""

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
