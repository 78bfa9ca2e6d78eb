"""Converts a profile to a row: one build of a host, from measurements alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from rewriter.abi.dialects import MODULE_NAMES, Dialect, Encoding, TensorType
from rewriter.diagnostics import Diagnostic
from rewriter.errors import UsageError
from rewriter.hosts.host import Backend, Feature, Host, Measured, Quirk, Unit, Unseen, dangers
from rewriter.hosts.parts import usual_parts
from rewriter.hosts.profiles.components import components_of
from rewriter.hosts.profiles.numbers import counts_floats, dialects_of
from rewriter.hosts.profiles.profile import (
    ABSENT,
    FAULTS,
    HABITS,
    REFUSED,
    BackendProfile,
    Entry,
    ModuleProfile,
    Profile,
)
from rewriter.hosts.profiles.unmeasured import unmeasured

__all__ = ["row_of"]


def row_of(profile: Profile, path: str) -> tuple[Host, tuple[Diagnostic, ...]]:
    """The row for a profile from the file `path`, and notes about it.

    Raises UsageError if the host registers no wasi-nn functions that guests could import.
    """
    registered = {name: it for name in MODULE_NAMES if (it := _registered(profile, name))}
    if not registered:
        raise UsageError(
            f"the profile {path} has no wasi-nn functions that guests could import: neither"
            f" {' nor '.join(MODULE_NAMES)} has functions in a known layout"
        )
    first, module = next(iter(registered.items()))
    alike = [name for name, each in registered.items() if each.layouts == module.layouts]
    dialects = dialects_of(profile, _together([registered[name] for name in alike]))
    backends = tuple(map(_backend, profile.backends))
    row = Host(
        name=path,
        title=_title(profile),
        modules=tuple(alike),
        dialects=dialects,
        source=_source(profile),
        limits=_limits(profile, backends, dialects[0]),
        backends=backends,
        graphs=profile.host.graphs,
        needs=profile.host.needs,
        others={
            name: {function: it for function, it in functions.items() if it != ABSENT}
            for name, functions in profile.imports.items()
        },
        optional=profile.optional,
        links_all=bool(profile.linking.traps),
        second_form=profile.linking.second_form,
        makes=profile.linking.makes or {},
        tells_numbers=profile.tells_numbers,
        mixes_forms=profile.linking.mixes_forms,
        features=_features(profile),
        most_pages=profile.most_pages or 65536,
        most_wide_pages=profile.most_pages or 65536,
        stack_bytes=profile.stack_bytes or 0,
        nn_in_shared=bool(profile.nn_in_shared),
        in_first_memory=bool(profile.in_first_memory),
        **_beginning(profile.entry),
        components=components_of(profile.components),
        takes_no_components=profile.components.runs is False,
        measured=Measured(
            absent=_absent(profile),
            makes=profile.linking.makes is not None,
            backends=_unknown_backends(profile),
            open=_open(profile),
            answers=_answers(profile),
            names=profile.names,
            about=_about(profile),
        ),
    )
    return row, tuple(_left_out(first, registered, alike))


def _open(profile: Profile) -> frozenset[str]:
    """The fields of a row that the profile does not say."""
    entry = profile.entry
    known = {
        "most_pages": profile.most_pages,
        "stack_bytes": profile.stack_bytes,
        "nn_in_shared": profile.nn_in_shared,
        "in_first_memory": profile.in_first_memory,
        "initializes": entry.initializes,
        "initializes_alone": entry.initializes_alone,
        "strict_start": entry.strict_start,
        "strict_main": entry.strict_main,
        "one_beginning": entry.one_beginning,
        "wants_memory": entry.needs_memory,
        "without_memory": entry.without_memory,
    }
    return frozenset(field for field, value in known.items() if value is None)


def _features(profile: Profile) -> Mapping[Feature, bool]:
    """The known features, including implied ones. A host treats the types of garbage collection
    like its instructions, and an imported shared memory like a defined one. If it accepts garbage
    collection, it also accepts final types."""
    known = profile.features
    if "gc" in known:
        known = {"gc_types": known["gc"], "open_types": known["gc"], **known}
    if known.get("gc"):
        known = {"final_types": True, **known}
    if "threads" in known:
        known = {"shared_import": known["threads"], **known}
    return {each: known[each.name.lower()] for each in Feature if each.name.lower() in known}


_USUAL = ("", "_start")
"""Entry functions. Others that a host calls are the `main` functions of C."""


def _beginning(entry: Entry) -> dict[str, Any]:
    """The fields about starting a module. If it was not measured how arguments are passed, or how
    the user names another function, the verdict is a condition."""
    calls = entry.calls or ()
    how = "in a way that was not measured" if entry.calls else ""
    return {
        "initializes": bool(entry.initializes),
        "initializes_alone": bool(entry.initializes_alone),
        "entries": tuple(name for name in calls if name in _USUAL),
        "mains": tuple(name for name in calls if name not in _USUAL),
        "gives_arguments": entry.gives_arguments is not False,
        "strict_start": bool(entry.strict_start),
        "strict_main": bool(entry.strict_main),
        "calls_imported": entry.calls_imported is not False,
        "one_beginning": bool(entry.one_beginning),
        "names_function": how if entry.names_function is None else entry.names_function,
        "wants_memory": bool(entry.needs_memory),
        "without_memory": entry.without_memory,
    }


def _registered(profile: Profile, name: str) -> ModuleProfile | None:
    module = profile.modules.get(name)
    return module if module is not None and module.functions and module.layouts else None


def _together(modules: list[ModuleProfile]) -> ModuleProfile:
    """The functions that all names of the host have, because a guest may be given any name."""
    functions = frozenset.intersection(*(each.functions for each in modules))
    missing = frozenset[str]().union(*(each.missing for each in modules))
    return ModuleProfile(modules[0].layouts, functions, missing)


def _left_out(
    first: str, registered: Mapping[str, ModuleProfile], alike: list[str]
) -> Iterator[Diagnostic]:
    for name in registered.keys() - alike:
        message = (
            f"it registers {name} in another layout than {first}, which nnshim adapts guests to"
        )
        yield Diagnostic("NN275", message)


def _title(profile: Profile) -> str:
    version = f" ({profile.host.version})" if profile.host.version else ""
    return f"{profile.host.title or profile.host.name}{version}, as measured"


def _about(profile: Profile) -> Mapping[str, str]:
    host = profile.host
    told = {
        "host": host.name,
        "version": host.version,
        "commit": host.commit,
        "built": host.built,
        "options": " ".join(host.options),
        "command": " ".join(host.command),
        "measured": host.measured,
        "tool": host.tool,
    }
    return {key: value for key, value in told.items() if value}


def _source(profile: Profile) -> str:
    host = profile.host
    command = " ".join(host.command) or "an unknown command"
    when = f" on {host.measured}" if host.measured else ""
    commit = f", of commit {host.commit}" if host.commit else ""
    return f"measured{when} with {command}{commit}"


def _backend(backend: BackendProfile) -> Backend:
    """The row's backend. `takes` is known only if all types were tried."""
    every = all(kind.name.lower() in backend.types for kind in TensorType)
    takes = frozenset(
        kind for kind in TensorType if backend.types.get(kind.name.lower(), REFUSED) != REFUSED
    )
    return Backend(
        Encoding[backend.encoding.upper()],
        takes if every else None,
        backend.unit or Unit.BYTES,
        backend.too_small,
        backend.library,
        bool(backend.ignores_types),
        gives=_kinds(backend.gives),
        quirks=frozenset(HABITS[name] for name, has in backend.habits.items() if has),
        parts=usual_parts(Encoding[backend.encoding.upper()]),
        unseen=Unseen(
            quirks=frozenset(it for name, it in HABITS.items() if name not in backend.habits),
            types=None if every else _known_types(backend),
            gives=_seen_to_give(backend),
        ),
    )


