"""The interfaces of wasi:nn for components, which hosts have in one of several versions.

Source: wit/wasi-nn.wit of https://github.com/WebAssembly/wasi-nn at 917bf47, 82e9d89 and 71320d9,
and crates/wasi-nn/wit of https://github.com/bytecodealliance/wasmtime at v22.0.1 and v23.0.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

__all__ = [
    "AUGUST",
    "JUNE",
    "OCTOBER",
    "PACKAGE",
    "RECORDS",
    "RESOURCES",
    "SNAPSHOTS",
    "Components",
    "Snapshot",
]

PACKAGE = "wasi:nn"


class Snapshot(NamedTuple):
    """The functions of each interface, as a component imports them. `version` is empty where the
    interfaces have none."""

    version: str
    functions: Mapping[str, frozenset[str]]

    def __str__(self) -> str:
        return f"{PACKAGE}@{self.version}" if self.version else f"{PACKAGE} without a version"


_CONTEXT = "[method]graph-execution-context."
_TENSOR = frozenset(
    ("[constructor]tensor", *(f"[method]tensor.{name}" for name in ("dimensions", "ty", "data")))
)
_GRAPH = frozenset(("[method]graph.init-execution-context", "load", "load-by-name"))
_STEPS = frozenset(_CONTEXT + name for name in ("set-input", "compute", "get-output"))
_ERRORS = frozenset(("[method]error.code", "[method]error.data"))
_CONSTRUCTED = _ERRORS | {"[constructor]error"}

RECORDS = Snapshot(
    "",
    {
        "tensor": frozenset(),
        "graph": frozenset(("load", "load-by-name")),
        "inference": frozenset(("init-execution-context", "set-input", "compute", "get-output")),
        "errors": frozenset(),
    },
)
"""Where tensors are records, and graphs and contexts are numbers."""

RESOURCES = Snapshot(
    "", {"tensor": _TENSOR, "graph": _GRAPH, "inference": _STEPS, "errors": frozenset()}
)
"""Where errors are numbers still."""

JUNE = Snapshot("0.2.0-rc-2024-06-25", {**RESOURCES.functions, "errors": _CONSTRUCTED})
AUGUST = Snapshot("0.2.0-rc-2024-08-19", {**JUNE.functions, "errors": _ERRORS})
OCTOBER = Snapshot(
    "0.2.0-rc-2024-10-28", {**AUGUST.functions, "inference": frozenset((f"{_CONTEXT}compute",))}
)
"""Where compute takes and returns named tensors."""

SNAPSHOTS = (RECORDS, RESOURCES, JUNE, AUGUST, OCTOBER)
"""From the oldest to the newest."""


class Components(NamedTuple):
    """What a host that runs components has for them.

    - `wasi_nn`: its snapshot of wasi:nn.
    - `wasi`: its version of WASI.
    - `any_patch`: it finds its interfaces for imports of any 0.2.x of WASI, and not only for those
      of its own version.
    - `may_have_wasi_3`: it has interfaces of WASI 0.3 too; it is not known which.
    """

    wasi_nn: Snapshot
    wasi: str
    any_patch: bool = True
    may_have_wasi_3: bool = False
