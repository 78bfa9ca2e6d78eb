"""What a host means for a module: whether it runs there, and what has to be done for it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from operator import attrgetter
from weakref import WeakKeyDictionary

from rewriter.abi.numbers import Encoding
from rewriter.adapters.needs import Need, need
from rewriter.analysis.beginning import beginning
from rewriter.analysis.features import features
from rewriter.analysis.fitting import Fit, fit, hides_types
from rewriter.analysis.inspect import ImportedItem, ModuleInfo
from rewriter.analysis.reasons import HIDDEN_NUMBERS, HIDDEN_TYPES
from rewriter.analysis.sources import hidden_numbers
from rewriter.codes import Severity
from rewriter.diagnostics import Diagnostic
from rewriter.hosts.host import ANY, Feature, Host
from rewriter.wasm.module import Module
from rewriter.wasm.types import PAGE_SIZE

__all__ = ["Answer", "Runs", "Verdict", "assess", "on_any_host"]


class Runs(Enum):
    """How a module runs on a host, as far as imports and exports show it."""

    AS_IT_IS = "as it is"
    AFTER_REWRITE = "after a rewrite"
    CANNOT = "no"


class Answer(StrEnum):
    """A verdict in a word, from the best to the worst in the order of a pipeline: of many, the
    worst counts. See docs/verdicts.md."""

    RUNS = "runs"
    ONLY_IF = "only_if"
    REWRITE = "rewrite"
    CANNOT = "cannot"
    NO_VERDICT = "no_verdict"
    """It cannot be read, or is not a core module."""

    @property
    def exit_code(self) -> int:
        """What `nnshim check` exits with."""
        return _EXIT_CODES[self]

    @classmethod
    def worst(cls, answers: Iterable[Answer]) -> Answer:
        """That of all together; of none, that nothing is in the way."""
        return max(answers, key=tuple(cls).index, default=cls.RUNS)


_EXIT_CODES = {
    Answer.RUNS: 0,
    Answer.REWRITE: 1,
    Answer.CANNOT: 4,
    Answer.ONLY_IF: 5,
    Answer.NO_VERDICT: 6,
}
"""2 is usage, and 3 a tool that is missing, of every command."""


@dataclass(frozen=True)
class Verdict:
    """Whether a module runs on `host`. `reasons` say why not as it is, errors or else warnings; the
    others are what that depends on, by their severity. `rewrite_for` is the host, or a release of
    it, that a rewrite has to be for, None where none is needed or helps.

    Conditions count; where it is `strict`, needs and what is unseen do, too. What was `accepted` is
    in none of the others, and does not count.
    """

    host: str
    reasons: tuple[Diagnostic, ...]
    conditions: tuple[Diagnostic, ...] = ()
    needs: tuple[Diagnostic, ...] = ()
    unseen: tuple[Diagnostic, ...] = ()
    notes: tuple[Diagnostic, ...] = ()
    accepted: tuple[Diagnostic, ...] = ()
    rewrite_for: str | None = None
    strict: bool = False

    @classmethod
    def of(cls, host: str, said: Iterable[Diagnostic], rewrite_for: str | None = None) -> Verdict:
        """Sort what is said of a module. `rewrite_for` is kept where a rewrite mends all."""
        by: dict[Severity, list[Diagnostic]] = {severity: [] for severity in Severity}
        for found in said:
            by[found.severity].append(found)
        return cls(
            host,
            tuple(by[Severity.ERROR] or by[Severity.WARNING]),
            tuple(by[Severity.CONDITION]),
            tuple(by[Severity.NEED]),
            tuple(by[Severity.UNSEEN]),
            tuple(by[Severity.NOTE]),
            rewrite_for=rewrite_for if by[Severity.WARNING] and not by[Severity.ERROR] else None,
        )

    @property
    def runs(self) -> Runs:
        """As it is, after a rewrite for the host, or not at all, if all conditions hold."""
        if not self.reasons:
            return Runs.AS_IT_IS
        cannot = any(reason.severity is Severity.ERROR for reason in self.reasons)
        return Runs.CANNOT if cannot else Runs.AFTER_REWRITE

    @property
    def counted(self) -> tuple[Diagnostic, ...]:
        """What has to hold for it to run."""
        return (*self.conditions, *self.needs, *self.unseen) if self.strict else self.conditions

    @property
    def caveats(self) -> tuple[Diagnostic, ...]:
        """All that is said beside the reasons."""
        return (*self.conditions, *self.needs, *self.unseen, *self.notes, *self.accepted)

    @property
    def answer(self) -> Answer:
        """A module that needs a rewrite has to be rewritten whether its conditions hold or not."""
        if self.runs is Runs.CANNOT:
            return Answer.CANNOT
        if self.runs is Runs.AFTER_REWRITE:
            return Answer.REWRITE
        return Answer.ONLY_IF if self.counted else Answer.RUNS

    @property
    def passed(self) -> bool:
        """Whether it runs as it is, and nothing that counts is left open."""
        return self.answer is Answer.RUNS

    def weighed(self, *, strict: bool = False, accept: Set[str] = frozenset()) -> Verdict:
        """The same where needs and what is unseen count, or codes are accepted: those of `reasons`
        never are."""

        def left(said: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
            return tuple(found for found in said if found.code not in accept)

        open_ = (*self.conditions, *self.needs, *self.unseen)
        return replace(
            self,
            conditions=left(self.conditions),
            needs=left(self.needs),
            unseen=left(self.unseen),
            accepted=(*self.accepted, *(found for found in open_ if found.code in accept)),
            strict=strict,
        )


def assess(
    info: ModuleInfo, host: Host, guest: Host | None = None, found: Fit | None = None
) -> Verdict:
    """Judge a module by its imports and exports: no more than those can be known of it.

    `guest` is the host that it was built for, where that is known, and `found` what makes it fit,
    if that was looked for already.
    """
    found = found or fit(info, host.dialects, guest, tells_numbers=host.tells_numbers)
    said = (
        *_object_file(info),
        *_other_names(info, host),
        *_for_its_backends(found.diagnostics, host),
        *_compact_imports(info, host),
        *_limits(info, host, found),
        *_other_imports(info, host),
        *_features(info, host),
        *beginning(info, host),
        *_needs(info),
    )
    return Verdict.of(host.label, said, host.label)


def on_any_host(info: ModuleInfo) -> tuple[Diagnostic, ...]:
    """What is to be said of a module wherever it runs, beside the evidence for its ABIs."""
    found = [trace.diagnostic for trace in info.traces]
    if any(hides_types(info, slot) for slot in info.wasi_nn):
        found.append(HIDDEN_TYPES)
    if hidden_numbers(info) is not None:
        found.append(HIDDEN_NUMBERS)
    found += _object_file(info)
    return tuple(found)


def _object_file(info: ModuleInfo) -> Iterator[Diagnostic]:
    if info.is_object_file:
        remedy = "link it before it is rewritten or run"
        yield Diagnostic("NN106", "this is an object file", help=remedy)


def _for_its_backends(said: Iterable[Diagnostic], host: Host) -> Iterator[Diagnostic]:
    """Without what is said of OpenVINO, where a release that has an ABI with others does not have
    it."""
    there = {backend.encoding for backend in host.backends}
    for diagnostic in said:
        if Encoding.OPENVINO in there or diagnostic.code not in ("NN306", "NN307", "NN308"):
            yield diagnostic


def _limits(info: ModuleInfo, host: Host, found: Fit) -> Iterator[Diagnostic]:
    """Those of the host that concern the wasi-nn functions which are imported, but for those that
    adapters mend and that decide nothing."""
    imported = {item.name for item in info.wasi_nn.values()}
    for limit in host.limits if info.abis else ():
        concerns = limit.function is None or limit.function in imported
        if concerns and limit.severity is not Severity.NOTE and not _mended(limit, found):
            yield limit


def _mended(limit: Diagnostic, found: Fit) -> bool:
    """Whether an adapter stands, or is to stand, between the guest and what is not to be seen of
    its use of one function: one that does more than translate errors."""
    return limit.severity is Severity.UNSEEN and any(
        need(adapter.function, adapter.source, adapter.target, told=adapter.told)
        not in (None, Need.ERRNOS)
        for adapter in found.adapters.values()
        if adapter is not None and adapter.function == limit.function
    )


def _needs(info: ModuleInfo) -> Iterator[Diagnostic]:
    """What a guest that uses wasi-nn needs beside the host, on any."""
    if info.abis:
        message = "wasi-nn has to be built in or switched on, with a backend for the model"
        yield Diagnostic("NN251", message, help="`nnshim hosts HOST` says how")
    if any(item.name in _BY_NAME for item in info.wasi_nn.values()):
        message = "a graph has to be there of each name that the guest asks for"
        yield Diagnostic("NN252", message, help="`nnshim hosts HOST` says how it is named")


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


_FOUND: WeakKeyDictionary[Module, list[tuple[Host, tuple[Diagnostic, ...]]]] = WeakKeyDictionary()
"""What is said of a module's other imports, which there can be a million of."""

