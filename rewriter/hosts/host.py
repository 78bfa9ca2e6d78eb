"""One row of the table of hosts: what a host registers and how it behaves, for the releases that
behave alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Any, NamedTuple

from rewriter.abi.dialects import Dialect, Encoding, TensorType
from rewriter.abi.snapshots import Components
from rewriter.diagnostics import Diagnostic
from rewriter.functions.feature import Feature
from rewriter.wasm.types import FuncType

__all__ = [
    "ANY",
    "CPU",
    "CPU_GPU",
    "EVERY_TARGET",
    "GPU",
    "Backend",
    "Feature",
    "Host",
    "Measured",
    "Quirk",
    "Start",
    "TooSmall",
    "Unit",
    "Unseen",
    "dangers",
]


class Unit(Enum):
    """The unit in which `get_output` counts the guest's buffer and the written output."""

    BYTES = "bytes"
    FLOATS = "32-bit floats, not bytes"


class TooSmall(Enum):
    """What `get_output` does if the guest's buffer is too small.

    In messages, each value follows "a buffer that is too small is"."""

    REFUSED = "refused"
    CUT = "filled, and the rest is cut off"
    OVERRUN = "written beyond its end"
    FORGOTTEN = "left unchanged, with success"
    ABORTS = "fatal to the whole process"


class Quirk(Enum):
    """What a backend does differently from other backends with the same model.

    In messages, each value follows "it"."""

    CHANNELS_LAST = "treats a four-dimensional tensor as a channels-last image"
    COLOUR_IMAGES = (
        "takes only one input, a three-channel image, channels-last in the tensor and "
        "channels-first in the model"
    )
    LARGE_IMAGES = (
        "takes only one input, whatever its shape, as 1x224x224x3 floats, channels-last in the "
        "tensor and channels-first in the model"
    )
    LAST_INPUT = "forgets an input when the next one is set"
    CONVERTS = "converts inputs to the model's type, and outputs to 32-bit floats"
    QUANTISED_AS_FLOATS = (
        "takes and returns quantised u8 as floats, and crashes the host on other quantised types"
    )
    HELD_SHAPES = "takes an input only in the shape in the file, even if a dimension is open"
    NO_SCALARS = "does not return outputs without dimensions"
    GIVES_BF16 = "returns outputs of bf16 as they are"
    NO_EMPTY = "does not return outputs without elements"
    BORROWS = "reads an input from the guest's memory at compute, not at set_input"
    AS_BYTES = "takes and returns types that wasi-nn lacks as u8"
    WHOLE_BY_NAME = "reads weights in other files only if the model is loaded by name"
    ONNX_TOO = (
        "reads ONNX, too, if the guest loads it as openvino, with an empty part for the weights"
    )
    UNCONFIGURED = "treats the configuration of load_by_name_with_config as a part of the model"
    CONFIGURED_ENDS = "crashes the host when load_by_name_with_config is called"


class Unseen(NamedTuple):
    """What a profile does not say about a backend.

    `quirks` are those that the measurement did not look for. If only some types of input tensors
    were tried, `types` says of each of these whether the backend takes it. If it is not known which
    outputs come back right, `gives` has the types that were seen to."""

    quirks: frozenset[Quirk] = frozenset()
    types: Mapping[TensorType, bool] | None = None
    gives: frozenset[TensorType] | None = None


CPU, GPU, CPU_GPU, EVERY_TARGET = map(frozenset, ((0,), (1,), (0, 1), (0, 1, 2)))
"""Sets of numbers for targets."""


class Backend(NamedTuple):
    """One NN runtime behind a host.

    - `takes`: the types of input tensors that it accepts, or None if it accepts others as well or
      this is not known.
    - `ignores_types`: it does not look at a tensor's type, and reads the bytes as the model's type,
      or as floats if that is its unit.
    - `gives`: the types of outputs that come back right, or None for all.
    - `library`: what the device needs for it, or empty if it is in the host itself.
    - `built`: the option that the host has to be built with, or the package that contains the
      backend; empty if every build has it.
    - `extra`: the released binary lacks it.
    - `targets`: the targets with which `load` can succeed (0 is cpu, 1 gpu, 2 tpu), or None if that
      is not known.
    - `devices`: those of the targets that need the device in question to be present.
    - `parts`: how many builders `load` accepts, or None if that is not known.
    - `unseen`: what a profile does not say. Rows of the table leave it empty.
    """

    encoding: Encoding
    takes: frozenset[TensorType] | None = None
    unit: Unit = Unit.BYTES
    too_small: TooSmall | None = None
    library: str = ""
    ignores_types: bool = False
    gives: frozenset[TensorType] | None = None
    built: str = ""
    extra: bool = False
    quirks: frozenset[Quirk] = frozenset()
    targets: frozenset[int] | None = None
    devices: frozenset[int] = frozenset()
    parts: range | None = None
    unseen: Unseen = Unseen()


