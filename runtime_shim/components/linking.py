"""Which imports of a component nnshim defines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NoReturn

from wasmtime import component as wasm_component

from rewriter.abi.snapshots import PACKAGE, Snapshot
from rewriter.abi.wasi_interfaces import FUNCTIONS
from rewriter.analysis.components.described import ComponentInfo, Interface
from rewriter.analysis.components.versions import misfits_of
from runtime_shim.errors import LinkError

__all__ = ["check_imports", "define_unused"]

_WASI_0_2 = re.compile(r"0\.2\.\d+")
"""Engines find an interface of any version that is compatible."""


def check_imports(info: ComponentInfo, snapshot: Snapshot | None) -> None:
    """Raise LinkError for imports that neither WASI 0.2 nor this version of wasi:nn has, with the
    types of wasi:nn's functions. wasmtime compares those of WASI."""
    missing = list(_missing(info, snapshot))
    if missing:
        raise LinkError("unresolved imports:", *missing)


def _missing(info: ComponentInfo, snapshot: Snapshot | None) -> Iterator[str]:
    for item in info.imports:
        if item.package == PACKAGE and snapshot is not None:
            yield from (f"  {each.text}" for each in misfits_of(item, snapshot) if each.known)
        if item.package == PACKAGE or not item.needs_host:
            continue
        if _is_wasi(item):
            unknown = sorted(item.functions - FUNCTIONS[item.interface])
            unknown += [item.unknown] if item.unknown is not None else []
            yield from (f"  {item.name}#{name}" for name in unknown)
        else:
            yield f"  {item.name} ({item.sort})"


def _is_wasi(item: Interface) -> bool:
    return (
        item.sort == "instance"
        and item.interface in FUNCTIONS
        and _WASI_0_2.fullmatch(item.version) is not None
    )


_RESOURCES = {
    "errors": ("error",),
    "tensor": ("tensor",),
    "inference": ("graph-execution-context", "tensor", "error"),
    "graph": ("graph", "graph-execution-context", "tensor", "error"),
}
"""The resource types that each interface exports, its own and those that it uses.

https://github.com/WebAssembly/wasi-nn/blob/71320d9/wit/wasi-nn.wit
"""

_NUMBERS = {"error": 1, "tensor": 2, "graph-execution-context": 3, "graph": 4}


def define_unused(linker: wasm_component.Linker, snapshot: Snapshot) -> None:
    """Define what a component still imports of a version of wasi:nn once its functions are added to
    it: types and functions that nothing uses. Raises wasmtime.WasmtimeError."""
    with linker.root() as root:
        for interface, functions in snapshot.functions.items():
            name = f"{PACKAGE}/{interface}@{snapshot.version}"
            with root.add_instance(name) as instance:
                for resource in _RESOURCES[interface]:
                    kind = wasm_component.ResourceType.host(_NUMBERS[resource])
                    instance.add_resource(resource, kind, _never_dropped)
                for function in functions:
                    instance.add_func(function, _never_called)


def _never_called(*_: object) -> NoReturn:
    raise AssertionError("an import that was replaced is called")


def _never_dropped(*_: object) -> None:
    """No such resource is ever made."""
