"""A dialect as the host of one row implements it, and the errors that it returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

from rewriter.abi.dialects import Dialect, Encoding, Errno
from rewriter.errors import UsageError
from rewriter.hosts.host import Host, Quirk
from rewriter.hosts.parts import in_words
from runtime_shim.abi.rules import Ends, Rules, rules_of
from runtime_shim.backends.parsing.detect import detect
from runtime_shim.errors import HostError, HostHarm, OutsideMemory, UnknownHandle, Unreadable
from runtime_shim.host.session import Session

__all__ = ["RowDialect", "admit", "admit_named", "answering", "check_parts", "dialects_of"]


_OF_WASMEDGE = {
    Errno.END_OF_SEQUENCE: Errno.RUNTIME_ERROR,
    Errno.CONTEXT_FULL: Errno.RUNTIME_ERROR,
    Errno.PROMPT_TOO_LONG: Errno.RUNTIME_ERROR,
    Errno.MODEL_NOT_FOUND: Errno.NOT_FOUND,
}
"""What other hosts return for errors that only WasmEdge, and WAMR after it, distinguishes."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RowDialect(Dialect):
    """`spoken` as the host of a row implements it. With `counted`, the guest has adapters that pass
    the size of its buffers in the host's units."""

    spoken: Dialect
    row: Host
    rules: Rules
    counted: bool


def dialects_of(row: Host, *, counted: bool = False) -> dict[str, Dialect]:
    """The dialect for each module name that a host registers. Raises UsageError if it registers
    functions of several layouts under one name."""
    if len(row.dialects) > 1:
        layouts = " and ".join(dialect.layout.name for dialect in row.dialects)
        raise UsageError(f"{row.label} has functions of several layouts under one name: {layouts}")
    (spoken,) = row.dialects
    known = {field.name: getattr(spoken, field.name) for field in fields(Dialect)}
    known |= {"implementation": "as_row", "told": True}
    dialect = RowDialect(**known, spoken=spoken, row=row, rules=rules_of(row), counted=counted)
    return dict.fromkeys(row.modules, dialect)


def admit(
    dialect: RowDialect, encoding: Encoding, say: Callable[[str], None], *, is_named: bool = False
) -> None:
    """Say what a device must provide for models of an encoding. Raises HostError if the host cannot
    load them or, for a graph that `is_named`, cannot have them as named graphs."""
    rules, host, name = dialect.rules, dialect.row.label, encoding.name.lower()
    if encoding is Encoding.AUTODETECT:
        raise HostError(rules.autodetect, f"{host} does not detect the encoding of a model")
    backend = next((b for b in dialect.row.backends if b.encoding is encoding), None)
    if backend is None:
        errno = Errno.INVALID_ARGUMENT if encoding in rules.stubs else rules.no_backend
        measured = dialect.row.measured
        if measured is not None and encoding in measured.backends:
            reason = (
                f"it is unknown whether {host} has a backend for {name} models, because this "
                "was not measured"
            )
            raise HostError(errno, reason)
        raise HostError(errno, f"{host} has no backend for {name} models")
    if encoding in rules.only_named and not is_named:
        reason = f"{host} loads {name} models only by name"
        raise HostError(Errno.UNSUPPORTED_OPERATION, reason)
    own = backend.built if backend.extra else backend.library
    needed = own or ", ".join(dialect.row.needs)
    if needed:
        say(f"on a device, {host} needs this for {name} models: {needed}")


def check_parts(dialect: RowDialect, encoding: Encoding, parts: Sequence[bytes]) -> None:
    """Raise HostError if the host's backend does not accept this number of parts, and for an ONNX
    model if the host's OpenVINO does not read them."""
    host, name = dialect.row.label, encoding.name.lower()
    backend = next(b for b in dialect.row.backends if b.encoding is encoding)
    if backend.parts is not None and len(parts) not in backend.parts:
        takes = f"{host} takes {in_words(backend.parts)} for {name} models"
        reason = f"the model has {len(parts)} builders, but {takes}"
        raise HostError(Errno.INVALID_ARGUMENT, reason)
    reads_onnx = Quirk.ONNX_TOO in backend.quirks | backend.unseen.quirks
    if encoding is Encoding.OPENVINO and not reads_onnx and detect(parts[:1]) is Encoding.ONNX:
        raise HostError(
            Errno.INVALID_ARGUMENT, f"{host} does not read ONNX models with the encoding openvino"
        )


def admit_named(
    dialect: RowDialect, session: Session, say: Callable[[str], None], graph: int
) -> Encoding:
    """The encoding of a graph that was loaded by its name. Unloads the graph if `admit` raises, and
    a model on an inference server, which no host has."""
    encoding, _ = session.graph(graph)
    try:
        if encoding is Encoding.AUTODETECT:
            raise HostError(
                Errno.NOT_FOUND, f"{dialect.row.label} has no models on inference servers"
            )
        admit(dialect, encoding, say, is_named=True)
    except HostError:
        session.unload(graph)
        raise
    return encoding


def answering(function: Callable[..., int], dialect: RowDialect) -> Callable[..., int]:
    """The function with the host's errors. Raises HostHarm for errors that would end the guest or
    the host."""
    rules, host = dialect.rules, dialect.row.label
    known = frozenset(dialect.errnos.values())

    def call(session: Session, *arguments: object) -> int:
        try:
            return function(session, *arguments)
        except HostError as error:
            if rules.ends is Ends.OUTSIDE and isinstance(error, OutsideMemory):
                raise HostHarm(f"{host} would have trapped the guest: {error.reason}") from error
            if rules.ends is Ends.EVERYTHING or (
                rules.ends is Ends.UNREADABLE and isinstance(error, Unreadable)
            ):
                raise HostHarm(f"{host} would have crashed: {error.reason}") from error
            is_unknown = isinstance(error, UnknownHandle)
            other = rules.unknown_handle if is_unknown else rules.instead.get(error.errno)
            if other is None and error.errno in _OF_WASMEDGE and error.errno not in known:
                other = _OF_WASMEDGE[error.errno]
            if other is None:
                raise
            raise HostError(other, *error.args[1:]) from error

    return call
