"""Converts a probe's measurements to a profile, with the profile's names and nothing added."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from rewriter.abi.wasi import PREVIEW_0, PREVIEW_1, WASI, WASI_UNSTABLE
from rewriter.hosts.host import TooSmall, Unit
from rewriter.hosts.profiles.profile import (
    ABSENT,
    FEATURES,
    REFUSED,
    Answer,
    BackendProfile,
    ComponentsProfile,
    Entry,
    Linking,
    ModuleProfile,
    Names,
    Number,
    Profile,
    ProfiledHost,
)
from rewriter.probing import measured
from rewriter.probing.command import End
from rewriter.probing.linking import MODULES, nn_functions
from rewriter.probing.measured import Backend, Entries, Interface, Measured, NameEnd, Unknown
from rewriter.probing.modules.models import TYPES
from rewriter.wasm.types import FuncType

__all__ = ["profile_of"]

_UNITS = {measured.Unit.BYTES: Unit.BYTES, measured.Unit.ELEMENTS: Unit.FLOATS}
"""The measured output consists of 32-bit floats."""

_ENDS: Mapping[NameEnd, Names] = {
    NameEnd.LENGTH: "length",
    NameEnd.ZERO_NEEDED: "nul needed",
    NameEnd.ZERO: "nul",
}

_TYPES = {WASI: PREVIEW_1, WASI_UNSTABLE: PREVIEW_0}


def profile_of(found: Measured, host: ProfiledHost) -> Profile:
    """The profile of what was found. `host` has what the user said about the host."""
    first = _first(found.interfaces)
    backends = () if first is None else first.backends
    return Profile(
        host,
        modules={**_absent(found), **{each.module: _module(each) for each in found.interfaces}},
        linking=Linking(
            signatures=None if first is None or not first.signatures else first.signatures.value,
            traps=None if found.unknown_imports is None else found.unknown_imports is _TRAPS,
        ),
        imports=_imports(found),
        encodings={} if first is None else _encodings(first),
        faults={} if first is None else _answers(dict(_bare(first)), signals=found.signals),
        type_bits=_agreed(each.width.value for each in backends if each.width),
        names=_ENDS[first.names.end] if first and first.names and first.names.end else None,
        one_model=_one_model(backends),
        tells_numbers=any(each.tells_types for each in backends),
        nn_in_shared=found.in_shared,
        in_first_memory=found.in_first,
        places_output=None if found.placed is None else found.placed in _GOES_ON,
        features={name: reads for name, reads in found.features.items() if name in FEATURES},
        entry=_entry(found.entries),
        backends=tuple(_backend(each, signals=found.signals) for each in backends),
        components=_components(found.components),
    )


_TRAPS = Unknown.TRAPS

_GOES_ON = (0, 70)
"""WASI errnos after which guests continue: success and spipe. See NN245."""


def _components(found: measured.Components | None) -> ComponentsProfile:
    return ComponentsProfile() if found is None else ComponentsProfile(*found)


def _first(interfaces: Iterable[Interface]) -> Interface | None:
    """The interface under which models run, or else any that is registered."""
    return max(interfaces, key=lambda each: bool(each.backends), default=None)


def _agreed(values: Iterable[int]) -> int | None:
    """The value if all are equal; None if they differ or there are none."""
    distinct = {*values}
    return distinct.pop() if len(distinct) == 1 else None


def _one_model(backends: Iterable[Backend]) -> bool | None:
    found = _agreed(each.one_model for each in backends if each.one_model is not None)
    return None if found is None else bool(found)


def _entry(entries: Entries) -> Entry:
    alone, with_start = entries.initialize_alone, entries.initialize
    return Entry(
        initializes=alone or bool(with_start),
        calls=entries.called,
        start=entries.start,
        without_memory=None if entries.needs_memory else _without_memory(entries),
        needs_memory=entries.needs_memory,
        initializes_alone=None if with_start is None else alone and entries.odd_initialize,
        strict_start=None if entries.called is None else not entries.takes_results,
        strict_main=None if entries.takes_any_main is None else not entries.takes_any_main,
        one_beginning=None if entries.both is None else not entries.both,
    )


def _absent(found: Measured) -> dict[str, ModuleProfile]:
    """All modules as missing, if the host shows which imports it does not define."""
    if found.unknown_imports in (None, Unknown.ANSWERS):
        return {}
    return {
        module: ModuleProfile(missing=frozenset(each.name for each in nn_functions(module)))
        for module in MODULES
    }


def _module(interface: Interface) -> ModuleProfile:
    """The profile of one import module. No layout works if the host mixes layouts."""
    uniform = [each[0].value for each in interface.layouts if len({*each}) == 1]
    every = {each.name for each in nn_functions(interface.module)}
    return ModuleProfile(
        tuple(uniform),
        frozenset(interface.functions),
        frozenset(every.difference(interface.functions)),
    )


def _imports(found: Measured) -> dict[str, dict[str, FuncType | Literal["absent"]]]:
    """WASI's functions. Exit codes that come through show that proc_exit is there."""
    imports: dict[str, dict[str, FuncType | Literal["absent"]]] = {}
    for module, functions in (found.wasi or {}).items():
        types = _TYPES[module]
        there: dict[str, FuncType | Literal["absent"]] = {
            name: types[name] if is_there else ABSENT for name, is_there in functions.items()
        }
        if module == WASI and found.codes:
            there["proc_exit"] = types["proc_exit"]
        imports[module] = dict(sorted(there.items()))
    return imports


