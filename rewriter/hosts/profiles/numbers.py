"""The ABI of a profile: one from the table if it agrees with all measured numbers, or else an ABI
of the host's own.

An ABI from the table also fills in what was not measured, and rewriter.hosts.profiles.unmeasured
reports that. An ABI of the host's own lacks what was not measured.
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
"""The errnos that hosts return for each fault, the specification's first. The faults are ordered by
how much their errno says about a numbering, the most telling first.

Sources: the specification's documentation of its errnos, and what WAMR, WasmEdge and Wasmtime were
seen to return (docs/peers.md)."""


class _Numbers(NamedTuple):
    """The measured numbers, or REFUSED. `errnos` are those that the profile names, `faults` the
    errnos that faults returned."""

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
        """Whether a dialect contradicts nothing that was measured. If it was not measured whether
        names need a NUL, a dialect that adds one is fine too."""
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
        """How many functions and encodings a dialect has that were not found."""
        more = dialect.functions.keys() - self.functions
        names = {name for name, number in self.encodings.items() if number != REFUSED}
        return len(more) + len({*dialect.encoding_names.values()} - names)


def agrees(fault: str, number: int, errnos: Mapping[int, Errno]) -> bool:
    """Whether a host with these errnos can return this number for a fault."""
    return fault not in _MEANINGS or number == 0 or errnos.get(number) in _MEANINGS[fault]


def dialects_of(profile: Profile, module: ModuleProfile) -> tuple[Dialect, ...]:
    """The ABIs in which guests can call a module of the host; empty if that was not measured.

    Raises UsageError if an ABI of its own is too long for the names of adapters."""
    if profile.tells_numbers:
        known = (WITX, WAMR, WASMEDGE)
        return tuple(dialect for dialect in known if dialect.layout.name in module.layouts)
    layouts = [layout for layout in LAYOUTS if layout.name in module.layouts]
    return tuple(_dialect(_numbers(profile, module, layout)) for layout in layouts)


def counts_floats(profile: Profile) -> bool | None:
    """Whether outputs of models other than OpenVINO's are counted in floats. (Adapters use one unit
    for all of these.) None if no such backend was measured."""
    units = {each.unit for each in profile.backends if each.encoding != "openvino"} - {None}
    return Unit.FLOATS in units if units else None


def answers(profile: Profile) -> dict[str, int]:
    """The errno that each fault returned, from the first backend that returned one."""
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
    """Whether names have the numbers that were measured. A name that was refused by every number
    may have any number, because guests cannot tell."""
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
    """The smallest table of a release that has the measured numbers, and apart from them only
    meanings that the host refuses. Using it avoids adapters for differences without effect."""

    def fits(table: Mapping[int, _Meaning]) -> bool:
        more = {number: meaning for number, meaning in table.items() if number not in own}
        return {**table, **own} == table and all(
            measured.get(meaning.name.lower()) == REFUSED for meaning in more.values()
        )

    return min(filter(fits, tables), key=len, default=own)


def _own_errnos(measured: _Numbers) -> Mapping[int, Errno]:
    """The errnos that the profile names; or the first numbering of a release that is consistent
    with the errnos of all faults; or the specification's errnos for those faults."""
    if measured.errnos:
        known = {each.name.lower(): each for each in Errno}
        return {number: known[name] for number, name in measured.errnos.items()}
    for dialect in OF_RELEASES:
        if measured.agrees_on_errnos(dialect.errnos) and measured.faults:
            return dialect.errnos
    return {0: Errno.SUCCESS, **dict(_seen(measured.faults))}


def _seen(faults: Mapping[str, int]) -> Iterator[tuple[int, Errno]]:
    """Errnos by number. If several faults share a number, the first one decides what it means."""
    said: set[int] = set()
    for fault, meanings in _MEANINGS.items():
        number = faults.get(fault)
        if number is not None and number not in said and number < LARGEST:
            said.add(number)
            yield number, meanings[0]
