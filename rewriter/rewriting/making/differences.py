"""What a component does in another way than the core module that it was made of, or is in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from weakref import WeakKeyDictionary

from rewriter.abi.dialects import WASI_EPHEMERAL_NN
from rewriter.abi.snapshots import OCTOBER
from rewriter.analysis.inspect import ModuleInfo, inspect_module
from rewriter.codes import Severity
from rewriter.components.component import Component
from rewriter.components.repeated_imports import unnumber_imports
from rewriter.diagnostics import Diagnostic
from rewriter.wasm.imports import groups
from rewriter.wasm.sections import SectionId

__all__ = ["conditions_of", "differences", "is_go"]


_CONDITIONS: WeakKeyDictionary[Component, tuple[Diagnostic, ...]] = WeakKeyDictionary()


def conditions_of(component: Component) -> tuple[Diagnostic, ...]:
    """On what it depends that the core modules in a component work with adapters for wasi-nn, such
    as nnshim puts around them. Offsets are left out: those of the core module are not the file's.

    Raises ModuleError for a core module that cannot be read.
    """
    if component not in _CONDITIONS:
        found = dict.fromkeys(_conditions(component))
        _CONDITIONS[component] = tuple(found)
    return _CONDITIONS[component]


def _conditions(component: Component) -> Iterator[Diagnostic]:
    for part in component.parts():
        if part.is_component:
            continue
        module = part.module()
        section = module.find(SectionId.IMPORT)
        with part.offsets():
            names = {group.module.text for group in groups(section)} if section else set()
            if WASI_EPHEMERAL_NN not in names:
                continue
            said = list(differences(inspect_module(unnumber_imports(module))))
        for each in said:
            if each.severity is Severity.CONDITION:
                yield each._replace(offset=None)


def differences(info: ModuleInfo) -> Iterator[Diagnostic]:
    """Between a core module and a component with it and the adapters."""
    functions = {item.name: item for item in info.wasi_nn.values()}
    if "set_input" in functions:
        message = "set_input copies the tensor; what is wrong with it is an error of compute"
        yield Diagnostic("NN355", message)
    if "load_by_name_with_config" in functions:
        message = f"{OCTOBER} has no configuration: only an empty one is taken"
        yield Diagnostic("NN301", message, functions["load_by_name_with_config"].offset)
    streaming = [name for name in _STREAMING if name in functions]
    if streaming:
        which = ", ".join(streaming)
        message = f"{OCTOBER} has no streaming: {which} return unsupported_operation"
        yield Diagnostic("NN356", message, functions[streaming[0]].offset)
    message = (
        "half of the memory's address space is set aside between the guest and the adapters; a host"
        " that gives less stops the component at the start"
    )
    yield Diagnostic("NN360", message)
    if not is_go(info) and (_is_limited(info) or not _has_known_allocator(info)):
        message = (
            "adapters take pages of the memory, which not every guest's allocator leaves alone"
        )
        yield Diagnostic("NN359", message)


def _is_limited(info: ModuleInfo) -> bool:
    """Whether a memory has a maximum, and the adapters' pages are near the guest's."""
    return any(memory.maximum is not None for _, memory in info.exported_memories)


def _has_known_allocator(info: ModuleInfo) -> bool:
    """Whether the module names a compiler whose allocator does not come to the adapters' pages, or
    only once it has used what is set aside."""
    section = info.module.custom("producers")
    if section is None:
        return False
    said = bytes(section.data[section.content : section.end])
    return b"TinyGo" not in said and any(name in said for name in _COMPILERS)


_COMPILERS = (b"C99", b"clang", b"rustc")
"""As they are in the section `producers`. Zig writes C99 only."""


def is_go(info: ModuleInfo) -> bool:
    """Whether Go's linker wrote the module, which names its build.

    https://github.com/golang/go/blob/go1.27.3/src/cmd/link/internal/wasm/asm.go
    """
    if any(info.module.custom(name) is not None for name in ("go:buildid", "go.buildid")):
        return True
    section = info.module.custom("producers")
    return section is not None and b"Go cmd/" in section.data[section.content : section.end]


_STREAMING: Sequence[str] = ("compute_single", "get_output_single", "fini_single")
