"""What is said of a module's constants: what they mean, and what of that a host does not take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set

from rewriter.abi.dialects import DIALECTS, Dialect
from rewriter.abi.numbers import (
    ENCODINGS_WAMR,
    ENCODINGS_WASMEDGE,
    TYPES_2020,
    TYPES_WITX,
    Encoding,
    TensorType,
)
from rewriter.analysis.inspect import ModuleInfo
from rewriter.analysis.seen.numbering import (
    Types,
    constants_of,
    meanings_of,
    numbers_of,
    offset_of,
    older_abi,
    possible,
    where,
)
from rewriter.constants.constant import Constants, Subject
from rewriter.diagnostics import Diagnostic
from rewriter.hosts.host import Backend, Host, Unit

__all__ = ["instead_of_a_guess", "with_constants"]


def with_constants(
    info: ModuleInfo, host: Host, said: Iterable[Diagnostic]
) -> tuple[Diagnostic, ...]:
    """What is said of a module on a host, with what its constants add to that, and without what
    they make needless. `info` has the ABI that they show."""
    constants = constants_of(info)
    found: list[Diagnostic] = []
    for diagnostic in said:
        if diagnostic.code == "NN137":
            found += instead_of_a_guess(info, diagnostic)
        elif diagnostic.code == "NN138":
            found += _instead_of_guessed_encodings(info, host, diagnostic)
        elif diagnostic.code != "NN301" or not _configured_by_nothing(constants):
            found.append(diagnostic)
    evidence = (
        one
        for abi in info.abis.values()
        if abi.name is not None and DIALECTS[abi.name].tensor_types is TYPES_2020
        for one in abi.evidence
        if one.code == "NN145"
    )
    return (*found, *evidence, *_refused_types(info, host), *_missing_backends(info, host))


def instead_of_a_guess(info: ModuleInfo, guess: Diagnostic) -> Iterator[Diagnostic]:
    """What is to be said in the place of that the numbers of tensor types are a guess."""
    constants = constants_of(info)
    tables = possible(info)
    hidden = constants.hidden(Subject.TYPE)
    if not constants.of(Subject.TYPE):
        yield guess
        return
    if len(tables) == 1:
        return
    unsure = {
        number: constant
        for number, constant in numbers_of(constants, Subject.TYPE).items()
        if len({table.get(number) for table in tables}) > 1
    }
    remedy = f"--guest-abi says which: {_abis_of(info)}"
    for number, constant in unsure.items():
        now, before = (meanings_of([table.get(number)]) for table in tables)
        message = (
            f"{where(constant)} passes the constant tensor type {number}, which is {now} and was"
            f" {before} before August 2023"
        )
        yield Diagnostic("NN146", message, offset_of(constant), "set_input", remedy)
    if hidden and not unsure:
        calls = len(hidden) + len(constants.of(Subject.TYPE))
        message = (
            f"{len(hidden)} of {calls} calls hide the tensor types that they pass: the numbers of"
            " after August 2023 are assumed"
        )
        yield guess._replace(message=message)


def _instead_of_guessed_encodings(
    info: ModuleInfo, host: Host, guess: Diagnostic
) -> Iterator[Diagnostic]:
    """What is to be said in the place of that the numbers of encodings are a guess."""
    constants = constants_of(info)
    here = _encodings_of(host)
    seen = numbers_of(constants, Subject.ENCODING)
    for number, constant in seen.items():
        meaning, usual = here.get(number), ENCODINGS_WASMEDGE.get(number)
        if meaning is usual or meaning is None or usual is None:
            continue
        message = (
            f"{where(constant)} passes the constant encoding {number}, which is"
            f" {meanings_of([usual])} elsewhere and {meanings_of([meaning])} on this host"
        )
        yield Diagnostic("NN146", message, offset_of(constant), "load", guess.help)
    if not seen or constants.hidden(Subject.ENCODING):
        yield guess


def _configured_by_nothing(constants: Constants) -> bool:
    """Whether every configuration is empty."""
    lengths = numbers_of(constants, Subject.CONFIG_LENGTH)
    return set(lengths) == {0} and not constants.hidden(Subject.CONFIG_LENGTH)


def _refused_types(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """The types that no backend takes which the guest can use there."""
    constants = constants_of(info)
    tables = _tables(info)
    if tables is None or host.tells_numbers:
        return
    for number, constant in numbers_of(constants, Subject.TYPE).items():
        meanings = {table.get(number) for table in tables}
        if any(meaning is None or _takes(host, meaning) for meaning in meanings):
            continue
        message = (
            f"{where(constant)} passes the constant tensor type {number}"
            f" ({meanings_of(meanings)}), which the host does not take"
        )
        yield Diagnostic("NN261", message, offset_of(constant), "set_input")


def _takes(host: Host, kind: TensorType) -> bool:
    """Whether a tensor of a type can be right on a host."""
    if host.passes is not None and kind not in host.passes:
        return False
    return not host.backends or any(_suits(backend, kind) for backend in host.backends)


def _suits(backend: Backend, kind: TensorType) -> bool:
    if backend.ignores_types:
        return backend.unit is not Unit.FLOATS or kind is TensorType.F32
    return backend.takes is None or kind in backend.takes


def _missing_backends(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """The encodings for which the host has no backend, whatever the guest means by them."""
    backends = {backend.encoding for backend in host.backends}
    if host.tells_numbers or not backends:
        return
    sources = [DIALECTS[abi.name] for abi in info.abis.values() if abi.name is not None]
    here = _encodings_of(host)
    if here is ENCODINGS_WAMR:  # whose load takes any backend that is there
        backends.add(Encoding.AUTODETECT)
    for number, constant in numbers_of(constants_of(info), Subject.ENCODING).items():
        known = {source.encodings.get(number) for source in sources} | {here.get(number)}
        meanings: Set[Encoding] = {meaning for meaning in known if meaning is not None}
        if meanings & backends:
            continue
        means = f" ({meanings_of(meanings)})" if meanings else ""
        message = (
            f"{where(constant)} passes the constant encoding {number}{means}, for which the"
            " host has no backend"
        )
        yield Diagnostic("NN262", message, offset_of(constant), "load")


def _abis_of(info: ModuleInfo) -> str:
    """The names of the ABIs that a module can be of."""
    found: dict[str, None] = {}
    for module, abi in info.abis.items():
        found.update(dict.fromkeys(name for name in (abi.name, older_abi(info, module)) if name))
    return ", or ".join(found)


def _tables(info: ModuleInfo) -> tuple[Types, ...] | None:
    """The numberings of tensor types that a module can have; None where its ABI is not known."""
    names = [abi.name for abi in info.abis.values()]
    dialects: list[Dialect] = [DIALECTS[name] for name in names if name is not None]
    if len(dialects) != 1:
        return None
    (dialect,) = dialects
    if info.guest is not None or dialect.tensor_types is not TYPES_WITX:
        return (dialect.tensor_types,)
    return possible(info)


def _encodings_of(host: Host) -> Mapping[int, Encoding]:
    return host.dialects[0].encodings
