"""What one host registers, and what it does with what a guest asks, in the releases that do the
same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Any, NamedTuple

from rewriter.abi.dialects import Dialect, Encoding, TensorType
from rewriter.abi.snapshots import Snapshot
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
    "Components",
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
    """What `get_output` counts, in the guest's buffer and in what it wrote."""

    BYTES = "bytes"
    FLOATS = "32-bit floats, not bytes"


class TooSmall(Enum):
    """What `get_output` does where the guest's buffer is too small; values go on from "a buffer
    that is too small is"."""

    REFUSED = "refused"
    CUT = "filled, and the rest is cut off"
    OVERRUN = "written beyond its end"
    FORGOTTEN = "left unchanged, with success"
    ABORTS = "the end of the whole process"


class Quirk(Enum):
    """What a backend makes of models that another runs as they are; values go on from "it"."""

    CHANNELS_LAST = "treats four dimensions as an image, channels-last in the tensor"
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
        "takes and returns quantised u8 as floats, and ends the host with other quantised types"
    )
    HELD_SHAPES = "takes an input only in the shape in the file, even if a dimension is open"
    NO_SCALARS = "does not return outputs without dimensions"
    GIVES_BF16 = "returns outputs of bf16 as they are"
    NO_EMPTY = "does not return outputs without elements"
    BORROWS = "reads an input from the guest's memory at compute, not at set_input"
    AS_BYTES = "takes and returns types that wasi-nn lacks as u8"
    WHOLE_BY_NAME = "reads weights in other files only if the model is loaded by name"
    ONNX_TOO = (
        "reads ONNX, too, where the guest loads it as openvino, with an empty part for weights"
    )
    UNCONFIGURED = "takes the configuration of load_by_name_with_config for a part of the model"
    CONFIGURED_ENDS = "ends the host where load_by_name_with_config is called"


class Unseen(NamedTuple):
    """What a profile leaves open of a backend. `quirks` were not looked for. Where it is not known
    of all types of input tensors whether it takes them, `types` says it of the others, and where it
    is not known which outputs come back right, `gives` has those that were seen to."""

    quirks: frozenset[Quirk] = frozenset()
    types: Mapping[TensorType, bool] | None = None
    gives: frozenset[TensorType] | None = None


CPU, GPU, CPU_GPU, EVERY_TARGET = map(frozenset, ((0,), (1,), (0, 1), (0, 1, 2)))
"""Numbers for a target."""


