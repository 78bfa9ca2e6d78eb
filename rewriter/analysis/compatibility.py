"""What a host means for a module: whether it runs there, and what has to be done for it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from rewriter.analysis.fitting import fit, hides_types
from rewriter.analysis.inspect import ImportedItem, ModuleInfo, exported_function
from rewriter.analysis.reasons import HIDDEN_TYPES
from rewriter.codes import Severity
from rewriter.diagnostics import Diagnostic
from rewriter.hosts.host import Feature, Host
from rewriter.wasm.types import NUMBERS, PAGE_SIZE

__all__ = ["Runs", "Verdict", "assess", "on_any_host"]


class Runs(Enum):
    """How a module runs on a host, as far as imports and exports show it."""

    AS_IT_IS = "as it is"
    AFTER_REWRITE = "after a rewrite"
    CANNOT = "no"


@dataclass(frozen=True)
class Verdict:
    """Whether a module runs on `host`; `reasons` why not as it is, errors or else warnings, and
    `caveats`, all that is less severe. `rewrite_for` is the host, or a release
    of it, that a rewrite has to be for, None where none is needed or helps."""

    host: str
    reasons: tuple[Diagnostic, ...]
    caveats: tuple[Diagnostic, ...]
    rewrite_for: str | None = None

    @property
    def runs(self) -> Runs:
        """As it is, after a rewrite for the host, or not at all."""
        if not self.reasons:
            return Runs.AS_IT_IS
        cannot = any(reason.severity is Severity.ERROR for reason in self.reasons)
        return Runs.CANNOT if cannot else Runs.AFTER_REWRITE


def assess(info: ModuleInfo, host: Host, guest: Host | None = None) -> Verdict:
    """Judge a module by its imports and exports: no more than those can be known of it.

    `guest` is the host that it was built for, where that is known.
    """
    found = fit(info, host.dialects, guest, tells_numbers=host.tells_numbers)
    said = (
        *_other_names(info, host),
        *found.diagnostics,
        *_compact_imports(info, host),
        *_limits(info, host),
        *_other_imports(info, host),
        *_features(info, host),
        *_calls(info, host),
        *_without_memory(info, host),
    )
    errors = tuple(found for found in said if found.severity is Severity.ERROR)
    warnings = tuple(found for found in said if found.severity is Severity.WARNING)
    caveats = tuple(found for found in said if found not in (*errors, *warnings))
    helps = host.label if warnings and not errors else None
    return Verdict(host.label, errors or warnings, caveats, helps)


def on_any_host(info: ModuleInfo) -> tuple[Diagnostic, ...]:
    """What is to be said of a module wherever it runs, beside the evidence for its ABIs."""
    found = [trace.diagnostic for trace in info.traces]
    if any(hides_types(info, slot) for slot in info.wasi_nn):
        found.append(HIDDEN_TYPES)
    if info.is_object_file:
        remedy = "link it before it is rewritten or run"
        found.append(Diagnostic("NN106", "this is an object file", help=remedy))
    return tuple(found)


def _limits(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """Those of the host that concern the wasi-nn functions which are imported."""
    imported = {item.name for item in info.wasi_nn.values()}
    for limit in host.limits if info.abis else ():
        if limit.function is None or limit.function in imported:
            yield limit


def _other_names(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    for module in info.abis:
        if module not in host.modules:
            message = f"it imports {module}, and the host registers {host.modules[0]}"
            yield Diagnostic("NN201", message)


def _compact_imports(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    first = info.compact_import
    if first is not None and not host.compact_imports:
        message = "its import section is compact, which the host does not read"
        yield Diagnostic("NN213", message, first.offset)


def _other_imports(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """The imports beside wasi-nn's that the host does not define, or not surely, or in another
    form, each once."""
    missing: dict[tuple[str, str], dict[str, None]] = {}
    said: set[tuple[str, str]] = set()
    for item in info.imports:
        if item.is_wasi_nn:
            continue
        functions = (host.others or {}).get(item.module, {})
        defined = functions.get(item.name)
        if item.kind != "func" or defined is None:
            if finding := _not_defined(item, host):
                missing.setdefault(finding, {})[f"{item.module}.{item.name}"] = None
        elif item.type in (defined, functions.get(item.name + host.second_form)):
            continue
        elif (item.module, item.name) not in said:
            said.add((item.module, item.name))
            given = str(item.type)
            if given == str(defined):
                given = "of the same form, and not final or in a group of types"
            name = f"{item.module}.{item.name}"
            message = f"the host's {name} is {defined}, and the import is {given}"
            code, end = ("NN226", ": a call of it traps") if host.links_all else ("NN215", "")
            yield Diagnostic(code, f"{message}{end}", item.offset, item.name)
    for (code, message), names in missing.items():
        yield Diagnostic(code, message.format(_named(names)))


def _not_defined(item: ImportedItem, host: Host) -> tuple[str, str] | None:
    """The code and the message for an import that the host does not define, None where it makes
    it."""
    option = host.option_for(item.module) if item.kind == "func" else None
    if option is not None:
        return "NN222", f"whether the host defines {{}} depends on {option}"
    if host.others is None or (item.kind == "func" and host.may_define(item.module, item.name)):
        return "NN222", "whether the host defines {} is not known"
    if item.kind == "func" and host.links_all:
        return "NN226", "the host does not define {}, and a call of it traps"
    if item.kind in ("memory", "table") and item.module in host.makes:
        return None
    return "NN212", "the host does not define {}"


def _named(names: dict[str, None]) -> str:
    first = ", ".join(itertools.islice(names, _MOST_NAMED))
    return f"{first} and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else first


def _features(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """What the module has and the host is not set up for, or not known to be."""
    found = {
        Feature.THREADS: any(memory.shared for memory in info.memories),
        Feature.MEMORY_64: any(memory.is_64 for memory in info.memories),
        Feature.MEMORIES: len(info.memories) > 1,
        Feature.PAGE_SIZES: any(memory.page_size != PAGE_SIZE for memory in info.memories),
        Feature.GC: info.module.types.beyond_functions,
        Feature.EXACT_IMPORTS: any(item.exact for item in info.imports),
    }
    for feature, is_there in found.items():
        reads = host.features.get(feature)
        if is_there and reads is False:
            yield Diagnostic("NN216", f"it has {feature.value}, which the host refuses")
        elif is_there and reads is None:
            yield Diagnostic("NN227", f"whether the host reads {feature.value} is not known")


def _calls(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """The functions that the host calls first, and that it cannot call without arguments."""
    first = exported_function(info.module, "_initialize") if host.initializes else None
    if first is not None and (first.params or first.results):
        message = f"its _initialize is {first}, and the host calls it without arguments or results"
        yield Diagnostic("NN217", message, function="_initialize")
    for name in host.entries:
        entry = exported_function(info.module, name)
        if entry is None:
            continue
        if entry.params or not NUMBERS.issuperset(entry.results):
            message = f"its {name or 'function without a name'} is {entry}, and the host calls it"
            yield Diagnostic("NN217", f"{message} without arguments", function=name)
        return


def _without_memory(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """Functions of WASI in which the host looks for a memory that is not there."""
    if host.without_memory is None or info.shared_memory is not None or info.abis:
        return  # the latter is said of wasi-nn
    for item in info.imports:
        functions = (host.others or {}).get(item.module, {})
        if item.name in functions and item.name not in host.without_memory:
            message = f'it imports {item.name} and exports no memory named "memory"'
            yield Diagnostic("NN223", message, item.offset, item.name)
            return


_MOST_NAMED = 10
