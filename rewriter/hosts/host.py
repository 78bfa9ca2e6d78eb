"""What one host registers, in the releases that do the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from rewriter.abi.dialects import Dialect
from rewriter.diagnostics import Diagnostic
from rewriter.wasm.types import FuncType

__all__ = ["OFF_IN_WASMTIME", "Host", "Proposal"]


class Proposal(Enum):
    """Additions to WebAssembly that show in a module's imports and memories; values are what
    messages say that a module has."""

    THREADS = "a shared memory"
    PAGE_SIZES = "a memory with pages of its own size"
    EXACT_IMPORTS = "an exact function import"


OFF_IN_WASMTIME = frozenset(Proposal)
"""https://docs.wasmtime.dev/api/wasmtime/struct.Config.html (shared_memory,
wasm_custom_page_sizes); exact imports are refused by the releases 49 and 50, too."""


@dataclass(frozen=True)
class Host:
    """A row of the table: one build of a host, from the release `first` to `last`. A row without
    releases has the empty string for both.

    `dialects` are those it can be spoken to in, the usual one first, under each name in `modules`.
    `others` are all functions that it defines beside wasi-nn, with their types, by module name,
    None where that is not known, because it depends on how the host was built. One that
    `tells_numbers` knows those of an adapted guest by its adapters, and those of tensor types by
    the tensors.

    `lacks` are proposals that it has switched off by default. One that `initializes` calls
    `_initialize` where it is an exported function, without arguments, and takes no results. Of
    `entries` it calls the first that is an exported function, without arguments, and takes numbers
    as results; there are none where a user can give arguments. `without_memory` are WASI's
    functions that work without the guest's memory. These are set for the hosts of which `others`
    are known.
    """

    name: str
    title: str
    modules: tuple[str, ...]
    dialects: tuple[Dialect, ...]
    source: str
    first: str = ""
    last: str = ""
    limits: tuple[Diagnostic, ...] = ()
    others: Mapping[str, Mapping[str, FuncType]] | None = None
    tells_numbers: bool = False
    lacks: frozenset[Proposal] = frozenset()
    initializes: bool = False
    entries: tuple[str, ...] = ()
    without_memory: frozenset[str] = field(default=frozenset())

    @property
    def label(self) -> str:
        """What `--for` takes to mean this row: the name, and the newest release of the row."""
        return f"{self.name}@{self.last}" if self.last else self.name

    @property
    def releases(self) -> str:
        """For people: "2.2.0 to 2.3.1"; empty where there are none."""
        return self.first if self.first == self.last else f"{self.first} to {self.last}"
