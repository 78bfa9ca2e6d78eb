"""Renames imports in the custom sections that describe them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from rewriter.errors import MalformedModule
from rewriter.rewriting.aim import Wanted
from rewriter.rewriting.values import Adapting
from rewriter.wasm.custom import Custom, custom_kind
from rewriter.wasm.dylink import ImportName, rename_in_dylink, renaming
from rewriter.wasm.patch import Patch

__all__ = ["rename_described"]


def rename_described(
    patch: Patch, modules: Mapping[str, str], wanted: Wanted | None, adapting: Adapting
) -> Collection[int]:
    """Rename imports in the sections "dylink.0". `modules` are the module names that change, old to
    new. Returns the starts of sections that cannot be read, which are left unchanged."""
    rename = renaming(modules, _pairs(modules, wanted, adapting))
    unread: set[int] = set()
    for section in patch.module.sections:
        if custom_kind(section.name) is Custom.DYLINK:
            try:
                patch.edit(section, rename_in_dylink(section, rename))
            except MalformedModule:
                unread.add(section.start)
    return unread


def _pairs(
    modules: Mapping[str, str], wanted: Wanted | None, adapting: Adapting
) -> Iterator[tuple[ImportName, ImportName]]:
    """The names of wasi-nn's imports before and after, if adapters change imports."""
    for slot, item in wanted.info.wasi_nn.items() if wanted and adapting.imports else ():
        name, _ = adapting.imports.get(slot, (item.name, 0))
        yield (item.module, item.name), (modules.get(item.module, item.module), name)
