"""What a module's constants show: which numbers it has, and what of that a host does not take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from weakref import WeakKeyDictionary

from rewriter.abi.dialects import DIALECTS, WITX, Dialect
from rewriter.abi.numbers import (
    ELEMENT_SIZE,
    ENCODINGS_WASMEDGE,
    TYPES_2020,
    TYPES_WIT,
    TYPES_WITX,
    Encoding,
    TensorType,
)
from rewriter.analysis.imported import Abi
from rewriter.analysis.inspect import ModuleInfo
from rewriter.constants.constant import Constant, Constants, Subject
from rewriter.diagnostics import Diagnostic
from rewriter.hosts.host import Backend, Host, Unit
from rewriter.wasm.module import Module

__all__ = ["as_shown", "constants_of", "instead_of_a_guess", "shown_abi", "with_constants"]

Types = Mapping[int, TensorType]

_OLDER = ("witx-2022", "witx-2023", "wasmedge-0.13", "wasmedge-0.14")
"""ABIs with the tensor types of before August 2023, by how many functions and encodings they
have."""

_WHOSE: Mapping[int, str] = {
    id(TYPES_WITX): "today's numbers",
    id(TYPES_2020): "the numbers of before August 2023",
    id(TYPES_WIT): "the numbers of wasi:nn, which WAMR 2.1.1 to 2.3.1 have",
}
"""Of the numberings of tensor types."""

_FOUND: WeakKeyDictionary[Module, dict[object, Constants]] = WeakKeyDictionary()
"""By the layouts that the functions of a module are taken to have."""


def constants_of(info: ModuleInfo) -> Constants:
    """The constants that reach the wasi-nn functions of a module without adapters; found once.

    There are none where the layout of its structures is a guess, or its memory is shared with other
    threads or has 64-bit addresses.
    """
    memory = info.shared_memory
    if memory is None or info.adapter_memory is None or memory.shared or memory.is_64:
        return Constants()
    functions = {
        slot: (item.name, DIALECTS[abi.name].layout)
        for slot, item in info.wasi_nn.items()
        if (abi := info.abis[item.module]).name is not None and (abi.certain or info.guest)
    }
    if info.adapters or info.traces or not functions:
        return Constants()
    found = _FOUND.setdefault(info.module, {})
    key = tuple(functions.items())
    if key not in found:
        from rewriter.constants.guest import follow_constants  # which few modules need

        index = info.adapter_memory.memory_index
        found[key] = follow_constants(info.module, functions, index)
    return found[key]


def as_shown(info: ModuleInfo, host: Host | None = None) -> ModuleInfo:
    """A module with the ABI that its constants show, where nobody has said which it is. They show
    the numbers of tensor types: what else differs between ABIs that have these is taken to be as
    the host has it, if it has one of them."""
    if info.guest is not None:
        return info
    abis = dict(info.abis)
    for module, abi in info.abis.items():
        if abi.name is None or DIALECTS[abi.name].layout != WITX.layout:
            continue
        tables = _possible(info)
        evidence = _evidence(info, tables)
        if evidence is None:
            continue
        name = abi.name if tables[0] is not TYPES_2020 else _older(info, module, host)
        if tables[0] is not TYPES_WIT and name is not None:
            abis[module] = Abi(name, abi.certain, (*abi.evidence, evidence))
    return info._replace(abis=abis)


def _older(info: ModuleInfo, module: str, host: Host | None = None) -> str | None:
    """An ABI with the tensor types of before August 2023, and with the functions and the encodings
    of a module: the host's, if it has one."""
    functions = {item.name for item in info.wasi_nn.values() if item.module == module}
    encodings = _seen(constants_of(info), Subject.ENCODING).keys()
    of_host = [d.name for d in host.dialects if d.layout == WITX.layout] if host else []
    for dialect in map(DIALECTS.__getitem__, (*of_host, *_OLDER)):
        has_all = functions <= dialect.functions.keys() and encodings <= dialect.encodings.keys()
        if has_all and dialect.tensor_types is TYPES_2020:
            return dialect.name
    return None


