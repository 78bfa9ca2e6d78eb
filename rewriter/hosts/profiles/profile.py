"""A profile: what was measured of one host, as a value.

rewriter.hosts.profiles.file reads and writes it, with the names of the fields here as keys, and
rewriter.hosts.profiles.row makes a row of it, like those of the table. Whatever is None, or not
among the keys of a mapping, was not measured, and is taken neither for yes nor for no.
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
"""The version of the format that is written, and the newest that is read."""

REFUSED: Literal["refused"] = "refused"
"""In the place of a number: each that was tried was refused."""

ABSENT: Literal["absent"] = "absent"
"""In the place of a function's type: it is not defined."""

Number = int | Literal["refused"]

Answer = int | Literal["traps", "aborts", "hangs"]
"""What came of a call: an errno, 0 for success; the guest trapped, and the host's process ended
well; that ended as a whole, by a signal or an assertion; or no end was seen."""

Signatures = Literal["at link", "at call", "never"]
"""When the type of an imported function is compared with that of the host's."""

Names = Literal["length", "nul needed", "nul"]
"""How the end of a name is found: by its length, whatever follows; by the length, and a NUL has to
stand there; by a NUL, wherever that is."""

FEATURES: Mapping[str, str] = MappingProxyType(
    {
        **{each.name.lower(): each.value for each in Feature if each is not Feature.UNKNOWN},
        "multi_value": "functions and blocks with several results",
        "mutable_globals": "mutable globals that are imported or exported",
        "non_trapping": "trunc_sat",
        "sign_extension": "i32.extend8_s and others",
    }
)
"""Additions to WebAssembly that can be measured: those of Feature, by their names in small letters,
and older ones, which all hosts are taken to read."""

FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "load_garbage": "load: bytes that are not a model",
        "load_builders": "load: not as many parts as a model of the encoding has",
        "load_encoding": "load: an encoding that no header has",
        "load_missing": "load: an encoding whose backend is not there",
        "load_target": "load: an execution target that no header has",
        "load_pointer": "load: parts outside of the memory",
        "load_result": "load: the place for the handle outside of the memory",
        "name_unknown": "load_by_name: a name that nobody has given",
        "name_pointer": "load_by_name: a name outside of the memory",
        "init_graph": "init_execution_context: a graph that was never loaded",
        "init_result": "init_execution_context: the place for the handle outside of the memory",
        "input_context": "set_input: a context that was never made",
        "input_index": "set_input: an input that the model does not have",
        "input_type": "set_input: a type that no header has",
        "input_other_type": "set_input: another type than the model's, of as many bytes",
        "input_shape": "set_input: another shape than the model's",
        "input_short": "set_input: fewer bytes than the shape says",
        "input_tensor": "set_input: the tensor's structure outside of the memory",
        "input_pointer": "set_input: the tensor's data outside of the memory",
        "compute_context": "compute: a context that was never made",
        "compute_first": "compute: no input was set",
        "output_context": "get_output: a context that was never made",
        "output_index": "get_output: an output that the model does not have",
        "output_first": "get_output: nothing was computed",
        "output_small": "get_output: a buffer that is too small",
        "output_pointer": "get_output: the buffer outside of the memory",
        "unload_graph": "unload: a graph that was never loaded",
    }
)
"""What can be done wrong, or is often done wrong, by its name in a profile."""


HABITS: Mapping[str, Quirk] = MappingProxyType({each.name.lower(): each for each in Quirk})
"""What a backend may make of models and others do not, by its name in a profile."""