class Backend(NamedTuple):
    """What one NN runtime behind a host takes and gives.

    `takes` are the types of input tensors that it does not refuse, None where there are others or
    that is not known; one that `ignores_types` takes their bytes for what the model has, or for
    floats where that is its unit. `gives` are the types of a model's outputs that come back right,
    None where that are all. `library` is what the device needs for it, empty where it is in the
    host itself. `built` is what the host has to be built with, or the package that has it, empty
    where each has it; what is released does not have one that is `extra`.
    `targets` are the numbers for a target with which `load` can succeed (0 is cpu, 1 gpu, 2 tpu),
    None where nobody has looked, and of these `devices` are those of which the device has to have
    one. `parts` are the numbers of builders with which `load` can succeed, None where nobody has
    looked.
    `unseen` is what a profile leaves open, which no row of the table does.
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
    """What is to be said of those that write beyond a buffer, and of those that borrow one."""
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
            f"inputs of {_listed(names)} are read at compute: the guest has to leave them as they"
            " are until then"
        )
        yield Diagnostic("NN249", message, function="set_input")


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


class Start(NamedTuple):
    """How a host is started: the words before the module and its arguments. `folder` has the guest
    see the files of the current folder. `graph` are those that name a graph, in which NAME,
    ENCODING, FOLDER and FILES (with colons between them) stand for what a model has; there are none
    where a guest gives a path for a name. `build` builds the host, with OPTIONS in its place.
    """

    program: tuple[str, ...] = ()
    folder: tuple[str, ...] = ()
    graph: tuple[str, ...] = ()
    build: str = ""


ANY = "*"
"""In place of the names of modules: all."""

_NOTHING: Mapping[Any, Any] = MappingProxyType({})


class Measured(NamedTuple):
    """What a row that was made of a profile (rewriter.hosts.profiles) has beside what others have.

    `absent` are functions that it does not define beside wasi-nn's, by module name: those that
    `Host.others` does not have either were not looked for. None where all others are absent. So it
    is with memories and others, unless it is known which of them it `makes`. `backends` are the
    encodings of which nobody knows whether there is a backend. `open` are the fields of the row of
    which nobody knows anything: what stands in them is neither yes nor no.
    `about` says for people what was measured: a version, a commit, a command.
    `answers` are the errnos of faults, and words for what else came of them, by the names in
    rewriter.hosts.profiles.profile, and `names` is how the end of a name is found.
    """

    absent: Mapping[str, frozenset[str]] | None = None
    makes: bool = True
    backends: frozenset[Encoding] = frozenset()
    open: frozenset[str] = frozenset()
    answers: Mapping[str, int | str] = _NOTHING
    names: str | None = None
    about: Mapping[str, str] = _NOTHING


class Components(NamedTuple):
    """What a host that runs components has for them: a snapshot of wasi:nn, and a version of WASI.
    One that takes `any_patch` takes imports from any 0.2.x of WASI whose functions it has; others
    take that version only."""

    wasi_nn: Snapshot
    wasi: str
    any_patch: bool = True


class Host(NamedTuple):
    """A row of the table: one build of a host, from the release `first` to `last`. A row without
    releases has the empty string for both.

    `dialects` are those it can be spoken to in, the usual one first, under each name in `modules`.
    One that `tells_numbers` knows those of an adapted guest by its adapters, and those of tensor
    types by the tensors. `backends` are those that a release has or can be built with, `graphs`
    says how a guest or its user names a graph, `needs` what the device needs beside the binary, and
    `start` how the host is started.
    What is None or empty in them is not known.

    `others` are all functions that it defines beside wasi-nn, with their types, by module name,
    None where they are not known. `optional` has module names, or beginnings of such that end with
    `*`, whose functions it may define, with what that depends on. One that `links_all` starts a
    module whose functions it does not define, or has with other types, and traps where they are
    called; others refuse it. A function that is imported with another type is taken for the one
    whose name has `second_form` behind it, if that is of the type, and whatever type that is of
    where it `mixes_forms`. `makes` has the kinds of imports that it makes by itself, and of which
    modules, or of any.

    `features` says which of those it reads by default; what is missing there is not known.
    `nn_in_shared` is whether wasi-nn works in a memory that is shared. The functions of one that
    works `in_first_memory` do so whatever memory is exported as "memory". It takes no memory of
    more than `most_pages` of 64 KiB, or of `most_wide_pages` where its addresses have 64 bits, puts
    `spare_bytes` of its own behind each, and takes no table of more than `most_elements`. Where the
    frames of functions are in a stack of its own, that has `stack_bytes` by default, and a frame
    takes half of them at most.

    One that `exits_early` ends well where a guest ends itself while its instance is made.

    One that `initializes` calls `_initialize` where it is an exported function, without arguments,
    and takes no results; one that `initializes_alone` minds another type only where there is no
    `_start`. One that `initializes_with_wasi` calls it in a module that imports WASI, whether there
    is a `_start` or not. Functions of `calls_first` it calls as well if they have neither arguments
    nor results, and those of `calls_first_without_wasi` where the module does not import WASI. Of
    `entries` it calls the first that is an exported function, without arguments,
    unless it `gives_arguments` of its user, and takes numbers as results, or none where it has a
    `strict_start`. One that is imported it calls only if it `calls_imported`. After these it looks
    for `mains`, and calls the first without arguments or with those of `main`, for which it asks
    the guest's `malloc`; one with a `strict_main` refuses others and other results than one i32, if
    any. If there is none of all these, it refuses the module where
    `names_function` says how else its user can name one, and does nothing where that is empty. If
    it is to have `one_beginning`, it refuses a module that has `_start` and `_initialize`.

    One that `wants_memory` refuses a module that exports none by that name, if it imports WASI or
    has one of the two. `without_memory` are WASI's functions that work without the guest's memory,
    None where that is not known. `passes` are the types of input tensors that it passes on to
    backends, None for all of its numbering.

    `components` says what it has for components, None where it is not known to run any; one that
    `takes_no_components` is known not to.

    A row that was `measured` is none of the table, and its name is the path of a profile.
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
        """What `--for` takes to mean this row: the name, and the newest release of the row."""
        return f"{self.name}@{self.last}" if self.last else self.name

    @property
    def releases(self) -> str:
        """For people: "2.2.0 to 2.3.1"; empty where there are none."""
        return self.first if self.first == self.last else f"{self.first} to {self.last}"

    @property
    def compact_imports(self) -> bool:
        """Whether it surely reads import sections that have a module name once for several."""
        return self.features.get(Feature.COMPACT_IMPORTS, False)

    def knows(self, field: str) -> bool:
        """Whether a field of this row was measured, or is of the table."""
        return self.measured is None or field not in self.measured.open

    def may_define(self, module: str, name: str, kind: str) -> bool:
        """Whether nobody has looked for what is not among that which it defines."""
        if self.measured is None:
            return False
        if kind != "func":
            return not self.measured.makes
        absent = self.measured.absent
        return absent is not None and name not in absent.get(module, ())

    def option_for(self, module: str) -> str | None:
        """What it depends on whether it defines functions of a module, None where it does not."""
        for name, option in self.optional.items():
            if module == name or (name.endswith("*") and module.startswith(name[:-1])):
                return option
        return None