def dangers(backends: Sequence[Backend]) -> tuple[Diagnostic, ...]:
    """Warns of backends that write beyond a buffer, and of those that keep a pointer into one."""
    return (*_overruns(backends), *_borrows(backends))


def _overruns(backends: Iterable[Backend]) -> Iterator[Diagnostic]:
    names = [b.encoding.name.lower() for b in backends if b.too_small is TooSmall.OVERRUN]
    if names:
        message = f"outputs of {_listed(names)} are written beyond a buffer that is too small"
        yield Diagnostic("NN240", message)


def _borrows(backends: Iterable[Backend]) -> Iterator[Diagnostic]:
    names = [b.encoding.name.lower() for b in backends if Quirk.BORROWS in b.quirks]
    if names:
        message = (
            f"inputs of {_listed(names)} are read only at compute: the guest must not change them"
            " before that"
        )
        yield Diagnostic("NN249", message, function="set_input")


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


class Start(NamedTuple):
    """The command line that starts a host, without the module and its arguments.

    `folder` are the options that give the guest access to the current folder. `graph` are the
    options that name a graph, with the placeholders NAME, ENCODING, FOLDER and FILES (joined by
    colons); empty if the guest passes a path as the name. `build` is the command that builds the
    host, with the placeholder OPTIONS.
    """

    program: tuple[str, ...] = ()
    folder: tuple[str, ...] = ()
    graph: tuple[str, ...] = ()
    build: str = ""


ANY = "*"
"""Stands for any module name."""

_NOTHING: Mapping[Any, Any] = MappingProxyType({})


class Measured(NamedTuple):
    """What a row has in addition if it was made from a profile (rewriter.hosts.profiles).

    - `absent`: functions besides wasi-nn's that the host does not define, by module name. The
      measurement did not look for functions that are neither here nor in `Host.others`. None if
      all functions not in `Host.others` are absent.
    - `makes`: whether it is known which other kinds of imports, such as memories, the host defines.
    - `backends`: the encodings for which it is not known whether there is a backend.
    - `open`: the fields of the row that were not measured; their values mean neither yes nor no.
    - `about`: what was measured, for people: a version, a commit, a command.
    - `answers`: the errno that each fault returned, or a word for what else happened. The keys are
      the names of faults in rewriter.hosts.profiles.profile.
    - `names`: how the host finds the end of a name.
    """

    absent: Mapping[str, frozenset[str]] | None = None
    makes: bool = True
    backends: frozenset[Encoding] = frozenset()
    open: frozenset[str] = frozenset()
    answers: Mapping[str, int | str] = _NOTHING
    names: str | None = None
    about: Mapping[str, str] = _NOTHING


