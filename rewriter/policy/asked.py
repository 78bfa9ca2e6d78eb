"""What a core module asks for that a policy does not allow: imports, and what it passes to
`load`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from rewriter.abi.dialect import BY_NAME, MODULE_NAMES, WITH_CONFIG
from rewriter.abi.dialects import Encoding, Target
from rewriter.adapters.needs import FALLBACKS
from rewriter.analysis.inspect import ModuleInfo
from rewriter.analysis.seen.numbering import as_shown, constants_of, followed, offset_of, where
from rewriter.analysis.sources import GuestFunction, called, guest_functions, is_function
from rewriter.constants.constant import Constant
from rewriter.diagnostics import Diagnostic, distinct
from rewriter.hosts.host import Host
from rewriter.models.model import Model
from rewriter.policy.named import graphs
from rewriter.policy.policy import TARGETS, Policy
from rewriter.policy.unknown import unknown

__all__ = ["asked_by_module"]

_WITHOUT_OPTIONS = frozenset(
    (
        *(Encoding.OPENVINO, Encoding.ONNX, Encoding.TENSORFLOW),
        *(Encoding.PYTORCH, Encoding.TENSORFLOWLITE),
    )
)
"""Encodings whose models are not given options that may name a device. Hosts take options of
language models as a builder of `load`, or as an input."""


def asked_by_module(
    info: ModuleInfo, rows: Sequence[Host], policy: Policy, models: Sequence[Model] = ()
) -> tuple[Diagnostic, ...]:
    """What a module asks for that the policy does not allow, or that is not known to be allowed on
    these releases of a host. `models` are those that it runs, which may show its ABI.

    Raises MalformedModule for unreadable sections.
    """
    found = [*_imports(info, rows, policy), *_functions(info, rows, policy)]
    if policy.limits("encodings") or policy.limits("targets"):
        found += _loads(info, rows, policy, models)
        found += _by_name(info, policy)
    if policy.limits("named_graphs"):
        found += graphs(info, policy)
    return distinct(found)


def _imports(info: ModuleInfo, rows: Sequence[Host], policy: Policy) -> Iterator[Diagnostic]:
    beside: dict[str, tuple[str, int | None]] = {}
    for item in info.imports:
        if not item.is_wasi_nn:
            beside.setdefault(item.module, (item.name, item.offset))
    also = {name for row in rows for name in row.modules} - set(MODULE_NAMES)
    for module, (name, offset) in beside.items():
        if not policy.allows("imports", module):
            message = f"the policy does not allow to import from {module} ({name})"
            yield Diagnostic("NN802", message, offset)
        elif module in also:
            message = f"{module} is wasi-nn on {rows[-1].label}, but what it passes is not followed"
            yield unknown(policy, message, offset)


def _functions(info: ModuleInfo, rows: Sequence[Host], policy: Policy) -> Iterator[Diagnostic]:
    if not policy.limits("functions"):
        return
    for item in info.not_functions:
        message = f"the policy allows functions only: it imports the {item.kind} {item.name}"
        yield Diagnostic("NN801", f"{message} from {item.module}", item.offset)
    for slot, item in info.wasi_nn.items():
        name = called(info, slot)
        for one in dict.fromkeys((name, item.name, *_stand_in(name, info, slot, rows))):
            if not policy.allows("functions", one):
                behind = "" if one == name else f", on which {name} falls back"
                message = f"the policy does not allow {one}{behind}"
                yield Diagnostic("NN801", message, item.offset, one)


def _stand_in(name: str, info: ModuleInfo, slot: int, rows: Sequence[Host]) -> Iterator[str]:
    """The function that a rewrite would import instead."""
    if slot in info.adapters or name not in FALLBACKS:
        return
    if not all(any(name in d.functions for d in row.dialects) for row in rows):
        yield FALLBACKS[name]


def _loads(
    info: ModuleInfo, rows: Sequence[Host], policy: Policy, models: Sequence[Model]
) -> Iterator[Diagnostic]:
    """What reaches `load`, directly or through an adapter."""
    if not _all_followed(info, ("load",)):
        for subject in ("encoding", "target"):
            if policy.limits(f"{subject}s"):
                message = f"it imports load, and it is not known which {subject} it passes"
                yield unknown(policy, message, function="load")
        return
    tables = list(_tables(info, rows, models))
    for encoding, target, _ in constants_of(info).loads():
        meanings: set[Encoding | None] = set()
        if encoding.numbers is None and policy.limits("encodings"):
            yield _hidden(policy, encoding, "encoding")
        elif encoding.numbers is None:
            meanings.add(None)
        for number in encoding.numbers or ():
            of_number = {table[number] for table in tables if number in table}
            meanings |= of_number or {None}
            if policy.limits("encodings"):
                yield from _encoding(policy, encoding, number, of_number)
        if policy.limits("targets"):
            yield from _target(policy, target, meanings)


def _tables(
    info: ModuleInfo, rows: Sequence[Host], models: Sequence[Model]
) -> Iterator[Mapping[int, Encoding]]:
    """The numberings of encodings that the guest and the host may have. A host of another layout
    gets what an adapter makes of the guest's meaning."""
    layouts = {one.dialect.layout for one in guest_functions(info)}
    for row in rows:
        for each in (info, as_shown(info, row, models)):
            yield from (one.dialect.encodings for one in guest_functions(each))
        yield from (dialect.encodings for dialect in row.dialects if dialect.layout in layouts)
        for standing in info.adapters.values():
            source, target = standing.adapter.source, standing.adapter.target
            for dialect in row.dialects:
                yield _through(source.encodings, target.encodings, dialect.encodings)


