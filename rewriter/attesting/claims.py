"""What a Statement claims about a rewrite, read strictly: anything that could be understood in two
ways is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from rewriter.attesting import strict_json
from rewriter.attesting.rewritten import File
from rewriter.attesting.statement import BUILD_TYPE, BUILDER, PREDICATE_TYPE, STATEMENT_TYPE
from rewriter.errors import AttestationError

__all__ = ["Change", "Claims", "read_claims"]

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)

T = TypeVar("T")


class Change(NamedTuple):
    """What a statement says the rewrite did. `renamed` has old and new names, `adapted` the
    functions whose adapters changed, `notes` the codes of what was reported."""

    renamed: frozenset[tuple[str, str]]
    adapted: frozenset[str]
    dropped: frozenset[str]
    marked: str | None
    notes: frozenset[str]


class Claims(NamedTuple):
    """What a statement says. The role of the `subjects` is `subject`, and `files` are what the
    rewrite read. `versions` are those of tools."""

    subjects: Sequence[File]
    files: Sequence[File]
    options: Mapping[str, Any]
    change: Change
    versions: Mapping[str, str]

    @property
    def input(self) -> File:
        """The file that was rewritten."""
        return next(file for file in self.files if file.role == "input")

    @property
    def renames(self) -> dict[str, str]:
        """The option `renames`."""
        return dict(self.options.get("renames", {}))

    @property
    def outputs(self) -> dict[int, str]:
        """The option `outputs`."""
        return self._named("outputs")

    @property
    def inputs(self) -> dict[int, str]:
        """The option `inputs`."""
        return self._named("inputs")

    def _named(self, option: str) -> dict[int, str]:
        return {int(index): name for index, name in self.options.get(option, {}).items()}


def read_claims(payload: bytes) -> Claims:
    """Raises AttestationError if it is not a Statement about a rewrite by nnshim, or if one of its
    subjects or files lacks a SHA-256."""
    try:
        told = strict_json.loads(payload)
    except ValueError as error:
        raise _unreadable(f"the statement is not JSON: {error}") from error
    _check_kind(told)
    predicate = _get(told, "predicate", dict)
    definition = _get(predicate, "buildDefinition", dict)
    _check(_get(definition, "buildType", str), BUILD_TYPE, "buildType")
    builder = _get(_get(predicate, "runDetails", dict), "builder", dict)
    _check(_get(builder, "id", str), BUILDER, "builder.id")
    versions = _get(builder, "version", dict)
    if not all(isinstance(version, str) for version in versions.values()):
        raise _unreadable("builder.version has something other than text")
    subjects = [_file(each, "subject") for each in _get(told, "subject", list)]
    files = [_file(each, "") for each in _get(definition, "resolvedDependencies", list)]
    if not subjects:
        raise _unreadable("there is no subject")
    if [file.role for file in files].count("input") != 1:
        raise _unreadable("resolvedDependencies has to have one `input`")
    options = _get(definition, "externalParameters", dict)
    _check_options(options)
    change = _change(_get(definition, "internalParameters", dict))
    return Claims(subjects, files, options, change, versions)


def _check_kind(told: object) -> None:
    if not isinstance(told, dict):
        raise _unreadable("the statement is not a JSON object")
    _check(_get(told, "_type", str), STATEMENT_TYPE, "_type")
    _check(_get(told, "predicateType", str), PREDICATE_TYPE, "predicateType")


def _check(found: str, expected: str, name: str) -> None:
    if found != expected:
        reason = f"this is not about a rewrite by nnshim: its {name} is {found!r}, not {expected}"
        raise AttestationError(reason, "NN434")


def _check_options(options: Mapping[str, Any]) -> None:
    for name in ("renames", "inputs", "outputs"):
        value = options.get(name, {})
        if not (isinstance(value, dict) and all(isinstance(new, str) for new in value.values())):
            raise _unreadable(f"the option {name} does not map names to names")
        if name != "renames" and not all(
            re.fullmatch(r"[0-9]{1,10}", index, re.ASCII) for index in value
        ):
            raise _unreadable(f"the option {name} has something other than an index")


def _change(told: Mapping[str, Any]) -> Change:
    renamed = frozenset(
        (_get(each, "from", str), _get(each, "to", str)) for each in _get(told, "renamed", list)
    )
    adapted = frozenset(_get(each, "function", str) for each in _get(told, "adapted", list))
    marked = told.get("marked")
    if not isinstance(marked, str | None):
        raise _unreadable("marked is not text")
    return Change(renamed, adapted, _texts(told, "dropped"), marked, _texts(told, "notes"))


def _texts(told: Mapping[str, Any], name: str) -> frozenset[str]:
    found = _get(told, name, list)
    if not all(isinstance(each, str) for each in found):
        raise _unreadable(f"{name} has something other than text")
    return frozenset(found)


def _file(told: object, role: str) -> File:
    digest = _get(told, "digest", dict)
    sha256 = _get(digest, "sha256", str)
    if not _SHA256.fullmatch(sha256):
        raise _unreadable(f"sha256 is {sha256!r}, not 64 hexadecimal digits")
    annotations = told.get("annotations", {}) if isinstance(told, dict) else {}
    named = told.get("name", "") if isinstance(told, dict) else ""
    name = annotations.get("file", "") if isinstance(annotations, dict) and not role else named
    if not (isinstance(named, str) and isinstance(name, str)):
        raise _unreadable("a name is not text")
    return File(role or named, name, sha256)


def _get(told: object, name: str, kind: type[T]) -> T:
    value = told.get(name) if isinstance(told, dict) else None
    if not isinstance(value, kind):
        raise _unreadable(f"{name} is missing, or of the wrong kind")
    return value


def _unreadable(reason: str) -> AttestationError:
    return AttestationError(reason, "NN431")
