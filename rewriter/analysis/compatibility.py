"""What a host means for a module: whether it runs there, and what has to be done for it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from rewriter.abi.dialects import DIALECTS, WASMEDGE, WITX, Dialect
from rewriter.abi.hosts import WASI, Host
from rewriter.adapters.adapter import Adapter, adapter_for, has, same_adapter, speaks
from rewriter.analysis.inspect import ImportedItem, ModuleInfo

__all__ = ["Assessment", "Fit", "Verdict", "assess", "fit", "hides_types"]


class Verdict(Enum):
    AS_IT_IS = "as it is"
    AFTER_REWRITE = "after a rewrite"
    CANNOT = "no"


@dataclass(frozen=True)
class Assessment:
    """Whether a module runs on a host; `reasons` why not as it is, `caveats` what to look out for
    if it does."""

    verdict: Verdict
    reasons: tuple[str, ...]
    caveats: tuple[str, ...]


@dataclass(frozen=True)
class Fit:
    """What makes a module fit some dialects.

    `adapters` has the adapter, or None, for each wasi-nn function by the index of its import;
    `reasons` say why those that are not there yet are needed, `obstacles` why it cannot be done.
    """

    adapters: Mapping[int, Adapter | None]
    reasons: tuple[str, ...]
    obstacles: tuple[str, ...]
    caveats: tuple[str, ...]


def assess(info: ModuleInfo, host: Host, guest: Host | None = None) -> Assessment:
    """Judge a module by its imports and exports: no more than those can be known of it.

    `guest` is the host that it was built for, where that is known.
    """
    found = fit(info, host.dialects, guest, tells_numbers=host.tells_numbers)
    caveats = list(found.caveats)
    for function in dict.fromkeys(a.imported if a else f.name for f, a in _uses(info, found)):
        if function in host.since:
            caveats.append(f"the host has {function} since {host.since[function]}")
    if info.abis:
        caveats += host.limits
    obstacles = [*found.obstacles, *_imports_in_the_way(info, host)]
    if unknown := _not_defined(info, host.others or {WASI: None}):
        if host.others is None:
            caveats.append(f"whether the host defines {unknown} is not known")
        else:
            obstacles.append(f"the host does not define {unknown}")
    if obstacles:
        return Assessment(Verdict.CANNOT, tuple(obstacles), tuple(caveats))
    reasons = [
        f"it imports {module}, and the host registers {host.modules[0]}"
        for module in info.abis
        if module not in host.modules
    ]
    reasons += found.reasons
    verdict = Verdict.AFTER_REWRITE if reasons else Verdict.AS_IT_IS
    return Assessment(verdict, tuple(reasons), tuple(caveats))


def _imports_in_the_way(info: ModuleInfo, host: Host) -> list[str]:
    if any(item.compact for item in info.imports):
        return [
            "its import section is compact, which the host does not read: `wasm-opt"
            " --disable-compact-imports` writes the usual one"
        ]
    return []


def _not_defined(info: ModuleInfo, known: Mapping[str, frozenset[str] | None]) -> str:
    """The imports beside wasi-nn's that are not `known` by their module and name; None knows all
    functions of a module."""
    unknown: dict[str, None] = {}
    for item in info.imports:
        names = known.get(item.module, frozenset())
        if item.is_wasi_nn or (item.kind == "func" and (names is None or item.name in names)):
            continue
        unknown[f"{item.module}.{item.name}"] = None
    named = ", ".join(itertools.islice(unknown, _MOST_NAMED))
    return f"{named} and {len(unknown) - _MOST_NAMED} more" if len(unknown) > _MOST_NAMED else named


_MOST_NAMED = 10


def _uses(info: ModuleInfo, found: Fit) -> Iterable[tuple[ImportedItem, Adapter | None]]:
    return ((info.wasi_nn[slot], adapter) for slot, adapter in found.adapters.items())


def fit(
    info: ModuleInfo,
    dialects: Sequence[Dialect],
    guest: Host | None = None,
    *,
    tells_numbers: bool = False,
) -> Fit:
    """Choose the adapters by which a module fits a host that speaks one of `dialects`, and knows
    numbers as rewriter.abi.hosts says of one that `tells_numbers`."""
    return _Fitting(info, dialects, guest, tells_numbers).result()


def hides_types(info: ModuleInfo, slot: int) -> bool:
    """Whether a set_input leaves open which numbers the guest has for the types of tensors."""
    item = info.wasi_nn[slot]
    name = info.abis[item.module].name
    return (
        item.name == "set_input"
        and name is not None
        and DIALECTS[name].layout == WITX.layout
        and info.guest is None
        and slot not in info.adapters
        and not any(trace.adapter and trace.adapter.imported == item.name for trace in info.traces)
    )


class _Fitting:
    def __init__(
        self,
        info: ModuleInfo,
        dialects: Sequence[Dialect],
        guest: Host | None,
        tells_numbers: bool,
    ) -> None:
        self.info = info
        self.dialects = dialects
        self.guest = guest
        self.tells_numbers = tells_numbers
        self.adapters: dict[int, Adapter | None] = {}
        # Keys, in order, as several functions have the same to say.
        self.reasons: dict[str, None] = {}
        self.obstacles: dict[str, None] = {}
        self.caveats: dict[str, None] = {}
        self.lacking: list[str] = []
        self.adapted_guests = _adapted_guests(info)
        self.changed = {t.adapter.imported: t.adapter for t in info.traces if t.adapter}

    def result(self) -> Fit:
        info = self.info
        memory = info.shared_memory
        if info.abis and memory is None:
            self.obstacles['it exports no memory named "memory"'] = None
        for module, abi in info.abis.items():
            if abi.name is None:
                self.obstacles[f"what it imports from {module} is no known ABI"] = None
            elif not abi.certain:
                self.caveats[f"that its {module} is of the {abi.name} ABI is a guess"] = None
        for item in info.imports:
            if item.is_wasi_nn and item.kind != "func":
                what = f"{item.module}.{item.name}, a {item.kind}"
                self.obstacles[f"it imports {what}, and hosts define functions only"] = None
        for trace in info.traces:
            if trace.adapter is None or not self._fits_adapted(trace.adapter):
                self.obstacles[str(trace)] = None
        for slot, item in info.wasi_nn.items():
            if self.guest is None and not self.tells_numbers and hides_types(info, slot):
                self.caveats[_HIDDEN_TYPES] = None
            abi_name = info.abis[item.module].name
            if abi_name is not None:
                self._choose(slot, item, self.adapted_guests.get(item.module, DIALECTS[abi_name]))
        if self.lacking:
            self.obstacles[f"the host does not have {', '.join(self.lacking)}"] = None
        if memory and any(self.adapters.values()):
            if memory.shared:
                self.obstacles[_SHARED] = None
            if memory.is_64:
                self.obstacles["its memory is 64-bit, and adapters have 32-bit addresses"] = None
        return Fit(self.adapters, tuple(self.reasons), tuple(self.obstacles), tuple(self.caveats))

    def _choose(self, slot: int, item: ImportedItem, imported_as: Dialect) -> None:
        standing = self.info.adapters.get(slot)
        changed = self.changed.get(item.name)
        if changed and not standing and item.type == changed.imported_type:
            self.adapters[slot] = None  # what it is adapted to is what the host has, or an obstacle
            return
        if standing:
            function, source = standing.adapter.function, standing.adapter.source
        else:
            function, source = item.name, self._source(imported_as, item)
            if function not in source.functions or item.type != source.signature(function):
                what = f"{item.module}.{function}, {item.type}"
                self.obstacles[f"{what}, is no function of the {source.name} ABI"] = None
                return
        fits_as_it_is = standing is not None and self._fits_adapted(standing.adapter)
        if self._spoken(source):
            target = source
        elif standing and fits_as_it_is:
            target = standing.adapter.target
        else:
            target = self.dialects[0]
        if not has(target, function):
            self.lacking.append(function)
            return
        known = self.guest is not None or source is not WITX
        adapter = adapter_for(function, source, target, encodings_known=known)
        self.adapters[slot] = adapter
        if adapter and function not in target.functions:
            self.caveats[_STAND_INS[function]] = None
        if adapter and function in ("set_input", "get_output"):
            for caveat in _ACROSS_LAYOUTS.get((source.layout, target.layout), ()):
                self.caveats[caveat] = None
        if standing and not fits_as_it_is and not same_adapter(standing.adapter.renewed, adapter):
            self.reasons[f"its {function} was adapted to another host"] = None
        elif adapter and not standing:
            self.reasons[self._reason(item.module, function, source, target)] = None

    def _spoken(self, dialect: Dialect) -> bool:
        return any(speaks(host, dialect) for host in self.dialects)

    def _fits_adapted(self, adapter: Adapter) -> bool:
        """Whether the host takes what an adapter leads to."""
        target = adapter.target
        told = self.tells_numbers and any(host.layout == target.layout for host in self.dialects)
        return told or self._spoken(target)

    def _source(self, imported_as: Dialect, item: ImportedItem) -> Dialect:
        """The dialect of a function as the guest calls it."""
        if self.guest is None:
            return imported_as
        fitting = [d for d in self.guest.dialects if d.layout == imported_as.layout]
        if not fitting:
            self.obstacles[
                f"its {item.module} is of the {imported_as.name} ABI, and {self.guest.name}, for"
                " which it is said to be built, does not speak it"
            ] = None
            return imported_as
        named = next((d for d in fitting if d is imported_as), fitting[0])
        return named if item.name in named.functions else WASMEDGE

    def _reason(self, module: str, function: str, source: Dialect, target: Dialect) -> str:
        if source.layout != target.layout:
            theirs = " or ".join(dialect.layout for dialect in self.dialects)
            return f"its {module} is of the {source.layout} ABI, and the host speaks {theirs}"
        if function not in target.functions:
            return f"the host does not have {function}"
        numbers = "encodings" if function == "load" else "tensor types"
        return f"the host has other numbers for {numbers}"


def _adapted_guests(info: ModuleInfo) -> dict[str, Dialect]:
    """The dialects of guests that have adapters, by module name: adapters say from what they adapt,
    and a guest has the functions that need none in the same dialect; several dialects can have the
    same adapter."""
    sources: dict[str, set[Dialect]] = {}
    for slot, standing in info.adapters.items():
        sources.setdefault(info.wasi_nn[slot].module, set()).add(standing.adapter.source)
    for adapter in (trace.adapter for trace in info.traces if trace.adapter):
        for module in info.abis:
            sources.setdefault(module, set()).add(adapter.source)
    if info.guest is not None:
        return dict.fromkeys(sources, info.guest)
    return {module: found.pop() for module, found in sources.items() if len(found) == 1}


_HIDDEN_TYPES = (
    "imports do not show which numbers its tensor types have: those of after August 2023 are"
    " assumed, and --guest-abi names others"
)

_SHARED = (
    "its memory is shared between threads, and adapters borrow bytes of it that another thread may"
    " be using"
)

_ACROSS_LAYOUTS = {
    ("witx", "wamr"): (
        "its TensorFlow Lite models take tensors of 32-bit floats only there: set_input refuses"
        " others, or before WAMR 2.4.0 takes their bytes for floats",
    ),
    ("wamr", "witx"): (
        "WAMR feeds and reads quantised TensorFlow Lite models as floats, and other hosts do not:"
        " such a model's set_input refuses floats there, and its output is not floats",
    ),
}
"""What depends on the model, by the layouts of guest and host.

https://github.com/bytecodealliance/wasm-micro-runtime/blob/646b5a9/core/iwasm/libraries/wasi-nn/src/wasi_nn_tensorflowlite.cpp
"""

_STAND_INS = {
    "load_by_name_with_config": "load_by_name_with_config is unsupported_operation there, unless"
    " the configuration is empty",
    "unload": "unload has no effect there: graphs live as long as the guest",
    "finalize_execution_context": "finalize_execution_context has no effect there: contexts live"
    " as long as the guest",
}