def with_constants(
    info: ModuleInfo, host: Host, said: Iterable[Diagnostic]
) -> tuple[Diagnostic, ...]:
    """What is said of a module on a host, with what its constants add to that, and without what
    they make needless. `info` has the ABI that they show."""
    constants = constants_of(info)
    found: list[Diagnostic] = []
    for diagnostic in said:
        if diagnostic.code == "NN137":
            found += instead_of_a_guess(info, diagnostic)
        elif diagnostic.code == "NN138":
            found += _instead_of_guessed_encodings(info, host, diagnostic)
        elif diagnostic.code != "NN301" or not _configured_by_nothing(constants):
            found.append(diagnostic)
    evidence = (
        one
        for abi in info.abis.values()
        if abi.name is not None and DIALECTS[abi.name].tensor_types is TYPES_2020
        for one in abi.evidence
        if one.code == "NN145"
    )
    return (*found, *evidence, *_refused_types(info, host), *_missing_backends(info, host))


def shown_abi(info: ModuleInfo) -> str | None:
    """The ABI that only constants show, for `--guest-abi`; None where there is none."""
    shown = as_shown(info).abis
    return next((a.name for m, a in shown.items() if a.name != info.abis[m].name), None)


def _possible(info: ModuleInfo) -> tuple[Types, ...]:
    """The numberings of tensor types that a guest of witx's layout can have. That of wasi:nn counts
    only where no other does: one host had it, and guests are not built for that."""
    seen = constants_of(info).of(Subject.TYPE)
    older = all(_older(info, module) for module in info.abis)
    usual = (TYPES_WITX, TYPES_2020) if older else (TYPES_WITX,)
    for sizes in (True, False):  # a length can be wrong, or be that of a text
        for tables in (usual, (TYPES_WIT,)):
            fitting = tuple(t for t in tables if all(_fits(one, t, sizes) for one in seen))
            if fitting:
                return fitting
    return usual


def _fits(constant: Constant, types: Types, sizes: bool) -> bool:
    numbers = constant.numbers or ()
    if not all(number in types for number in numbers):
        return False
    if sizes and constant.element is not None and len(numbers) == 1:
        return ELEMENT_SIZE[types[numbers[0]]] == constant.element
    return True


def _evidence(info: ModuleInfo, tables: Sequence[Types]) -> Diagnostic | None:
    """What decides between numberings; None where nothing does."""
    if len(tables) != 1:
        return None
    (table,) = tables
    others = [other for other in (TYPES_WITX, TYPES_2020) if other is not table]
    seen = constants_of(info).of(Subject.TYPE)
    for constant in seen:
        for number in constant.numbers or ():
            if not any(number in other for other in others):
                return _tells(constant, number, table, "")
    for constant in seen:
        if not any(_fits(constant, other, True) for other in others):
            unit = "byte" if constant.element == 1 else "bytes"
            size = f", with {constant.element} {unit} for each element,"
            return _tells(constant, (constant.numbers or (0,))[0], table, size)
    return None


def _tells(constant: Constant, number: int, table: Types, size: str) -> Diagnostic:
    message = (
        f"{_where(constant)} passes the constant tensor type {number}{size} which is"
        f" {_names([table.get(number)])} in {_WHOSE[id(table)]} only"
    )
    return Diagnostic("NN145", message, _offset(constant), "set_input")


def instead_of_a_guess(info: ModuleInfo, guess: Diagnostic) -> Iterator[Diagnostic]:
    """What is to be said in the place of that the numbers of tensor types are a guess."""
    constants = constants_of(info)
    tables = _possible(info)
    hidden = constants.hidden(Subject.TYPE)
    if not constants.of(Subject.TYPE):
        yield guess
        return
    if len(tables) == 1:
        return
    unsure = {
        number: constant
        for number, constant in _seen(constants, Subject.TYPE).items()
        if len({table.get(number) for table in tables}) > 1
    }
    remedy = f"--guest-abi says which: {_abis_of(info)}"
    for number, constant in unsure.items():
        now, before = (_names([table.get(number)]) for table in tables)
        message = (
            f"{_where(constant)} passes the constant tensor type {number}, which is {now} and was"
            f" {before} before August 2023"
        )
        yield Diagnostic("NN146", message, _offset(constant), "set_input", remedy)
    if hidden and not unsure:
        calls = len(hidden) + len(constants.of(Subject.TYPE))
        message = (
            f"{len(hidden)} of {calls} calls hide the tensor types that they pass: the numbers of"
            " after August 2023 are assumed"
        )
        yield guess._replace(message=message)