def _seen_to_give(backend: BackendProfile) -> frozenset[TensorType] | None:
    """The types of outputs that were seen to come back right; None if others do not. Types that
    wasi-nn lacks were not tried."""
    if backend.gives is None:
        return _SURELY if backend.unit else frozenset()
    return frozenset(TensorType) if _kinds(backend.gives) is None else None


_SURELY = frozenset((TensorType.F32,))
"""The type of the output with which get_output's unit was measured."""


def _kinds(names: frozenset[str] | None) -> frozenset[TensorType] | None:
    """None if these are all types, as in the table, or if they were not measured."""
    if names is None or len(names) == len(TensorType):
        return None
    return frozenset(TensorType[name.upper()] for name in names)


def _known_types(backend: BackendProfile) -> Mapping[TensorType, bool]:
    """The types that were tried, and whether the backend accepts each."""
    known = {kind: backend.types.get(kind.name.lower()) for kind in TensorType}
    return {kind: number != REFUSED for kind, number in known.items() if number is not None}


def _unknown_backends(profile: Profile) -> frozenset[Encoding]:
    """The encodings for which no model was tried."""
    if profile.all_backends:
        return frozenset()
    known = {each.encoding for each in profile.backends}
    known |= {name for name, number in profile.encodings.items() if number == REFUSED}
    return frozenset(each for each in Encoding if each.name.lower() not in known)


