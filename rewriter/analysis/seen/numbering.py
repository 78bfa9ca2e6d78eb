"""Which numbers for tensor types and encodings a module uses, according to its constants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from rewriter.abi.dialect import BY_NAME, WITH_CONFIG
from rewriter.abi.dialects import DIALECTS, WITX
from rewriter.abi.numbers import (
    ELEMENT_SIZE,
    TYPES_2020,
    TYPES_WIT,
    TYPES_WITX,
    Encoding,
    TensorType,
)
from rewriter.analysis.adapted.existing_adapters import own_exports
from rewriter.analysis.imported import Abi
from rewriter.analysis.inspect import ModuleInfo, once
from rewriter.analysis.seen.asked import asked_formats, asked_types, names_all, unnamed
from rewriter.analysis.sources import guest_functions
from rewriter.constants.constant import Constant, Constants, Subject
from rewriter.diagnostics import Diagnostic
from rewriter.hosts.host import Host
from rewriter.models.model import Model
from rewriter.wasm.module import Module

if TYPE_CHECKING:
    from rewriter.constants.guest import Function

__all__ = [
    "Types",
    "as_shown",
    "constants_of",
    "counting",
    "followed",
    "meanings_of",
    "numbers_of",
    "offset_of",
    "older_abi",
    "possible",
    "shown_abi",
    "where",
]

Types = Mapping[int, TensorType]

_OLDER = ("witx-2022", "witx-2023", "wasmedge-0.13", "wasmedge-0.14")
"""The ABIs with the tensor types from before August 2023, those with the fewest functions and
encodings first."""

_WHOSE: Mapping[int, str] = {
    id(TYPES_WITX): "today's numbers",
    id(TYPES_2020): "the numbers from before August 2023",
    id(TYPES_WIT): "the numbers of wasi:nn, which WAMR 2.1.1 to 2.3.1 have",
}
"""Titles of the numberings of tensor types."""

_FOUND: WeakKeyDictionary[Module, dict[object, Constants]] = WeakKeyDictionary()
"""Cache of constants, by the assumed layouts of a module's functions."""


def constants_of(info: ModuleInfo) -> Constants:
    """The constants that reach a module's wasi-nn functions, directly or through adapters. They are
    cached.

    There are none if the layout of its structures is a guess, if another tool has changed its
    adapters, or if its memory is shared with other threads or has 64-bit addresses.
    """
    return once(_constants_of, info)


def _constants_of(info: ModuleInfo) -> Constants:
    functions = followed(info)
    if info.adapter_memory is None or not functions:
        return Constants()
    found = _FOUND.setdefault(info.module, {})
    key = tuple((index, one.layout) for index, one in functions.items())
    if key not in found:
        from rewriter.constants.guest import follow_constants  # few modules need it

        index = info.adapter_memory.memory_index
        found[key] = follow_constants(info.module, functions, index)
    return found[key]


def followed(info: ModuleInfo, *, guesses: bool = False) -> dict[int, Function]:
    """The functions whose calls are followed, by index. Of others, no constants are known. With
    `guesses`, also those whose layout is a guess."""
    memory = info.shared_memory
    if memory is None or info.adapter_memory is None or memory.shared or memory.is_64:
        return {}
    if info.traces:
        return {}
    from rewriter.constants.guest import Function

    adapters = info.adapters
    before = {standing.function_index: slot for slot, standing in adapters.items()}
    exports: dict[int, list[int]] = {}
    for export in own_exports(info.module, adapters) if adapters else ():
        exports.setdefault(export.function, []).append(export.end)
    return {
        one.number: Function(
            one.name, one.dialect.layout, before.get(one.number), exports.get(one.number, ())
        )
        for one in guest_functions(info)
        if one.certain or guesses
    }


