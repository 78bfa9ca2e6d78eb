"""Converts a row of the table to a profile, as if everything in it had been measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum

from rewriter.abi.dialects import LAYOUTS, MODULE_NAMES, Dialect, Encoding, Layout, TensorType
from rewriter.abi.measured import RAW_TYPES, functions_in
from rewriter.hosts.host import Backend, Host
from rewriter.hosts.profiles.components import components_profile
from rewriter.hosts.profiles.profile import (
    HABITS,
    REFUSED,
    BackendProfile,
    Entry,
    Linking,
    ModuleProfile,
    Note,
    Number,
    Profile,
    ProfiledHost,
)

__all__ = ["from_row"]

_READS_32_BITS, _UNPLACED = "NN237", "NN245"


def from_row(row: Host) -> Profile:
    """The profile of a row. What the row does not say stays unknown. A row's `others` are all
    functions that it defines."""
    dialect = row.dialects[-1]  # nnshim's last one has the functions of all the others
    in_floats = dialect.counts_floats
    return Profile(
        ProfiledHost(
            name=row.name,
            title=row.title,
            version=row.releases,
            graphs=row.graphs,
            needs=row.needs,
        ),
        modules={name: _module(row, name) for name in MODULE_NAMES},
        linking=Linking(
            traps=row.links_all,
            complete=row.others is not None,
            second_form=row.second_form,
            mixes_forms=row.mixes_forms,
            makes=row.makes,
        ),
        imports=row.others or {},
        optional=row.optional,
        types=_numbers(dialect.tensor_names, (*_names(TensorType), *RAW_TYPES)),
        encodings=_numbers(dialect.encoding_names, _names(Encoding)),
        errnos=dialect.errno_meanings,
        type_bits=32 if any(limit.code == _READS_32_BITS for limit in row.limits) else 8,
        names="nul needed" if dialect.wants_nul else "length",
        tells_numbers=row.tells_numbers,
        features={feature.name.lower(): reads for feature, reads in row.features.items()},
        most_pages=row.most_pages,
        stack_bytes=row.stack_bytes,
        nn_in_shared=row.nn_in_shared,
        in_first_memory=row.in_first_memory,
        places_output=all(limit.code != _UNPLACED for limit in row.limits),
        all_backends=True,
        entry=Entry(
            initializes=row.initializes,
            calls=(*row.entries, *row.mains),
            without_memory=row.without_memory,
            needs_memory=row.wants_memory,
            initializes_alone=row.initializes_alone,
            gives_arguments=row.gives_arguments,
            strict_start=row.strict_start,
            strict_main=row.strict_main,
            calls_imported=row.calls_imported,
            one_beginning=row.one_beginning,
            names_function=row.names_function,
        ),
        backends=tuple(_backend(backend, dialect, in_floats) for backend in row.backends),
        components=components_profile(row),
        notes=tuple(Note(each.code, each.message, each.function or "") for each in row.limits),
    )


def _module(row: Host, name: str) -> ModuleProfile:
    if name not in row.modules:
        return ModuleProfile(missing=frozenset(_names_of_functions(LAYOUTS)))
    functions = frozenset(name for dialect in row.dialects for name in dialect.functions)
    every = _names_of_functions(dialect.layout for dialect in row.dialects)
    layouts = dict.fromkeys(dialect.layout.name for dialect in row.dialects)
    return ModuleProfile(tuple(layouts), functions, frozenset(every - functions))


def _names_of_functions(layouts: Iterable[Layout]) -> set[str]:
    return {name for layout in layouts for name in functions_in(layout)}


def _names(kind: type[IntEnum]) -> list[str]:
    return [each.name.lower() for each in kind]


def _numbers(known: Mapping[int, str], every: Iterable[str]) -> dict[str, Number]:
    numbers = {name: number for number, name in known.items()}
    return {name: numbers.get(name, REFUSED) for name in every}


def _backend(backend: Backend, dialect: Dialect, in_floats: bool) -> BackendProfile:
    """If other backends count in floats, the unit of language models is not known: no row says
    it."""
    numbers = {kind: number for number, kind in dialect.tensor_types.items()}
    takes = backend.takes
    unit_known = backend.encoding is not Encoding.GGML or not in_floats
    return BackendProfile(
        backend.encoding.name.lower(),
        {
            kind.name.lower(): numbers.get(kind, REFUSED) if kind in takes else REFUSED
            for kind in TensorType
        }
        if takes is not None
        else {},
        ignores_types=backend.ignores_types,
        unit=backend.unit if unit_known else None,
        too_small=backend.too_small,
        library=backend.library,
        habits={name: quirk in backend.quirks for name, quirk in HABITS.items()},
        gives=frozenset(each.name.lower() for each in backend.gives or TensorType),
    )
