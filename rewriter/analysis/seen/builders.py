"""How many builders a guest passes for its models, and whether a host takes that many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rewriter.analysis.inspect import ModuleInfo
from rewriter.analysis.seen.formats import loaded
from rewriter.analysis.seen.loads import backends_for
from rewriter.analysis.seen.numbering import constants_of, counting, offset_of, where
from rewriter.constants.constant import Constant
from rewriter.diagnostics import Diagnostic
from rewriter.hosts.host import Backend, Host
from rewriter.hosts.parts import in_words
from rewriter.models.model import Model

__all__ = ["builders"]


def builders(info: ModuleInfo, host: Host, models: Sequence[Model]) -> Iterator[Diagnostic]:
    """Diagnostics about calls of `load` whose number of builders the host does not take for the
    encoding of the same call. Calls for none of the `models` do not count."""
    counted = set(counting(loaded(info, host).meanings, {model.encoding for model in models}))
    said = set[Diagnostic]()
    for encoding, _, parts in constants_of(info).loads():
        if encoding.numbers is not None and counted.isdisjoint(encoding.numbers):
            continue
        backends = backends_for(info, host, encoding)
        for number in parts.numbers or ():
            if not backends or any(_may_take(backend, number) for backend in backends):
                continue
            found = _refused(host, backends, parts, number)
            if found not in said:
                said.add(found)
                yield found


def _may_take(backend: Backend, number: int) -> bool:
    return backend.parts is None or number in backend.parts


def _refused(host: Host, backends: Sequence[Backend], parts: Constant, number: int) -> Diagnostic:
    passes = f"{where(parts)} passes the constant number of builders {number}"
    if host.measured is not None:
        message = f"{passes}, but it was not measured whether the host takes that many"
        return Diagnostic("NN271", message, offset_of(parts), "load")
    takes = ", ".join(
        f"{in_words(backend.parts)} for {backend.encoding.name.lower()}"
        for backend in backends
        if backend.parts is not None
    )
    message = f"{passes}, but the host takes {takes}"
    return Diagnostic("NN266", message, offset_of(parts), "load")