def _instead_of_guessed_encodings(
    info: ModuleInfo, host: Host, guess: Diagnostic
) -> Iterator[Diagnostic]:
    """What is to be said in the place of that the numbers of encodings are a guess."""
    constants = constants_of(info)
    here = _encodings_of(host)
    seen = _seen(constants, Subject.ENCODING)
    for number, constant in seen.items():
        meaning, usual = here.get(number), ENCODINGS_WASMEDGE.get(number)
        if meaning is usual or meaning is None or usual is None:
            continue
        message = (
            f"{_where(constant)} passes the constant encoding {number}, which is"
            f" {_names([usual])} elsewhere and {_names([meaning])} on this host"
        )
        yield Diagnostic("NN146", message, _offset(constant), "load", guess.help)
    if not seen or constants.hidden(Subject.ENCODING):
        yield guess


def _configured_by_nothing(constants: Constants) -> bool:
    """Whether every configuration is empty."""
    lengths = _seen(constants, Subject.CONFIG_LENGTH)
    return set(lengths) == {0} and not constants.hidden(Subject.CONFIG_LENGTH)


def _refused_types(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """The types that no backend takes which the guest can use there."""
    constants = constants_of(info)
    tables = _tables(info)
    if tables is None or host.tells_numbers:
        return
    for number, constant in _seen(constants, Subject.TYPE).items():
        meanings = {table.get(number) for table in tables}
        if any(meaning is None or _takes(host, meaning) for meaning in meanings):
            continue
        message = (
            f"{_where(constant)} passes the constant tensor type {number}"
            f" ({_names(meanings)}), which the host does not take"
        )
        yield Diagnostic("NN261", message, _offset(constant), "set_input")


def _takes(host: Host, kind: TensorType) -> bool:
    """Whether a tensor of a type can be right on a host."""
    if host.passes is not None and kind not in host.passes:
        return False
    return not host.backends or any(_suits(backend, kind) for backend in host.backends)


def _suits(backend: Backend, kind: TensorType) -> bool:
    if backend.ignores_types:
        return backend.unit is not Unit.FLOATS or kind is TensorType.F32
    return backend.takes is None or kind in backend.takes


def _missing_backends(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """The encodings for which the host has no backend, whatever the guest means by them."""
    backends = {backend.encoding for backend in host.backends}
    if host.tells_numbers or not backends:
        return
    sources = [DIALECTS[abi.name] for abi in info.abis.values() if abi.name is not None]
    here = _encodings_of(host)
    for number, constant in _seen(constants_of(info), Subject.ENCODING).items():
        known = {source.encodings.get(number) for source in sources} | {here.get(number)}
        meanings: Set[Encoding] = {meaning for meaning in known if meaning is not None}
        if meanings & (backends | {Encoding.AUTODETECT}):
            continue
        means = f" ({_names(meanings)})" if meanings else ""
        message = (
            f"{_where(constant)} passes the constant encoding {number}{means}, for which the"
            " host has no backend"
        )
        yield Diagnostic("NN262", message, _offset(constant), "load")


def _abis_of(info: ModuleInfo) -> str:
    """The names of the ABIs that a module can be of."""
    found: dict[str, None] = {}
    for module, abi in info.abis.items():
        found.update(dict.fromkeys(name for name in (abi.name, _older(info, module)) if name))
    return ", or ".join(found)


def _tables(info: ModuleInfo) -> tuple[Types, ...] | None:
    """The numberings of tensor types that a module can have; None where its ABI is not known."""
    names = [abi.name for abi in info.abis.values()]
    dialects: list[Dialect] = [DIALECTS[name] for name in names if name is not None]
    if len(dialects) != 1:
        return None
    (dialect,) = dialects
    if info.guest is not None or dialect.tensor_types is not TYPES_WITX:
        return (dialect.tensor_types,)
    return _possible(info)


def _encodings_of(host: Host) -> Mapping[int, Encoding]:
    return host.dialects[0].encodings


def _seen(constants: Constants, subject: Subject) -> dict[int, Constant]:
    """Each number that was seen, with the first call that has it."""
    found: dict[int, Constant] = {}
    for constant in constants.of(subject):
        for number in constant.numbers or ():
            found.setdefault(number, constant)
    return found


def _where(constant: Constant) -> str:
    """The function that a constant is in, for people."""
    return str(constant.place or "a function")


def _offset(constant: Constant) -> int | None:
    return constant.place.offset if constant.place else None


def _names(meanings: Iterable[TensorType | Encoding | None]) -> str:
    return " or ".join("nothing" if one is None else one.name.lower() for one in meanings)
