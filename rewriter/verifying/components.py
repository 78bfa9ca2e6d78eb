"""The core module that a rewrite makes of a component, for comparison."""

from __future__ import annotations

from rewriter.components.component import Component
from rewriter.components.sections import is_component
from rewriter.errors import ModuleError
from rewriter.files.input import Source
from rewriter.rewriting.flattening.flatten import flatten
from rewriter.wasm.module import Module

__all__ = ["core_of"]


def core_of(source: Source) -> Module:
    """The module itself, or what a component becomes. Raises ModuleError, which names the file,
    where it is neither, or cannot become a core module."""
    if not is_component(source.data):
        return source.module()
    try:
        return Module(flatten(Component(source.data, source.name)).data, source.name)
    except ModuleError as error:
        raise error.of(source.name) from error
