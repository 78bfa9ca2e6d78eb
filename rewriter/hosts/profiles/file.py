"""Profiles as files, in TOML: docs/profiles.md describes each key.

If a key is missing or its value is "not measured", nothing is known about it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from rewriter.abi.dialects import LAYOUTS, Encoding, Errno, TensorType
from rewriter.abi.measured import LARGEST, RAW_TYPES
from rewriter.abi.snapshots import VERSIONED
from rewriter.codes import all_codes
from rewriter.errors import UsageError
from rewriter.file_kinds import mistaken, special
from rewriter.hosts.host import TooSmall, Unit
from rewriter.hosts.profiles import toml, values
from rewriter.hosts.profiles.profile import (
    FAULTS,
    FEATURES,
    FORMAT,
    HABITS,
    REFUSED,
    BackendProfile,
    ComponentsProfile,
    Entry,
    Linking,
    ModuleProfile,
    Names,
    Note,
    Profile,
    ProfiledHost,
    Signatures,
)
from rewriter.hosts.profiles.values import FLAG, TEXT, Wrong, list_of, number_or, one_of, set_of

__all__ = ["read", "read_file", "write"]

_LARGEST = 1 << 18
"""The largest file, in bytes. The probe writes about 10,000."""

_LONGEST = 1 << 13
"""The longest line, in characters: tomllib's time grows with the square of a key's length."""

_TYPE_NAMES = (*(each.name.lower() for each in TensorType), *RAW_TYPES)
_ENCODING_NAMES = tuple(each.name.lower() for each in Encoding)
_ERRNO_NAMES = tuple(each.name.lower() for each in Errno)

_NUMBER = number_or(REFUSED, below=LARGEST)
_TYPES = values.table_of(_NUMBER, _TYPE_NAMES, "the type")
_ENCODINGS = values.table_of(_NUMBER, _ENCODING_NAMES, "the encoding")
_ANSWERS = values.table_of(number_or("traps", "aborts", "hangs"), FAULTS, "the fault")

_HOST = values.record(
    ProfiledHost,
    {
        "name": TEXT,
        "title": TEXT,
        "command": list_of,
        "version": TEXT,
        "commit": TEXT,
        "options": list_of,
        "built": TEXT,
        "measured": TEXT,
        "tool": TEXT,
        "graphs": TEXT,
        "needs": list_of,
    },
)
_MODULE = values.record(
    ModuleProfile,
    {
        "layouts": values.tuple_of(one_of([layout.name for layout in LAYOUTS])),
        "functions": set_of,
        "missing": set_of,
    },
)
_LINKING = values.record(
    Linking,
    {
        "signatures": one_of(get_args(Signatures)),
        "traps": FLAG,
        "complete": FLAG,
        "second_form": TEXT,
        "mixes_forms": FLAG,
        "makes": values.table_of(set_of, ("memory", "table", "global"), "the kind"),
    },
)
_ENTRY = values.record(
    Entry,
    {
        "initializes": FLAG,
        "calls": list_of,
        "start": FLAG,
        "without_memory": set_of,
        "needs_memory": FLAG,
        "initializes_alone": FLAG,
        "gives_arguments": FLAG,
        "strict_start": FLAG,
        "strict_main": FLAG,
        "calls_imported": FLAG,
        "one_beginning": FLAG,
        "names_function": TEXT,
    },
)
_BACKEND = values.record(
    BackendProfile,
    {
        "encoding": one_of(_ENCODING_NAMES),
        "ignores_types": FLAG,
        "unit": values.enum_of(Unit),
        "exact": FLAG,
        "too_small": values.enum_of(TooSmall),
        "library": TEXT,
        "gives": values.set_of_known([each.name.lower() for each in TensorType]),
        "types": _TYPES,
        "habits": values.table_of(FLAG, HABITS, "the habit"),
        "faults": _ANSWERS,
    },
)
_COMPONENTS = values.record(
    ComponentsProfile,
    {
        "runs": FLAG,
        "wasi_nn": values.tuple_of(one_of(["", *(each.version for each in VERSIONED)])),
        "wasi": list_of,
        "exits_with_code": FLAG,
    },
)
_NOTE = values.record(
    Note,
    {
        "code": one_of([each.number for each in all_codes()]),
        "message": TEXT,
        "function": TEXT,
    },
)
_PROFILE = values.record(
    Profile,
    {
        "type_bits": one_of((8, 32)),
        "names": one_of(get_args(Names)),
        "tells_numbers": FLAG,
        "one_model": FLAG,
        "most_pages": values.number_or(below=LARGEST),
        "stack_bytes": values.number_or(below=LARGEST),
        "nn_in_shared": FLAG,
        "in_first_memory": FLAG,
        "places_output": FLAG,
        "all_backends": FLAG,
        "host": _HOST,
        "modules": values.table_of(_MODULE),
        "linking": _LINKING,
        "entry": _ENTRY,
        "types": _TYPES,
        "encodings": _ENCODINGS,
        "errnos": values.by_number(one_of(_ERRNO_NAMES), LARGEST),
        "faults": _ANSWERS,
        "features": values.table_of(FLAG, FEATURES, "the feature"),
        "backends": values.tuple_of(_BACKEND),
        "components": _COMPONENTS,
        "notes": values.tuple_of(_NOTE),
        "optional": values.table_of(TEXT),
        "imports": values.table_of(values.table_of(values.FUNCTION_TYPE)),
    },
)


def read_file(path: str) -> Profile:
    """The profile in a file. Raises UsageError if it cannot be read or is not a profile."""
    what = special(path)
    if what is not None:
        raise UsageError(f"cannot read the profile {path}: this is {what}, not a regular file")
    try:
        with Path(path).open("rb") as file:
            data = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read the profile {path}: {reason}") from error
    try:
        if len(data) > _LARGEST:
            raise UsageError(f"the profile {path} is larger than {_LARGEST} bytes")
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise UsageError(f"the profile {path} is not UTF-8 (at byte {error.start})") from error
        return read(text, path)
    except UsageError as error:
        found = mistaken(data, "a host's profile", text=True)
        if found is None or data.startswith(b"["):  # which TOML may begin with, too
            raise
        raise UsageError(f"{path}: {'; '.join(found)}") from error


def read(text: str, name: str = "<text>") -> Profile:
    """Parse a profile from TOML. Errors call it `name`. Raises UsageError for an invalid one."""
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > _LONGEST:
            message = f"line {number} is longer than {_LONGEST} characters"
            raise UsageError(f"the profile {name} is not valid: {message}")
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"the profile {name} is not TOML: {error}") from error
    except ValueError as error:  # Python raises it for a number of more than 4,300 digits
        raise UsageError(
            f"the profile {name} is not valid: a number has too many digits"
        ) from error
    try:
        if "graphs" in table and "format" not in table:
            raise Wrong("graphs", "this file names graphs: `nnshim run --graphs` takes it")
        _check_format(table.pop("format", None))
        profile: Profile = _PROFILE.read(table, "")
        _check(profile)
    except Wrong as error:
        raise UsageError(f"the profile {name} is not valid: {error}") from error
    return profile


def write(profile: Profile) -> str:
    """A profile as TOML, which `read` turns back into the same profile."""
    return toml.text({"format": FORMAT, **_PROFILE.write(profile)})


def _check_format(number: object) -> None:
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise Wrong("format", f"expected a number, such as {FORMAT}, found {number!r}")
    if number > FORMAT:
        message = f"{number} is newer than {FORMAT}, the newest that this nnshim reads; update it"
        raise Wrong("format", message)


def _check(profile: Profile) -> None:
    """Raise Wrong if two entries contradict each other, or share a number."""
    said: dict[str, tuple[object, str]] = {}
    tables = [("types", profile.types)]
    tables += [(f"backends.{each.encoding}.types", each.types) for each in profile.backends]
    for where, types in tables:
        for kind, number in types.items():
            before, there = said.setdefault(kind, (number, where))
            if REFUSED not in (before, number) and before != number:
                raise Wrong(f"{where}.{kind}", f"{number}, but {there} has {before}")
            if before == REFUSED:
                said[kind] = (number, where)
    _check_distinct("types", profile.tensor_types)
    _check_distinct("encodings", profile.encodings)
    for name, module in profile.modules.items():
        both = sorted(module.functions & module.missing)
        if both:
            raise Wrong(f"modules.{name}", f"{both[0]} is both in functions and in missing")
    names = [backend.encoding for backend in profile.backends]
    for encoding in names:
        if names.count(encoding) > 1:
            raise Wrong("backends", f"two backends have the encoding {encoding}")


def _check_distinct(where: str, numbers: Mapping[str, object]) -> None:
    names: dict[object, str] = {}
    for name, number in numbers.items():
        if number != REFUSED and names.setdefault(number, name) != name:
            raise Wrong(where, f"{names[number]} and {name} are both {number}")