def as_shown(
    info: ModuleInfo, host: Host | None = None, models: Sequence[Model] = ()
) -> ModuleInfo:
    """The module with the ABI that its constants show, alone or together with its `models`.

    Nothing changes if the user named the ABI. Constants show the numbers of tensor types. If
    several ABIs have these numbers, the host's ABI is taken if it is one of them. Together with
    models, constants also show the numbers of encodings, if only one ABI has them. For an adapted
    module, the adapters show the ABI instead."""
    if info.guest is not None:
        return info
    abis = dict(info.abis)
    adapted = {info.wasi_nn[slot].module for slot in info.adapters}
    for module in info.abis.keys() - adapted:
        for show in (_by_types, _by_formats):
            abis[module] = show(info, module, abis[module], host, models)
    return info if abis == info.abis else info._replace(abis=abis, known={})


def _by_types(
    info: ModuleInfo, module: str, abi: Abi, host: Host | None, models: Sequence[Model]
) -> Abi:
    told = host is not None and host.tells_numbers  # from the tensors
    gives = any(item.name == "set_input" for item in info.wasi_nn.values())
    if told or not gives or abi.name is None or DIALECTS[abi.name].layout != WITX.layout:
        return abi
    tables = possible(info, models)
    evidence = _evidence(info, tables, models)
    if evidence is None or tables[0] is TYPES_WIT:
        return abi
    name = abi.name if tables[0] is not TYPES_2020 else older_abi(info, module, host)
    return abi if name is None else Abi(name, abi.certain, (*abi.evidence, evidence))


def _by_formats(
    info: ModuleInfo, module: str, abi: Abi, _: Host | None, models: Sequence[Model]
) -> Abi:
    """The ABI with the only numbers for encodings under which the guest loads its models in their
    formats. If the guest can load models by name, nothing follows from encodings."""
    names = {one.name for one in guest_functions(info)}
    if abi.name is None or not models or names & (BY_NAME | WITH_CONFIG).keys():
        return abi
    constants, asked = constants_of(info), tuple(asked_formats(models))
    shown = DIALECTS[abi.name]
    if names_all(constants, asked, shown.encodings):
        return abi
    types = possible(info, models) if shown.layout == WITX.layout else (shown.tensor_types,)
    own = {item.name for item in info.wasi_nn.values() if item.module == module}
    numbers = numbers_of(constants, Subject.ENCODING)
    fitting = [
        dialect
        for dialect in DIALECTS.values()
        if dialect.layout == shown.layout
        and own <= dialect.functions.keys()
        and any(dialect.tensor_types is table for table in types)
        and numbers.keys() <= dialect.encodings.keys()
        and names_all(constants, asked, dialect.encodings)
    ]
    if len(fitting) != 1:
        return abi
    (only,) = fitting
    one = unnamed(constants, asked, _alone(shown.encodings))[0]
    number = next(n for n in numbers if only.encodings[n] in one.meanings)
    message = (
        f"{where(numbers[number])} passes the constant encoding {number}, which is the encoding of"
        f" {one.what} only in the numbers of {only.name}"
    )
    evidence = Diagnostic("NN145", message, offset_of(numbers[number]), "load")
    return Abi(only.name, abi.certain, (*abi.evidence, evidence))


def _alone(table: Mapping[int, object]) -> dict[int, tuple[object]]:
    return {number: (meaning,) for number, meaning in table.items()}


def older_abi(info: ModuleInfo, module: str, host: Host | None = None) -> str | None:
    """An ABI with the tensor types from before August 2023 and with the module's functions and
    encodings. The host's ABI is preferred."""
    functions = {one.name for one in guest_functions(info) if one.module == module}
    encodings = numbers_of(constants_of(info), Subject.ENCODING).keys()
    of_host = [d.name for d in host.dialects if d.layout == WITX.layout] if host else []
    for dialect in map(DIALECTS.__getitem__, (*of_host, *_OLDER)):
        has_all = functions <= dialect.functions.keys() and encodings <= dialect.encodings.keys()
        if has_all and dialect.tensor_types is TYPES_2020:
            return dialect.name
    return None


def shown_abi(info: ModuleInfo, models: Sequence[Model] = ()) -> str | None:
    """The ABI that constants show, with or without models, if imports alone do not show it: a value
    for `--guest-abi`. None if there is none."""
    shown = as_shown(info, models=models).abis
    return next((a.name for m, a in shown.items() if a.name != info.abis[m].name), None)


