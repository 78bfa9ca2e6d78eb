"""The ABI that a profile shows: one of the table, if that has no other number than those that were
measured, or else the host's own.

What was not measured is then as in the table, and rewriter.hosts.profiles.unmeasured says so of
it. Of a host's own, it is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from rewriter.abi.dialects import (
    LAYOUTS,
    WAMR,
    WASMEDGE,
    WITX,
    Dialect,
    Encoding,
    Errno,
    Layout,
    TensorType,
)
from rewriter.abi.measured import LARGEST, OF_RELEASES, RAW_TYPES, functions_in, same_dialect
from rewriter.hosts.host import Unit
from rewriter.hosts.profiles.profile import REFUSED, ModuleProfile, Number, Profile

__all__ = ["agrees", "answers", "counts_floats", "dialects_of"]

_Meaning = TypeVar("_Meaning", bound=IntEnum)

_ARGUMENT, _RUNTIME = Errno.INVALID_ARGUMENT, Errno.RUNTIME_ERROR
_HANDLE = (_ARGUMENT, _RUNTIME, Errno.UNSUPPORTED_OPERATION, Errno.NOT_FOUND)
_ORDER = (_RUNTIME, _ARGUMENT, Errno.MISSING_MEMORY, Errno.BUSY, Errno.UNSUPPORTED_OPERATION)

_MEANINGS: Mapping[str, tuple[Errno, ...]] = MappingProxyType(
    {
        "output_small": (Errno.TOO_LARGE, Errno.MISSING_MEMORY, _ARGUMENT),
        "name_unknown": (
            *(Errno.NOT_FOUND, Errno.MODEL_NOT_FOUND, _ARGUMENT, _RUNTIME),
            *(Errno.TOO_LARGE, Errno.UNSUPPORTED_OPERATION),
        ),
        "load_encoding": (*(Errno.INVALID_ENCODING, _ARGUMENT, Errno.UNSUPPORTED_OPERATION),),
        "load_builders": (_ARGUMENT, _RUNTIME, Errno.UNSUPPORTED_OPERATION),
        "load_target": (_ARGUMENT, _RUNTIME, Errno.UNSUPPORTED_OPERATION),
        "init_graph": _HANDLE,
        "input_context": _HANDLE,
        "compute_context": _HANDLE,
        "output_context": _HANDLE,
        "input_index": (_ARGUMENT, _RUNTIME),
        "output_index": (_ARGUMENT, _RUNTIME),
        "compute_first": _ORDER,
        "output_first": _ORDER,
        "load_missing": (
            *(Errno.INVALID_ENCODING, _ARGUMENT, _RUNTIME, Errno.UNSUPPORTED_OPERATION),
        ),
        "load_garbage": (
            *(_RUNTIME, _ARGUMENT, Errno.TOO_LARGE, Errno.MISSING_MEMORY, Errno.INVALID_ENCODING),
        ),
    }
)
"""What hosts mean by the errno of a fault, the first as the specification has it; those whose
errnos say most of a numbering come first.