def _through(
    source: Mapping[int, Encoding], target: Mapping[int, Encoding], host: Mapping[int, Encoding]
) -> Mapping[int, Encoding]:
    """What a host understands when an adapter for another one translates the guest's numbers."""
    passed = {meaning: number for number, meaning in target.items()}
    return {
        number: host[passed[meaning]]
        for number, meaning in source.items()
        if passed.get(meaning) in host
    }


def _encoding(
    policy: Policy, constant: Constant, number: int, meanings: Collection[Encoding]
) -> Iterator[Diagnostic]:
    passes = f"{where(constant)} passes the encoding {number}"
    if not meanings:
        message = f"the policy does not allow what no ABI defines: {passes}"
        yield Diagnostic("NN803", message, offset_of(constant), "load")
    for meaning in sorted(meanings):
        name = meaning.name.lower()
        if not policy.allows("encodings", name):
            message = f"the policy does not allow {name}: {passes}"
            yield Diagnostic("NN803", message, offset_of(constant), "load")


def _target(
    policy: Policy, constant: Constant, meanings: Collection[Encoding | None]
) -> Iterator[Diagnostic]:
    if constant.numbers is None:
        yield _hidden(policy, constant, "target")
    for number in constant.numbers or ():
        name = TARGETS[number] if number < len(Target) else "what no ABI defines"
        if not policy.allows("targets", name):
            message = f"{where(constant)} passes the target {number}"
            message = f"the policy does not allow {name}: {message}"
            yield Diagnostic("NN804", message, offset_of(constant), "load")
    if not _WITHOUT_OPTIONS.issuperset(meanings):
        message = f"{where(constant)} may load a model whose options name other devices"
        yield unknown(policy, message, offset_of(constant), "load")


def _hidden(policy: Policy, constant: Constant, subject: str) -> Diagnostic:
    message = f"{where(constant)} passes a {subject} to load that is not a constant"
    if constant.place is None:
        message = f"load can be called in ways that are not seen, with any {subject}"
    message = message.replace("a encoding", "an encoding")
    return unknown(policy, message, offset_of(constant), "load")


def _by_name(info: ModuleInfo, policy: Policy) -> Iterator[Diagnostic]:
    """Graphs that are loaded by name: the host knows their encodings and targets. Where the policy
    says which graphs there may be, it says so of these."""
    names = {called(info, slot) for slot in info.wasi_nn}
    configured = policy.limits("targets") and names & WITH_CONFIG.keys()
    if configured:
        message = "its configuration of a graph may name other devices"
        yield unknown(policy, message, function="load_by_name_with_config")
    if names & (BY_NAME | WITH_CONFIG).keys() and not policy.limits("named_graphs"):
        message = "the encodings and targets of graphs that it loads by name are not known"
        yield unknown(policy, message, function="load_by_name")


def _all_followed(info: ModuleInfo, names: Collection[str]) -> bool:
    """Whether all calls of wasi-nn's functions with these names are followed. An import whose type
    does not fit its ABI is not: its parameters may be others."""
    known = followed(info)
    functions = [one for one in guest_functions(info) if one.name in names]
    return all(one.number in known and _fits(info, one) for one in functions)


def _fits(info: ModuleInfo, function: GuestFunction) -> bool:
    item = info.wasi_nn.get(function.number)
    return item is None or is_function(function.dialect, item)  # the type of an adapter is known