def possible(info: ModuleInfo, models: Sequence[Model] = ()) -> tuple[Types, ...]:
    """The numberings of tensor types that a guest with witx's layout can have.

    The numbering of wasi:nn counts only if no other fits: only one host had it, and guests are not
    built for that host. If the guest can run all its models only with some of the numberings that
    fit its constants, only these count."""
    return _possible(info, models) if models else once(_possible, info)


def _possible(info: ModuleInfo, models: Sequence[Model] = ()) -> tuple[Types, ...]:
    seen = constants_of(info).of(Subject.TYPE)
    older = all(older_abi(info, module) for module in info.abis)
    usual = (TYPES_WITX, TYPES_2020) if older else (TYPES_WITX,)
    for sizes in (True, False):  # a length can be wrong, or belong to a string
        for tables in (usual, (TYPES_WIT,)):
            fitting = tuple(t for t in tables if all(_fits(one, t, sizes) for one in seen))
            if fitting:
                return _running(info, fitting, models)
    return usual


def _running(
    info: ModuleInfo, fitting: tuple[Types, ...], models: Sequence[Model]
) -> tuple[Types, ...]:
    """The numberings with which a guest passes the types of its models, or all if there are
    none."""
    constants, asked = constants_of(info), tuple(asked_types(models))
    return tuple(t for t in fitting if names_all(constants, asked, t)) or fitting


def _fits(constant: Constant, types: Types, sizes: bool) -> bool:
    numbers = constant.numbers or ()
    if not all(number in types for number in numbers):
        return False
    if sizes and constant.element is not None and len(numbers) == 1:
        return ELEMENT_SIZE[types[numbers[0]]] == constant.element
    return True


def _evidence(
    info: ModuleInfo, tables: Sequence[Types], models: Sequence[Model]
) -> Diagnostic | None:
    """The evidence for the only numbering; None if several are possible."""
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
    return _evidence_of_models(info, table, others, models)


def _evidence_of_models(
    info: ModuleInfo, table: Types, others: Sequence[Types], models: Sequence[Model]
) -> Diagnostic | None:
    """The evidence that only in this numbering, a model takes what the guest passes."""
    constants, asked = constants_of(info), tuple(asked_types(models))
    for other in others:
        for one in unnamed(constants, asked, _alone(other)):
            for number, constant in numbers_of(constants, Subject.TYPE).items():
                if table.get(number) in one.meanings:
                    return _tells(constant, number, table, f" for {one.what},")
    return None


def _tells(constant: Constant, number: int, table: Types, more: str) -> Diagnostic:
    message = (
        f"{where(constant)} passes the constant tensor type {number}{more} which is"
        f" {meanings_of([table.get(number)])} only in {_WHOSE[id(table)]}"
    )
    return Diagnostic("NN145", message, offset_of(constant), "set_input")


def numbers_of(constants: Constants, subject: Subject) -> dict[int, Constant]:
    """Each number that was seen, with the first call that passes it."""
    found: dict[int, Constant] = {}
    for constant in constants.of(subject):
        for number in constant.numbers or ():
            found.setdefault(number, constant)
    return found


def counting(seen: Mapping[int, Set[Any]], asked: Set[Any]) -> Iterator[int]:
    """The numbers in a module that count, given their possible meanings. If everything that the
    models ask for is among these meanings, only the numbers for it count; otherwise all count."""
    decided = bool(asked) and asked <= set[Any]().union(*seen.values())
    for number, meanings in seen.items():
        if not decided or meanings & asked:
            yield number


def where(constant: Constant) -> str:
    """The function that a constant is in, for messages."""
    return str(constant.place or "a function")


def offset_of(constant: Constant) -> int | None:
    return constant.place.offset if constant.place else None


def meanings_of(meanings: Iterable[TensorType | Encoding | None]) -> str:
    return " or ".join("nothing" if one is None else one.name.lower() for one in meanings)
