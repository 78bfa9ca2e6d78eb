"""Core modules that do what functions of wasi:nn did by calls of others, put into a component."""

from __future__ import annotations

from collections.abc import Mapping

from rewriter.components.sections import SectionKind
from rewriter.inlining import encoding
from rewriter.inlining.inline import Inlining
from rewriter.inlining.shims.module import OWN_MEMORY
from rewriter.inlining.shims.shim import HostCall, Shim
from rewriter.inlining.uses import RESOURCES

__all__ = ["Shimming"]


class Shimming(Inlining):
    """With functions of wasi:nn that the component imports. Subclasses say where the shim and the
    imports are."""

    shim: Shim

    def imported(self, interface: str) -> int:
        """The index of an import. Raises UnsupportedModule if it is not there yet."""
        raise NotImplementedError

    def resource(self, interface: str) -> int:
        alias = encoding.alias("type", self.imported(interface), RESOURCES[interface])
        return self.writer.add(SectionKind.ALIAS, "type", alias)

    def early_host(self) -> Mapping[str, int]:
        return self._defined(self.shim.early_calls, {})

    def late_host(self, early: int, guest: Mapping[str, int]) -> Mapping[str, int]:
        own = {
            "memory": self.core_alias("core memory", early, OWN_MEMORY),
            "realloc": self.core_alias("core func", early, "realloc"),
        }
        memories = {"early": own, "guest": guest}
        return self._defined(self.shim.late_calls, memories)

    def _defined(
        self, calls: Mapping[str, HostCall], memories: Mapping[str, Mapping[str, int]]
    ) -> Mapping[str, int]:
        return {name: self._define(call, memories) for name, call in calls.items()}

    def _define(self, call: HostCall, memories: Mapping[str, Mapping[str, int]]) -> int:
        if call.name.startswith("[resource-drop]"):
            item = encoding.drop(self.resource(call.interface))
            return self.writer.add(SectionKind.CANONICAL_FUNCTION, "core func", item)
        options = memories[call.memory] if call.memory is not None else {}
        realloc = options.get("realloc") if call.allocates else None
        instance = self.imported(call.interface)
        return self.lowered(instance, call.name, options.get("memory"), realloc)
