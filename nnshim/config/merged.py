"""What is in force: the command line's values, then the file's, then the defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, NamedTuple

from nnshim.config.config import Config

if TYPE_CHECKING:
    from nnshim.config.found import File

__all__ = ["Given", "InForce", "Value", "in_force", "only_host", "values"]


class Given(NamedTuple):
    """What the command line says. An empty list does not count."""

    files: Sequence[str] | None = None
    hosts: Sequence[str] | None = None
    exclude: Sequence[str] | None = None
    models: Sequence[str] | None = None
    strict: bool | None = None
    accept: Sequence[str] | None = None


class InForce(NamedTuple):
    """The values that a command uses. A list of the command line replaces the file's. Without
    `hosts`, every host is meant."""

    files: Sequence[str]
    hosts: Sequence[str]
    exclude: Sequence[str]
    models: Sequence[str]
    strict: bool
    accept: Sequence[str]


class Value(NamedTuple):
    """A value in force. `key` has dots between tables. `source` is "command line", "file" or
    "default", and `line` the number of the file's line, None if it is not known."""

    key: str
    value: object
    source: str
    line: int | None = None


def in_force(config: Config, given: Given) -> InForce:
    def of(key: str) -> Sequence[str]:
        return getattr(given, key) or getattr(config, key) or ()

    strict = config.strict if given.strict is None else given.strict
    return InForce(
        files=of("files"),
        hosts=of("hosts"),
        exclude=given.exclude or config.excluded,
        models=of("models"),
        strict=bool(strict),
        accept=of("accept"),
    )


def only_host(config: Config) -> tuple[str | None, str | None]:
    """The host that modules are rewritten for, if the file names one, and what is said of that."""
    if not config.hosts:
        return None, None
    if len(config.hosts) > 1:
        return None, f"{config.path} names {len(config.hosts)} hosts: choose one with --for"
    return config.hosts[0], config.remark


def values(config: Config, file: File | None, given: Given) -> Sequence[Value]:
    """Each value, in the schema's order, with where it comes from."""
    from nnshim.config.schema import read_schema
    from rewriter.hosts.table import FAMILIES

    used = in_force(config, given)._asdict()
    used["hosts"] = used["hosts"] or tuple(FAMILIES)
    used["exclude"] = given.exclude or config.exclude or ()  # as it is written
    used["accept-by-path"] = {pattern: sorted(codes) for pattern, codes in config.accept_by_path}
    here: Mapping[str, Any] = {} if file is None else _tables(file)
    found = []
    for key, schema in read_schema()["properties"].items():
        if key == "policy":
            inner = here.get(key, {})
            used_policy = _policy(config)
            for name in schema["properties"]:
                found.append(_value(file, (key, name), used_policy[name], name in inner))
        elif getattr(given, key, None) not in (None, (), []):
            found.append(Value(key, used[key], "command line"))
        else:
            found.append(_value(file, (key,), used[key], key in here))
    return found


def _value(file: File | None, path: tuple[str, ...], value: object, is_there: bool) -> Value:
    key = ".".join(path)
    if file is None or not is_there:
        return Value(key, value, "default")
    from nnshim.config.reading import prefix
    from nnshim.config.toml import line_of

    return Value(key, value, "file", line_of(file.data, (*prefix(file), *path)))


def _tables(file: File) -> Mapping[str, Any]:
    from nnshim.config.reading import tables

    return tables(file)


def _policy(config: Config) -> Mapping[str, object]:
    """The fields of the policy by their keys; None for what it does not restrict."""
    from rewriter.policy.policy import Policy

    policy = config.policy or Policy()
    found = {}
    for field in fields(policy):
        value = getattr(policy, field.name)
        found[field.name.replace("_", "-")] = (
            sorted(value) if isinstance(value, frozenset) else value
        )
    return found
