"""The backends and targets for which a module loads models, according to its constants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

from rewriter.abi.dialect import BY_NAME, WITH_CONFIG
from rewriter.abi.numbers import Encoding
from rewriter.analysis.inspect import ModuleInfo
from rewriter.analysis.seen.numbering import constants_of, offset_of, where
from rewriter.analysis.sources import guest_functions
from rewriter.constants.constant import Constant, Subject
from rewriter.diagnostics import Diagnostic
from rewriter.hosts.host import Backend, Host

__all__ = ["backends_for", "backends_left", "encodings_of", "meant_formats", "targets"]

_TITLES = ("cpu", "gpu", "tpu")
"""The names of targets, by number."""


def encodings_of(host: Host) -> Mapping[int, Encoding]:
    return host.dialects[0].encodings


def meant_formats(info: ModuleInfo, host: Host, number: int) -> Set[Encoding]:
    """The meanings of an encoding's number to the guest and on the host."""
    tables = [one.dialect.encodings for one in guest_functions(info)]
    tables.append(encodings_of(host))
    return {meaning for table in tables if (meaning := table.get(number)) is not None}


def backends_left(info: ModuleInfo, host: Host) -> tuple[Backend, ...]:
    """The host's backends that a guest may load models with. These are all backends if some call
    hides its encoding, a graph is loaded by name, or no backend would be left."""
    constants = constants_of(info)
    named = any(one.name in BY_NAME | WITH_CONFIG for one in guest_functions(info))
    if named or constants.hidden(Subject.ENCODING):
        return host.backends
    calls = [backends_for(info, host, one) for one in constants.of(Subject.ENCODING)]
    return tuple(one for one in host.backends if any(one in some for some in calls)) or (
        host.backends
    )


def backends_for(info: ModuleInfo, host: Host, encoding: Constant) -> tuple[Backend, ...]:
    """The backends that one call of `load` may use."""
    if encoding.numbers is None:
        return host.backends
    meant = set[Encoding]().union(*(meant_formats(info, host, one) for one in encoding.numbers))
    every = Encoding.AUTODETECT in meant
    return tuple(one for one in host.backends if every or one.encoding in meant)


def targets(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """Diagnostics about targets with which `load` fails, or that the device must have."""
    constants = constants_of(info)
    said = set[tuple[str, int]]()
    for encoding, target, _ in constants.loads():
        backends = backends_for(info, host, encoding) or host.backends
        for number in target.numbers or ():
            found = _of_target(host, backends, target, number)
            if found is not None and (found.code, number) not in said:
                said.add((found.code, number))
                yield found


def _of_target(
    host: Host, backends: tuple[Backend, ...], target: Constant, number: int
) -> Diagnostic | None:
    title = f" ({_TITLES[number]})" if number < len(_TITLES) else ""
    passes = f"{where(target)} passes the constant target {number}{title}"
    if host.measured is not None and number:
        message = f"{passes}, but it was not measured whether the host takes it"
        return Diagnostic("NN271", message, offset_of(target), "load")
    refusing = [one for one in backends if one.targets is not None and number not in one.targets]
    if refusing and not title:
        return Diagnostic("NN263", f"{passes}, which is undefined", offset_of(target), "load")
    taking = [backend for backend in backends if backend not in refusing]
    if refusing and not taking:
        names = ", ".join(backend.encoding.name.lower() for backend in refusing)
        message = f"{passes}, which the host does not take for {names}"
        return Diagnostic("NN263", message, offset_of(target), "load")
    if taking and all(number in backend.devices for backend in taking):
        message = f"the device must have a {_TITLES[number]}: {where(target)} asks for one"
        return Diagnostic("NN253", message, function="load")
    return None
