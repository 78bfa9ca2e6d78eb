"""Which imports of a component nnshim defines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rewriter.abi.snapshots import PACKAGE, Snapshot
from rewriter.abi.wasi_interfaces import FUNCTIONS
from rewriter.analysis.components.described import ComponentInfo, Interface
from rewriter.analysis.components.versions import misfits_of
from runtime_shim.errors import LinkError

__all__ = ["check_imports"]

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
