"""What a component still imports of wasi:nn once its functions are added to it: types and functions
that nothing uses."""

from __future__ import annotations

from typing import NoReturn

from wasmtime import component as wasm_component

from rewriter.abi.snapshots import PACKAGE, Snapshot

__all__ = ["define_unused"]

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
    """Define the interfaces of a version of wasi:nn. Raises wasmtime.WasmtimeError."""
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
