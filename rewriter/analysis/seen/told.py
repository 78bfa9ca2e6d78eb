"""Diagnostics about a module's constants: their meanings, and those that a host does not accept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set

from rewriter.abi.dialects import DIALECTS
from rewriter.abi.numbers import (
    ENCODINGS_WASMEDGE,
    TYPES_2020,
    TYPES_WIT,
    TYPES_WITX,
    Encoding,
    TensorType,
)
from rewriter.adapters.adapter import Adapter
from rewriter.adapters.errnos import gets_others
from rewriter.adapters.needs import Need, counts_otherwise
from rewriter.analysis.fitting import Fit
from rewriter.analysis.inspect import ModuleInfo
from rewriter.analysis.seen.asked import asked_types, unnamed
from rewriter.analysis.seen.builders import builders
from rewriter.analysis.seen.formats import formats_of, loaded
from rewriter.analysis.seen.loads import backends_left, encodings_of, targets
from rewriter.analysis.seen.numbering import (
    Types,
    constants_of,
    counting,
    meanings_of,
    numbers_of,
    offset_of,
    older_abi,
    possible,
    where,
)
from rewriter.analysis.sources import guest_functions, is_told
from rewriter.constants.constant import Subject
from rewriter.diagnostics import Diagnostic
from rewriter.hosts.host import Backend, Host, Quirk, Unit
from rewriter.models.model import Model

__all__ = ["configured_by_nothing", "instead_of_a_guess", "with_constants", "without_needless"]


def with_constants(
    info: ModuleInfo, host: Host, said: Iterable[Diagnostic], models: Sequence[Model] = ()
) -> tuple[Diagnostic, ...]:
    """The diagnostics for a module on a host, plus those about its constants, minus those that the
    constants refute. `info` has the ABI that the constants show. If the module passes the numbers
    for all of its `models`, its other numbers do not count."""
    formats = loaded(info, host)
    found: list[Diagnostic] = []
    for diagnostic in said:
        if formats.makes_needless(diagnostic.code, host):
            continue
        if diagnostic.code == "NN137":
            found += instead_of_a_guess(info, diagnostic, models)
        elif diagnostic.code == "NN138":
            found += _instead_of_guessed_encodings(info, host, diagnostic)
        else:
            found.append(diagnostic)
    evidence = (
        one
        for abi in info.abis.values()
        if abi.name is not None and DIALECTS[abi.name].tensor_types is TYPES_2020
        for one in abi.evidence
        if one.code == "NN145"
    )
    return (
        *found,
        *evidence,
        *_not_followed(info),
        *_refused_types(info, host, models),
        *formats_of(info, host, models),
        *targets(info, host),
        *builders(info, host, models),
        *_never_passed(info, host, models),
    )


def without_needless(info: ModuleInfo, found: Fit) -> Fit:
    """The fit without adapters that would only translate tensor types, if every type that the guest
    passes has the same number on the host."""
    constants, tables = constants_of(info), _tables(info, ())
    numbers = numbers_of(constants, Subject.TYPE)
    if not numbers or constants.hidden(Subject.TYPE) or tables is None:
        return found
    needless = {
        slot: None
        for slot, adapter in found.adapters.items()
        if adapter is not None
        and slot not in info.adapters
        and _only_for_types(adapter)
        and all(
            table.get(number, 0) is adapter.target.tensor_types.get(number)
            for table in tables
            for number in numbers
        )
    }
    if not needless:
        return found
    said = tuple(one for one in found.diagnostics if one.code != "NN204")
    return Fit({**found.adapters, **needless}, said)


def _only_for_types(adapter: Adapter) -> bool:
    """Whether an adapter only translates tensor types. For a host with types besides wasi-nn's, it
    does more, because such a host reads more bytes of a type."""
    source, target = adapter.source, adapter.target
    return (
        adapter.need is Need.TYPES
        and not target.raw_types
        and not counts_otherwise(source, target)
        and not gets_others(source, target)
    )


def _not_followed(info: ModuleInfo) -> Iterator[Diagnostic]:
    if info.traces and info.abis:
        message = "other tools have changed its adapters, so its constants were not followed"
        yield Diagnostic("NN147", message)


def instead_of_a_guess(
    info: ModuleInfo, guess: Diagnostic, models: Sequence[Model] = ()
) -> Iterator[Diagnostic]:
    """The diagnostics that replace NN137 (the numbers of tensor types are a guess) if constants say
    more. Numbers for none of the `models` do not count."""
    constants = constants_of(info)
    tables = possible(info, models)
    hidden = constants.hidden(Subject.TYPE)
    if not constants.of(Subject.TYPE):
        yield guess
        return
    if len(tables) == 1:
        return
    numbers = numbers_of(constants, Subject.TYPE)
    seen = {number: {table.get(number) for table in tables} for number in numbers}
    counted = counting(seen, _asked_types(models))
    unsure = {number: numbers[number] for number in counted if len(seen[number]) > 1}
    remedy = f"say which with --guest-abi: {_abis_of(info)}"
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
            f"for {len(hidden)} of {calls} calls, the tensor type is unknown: the numbers since"
            " August 2023 are assumed"
        )
        yield guess._replace(message=message)


def _instead_of_guessed_encodings(
    info: ModuleInfo, host: Host, guess: Diagnostic
) -> Iterator[Diagnostic]:
    """The diagnostics that replace NN138 (the numbers of encodings are a guess) if constants say
    more."""
    constants = constants_of(info)
    here = encodings_of(host)
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


def configured_by_nothing(info: ModuleInfo) -> bool:
    """Whether every configuration is empty."""
    constants = constants_of(info)
    lengths = numbers_of(constants, Subject.CONFIG_LENGTH)
    return set(lengths) == {0} and not constants.hidden(Subject.CONFIG_LENGTH)


def _asked_types(models: Sequence[Model]) -> Set[TensorType | None]:
    """The types of all models' inputs; empty if some model does not state them."""
    if not all(model.inputs for model in models):
        return set()
    return {port.tensor_type for model in models for port in model.inputs or ()}