def _encodings(interface: Interface) -> dict[str, Number]:
    """The numbers of formats. autodetect has the only other number under which all of them load.
    If no model runs at all, no number is known: a host without a backend refuses all of them."""
    if not interface.backends:
        return {}
    numbers: dict[str, Number] = {}
    for format_, answers in interface.encodings.items():
        known = [each.encoding for each in interface.backends if each.format == format_]
        if known:
            numbers[format_] = known[0]
        elif answers and all(given != 0 for given in answers.values()):
            numbers[format_] = REFUSED
    loaded = [
        {number for number, given in answers.items() if given == 0}
        for format_, answers in interface.encodings.items()
        if numbers.get(format_, REFUSED) != REFUSED
    ]
    shared = set.intersection(*loaded).difference(numbers.values()) if len(loaded) > 1 else set()
    if len(shared) == 1:
        numbers["autodetect"] = shared.pop()
    return numbers


def _answers(given: Mapping[str, measured.Answer], *, signals: bool) -> dict[str, Answer]:
    """The known answers. An exit code that can mean a trap or an abort counts as a trap if aborts
    are seen as signals; otherwise the answer is left out."""
    words: dict[End, Answer] = {End.TRAPS: "traps", End.ABORTS: "aborts", End.HANGS: "hangs"}
    if signals:
        words[End.UNCLEAR] = "traps"
    return {
        fault: answer if isinstance(answer, int) else words[answer]
        for fault, answer in given.items()
        if isinstance(answer, int) or answer in words
    }


def _bare(interface: Interface) -> Iterator[tuple[str, measured.Answer]]:
    """Faults that need no model."""
    given = dict(interface.faults)
    if interface.names is not None:
        if interface.names.unknown_with_zero is not None:
            given["name_unknown"] = interface.names.unknown_with_zero
        if interface.names.outside is not None:
            given["name_pointer"] = interface.names.outside
    yield from sorted(given.items())


def _without_memory(entries: Entries) -> frozenset[str] | None:
    """WASI functions that work without a memory, if the host accepts a module without one."""
    if entries.exit_without_memory is None:
        return None
    return frozenset(("proc_exit",) if entries.exit_without_memory else ())


def _backend(backend: Backend, *, signals: bool) -> BackendProfile:
    types: dict[str, Number] = {
        name: backend.types.get(name, REFUSED)
        for name in TYPES
        if name in backend.types or name in backend.refused
    }
    given = dict(sorted(backend.faults.items()))
    other = backend.types.get("i32")
    if other is not None and other in backend.answers:
        given["input_other_type"] = backend.answers[other]
    return BackendProfile(
        backend.format,
        types=types,
        ignores_types=backend.ignores_types,
        unit=None if backend.written is None else _UNITS[backend.written],
        exact=_exact(backend),
        too_small=_too_small(backend),
        faults=_answers(given, signals=signals),
        habits=backend.habits,
        gives=backend.gives,
    )


def _exact(backend: Backend) -> bool | None:
    """Whether a buffer suffices if it is declared exactly as large as the output, in the unit of
    the stored size."""
    most = max((room.agreeing for room in backend.rooms), default=0)
    whole = [room for room in backend.rooms if room.answer == 0 and room.agreeing == most]
    size = _agreed(room.written for room in whole if room.written is not None)
    exact = [room for room in backend.rooms if room.declared == size]
    return any(room in whole for room in exact) if exact and most else None


def _too_small(backend: Backend) -> TooSmall | None:
    """TooSmall has no value for a trap of the guest; the fault's answer says it instead."""
    if backend.bounds is None or backend.bounds is measured.Bounds.TRAPS:
        return None
    return TooSmall[backend.bounds.name]