_LINKING = attrgetter("others", "optional", "links_all", "second_form", "mixes_forms", "makes")
"""What of a host that depends on."""


def _other_imports(info: ModuleInfo, host: Host) -> tuple[Diagnostic, ...]:
    """What is said of the imports beside wasi-nn's, read once for all hosts that link alike."""
    known = _FOUND.setdefault(info.module, [])
    for other, said in known:
        if _LINKING(other) == _LINKING(host):
            return said
    known.append((host, tuple(_not_linked(info, host))))
    return known[-1][1]


def _not_linked(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
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
            if host.mixes_forms and item.name + host.second_form in functions:
                code, end = "NN226", ", and is linked: a call of it has the wrong arguments"
            yield Diagnostic(code, f"{message}{end}", item.offset, item.name)
    for (code, message), names in missing.items():
        yield Diagnostic(code, message.format(_named(names)))


def _not_defined(item: ImportedItem, host: Host) -> tuple[str, str] | None:
    """The code and the message for an import that the host does not define, None where it makes
    it."""
    is_global = item.kind == "global"
    option = host.option_for(item.module) if item.kind == "func" else None
    if option is not None:
        return "NN222", f"the host defines {{}} with {option}"
    if host.others is None:
        return "NN222", "whether the host defines {} is not known"
    if item.kind == "func" and host.links_all:
        return "NN226", "the host does not define {}, and a call of it traps"
    if host.makes.get(item.kind, frozenset()) & {item.module, ANY}:
        return ("NN226", "the host does not define {}, and takes zero") if is_global else None
    return "NN212", "the host does not define {}"


def _named(names: dict[str, None]) -> str:
    first = ", ".join(itertools.islice(names, _MOST_NAMED))
    return f"{first} and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else first


def _features(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """What the module has and the host is not set up for, or not known to be."""
    for feature, offset in features(info.module).items():
        if feature is Feature.COMPACT_IMPORTS:
            continue  # which a rewrite mends
        reads = host.features.get(feature)
        if reads is False:
            message = f"it has {feature.value}, which the host refuses"
            yield Diagnostic("NN216", message, offset)
        elif reads is None:
            message = f"whether the host reads {feature.value} is not known"
            yield Diagnostic("NN227", message, offset)
    shared = info.shared_memory is not None and info.shared_memory.shared
    if info.abis and shared and host.features.get(Feature.THREADS) and not host.nn_in_shared:
        yield Diagnostic("NN216", "it exports a shared memory, in which its wasi-nn does not work")
    for memory in info.memories:
        if memory.page_size == PAGE_SIZE and memory.minimum > host.most_pages:
            message = f"it has a memory of {memory.minimum} pages, and the host makes {{}} at most"
            yield Diagnostic("NN216", message.format(host.most_pages))


_MOST_NAMED = 10

_BY_NAME = ("load_by_name", "load_by_name_with_config")