class ProfiledHost(NamedTuple):
    """Which host was measured. `name` is what messages call it; `command` how it was started, with
    {} in the place of the module; `version` what it printed of itself, `commit` of its source,
    `options` of its build and `built` when, as far as somebody has said; `measured` the day of the
    measurement, as 2026-11-26, and `tool` what measured it. Empty is not known.

    `graphs` says how a guest or its user names a graph, and `needs` what the device needs beside
    the binary.
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
    """One import module of wasi-nn's functions. `layouts` are the names of those in
    rewriter.abi.dialect in which `load`, `set_input` and `get_output` can be called there;
    `functions` those that are defined, and `missing` those that are not: others were not measured.
    A module that is not registered has all of it empty, but for `missing`."""

    layouts: tuple[str, ...] = ()
    functions: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()


_NOTHING: Mapping[Any, Any] = MappingProxyType({})


class Linking(NamedTuple):
    """When `signatures` are compared; whether a module with imports that are not defined starts all
    the same and `traps` where they are called. Where `complete`, every function that is defined
    beside wasi-nn's is in `Profile.imports`. What `second_form`, `mixes_forms` and `makes` are,
    rewriter.hosts.host.Host says."""

    signatures: Signatures | None = None
    traps: bool | None = None
    complete: bool = False
    second_form: str = ""
    mixes_forms: bool = False
    makes: Mapping[str, frozenset[str]] | None = None


class Entry(NamedTuple):
    """`initializes`: an exported `_initialize` is called. `calls` has the exports of which the
    first that is there is called as the program, and `start` says whether the start function is.
    `without_memory` are the functions of WASI that work where no memory is exported, and
    `needs_memory` whether a module without an exported memory is refused. What the others are,
    rewriter.hosts.host.Host says."""

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
    """One NN runtime behind the host, by the name of its `encoding`.

    `types` has the numbers by which it takes tensors, by the short names of the types, and REFUSED
    for those that it takes by none; with `ignores_types` it takes bytes for what the model has,
    whatever the number. `unit` is what get_output counts by in what it has written; `exact` whether
    a buffer of exactly the output's size, declared in that unit, is enough; `too_small` what
    becomes of one that is not, None where that was not seen. `faults` has what came of those that
    were tried with a model of this encoding. `library` is what the device needs for it. `habits`
    says of the names in HABITS whether it has them, and `gives` are the types of outputs that come
    back right.
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


class Note(NamedTuple):
    """What else is to be said of every module with wasi-nn, or of those that import `function`: a
    code of rewriter.codes, and its message."""

    code: str
    message: str
    function: str = ""


class Profile(NamedTuple):
    """What was measured of one host.

    `modules` are wasi-nn's, by their names. `imports` has, by module and name, the types of the
    functions that are defined beside wasi-nn's, and ABSENT for those that are not; `optional` has
    module names, or beginnings of such that end with `*`, whose functions may be defined, with what
    that depends on.

    `types` and `encodings` have numbers by short names; what backends show of types does not have
    to be said again (see `tensor_types`), and an encoding that is not there is REFUSED. `errnos`
    has the meaning of numbers, in small letters, where somebody has said it; without it, they are
    taken from `faults`, which has what came of those that no model is needed for.

    `type_bits` is how much of a tensor's type is read, 8 or 32. `names` is how a name ends. What
    `tells_numbers` is, rewriter.hosts.host.Host says. Where there is `one_model`, each that is
    loaded takes the place of the one before. `features` says of the names in FEATURES whether a
    module that has them starts; `most_pages`, `stack_bytes`, `nn_in_shared` and `in_first_memory`
    are as in rewriter.hosts.host.Host. `places_output` says whether fd_pwrite to standard output
    works, or fails so that guests go on with fd_write: with `spipe`. Where there are
    `all_backends`, there is none for another encoding. `notes` are written by hand.
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
    notes: tuple[Note, ...] = ()

    @property
    def tensor_types(self) -> Mapping[str, Number]:
        """The number of each type, as far as some backend takes it or it was said: REFUSED where
        none of those that were measured takes it by any."""
        found: dict[str, Number] = {}
        for types in (self.types, *(backend.types for backend in self.backends)):
            for name, number in types.items():
                if found.get(name, REFUSED) == REFUSED:
                    found[name] = number
        return found