Sources: the specification's documentation of its errnos, and what WAMR, WasmEdge and Wasmtime were
seen to return (docs/peers.md)."""


class _Numbers(NamedTuple):
    """What was measured: by its number, where it has one, and else why not. `errnos` are those that
    somebody has said, `faults` those that were seen."""

    layout: Layout
    functions: frozenset[str]
    missing: frozenset[str]
    types: Mapping[str, Number]
    encodings: Mapping[str, Number]
    errnos: Mapping[int, str]
    faults: Mapping[str, int]
    wants_nul: bool | None
    counts_floats: bool | None

    def agrees(self, dialect: Dialect) -> bool:
        """Whether a dialect has nothing else. One that wants a NUL behind names does for a host
        that was not asked."""
        return (
            dialect.layout is self.layout
            and self.functions <= dialect.functions.keys()
            and not self.missing & dialect.functions.keys()
            and self.wants_nul in (None, dialect.wants_nul)
            and self.counts_floats in (None, dialect.counts_floats)
            and _has(dialect.tensor_names, self.types)
            and _has(dialect.encoding_names, self.encodings)
            and self.agrees_on_errnos(dialect.errnos)
        )

    def agrees_on_errnos(self, errnos: Mapping[int, Errno]) -> bool:
        names = {number: meaning.name.lower() for number, meaning in errnos.items()}
        if self.errnos:
            return names == self.errnos
        return all(agrees(fault, number, errnos) for fault, number in self.faults.items())

    def beyond(self, dialect: Dialect) -> int:
        """How many functions and encodings it has that were not found."""
        more = dialect.functions.keys() - self.functions
        names = {name for name, number in self.encodings.items() if number != REFUSED}
        return len(more) + len({*dialect.encoding_names.values()} - names)


def agrees(fault: str, number: int, errnos: Mapping[int, Errno]) -> bool:
    """Whether an errno is one that a host with these numbers can return for a fault."""
    return fault not in _MEANINGS or number == 0 or errnos.get(number) in _MEANINGS[fault]


def dialects_of(profile: Profile, module: ModuleProfile) -> tuple[Dialect, ...]:
    """Those in which a module of the host can be called, empty where that was not found out.

    Raises UsageError where its own are too long for the names of adapters."""
    if profile.tells_numbers:
        known = (WITX, WAMR, WASMEDGE)
        return tuple(dialect for dialect in known if dialect.layout.name in module.layouts)
    layouts = [layout for layout in LAYOUTS if layout.name in module.layouts]
    return tuple(_dialect(_numbers(profile, module, layout)) for layout in layouts)


def counts_floats(profile: Profile) -> bool | None:
    """Whether outputs of all but OpenVINO's models are counted in floats: adapters know no other
    way. None where no such backend was asked."""
    units = {each.unit for each in profile.backends if each.encoding != "openvino"} - {None}
    return Unit.FLOATS in units if units else None


def answers(profile: Profile) -> dict[str, int]:
    """The errnos of faults, as far as there was one, of the first backend that has it."""
    found: dict[str, int] = {}
    for faults in (profile.faults, *(backend.faults for backend in profile.backends)):
        for fault, answer in faults.items():
            if isinstance(answer, int) and answer != 0:
                found.setdefault(fault, answer)
    return found


def _numbers(profile: Profile, module: ModuleProfile, layout: Layout) -> _Numbers:
    known = functions_in(layout).keys()
    return _Numbers(
        layout,
        functions=module.functions & known,
        missing=module.missing,
        types=profile.tensor_types,
        encodings=profile.encodings,
        errnos=profile.errnos,
        faults=answers(profile),
        wants_nul=None if profile.names is None else profile.names != "length",
        counts_floats=counts_floats(profile),
    )


def _has(names: Mapping[int, str], measured: Mapping[str, Number]) -> bool:
    """Whether names have the numbers that were measured. What is refused by any number can have
    one all the same: nobody gets to know."""
    return all(
        names.get(number) == name for name, number in measured.items() if isinstance(number, int)
    )


def _dialect(measured: _Numbers) -> Dialect:
    found = [dialect for dialect in OF_RELEASES if measured.agrees(dialect)]
    return min(found, key=measured.beyond) if found else same_dialect(_own(measured))


def _own(measured: _Numbers) -> Dialect:
    every = functions_in(measured.layout)
    types = _by_number(TensorType, measured.types)
    encodings = _by_number(Encoding, measured.encodings)
    raw = {
        number: name
        for name, number in measured.types.items()
        if name in RAW_TYPES and isinstance(number, int)
    }
    return Dialect(
        name="",
        layout=measured.layout,
        functions={name: every[name] for name in every if name in measured.functions},
        encodings=_of_table(encodings, measured.encodings, (d.encodings for d in OF_RELEASES)),
        tensor_types=_of_table(types, measured.types, (d.tensor_types for d in OF_RELEASES)),
        errnos=_own_errnos(measured),
        implementation="",
        wants_nul=bool(measured.wants_nul),
        counts_floats=bool(measured.counts_floats),
        raw_types=raw,
    )


def _by_number(kind: type[_Meaning], measured: Mapping[str, Number]) -> dict[int, _Meaning]:
    known = {each.name.lower(): each for each in kind}
    return {
        number: known[name]
        for name, number in measured.items()
        if isinstance(number, int) and name in known
    }


def _of_table(
    own: dict[int, _Meaning],
    measured: Mapping[str, Number],
    tables: Iterable[Mapping[int, _Meaning]],
) -> Mapping[int, _Meaning]:
    """The smallest table of a release that has the own numbers, and beyond them only what is
    refused by any: what makes no difference then has no adapter either."""

    def fits(table: Mapping[int, _Meaning]) -> bool:
        more = {number: meaning for number, meaning in table.items() if number not in own}
        return {**table, **own} == table and all(
            measured.get(meaning.name.lower()) == REFUSED for meaning in more.values()
        )

    return min(filter(fits, tables), key=len, default=own)


def _own_errnos(measured: _Numbers) -> Mapping[int, Errno]:
    """What has to be said of them, or the first numbering in which all faults that were tried can
    have the errnos that they had, or what the specification has for those faults."""
    if measured.errnos:
        known = {each.name.lower(): each for each in Errno}
        return {number: known[name] for number, name in measured.errnos.items()}
    for dialect in OF_RELEASES:
        if measured.agrees_on_errnos(dialect.errnos) and measured.faults:
            return dialect.errnos
    return {0: Errno.SUCCESS, **dict(_seen(measured.faults))}


def _seen(faults: Mapping[str, int]) -> Iterator[tuple[int, Errno]]:
    """Where one number stands for several faults, it means what the first of them does."""
    said: set[int] = set()
    for fault, meanings in _MEANINGS.items():
        number = faults.get(fault)
        if number is not None and number not in said and number < LARGEST:
            said.add(number)
            yield number, meanings[0]
