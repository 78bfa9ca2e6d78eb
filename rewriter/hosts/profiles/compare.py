"""Differences between two profiles.

A row of the table is converted to a profile first (rewriter.hosts.profiles.of_row). A fact that
only one profile has is not a difference. Nor is it a difference if one profile has a number for an
encoding or a type that the other lacks or refuses: that depends on the build of the host and on the
models that it was tried with. Errnos are compared by the faults that returned them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from rewriter.abi.dialects import Errno, TensorType
from rewriter.hosts.host import Quirk
from rewriter.hosts.profiles.numbers import agrees
from rewriter.hosts.profiles.profile import HABITS, REFUSED, BackendProfile, Number, Profile
from rewriter.hosts.profiles.values import FUNCTION_TYPE

__all__ = ["Difference", "differences", "facts"]


class Difference(NamedTuple):
    """A key of the profile's file, with both values."""

    key: str
    one: str
    other: str

    def __str__(self) -> str:
        return f"{self.key}: {self.one}, and {self.other}"


def differences(one: Profile, other: Profile) -> list[Difference]:
    """All differences, in the order of the keys."""
    theirs = facts(other)
    found = [
        Difference(key, mine, theirs[key])
        for key, mine in facts(one).items()
        if theirs.get(key, mine) != mine
    ]
    return [*found, *_of_errnos(one, other), *sorted(_of_imports(one, other))]


def facts(profile: Profile) -> dict[str, str]:
    """Each known key with its value as text, except errnos and functions besides wasi-nn's."""
    return dict(_facts(profile))


def _facts(profile: Profile) -> Iterator[tuple[str, str]]:
    for name, module in profile.modules.items():
        known = {**dict.fromkeys(module.missing, False), **dict.fromkeys(module.functions, True)}
        for function, is_there in sorted(known.items()):
            yield f"modules.{name}.functions.{function}", "present" if is_there else "absent"
        if module.layouts:
            yield f"modules.{name}.layouts", " and ".join(sorted(module.layouts))
    yield from _numbers("types", profile.tensor_types)
    yield from _numbers("encodings", profile.encodings)
    for name, reads in profile.features.items():
        yield f"features.{name}", "accepted" if reads else "refused"
    linking, entry = profile.linking, profile.entry
    parts = {
        "linking.signatures": linking.signatures,
        "linking.traps": linking.traps,
        "type_bits": profile.type_bits,
        "names": profile.names,
        "one_model": profile.one_model,
        "most_pages": profile.most_pages,
        "stack_bytes": profile.stack_bytes,
        "nn_in_shared": profile.nn_in_shared,
        "in_first_memory": profile.in_first_memory,
        "places_output": profile.places_output,
        **{f"entry.{name}": it for name, it in entry._asdict().items() if name not in _WORDS},
        **{f"components.{name}": it for name, it in profile.components._asdict().items()},
        **{f"linking.makes.{kind}": sorted(it) for kind, it in (linking.makes or {}).items()},
    }
    yield from ((key, _shown(value)) for key, value in parts.items() if value is not None)
    for fault, answer in profile.faults.items():
        yield f"faults.{fault}", str(answer)
    for backend in profile.backends:
        yield from _of_backend(backend)


_WORDS = ("names_function",)
"""Fields that are free text."""


def _of_backend(backend: BackendProfile) -> Iterator[tuple[str, str]]:
    where = f"backends.{backend.encoding}"
    for kind, number in backend.types.items():
        if not backend.ignores_types:
            yield f"{where}.types.{kind}", "refused" if number == REFUSED else "taken"
    for fault, answer in backend.faults.items():
        yield f"{where}.faults.{fault}", str(answer)
    if backend.ignores_types is not None:
        yield f"{where}.ignores_types", _shown(backend.ignores_types)
    if backend.unit is not None:
        yield f"{where}.unit", backend.unit.name.lower()
    if backend.too_small is not None:
        yield f"{where}.too_small", backend.too_small.name.lower()
    if backend.exact is not None:
        yield f"{where}.exact", _shown(backend.exact)
    for habit, has in backend.habits.items():
        yield f"{where}.habits.{habit}", _shown(has)
    for output in TensorType if backend.gives is not None and not _converts(backend) else ():
        name = output.name.lower()
        yield f"{where}.gives.{name}", "right" if name in (backend.gives or ()) else "wrong"


def _converts(backend: BackendProfile) -> bool:
    """Whether the backend converts outputs, so that they do not have the model's types anyway."""
    return any(has and HABITS[name] is Quirk.CONVERTS for name, has in backend.habits.items())


def _numbers(where: str, numbers: Mapping[str, Number]) -> Iterator[tuple[str, str]]:
    for name, number in numbers.items():
        if number != REFUSED:
            yield f"{where}.{name}", str(number)


def _shown(value: object) -> str:
    if isinstance(value, (tuple, list, frozenset)):
        names = sorted(value) if isinstance(value, frozenset) else value
        return ", ".join(f"{name}" if name else "the unnamed one" for name in names) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _of_errnos(one: Profile, other: Profile) -> Iterator[Difference]:
    """Errnos that are not possible with the other profile's numbers, in both directions."""
    for mine, theirs, swapped in ((one, other, False), (other, one, True)):
        known = {each.name.lower(): each for each in Errno}
        errnos = {number: known[name] for number, name in theirs.errnos.items()}
        for where, fault, number in _faults(mine):
            if errnos and not agrees(fault, number, errnos):
                meant = errnos[number].name.lower() if number in errnos else "no errno"
                pair = (str(number), meant)
                yield Difference(f"{where}.{fault}", *(pair[::-1] if swapped else pair))


def _faults(profile: Profile) -> Iterator[tuple[str, str, int]]:
    for fault, answer in profile.faults.items():
        if isinstance(answer, int):
            yield "faults", fault, answer
    for backend in profile.backends:
        for fault, answer in backend.faults.items():
            if isinstance(answer, int):
                yield f"backends.{backend.encoding}.faults", fault, answer


def _of_imports(one: Profile, other: Profile) -> Iterator[Difference]:
    """Functions besides wasi-nn's. If a profile lists all of them, a missing one is absent."""
    for module in one.imports.keys() | other.imports.keys():
        mine, theirs = one.imports.get(module, {}), other.imports.get(module, {})
        for name in mine.keys() | theirs.keys():
            pair = [
                known.get(name, "absent" if profile.linking.complete else None)
                for known, profile in ((mine, one), (theirs, other))
            ]
            if None not in pair and pair[0] != pair[1]:
                shown = [FUNCTION_TYPE.write(each) for each in pair]
                yield Difference(f"imports.{module}.{name}", *shown)
