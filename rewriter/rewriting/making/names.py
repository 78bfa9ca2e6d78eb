"""What the options of a rewrite name for a component: models' inputs and outputs, and a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from rewriter.errors import InputError, UsageError
from rewriter.models.reading import read_model
from rewriter.options import RewriteOptions
from rewriter.rewriting.making.adapter import Names

__all__ = ["in_order", "read_adapter", "read_all_names", "read_names", "read_outputs"]


def read_names(options: RewriteOptions) -> Names:
    """The names of inputs and outputs for a component: those of the options, and the inputs' in the
    files of models. Hosts give outputs in the order of the model, so a model's names are not needed
    for them.

    Raises InputError and ModelError for a model that cannot be read or does not state its inputs,
    and UsageError where two models call an input differently.
    """
    return Names(_of_models(options, "input") | dict(options.inputs), options.outputs)


def read_all_names(options: RewriteOptions) -> Names:
    """The same with the outputs' names in the files of models, for a core module that has to tell a
    program which outputs there are. Raises the same."""
    outputs = _of_models(options, "output") | dict(options.outputs)
    return Names(_of_models(options, "input") | dict(options.inputs), outputs)


def _of_models(options: RewriteOptions, kind: Literal["input", "output"]) -> dict[int, str]:
    given = options.inputs if kind == "input" else options.outputs
    found: dict[int, tuple[str, str]] = {}
    for path in options.models:
        for index, name in _ports(path, kind).items():
            other, where = found.setdefault(index, (name, path))
            if other != name and index not in given:
                raise UsageError(
                    f"models (--model): {kind} {index} is {other!r} in {where} and {name!r} in "
                    f"{path}; --{kind}-name {index}=NAME decides"
                )
    return {index: name for index, (name, _) in found.items()}


def read_outputs(options: RewriteOptions) -> tuple[str, ...]:
    """The names of a model's outputs, in order, for a component that has to ask for each.

    Raises what `read_names` raises, about outputs, and UsageError for indices with gaps.
    """
    return in_order(_of_models(options, "output") | dict(options.outputs))


def in_order(names: Mapping[int, str]) -> tuple[str, ...]:
    """The names of outputs, by index. Raises UsageError for anything but a mapping, and for indices
    with gaps."""
    if not isinstance(names, Mapping):
        raise UsageError(f"outputs has to be a mapping of indices to names, not {names!r}")
    if sorted(names) != list(range(len(names))):
        raise UsageError("outputs (--output-name): the indices have to be 0, 1 and so on")
    return tuple(names[index] for index in range(len(names)))


def _ports(path: str, kind: Literal["input", "output"]) -> dict[int, str]:
    model = read_model(path)
    ports = model.inputs if kind == "input" else model.outputs
    if not ports or not all(port.name for port in ports):
        raise UsageError(
            f"models (--model): {path} ({model.title}) does not state the names of its {kind}s; "
            f"--{kind}-name 0=NAME gives them"
        )
    return {index: port.name for index, port in enumerate(ports)}


def read_adapter(path: str | None) -> bytes | None:
    """An adapter for WASI that the user gave. Raises InputError if it cannot be read."""
    if path is None:
        return None
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
