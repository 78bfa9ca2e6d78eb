"""Whether a module runs on a host, and what it needs there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from enum import Enum, StrEnum

from rewriter.abi.numbers import Encoding
from rewriter.adapters.needs import Need, need
from rewriter.analysis.features import features_for
from rewriter.analysis.fitting import Fit, fit
from rewriter.analysis.inspect import ModuleInfo
from rewriter.analysis.linking import imports_of_wasi, other_imports
from rewriter.analysis.modelled.counted import counting_models, of_models
from rewriter.analysis.reasons import HIDDEN_NUMBERS, HIDDEN_TYPES
from rewriter.analysis.seen.formats import images_of
from rewriter.analysis.seen.numbering import as_shown
from rewriter.analysis.seen.told import (
    configured_by_nothing,
    instead_of_a_guess,
    with_constants,
    without_needless,
)
from rewriter.analysis.sources import guest_functions, hidden_numbers, hides_types
from rewriter.analysis.starting.beginning import beginning, compact_imports
from rewriter.codes import Severity
from rewriter.diagnostics import Diagnostic
from rewriter.hosts.host import Feature, Host, Quirk
from rewriter.models.model import Model

__all__ = ["Answer", "Runs", "Verdict", "assess", "on_any_host", "refused_features"]


class Runs(Enum):
    """How a module runs on a host, judging by its imports and exports."""

    AS_IT_IS = "as it is"
    AFTER_REWRITE = "after a rewrite"
    CANNOT = "no"


class Answer(StrEnum):
    """A verdict in one word, from the best to the worst for a pipeline. Of several verdicts, the
    worst counts. See docs/verdicts.md."""

    RUNS = "runs"
    ONLY_IF = "only_if"
    REWRITE = "rewrite"
    CANNOT = "cannot"
    NO_VERDICT = "no_verdict"
    """The file cannot be read, or is not WebAssembly."""

    @property
    def exit_code(self) -> int:
        """The exit code of `nnshim check`."""
        return _EXIT_CODES[self]

    @classmethod
    def worst(cls, answers: Iterable[Answer]) -> Answer:
        """The worst of these; RUNS if there are none."""
        return max(answers, key=tuple(cls).index, default=cls.RUNS)


_EXIT_CODES = {
    Answer.RUNS: 0,
    Answer.REWRITE: 1,
    Answer.CANNOT: 4,
    Answer.ONLY_IF: 5,
    Answer.NO_VERDICT: 6,
}
"""For every command, 2 means wrong usage, and 3 a missing tool."""


@dataclass(frozen=True)
class Verdict:
    """Whether a module runs on `host`.

    `reasons` say why it does not run as it is: the errors, or the warnings if there are no errors.
    `conditions`, `needs`, `unseen` and `notes` are sorted by severity. `rewrite_for` is the host or
    release to rewrite for, or None if no rewrite is needed or none helps.

    Conditions count; if `strict`, needs and unseen count too. Diagnostics in `accepted` are in none
    of the other fields, and do not count.
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
        """Sort diagnostics by severity. `rewrite_for` is kept only if a rewrite fixes
        everything."""
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
        """As it is, after a rewrite for the host, or not at all, provided all conditions hold."""
        if not self.reasons:
            return Runs.AS_IT_IS
        cannot = any(reason.severity is Severity.ERROR for reason in self.reasons)
        return Runs.CANNOT if cannot else Runs.AFTER_REWRITE

    @property
    def counted(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that must hold for the module to run."""
        return (*self.conditions, *self.needs, *self.unseen) if self.strict else self.conditions

    @property
    def caveats(self) -> tuple[Diagnostic, ...]:
        """All diagnostics except the reasons."""
        return (*self.conditions, *self.needs, *self.unseen, *self.notes, *self.accepted)

    @property
    def answer(self) -> Answer:
        """The verdict in one word. A needed rewrite comes before any conditions."""
        if self.runs is Runs.CANNOT:
            return Answer.CANNOT
        if self.runs is Runs.AFTER_REWRITE:
            return Answer.REWRITE
        return Answer.ONLY_IF if self.counted else Answer.RUNS

    @property
    def passed(self) -> bool:
        """Whether it runs as it is, without anything that counts."""
        return self.answer is Answer.RUNS

    def weighed(self, *, strict: bool = False, accept: Set[str] = frozenset()) -> Verdict:
        """The same verdict with other rules: `strict` also counts needs and unseen, and `accept`ed
        codes do not count. Reasons are never accepted."""

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
    info: ModuleInfo,
    host: Host,
    guest: Host | None = None,
    found: Fit | None = None,
    models: Sequence[Model] = (),
) -> Verdict:
    """Judge a module by what it shows, and by the `models` that it runs.

    `guest` is the host that it was built for, if known, and `found` the result of `fit`, if it was
    computed already. Without either, the constants that reach wasi-nn's functions count too. If the
    module cannot run, notes about adapters are left out.
    """
    follows = guest is None and found is None
    info = as_shown(info, host, models) if follows else info
    found = found or fit(
        info,
        host.dialects,
        guest,
        tells_numbers=host.tells_numbers,
        links_all=host.links_all,
    )
    found = without_needless(info, found) if follows else found
    said = (
        *_object_file(info),
        *_other_names(info, host),
        *_for_its_backends(found.diagnostics, host),
        *compact_imports(info, host),
        *_limits(info, host, found),
        *_configurations(info, host),
        *other_imports(info, host),
        *_features(info, host),
        *beginning(info, host),
        *_needs(info, host),
    )
    said = with_constants(info, host, said, models) if follows else said
    if not (follows or models):
        said = (*said, *images_of(info, host))
    said = (*counting_models(said, host, models), *of_models(info, host, models))
    if follows and configured_by_nothing(info):
        said = tuple(one for one in said if one.code not in _OF_CONFIGURATIONS)
    verdict = Verdict.of(host.label, said, host.label)
    if verdict.runs is not Runs.CANNOT:
        return verdict
    notes = (n for n in verdict.notes if n in info.of_marks or n not in found.diagnostics)
    return replace(verdict, notes=tuple(notes))


def on_any_host(info: ModuleInfo) -> tuple[Diagnostic, ...]:
    """Diagnostics that apply on every host, without the evidence for the module's ABIs."""
    found = [*info.of_marks, *(trace.diagnostic for trace in info.traces)]
    if any(hides_types(info, slot) for slot in info.wasi_nn):
        found += instead_of_a_guess(info, HIDDEN_TYPES)
    if hidden_numbers(info) is not None:
        found.append(HIDDEN_NUMBERS)
    found += _object_file(info)
    return tuple(found)


def _object_file(info: ModuleInfo) -> Iterator[Diagnostic]:
    if info.is_object_file:
        remedy = "link it before it is rewritten or run"
        yield Diagnostic("NN106", "this is an object file", help=remedy)


def _for_its_backends(said: Iterable[Diagnostic], host: Host) -> Iterator[Diagnostic]:
    """Drops diagnostics about OpenVINO if the host has no OpenVINO backend. (Releases with the same
    ABI can have different backends.)"""
    there = {backend.encoding for backend in host.backends}
    for diagnostic in said:
        if Encoding.OPENVINO in there or diagnostic.code not in ("NN306", "NN307"):
            yield diagnostic


def _limits(info: ModuleInfo, host: Host, found: Fit) -> Iterator[Diagnostic]:
    """The host's limits that concern wasi-nn or WASI functions called by the guest or by adapters.

    Left out are limits that adapters work around, notes, and NN241 if NN304 says the same of the
    adapters."""
    if not info.abis:
        return
    imported = {item.name for item in (*info.not_functions, *imports_of_wasi(info))}
    for slot, item in info.wasi_nn.items():
        adapter = found.adapters.get(slot)
        imported.add(adapter.imported if adapter else item.name)
    said = {"NN241"} if any(d.code == "NN304" for d in found.diagnostics) else set()
    for limit in host.limits:
        concerns = limit.function is None or limit.function in imported
        if limit.severity is Severity.NOTE or limit.code in said:
            continue
        if concerns and not _mended(limit, found):
            yield limit


def _mended(limit: Diagnostic, found: Fit) -> bool:
    """Whether an adapter that does more than translate errors works around an unseen limit of its
    function. No adapter helps with NN249 (inputs read at compute) or with numbers that were not
    measured (NN272)."""
    return (
        limit.severity is Severity.UNSEEN
        and limit.code not in ("NN249", "NN272")
        and any(
            need(adapter.function, adapter.source, adapter.target, told=adapter.told)
            not in (None, Need.ERRNOS)
            for adapter in found.adapters.values()
            if adapter is not None and adapter.function == limit.function
        )
    )


def _configurations(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """A diagnostic if some backends take no configuration. Guests that stream use language models,
    whose backends take one."""
    names = host.dialects[0].functions.keys() & {one.name for one in guest_functions(info)}
    without = [one for one in host.backends if Quirk.UNCONFIGURED in one.quirks]
    if without and _CONFIGURED in names and not names & _STREAMING:
        words = ", ".join(one.encoding.name.lower() for one in without)
        message = f"load_by_name_with_config fails for graphs of {words}, unless the"
        yield Diagnostic("NN264", f"{message} configuration is empty")


def _needs(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """What a wasi-nn guest needs besides the host. If the host was measured with a backend, it has
    wasi-nn."""
    was_there = host.measured is not None and "measured" in host.measured.about and host.backends
    if info.abis and not was_there:
        message = "wasi-nn must be built in or enabled, with a backend for the model"
        yield Diagnostic("NN251", message, help="`nnshim hosts HOST` says how")
    if any(item.name in _BY_NAME for item in info.wasi_nn.values()):
        message = "a graph must exist for each name that the guest asks for"
        yield Diagnostic("NN252", message, help="`nnshim hosts HOST` says how it is named")


def _other_names(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    for module in info.abis:
        if module not in host.modules:
            message = f"it imports {module}, but the host registers {host.modules[0]}"
            yield Diagnostic("NN201", message)


def _features(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """WebAssembly features of the module that the host refuses, or may refuse."""
    taken = [feature for feature, reads in host.features.items() if reads]
    found = dict(features_for(info.module, taken))
    found.pop(Feature.COMPACT_IMPORTS, None)  # a rewrite fixes it
    yield from refused_features(found, host)


def refused_features(found: Mapping[Feature, int], host: Host) -> Iterator[Diagnostic]:
    """Those of some features that the host refuses, or may refuse. `found` has the position of the
    first use of each, in bytes."""
    for feature, offset in found.items():
        reads = host.features.get(feature)
        if reads is False:
            message = f"it has {feature.value}, which the host refuses"
            yield Diagnostic("NN216", message, offset)
        elif reads is None:
            message = f"it is unknown whether the host reads {feature.value}"
            yield Diagnostic("NN227", message, offset)


_OF_CONFIGURATIONS = ("NN264", "NN301", "NN747")
_CONFIGURED = "load_by_name_with_config"

_BY_NAME = ("load_by_name", _CONFIGURED)
_STREAMING = frozenset(("compute_single", "get_output_single", "fini_single"))