def _refused_types(info: ModuleInfo, host: Host, models: Sequence[Model]) -> Iterator[Diagnostic]:
    """Diagnostics about types that are undefined, or that no backend takes that the guest may use
    there."""
    constants = constants_of(info)
    tables = _read_types(info, host, models)
    numbers = numbers_of(constants, Subject.TYPE)
    backends = backends_left(info, host)
    seen = {number: {table.get(number) for table in tables or ()} for number in numbers}
    for number in counting(seen, _asked_types(models)) if tables else ():
        meanings, constant = seen[number] - {None}, numbers[number]
        passes = f"{where(constant)} passes the constant tensor type {number}"
        if not meanings:
            message = f"{passes}, which is undefined"
        elif any(_takes(host, backends, meaning) for meaning in meanings if meaning):
            continue
        else:
            some = backends if backends != host.backends else ()
            only = f" for {', '.join(one.encoding.name.lower() for one in some)}" if some else ""
            message = f"{passes} ({meanings_of(meanings)}), which the host does not take{only}"
        yield Diagnostic("NN261", message, offset_of(constant), "set_input")


def _read_types(info: ModuleInfo, host: Host, models: Sequence[Model]) -> tuple[Types, ...] | None:
    """The numberings in which a host, or an adapter for it, may read the types that a guest passes;
    None if the guest's ABI is unknown."""
    tables = _tables(info, models)
    own = host.dialects[0].tensor_types
    if tables == (TYPES_WIT,) and not is_told(info) and own is not TYPES_WIT:
        tables = (TYPES_WITX,)  # adapters assume these, because the user did not say otherwise
    if tables is None or not host.tells_numbers:
        return tables
    return (*tables, TYPES_2020, *(dialect.tensor_types for dialect in host.dialects))


def _takes(host: Host, backends: Sequence[Backend], kind: TensorType) -> bool:
    """Whether a host can read a tensor of a type correctly with one of these backends."""
    if host.tells_numbers:
        return True
    if host.passes is not None and kind not in host.passes:
        return False
    return not backends or any(_suits(backend, kind) for backend in backends)


def _suits(backend: Backend, kind: TensorType) -> bool:
    if backend.ignores_types:
        return backend.unit is not Unit.FLOATS or kind is TensorType.F32
    return backend.takes is None or kind in backend.takes


def _never_passed(info: ModuleInfo, host: Host, models: Sequence[Model]) -> Iterator[Diagnostic]:
    """Diagnostics about model inputs whose type no call passes, whatever the guest's numbers
    mean."""
    if not models:
        return
    constants = constants_of(info)
    tables = _read_types(info, host, models) if host.tells_numbers else _tables(info, models)
    seen = {
        number: [table[number] for table in tables or () if number in table]
        for number in numbers_of(constants, Subject.TYPE)
    }
    strict = [model for model in models if _compares_types(host, model)] if tables else []
    # ONNX Runtime takes no other type, and nnshim checks types itself.
    converted = () if host.tells_numbers else (Encoding.OPENVINO,)
    for one in unnamed(constants, asked_types(strict, converted), seen):
        message = f"no call of set_input passes the type of {one.what}"
        yield Diagnostic("NN749", message, None, "set_input")


def _compares_types(host: Host, model: Model) -> bool:
    """Whether the host's backend for a model is known to compare a tensor's type with the type of
    the input."""
    own = [backend for backend in host.backends if backend.encoding is model.encoding]
    return bool(own) and not any(
        backend.ignores_types or Quirk.CONVERTS in backend.quirks | backend.unseen.quirks
        for backend in own
    )


def _abis_of(info: ModuleInfo) -> str:
    """The names of the ABIs that a module can have."""
    found: dict[str, None] = {}
    for module, abi in info.abis.items():
        found.update(dict.fromkeys(name for name in (abi.name, older_abi(info, module)) if name))
    return ", or ".join(found)


def _tables(info: ModuleInfo, models: Sequence[Model]) -> tuple[Types, ...] | None:
    """The numberings of tensor types that a module can have; None if its ABI is unknown, or if it
    has two numberings."""
    tables = {
        id(one.dialect.tensor_types): one.dialect.tensor_types for one in guest_functions(info)
    }
    if len(tables) != 1:
        return None
    (table,) = tables.values()
    if table is not TYPES_WITX or is_told(info):
        return (table,)
    return possible(info, models)