class Host(NamedTuple):
    """A row of the table: one build of a host, from the release `first` to `last`. Both are empty
    for a host without releases. Other fields that are None or empty are not known.

    - `dialects`: the ABIs that it speaks under each name in `modules`, the usual one first.
    - `tells_numbers`: it finds out an adapted guest's numbers from the adapters, and the numbers of
      tensor types from the tensors.
    - `backends`: those that a release has or can be built with.
    - `graphs`: how a guest or its user names a graph.
    - `needs`: what the device needs besides the binary.
    - `start`: how the host is started.
    - `passes`: the types of input tensors that it passes to backends, or None for all types of its
      numbering.
    - `others`: all functions that it defines besides wasi-nn's, with their types, by module name;
      None if they are not known.
    - `optional`: module names, or prefixes that end with `*`, whose functions it may define, with
      the condition for that.
    - `links_all`: it starts a module although it lacks an imported function, or has it with another
      type, and traps when the function is called. Other hosts refuse the module.
    - `second_form`: a suffix. If a function is imported with another type, the host uses the
      function whose name has this suffix if that one has the type, or, with `mixes_forms`, whatever
      type that one has.
    - `makes`: the kinds of imports that it defines by itself, with the module names, or ANY.
    - `features`: which WebAssembly features it reads by default. A missing feature is not known.
    - `nn_in_shared`: wasi-nn works in a shared memory.
    - `in_first_memory`: its functions use the first memory, whichever is exported as "memory".
    - `most_pages`, `most_wide_pages`: the largest memory in pages of 64 KiB, with 32-bit and with
      64-bit addresses.
    - `spare_bytes`: bytes that it adds after each memory for itself.
    - `most_elements`: the largest table.
    - `stack_bytes`: the default size of its own stack for frames of functions, if it has one. A
      frame takes at most half of it.
    - `exits_early`: it exits without an error if the guest exits during instantiation.
    - `initializes`: it calls an exported function `_initialize`, which must have neither arguments
      nor results. With `initializes_alone`, another type matters only if there is no `_start`.
    - `initializes_with_wasi`: it calls `_initialize` in a module that imports WASI, whether there
      is a `_start` or not.
    - `calls_first`: functions that it also calls if they have neither arguments nor results.
      `calls_first_without_wasi`: the same, if the module does not import WASI.
    - `entries`: it calls the first of these that is an exported function. It passes no arguments,
      unless it `gives_arguments` from its user, and accepts numbers as results, or none with
      `strict_start`. It calls an imported function only with `calls_imported`.
    - `mains`: after `entries`, it looks for these, and calls the first one without arguments or
      with those of `main`, for which it calls the guest's `malloc`. With `strict_main`, it refuses
      other parameters, and other results than none or one i32.
    - `names_function`: how else the user can name a function. If the module exports none of the
      functions above, the host refuses it, or does nothing if this field is empty.
    - `one_beginning`: it refuses a module that has both `_start` and `_initialize`.
    - `wants_memory`: it refuses a module that exports no memory named "memory", if the module
      imports WASI or has `_start` or `_initialize`.
    - `without_memory`: WASI functions that work without a guest's memory; None if not known.
    - `components`: what it has for components, or None if it is not known to run any.
      `takes_no_components`: it is known to run none that import wasi-nn.

    `measured` is set for a row that was made from a profile. Such a row is not in the table, and
    its name is the path of the profile.
    """

    name: str
    title: str
    modules: tuple[str, ...]
    dialects: tuple[Dialect, ...]
    source: str
    first: str = ""
    last: str = ""
    limits: tuple[Diagnostic, ...] = ()
    backends: tuple[Backend, ...] = ()
    graphs: str = ""
    needs: tuple[str, ...] = ()
    others: Mapping[str, Mapping[str, FuncType]] | None = None
    optional: Mapping[str, str] = _NOTHING
    links_all: bool = False
    second_form: str = ""
    mixes_forms: bool = False
    makes: Mapping[str, frozenset[str]] = _NOTHING
    tells_numbers: bool = False
    features: Mapping[Feature, bool] = _NOTHING
    nn_in_shared: bool = True
    in_first_memory: bool = False
    most_pages: int = 65536
    most_wide_pages: int = 65536
    spare_bytes: int = 0
    most_elements: int = 0xFFFFFFFF
    stack_bytes: int = 0
    exits_early: bool = True
    initializes: bool = False
    initializes_alone: bool = False
    initializes_with_wasi: bool = False
    calls_first: tuple[str, ...] = ()
    calls_first_without_wasi: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    mains: tuple[str, ...] = ()
    gives_arguments: bool = False
    strict_start: bool = False
    strict_main: bool = False
    calls_imported: bool = False
    names_function: str = ""
    one_beginning: bool = False
    wants_memory: bool = False
    without_memory: frozenset[str] | None = None
    start: Start = Start()
    passes: frozenset[TensorType] | None = None
    components: Components | None = None
    takes_no_components: bool = False
    measured: Measured | None = None

    @property
    def label(self) -> str:
        """The value of `--for` that means this row: the name and the newest release."""
        return f"{self.name}@{self.last}" if self.last else self.name

    @property
    def releases(self) -> str:
        """For people: "2.2.0 to 2.3.1"; empty without releases."""
        return self.first if self.first == self.last else f"{self.first} to {self.last}"

    @property
    def compact_imports(self) -> bool:
        """Whether it is known to read compact import sections (a module name once for several)."""
        return self.features.get(Feature.COMPACT_IMPORTS, False)

    def knows(self, field: str) -> bool:
        """Whether a field is known: it was measured, or the row is in the table."""
        return self.measured is None or field not in self.measured.open

    def may_define(self, module: str, name: str, kind: str) -> bool:
        """Whether it is unknown if the host defines an import that the row does not list."""
        if self.measured is None:
            return False
        if kind != "func":
            return not self.measured.makes
        absent = self.measured.absent
        return absent is not None and name not in absent.get(module, ())

    def option_for(self, module: str) -> str | None:
        """The condition under which it defines functions of a module; None if it never does."""
        for name, option in self.optional.items():
            if module == name or (name.endswith("*") and module.startswith(name[:-1])):
                return option
        return None
