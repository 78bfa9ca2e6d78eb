"""A profile: measurements of one host, as a value.

rewriter.hosts.profiles.file reads and writes it, with the names of these fields as keys.
rewriter.hosts.profiles.row turns it into a row like those of the table. A field that is None and a
key that is missing from a mapping were not measured, and mean neither yes nor no.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from rewriter.functions.feature import Feature
from rewriter.hosts.host import Quirk, TooSmall, Unit
from rewriter.wasm.types import FuncType

__all__ = [
    "ABSENT",
    "FAULTS",
    "FEATURES",
    "FORMAT",
    "HABITS",
    "REFUSED",
    "Answer",
    "BackendProfile",
    "ComponentsProfile",
    "Entry",
    "Linking",
    "ModuleProfile",
    "Names",
    "Note",
    "Number",
    "Profile",
    "ProfiledHost",
    "Signatures",
]

FORMAT = 1
"""The version of the format that is written, and the newest version that is read."""

REFUSED: Literal["refused"] = "refused"
"""Instead of a number: every number that was tried was refused."""

ABSENT: Literal["absent"] = "absent"
"""Instead of a function's type: the function is not defined."""

Number = int | Literal["refused"]

Answer = int | Literal["traps", "aborts", "hangs"]
"""The outcome of a call: an errno (0 for success); "traps": the guest trapped and the host's
process exited normally; "aborts": the whole process was ended by a signal or an assertion; "hangs":
the call did not return in time."""

Signatures = Literal["at link", "at call", "never"]
"""When the host compares an imported function's type with its own."""

Names = Literal["length", "nul needed", "nul"]
"""How the host finds the end of a name: by its length, whatever follows; by its length, and a NUL
must follow; or by a NUL, wherever it is."""

FEATURES: Mapping[str, str] = MappingProxyType(
    {
        **{each.name.lower(): each.value for each in Feature if each is not Feature.UNKNOWN},
        "multi_value": "functions and blocks with several results",
        "mutable_globals": "imported or exported mutable globals",
        "non_trapping": "trunc_sat",
        "sign_extension": "i32.extend8_s and others",
    }
)
"""WebAssembly features that can be measured: those of Feature, by their names in lower case, and
older ones, which nnshim assumes that all hosts read."""

FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "load_garbage": "load: bytes that are not a model",
        "load_builders": "load: the wrong number of parts for the encoding",
        "load_encoding": "load: an encoding that no header defines",
        "load_missing": "load: an encoding without a backend",
        "load_target": "load: an execution target that no header defines",
        "load_pointer": "load: parts outside the memory",
        "load_result": "load: a pointer for the handle outside the memory",
        "name_unknown": "load_by_name: an unknown name",
        "name_pointer": "load_by_name: a name outside the memory",
        "init_graph": "init_execution_context: a graph that was never loaded",
        "init_result": "init_execution_context: a pointer for the handle outside the memory",
        "input_context": "set_input: a context that was never created",
        "input_index": "set_input: an input that the model does not have",
        "input_type": "set_input: a type that no header defines",
        "input_other_type": "set_input: not the model's type, but one of the same size",
        "input_shape": "set_input: a shape that is not the model's",
        "input_short": "set_input: fewer bytes than the shape says",
        "input_tensor": "set_input: the tensor's structure outside the memory",
        "input_pointer": "set_input: the tensor's data outside the memory",
        "compute_context": "compute: a context that was never created",
        "compute_first": "compute: no input was set",
        "output_context": "get_output: a context that was never created",
        "output_index": "get_output: an output that the model does not have",
        "output_first": "get_output: nothing was computed",
        "output_small": "get_output: a buffer that is too small",
        "output_pointer": "get_output: the buffer outside the memory",
        "unload_graph": "unload: a graph that was never loaded",
    }
)
"""Mistakes that a guest can make, by their names in a profile."""


HABITS: Mapping[str, Quirk] = MappingProxyType({each.name.lower(): each for each in Quirk})
"""What a backend may do differently from others, by its name in a profile."""


class ProfiledHost(NamedTuple):
    """The host that was measured. An empty field is not known.

    - `name`: what messages call it.
    - `command`: how it was started, with {} for the module.
    - `version`: the version that it printed.
    - `commit`, `options`, `built`: the commit of its source, its build options and when it was
      built, as far as the user said.
    - `measured`: the day of the measurement, such as 2026-11-26. `tool`: what measured it.
    - `graphs`: how a guest or its user names a graph.
    - `needs`: what the device needs besides the binary.
    """

    name: str
    title: str = ""
    command: tuple[str, ...] = ()
    version: str = ""
    commit: str = ""
    options: tuple[str, ...] = ()
    built: str = ""
    measured: str = ""
    tool: str = ""
    graphs: str = ""
    needs: tuple[str, ...] = ()


class ModuleProfile(NamedTuple):
    """One import module with wasi-nn's functions.

    `layouts` are the layouts of rewriter.abi.dialect, by name, in which `load`, `set_input` and
    `get_output` can be called. `functions` are defined and `missing` are not; others were not
    measured. If the host does not register the module, everything but `missing` is empty."""

    layouts: tuple[str, ...] = ()
    functions: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()


_NOTHING: Mapping[Any, Any] = MappingProxyType({})


class Linking(NamedTuple):
    """How the host links a module.

    `signatures` says when it compares types. `traps`: it starts a module with undefined imports,
    and traps when they are called. `complete`: `Profile.imports` has all functions that it defines
    besides wasi-nn's. rewriter.hosts.host.Host describes the other fields."""

    signatures: Signatures | None = None
    traps: bool | None = None
    complete: bool = False
    second_form: str = ""
    mixes_forms: bool = False
    makes: Mapping[str, frozenset[str]] | None = None


