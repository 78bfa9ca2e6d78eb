"""The form of wasi:nn's interfaces where a component imports them without a version."""

from __future__ import annotations

from collections.abc import Mapping

from rewriter.abi.snapshots import PACKAGE, Snapshot, unversioned_form
from rewriter.components.component import Component
from rewriter.components.shapes import Shapes

__all__ = ["form_of", "unversioned_types"]


def unversioned_types(component: Component) -> Mapping[str, Mapping[str, str]]:
    """The types of the functions of each interface of wasi:nn that is imported without a version,
    as far as they were read."""
    shapes = Shapes(component.data)
    return {
        name.removeprefix(f"{PACKAGE}/"): types
        for section in component.sections
        for name, types in shapes.add(section)
        if name.startswith(f"{PACKAGE}/") and "@" not in name
    }


def form_of(types: Mapping[str, Mapping[str, str]]) -> Snapshot | None:
    """The form that has these functions, None if none has."""
    every = {name: text for functions in types.values() for name, text in functions.items()}
    return unversioned_form(types, every)
