"""Resources of wasi:nn that an interface exports under the name of another one.

A host takes a resource that another interface has only under its own name. `error` that is
`tensor` is not what the host has as `error`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rewriter.abi.snapshots import PACKAGE, SNAPSHOTS
from rewriter.abi.wasi_interfaces import resources_of
from rewriter.components.shapes import UNKNOWN, Shapes

__all__ = ["hides_resource", "misnamed_resource"]

_SHAPES: Mapping[str, str] = {
    name: f"{PACKAGE}/{interface}.{name}"
    for each in SNAPSHOTS
    for interface, functions in each.functions.items()
    for name in resources_of(functions)
}
"""Of each resource of wasi:nn, by its name."""


def misnamed_resource(name: str, shapes: Shapes) -> str | None:
    """The first of wasi:nn's names under which an import exports another resource, None if there is
    none. What is not a resource, as in some forms without a version, is compared by functions."""
    for each, shape in _exported(name, shapes):
        if "/" in shape.partition("<")[0] and shape != _SHAPES[each]:
            return each
    return None


def hides_resource(name: str, shapes: Shapes) -> bool:
    """Whether it is unknown what some name of a resource of wasi:nn stands for in an import."""
    return any(shape == UNKNOWN for _, shape in _exported(name, shapes))


def _exported(name: str, shapes: Shapes) -> Iterator[tuple[str, str]]:
    """The types that an import of wasi:nn exports by names of resources."""
    if name.startswith(f"{PACKAGE}/"):
        for each, shape in shapes.exported.get(name, {}).items():
            if each in _SHAPES:
                yield each, shape
