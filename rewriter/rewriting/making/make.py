"""A core module as a component: what it may import, and the adapters around it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rewriter.abi.dialects import WASI_EPHEMERAL_NN, WASMEDGE, Encoding
from rewriter.abi.wasi import WASI
from rewriter.analysis.inspect import ModuleInfo, inspect_module
from rewriter.components.component import Component
from rewriter.diagnostics import Diagnostic
from rewriter.errors import InvalidModule, UnsupportedModule
from rewriter.files import wasi_adapter, wasm_tools
from rewriter.rewriting.making.adapter import Names, adapter_text, interface_text
from rewriter.rewriting.making.core import START, keep_bytes, start_later
from rewriter.rewriting.making.differences import differences, is_go
from rewriter.rewriting.making.reserve import reserve
from rewriter.wasm.module import Module
from rewriter.wasm.sections import SectionId
from rewriter.wasm.types import MemoryType

__all__ = ["ABI", "Made", "make_component"]

ABI = WASMEDGE
"""That of the adapter: the specification's, with WasmEdge's functions."""


class Made(NamedTuple):
    """A component, and what it does in another way than the core module."""

    data: bytes
    notes: tuple[Diagnostic, ...]


def make_component(core: Module, names: Names, wasi: bytes | None = None) -> Made:
    """The component that does what a core module does, on hosts of wasi:nn.

    The module, whose ABI has to be ABI already, is in the component byte for byte, but for what
    rewriter.rewriting.making.core says. `names` are those of its models' inputs and outputs. `wasi`
    is an adapter that has the functions of WASI 0.1, by default the one that comes with nnshim.

    Raises UnsupportedModule if the module imports something that the adapters do not have, exports
    no memory that they can use, or may need names that are not known; DependencyMissing if
    wasm-tools or the adapter for WASI is not there; and InvalidModule if wasm-tools refuses the
    module or `wasi`.
    """
    core = start_later(core)
    info = inspect_module(core)
    is_command = START in info.exports
    if wasi is None:
        wasi = wasi_adapter.find(wasi_adapter.COMMAND if is_command else wasi_adapter.REACTOR)
    _check_imports(info, wasi)
    memory = _memory(info)
    if not names.inputs and info.wasi_nn:
        _check_names(info)
    adapter = wasm_tools.embed(adapter_text(names), interface_text(), "adapter")
    adapters = {WASI: wasi, WASI_EPHEMERAL_NN: adapter}
    try:
        data = keep_bytes(wasm_tools.new_component(bytes(core.data), adapters), core)
    except InvalidModule as error:
        reason = f"wasm-tools cannot make a component of it: {error.reason}"
        raise InvalidModule(reason, error.offset, "NN358") from error
    data = reserve(data, memory, contiguous=is_go(info))
    return Made(data, (*differences(info), *_lacks_exports(Component(data))))


def _check_imports(info: ModuleInfo, wasi: bytes) -> None:
    """Raises UnsupportedModule with the names of everything that no adapter has."""
    has = {WASI: set(inspect_module(wasi).exports), WASI_EPHEMERAL_NN: set(ABI.functions)}
    lacking = [
        item
        for item in info.imports
        if item.kind != "func" or item.name not in has.get(item.module, ())
    ]
    if lacking:
        named = ", ".join(dict.fromkeys(f"{item.module}.{item.name}" for item in lacking))
        raise UnsupportedModule(
            f"it imports {named}, which a component does not get: its adapters have the functions "
            f"of {WASI} and {WASI_EPHEMERAL_NN}",
            lacking[0].offset,
            "NN353",
            "leave out what imports it, or link it into the module (`wasm-merge`)",
        )


def _memory(info: ModuleInfo) -> MemoryType:
    """The memory for the adapters. Raises UnsupportedModule unless they can work in it."""
    memory = next((kind for name, kind in info.exported_memories if name == "memory"), None)
    export = info.module.find(SectionId.EXPORT)
    offset = export.start if export else None
    if memory is None:
        raise UnsupportedModule("it does not export a memory as `memory`", offset, "NN325")
    if memory.is_64:
        raise UnsupportedModule("its memory is 64-bit", offset, "NN322")
    if memory.shared:
        raise UnsupportedModule("its memory is shared between threads", offset, "NN321")
    return memory


def _check_names(info: ModuleInfo) -> None:
    """Raises UnsupportedModule unless constants show that the guest loads no model for OpenVINO."""
    from rewriter.analysis.seen.formats import loaded
    from rewriter.hosts.table import find_host

    if not any(item.name == "set_input" for item in info.wasi_nn.values()):
        return
    found = loaded(info, find_host("wasmtime"))
    if found.may_be(Encoding.OPENVINO):
        loads = "loads" if Encoding.OPENVINO in found.formats else "may load"
        raise UnsupportedModule(
            f"it {loads} models for OpenVINO, whose inputs Wasmtime finds by name only, and the "
            "names are not known",
            None,
            "NN354",
            "--model FILE reads the names from the model, and --input-name 0=NAME gives them; with "
            "--input-name 0=0, inputs are called by their index, as ONNX takes them",
        )


def _lacks_exports(component: Component) -> Iterator[Diagnostic]:
    if not any(component.exports):
        message = "the component exports nothing, so that no host can call a function of it"
        yield Diagnostic("NN357", message)