def _absent(profile: Profile) -> Mapping[str, frozenset[str]] | None:
    if profile.linking.complete:
        return None
    return {
        name: frozenset(function for function, it in functions.items() if it == ABSENT)
        for name, functions in profile.imports.items()
    }


def _answers(profile: Profile) -> Mapping[str, int | str]:
    """The outcome of each fault, from the first backend that has it."""
    found: dict[str, int | str] = {}
    for faults in (profile.faults, *(backend.faults for backend in profile.backends)):
        for fault, answer in faults.items():
            found.setdefault(fault, answer)
    return found


def _limits(
    profile: Profile, backends: tuple[Backend, ...], dialect: Dialect
) -> tuple[Diagnostic, ...]:
    """The profile's notes, and diagnostics from measurements for codes that the notes lack."""
    noted = tuple(
        Diagnostic(note.code, note.message, function=note.function or None)
        for note in profile.notes
    )
    codes = {note.code for note in noted}
    found = itertools.chain(
        _habits(profile, wants_nul=dialect.wants_nul),
        _units(profile, dialect),
        dangers(backends),
        unmeasured(profile, wants_nul=dialect.wants_nul),
    )
    return (*noted, *(each for each in found if each.code not in codes))


def _habits(profile: Profile, *, wants_nul: bool) -> Iterator[Diagnostic]:
    """Diagnostics about the host's habits. NN309 is left out for hosts that need a NUL after names,
    because it is reported for all of them elsewhere."""
    if profile.type_bits == 32:
        yield Diagnostic("NN237", "a tensor's type is read as 32 bits")
    whole = [each.encoding for each in profile.backends if each.exact is False]
    if whole:
        message = f"an output of {_listed(whole)} is not copied into a buffer of exactly its size"
        yield Diagnostic("NN236", message)
    if profile.one_model:
        yield Diagnostic("NN243", "each load replaces the previous model")
    ends_configured = [each.encoding for each in profile.backends if _ends_configured(each)]
    if ends_configured and not wants_nul:
        message = (
            f"load_by_name_with_config ends the host's process with {_listed(ends_configured)}"
        )
        yield Diagnostic("NN309", message, function="load_by_name_with_config")
    if profile.places_output is False:
        message = (
            "fd_pwrite to standard output fails with notcapable on this host: a guest"
            " has to fall back to fd_write"
        )
        yield Diagnostic("NN245", message, function="fd_pwrite")
    ends = dict.fromkeys(
        fault
        for faults in (profile.faults, *(backend.faults for backend in profile.backends))
        for fault, answer in faults.items()
        if answer in ("aborts", "hangs")
    )
    if ends:
        message = (
            f"the host's process ends or hangs after: {'; '.join(FAULTS[fault] for fault in ends)}"
        )
        yield Diagnostic("NN273", message)


def _ends_configured(backend: BackendProfile) -> bool:
    return any(
        has and HABITS[name] is Quirk.CONFIGURED_ENDS for name, has in backend.habits.items()
    )


def _units(profile: Profile, dialect: Dialect) -> Iterator[Diagnostic]:
    """Reports backends that count in an unexpected unit. Adapters use one unit for all backends but
    OpenVINO's, and guests with WAMR's layout count in floats."""
    in_floats = counts_floats(profile) or dialect.layout.output_unit != 1
    others = Unit.FLOATS if in_floats else Unit.BYTES
    wrong = [
        each.encoding
        for each in profile.backends
        if each.unit not in (None, Unit.BYTES if each.encoding == "openvino" else others)
    ]
    if wrong:
        message = f"outputs of {_listed(wrong)} are counted in another unit than guests expect"
        yield Diagnostic("NN274", message, function="get_output")


def _listed(names: list[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