class Entry(NamedTuple):
    """How the host starts a module.

    `initializes`: it calls an exported `_initialize`. `calls`: it calls the first of these exports
    that exists as the program. `start`: it calls the start function. `without_memory`: WASI
    functions that work without an exported memory. `needs_memory`: it refuses a module without an
    exported memory. rewriter.hosts.host.Host describes the other fields."""

    initializes: bool | None = None
    calls: tuple[str, ...] | None = None
    start: bool | None = None
    without_memory: frozenset[str] | None = None
    needs_memory: bool | None = None
    initializes_alone: bool | None = None
    gives_arguments: bool | None = None
    strict_start: bool | None = None
    strict_main: bool | None = None
    calls_imported: bool | None = None
    one_beginning: bool | None = None
    names_function: str | None = None


class BackendProfile(NamedTuple):
    """One NN runtime behind the host, for one `encoding`.

    - `types`: the number under which it accepts tensors of each type (by short names), or REFUSED.
    - `ignores_types`: it reads the bytes as the model's type, whatever the number.
    - `unit`: the unit in which get_output counts what it has written.
    - `exact`: a buffer of exactly the output's size, declared in that unit, suffices.
    - `too_small`: what it does with a buffer that is too small; None if that was not seen.
    - `faults`: the outcome of each fault that was tried with a model of this encoding.
    - `library`: what the device needs for it.
    - `habits`: whether it has each of HABITS.
    - `gives`: the types of outputs that come back right.
    """

    encoding: str
    types: Mapping[str, Number] = _NOTHING
    ignores_types: bool | None = None
    unit: Unit | None = None
    exact: bool | None = None
    too_small: TooSmall | None = None
    faults: Mapping[str, Answer] = _NOTHING
    library: str = ""
    habits: Mapping[str, bool] = _NOTHING
    gives: frozenset[str] | None = None


class ComponentsProfile(NamedTuple):
    """What the host has for components (WASI 0.2 and later).

    - `runs`: it runs them.
    - `wasi_nn`: the versions of wasi:nn that it has, "" for the one without a version whose tensors
      are resources.
    - `wasi`: the versions of WASI whose interfaces it finds, "0.2" for all of 0.2.
    - `exits_with_code`: it has `exit-with-code` of wasi:cli/exit.
    """

    runs: bool | None = None
    wasi_nn: tuple[str, ...] | None = None
    wasi: tuple[str, ...] | None = None
    exits_with_code: bool | None = None


class Note(NamedTuple):
    """A diagnostic to report for every module that imports wasi-nn, or `function` if it is set: a
    code of rewriter.codes and a message."""

    code: str
    message: str
    function: str = ""


class Profile(NamedTuple):
    """The measurements of one host.

    - `modules`: wasi-nn's import modules, by name.
    - `imports`: the types of functions that it defines besides wasi-nn's, by module and name, and
      ABSENT for those that it does not define.
    - `optional`: module names, or prefixes that end with `*`, whose functions it may define, with
      the condition for that.
    - `types`, `encodings`: numbers by short names. `types` need not repeat what backends show (see
      `tensor_types`). An encoding without a backend is REFUSED.
    - `errnos`: the meanings of numbers, in lower case, if the user said them. Otherwise they are
      derived from `faults`.
    - `faults`: the outcome of each fault that needs no model.
    - `type_bits`: how many bits of a tensor's type it reads, 8 or 32.
    - `names`: how it finds the end of a name.
    - `one_model`: each load replaces the previous model.
    - `features`: whether a module with each of FEATURES starts.
    - `places_output`: fd_pwrite to standard output works, or fails with `spipe`, after which guests
      fall back to fd_write.
    - `all_backends`: it has no backends besides `backends`.
    - `notes`: diagnostics written by hand.

    rewriter.hosts.host.Host describes `tells_numbers`, `most_pages`, `stack_bytes`, `nn_in_shared`
    and `in_first_memory`.
    """

    host: ProfiledHost
    modules: Mapping[str, ModuleProfile] = _NOTHING
    linking: Linking = Linking()
    imports: Mapping[str, Mapping[str, FuncType | Literal["absent"]]] = _NOTHING
    optional: Mapping[str, str] = _NOTHING
    types: Mapping[str, Number] = _NOTHING
    encodings: Mapping[str, Number] = _NOTHING
    errnos: Mapping[int, str] = _NOTHING
    faults: Mapping[str, Answer] = _NOTHING
    type_bits: int | None = None
    names: Names | None = None
    tells_numbers: bool = False
    one_model: bool | None = None
    features: Mapping[str, bool] = _NOTHING
    most_pages: int | None = None
    stack_bytes: int | None = None
    nn_in_shared: bool | None = None
    in_first_memory: bool | None = None
    places_output: bool | None = None
    all_backends: bool = False
    entry: Entry = Entry()
    backends: tuple[BackendProfile, ...] = ()
    components: ComponentsProfile = ComponentsProfile()
    notes: tuple[Note, ...] = ()

    @property
    def tensor_types(self) -> Mapping[str, Number]:
        """The number of each type, from `types` and all backends. REFUSED if no measured backend
        accepts the type under any number."""
        found: dict[str, Number] = {}
        for types in (self.types, *(backend.types for backend in self.backends)):
            for name, number in types.items():
                if found.get(name, REFUSED) == REFUSED:
                    found[name] = number
        return found
