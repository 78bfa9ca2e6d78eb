"""Whether what a program passes to `load` is what an adapter passes to `load` of wasi:nn.

`wasm-tools component new --adapt` takes any adapter, which may load something else.
"""

from __future__ import annotations

from collections.abc import Iterable

from rewriter.abi.snapshots import PACKAGE
from rewriter.components.component import Component
from rewriter.constants.guest import passed_on
from rewriter.rewriting.flattening.exports import exports_of
from rewriter.wasm.imports import ExternKind, imports_of
from rewriter.wasm.module import Module

__all__ = ["passes_loads"]

_ENCODING, _TARGET = 2, 3
"""The parameters of `load`, in wasi_ephemeral_nn as in wasi:nn."""

_SAME = range(5)
"""The encodings that have the same number in both: `openvino` to `tensorflowlite`."""


def passes_loads(component: Component, asked: Iterable[tuple[int, int]]) -> bool:
    """Whether one adapter alone loads models, and passes on each encoding and target that the
    program asks for, or refuses it. The component has adapters and a program: as flattening takes
    it."""
    modules = [part.module() for part in component.parts() if not part.is_component]
    loading = [module for module in modules if _graph_functions(module)]
    if len(loading) != 1:
        return False
    (adapter,) = loading
    functions = _graph_functions(adapter)
    kind, by = exports_of(adapter).get("load", (None, 0))
    if [*functions] != ["load"] or kind != ExternKind.FUNC:
        return False
    for encoding, target in asked:
        found = passed_on(adapter, functions["load"], by, {_ENCODING: encoding, _TARGET: target})
        if encoding not in _SAME or found is None:
            return False
        if any(one[_ENCODING : _TARGET + 1] != (encoding, target) for one in found):
            return False
    return True


def _graph_functions(module: Module) -> dict[str, int]:
    """The functions that load graphs and that a module imports of wasi:nn, by name."""
    found, number = {}, 0
    for group, item in imports_of(module):
        name = item.name.text
        if group.module.text.startswith(f"{PACKAGE}/graph") and name in ("load", "load-by-name"):
            found[name] = number
        number += item.extern.is_func
    return found
