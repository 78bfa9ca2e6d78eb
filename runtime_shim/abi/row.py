"""A dialect as the host of one row has it, and what that returns for errors."""

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
"""What others return in the place of what only WasmEdge, and WAMR after it, tells apart."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RowDialect(Dialect):
    """`spoken` as the host of a row takes it. A guest that is `counted` has adapters that give the
    size of its buffers in what the host counts by."""

    spoken: Dialect
    row: Host
    rules: Rules
    counted: bool


def dialects_of(row: Host, *, counted: bool = False) -> dict[str, Dialect]:
    """The dialect behind each module name that a host registers. Raises UsageError for one that
    registers functions of several layouts under a name."""
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
    """Say what a device has to have for models of an encoding. Raises HostError where the host
    refuses to load them, or, where a graph `is_named`, to have it."""
    rules, host, name = dialect.rules, dialect.row.label, encoding.name.lower()
    if encoding is Encoding.AUTODETECT:
        raise HostError(rules.autodetect, f"{host} does not detect what a model is")
    backend = next((b for b in dialect.row.backends if b.encoding is encoding), None)
    if backend is None:
        errno = Errno.INVALID_ARGUMENT if encoding in rules.stubs else rules.no_backend
        measured = dialect.row.measured
        if measured is not None and encoding in measured.backends:
            reason = f"it was not measured whether {host} has a backend for {name} models"
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
    """Raises HostError for a model that comes in another number of parts than the host's backend
    takes, and for one of ONNX where OpenVINO there reads none."""
    host, name = dialect.row.label, encoding.name.lower()
    backend = next(b for b in dialect.row.backends if b.encoding is encoding)
    if backend.parts is not None and len(parts) not in backend.parts:
        takes = f"{host} takes {in_words(backend.parts)} for {name} models"
        reason = f"the number of builders is {len(parts)}, and {takes}"
        raise HostError(Errno.INVALID_ARGUMENT, reason)
    reads_onnx = Quirk.ONNX_TOO in backend.quirks | backend.unseen.quirks
    if encoding is Encoding.OPENVINO and not reads_onnx and detect(parts[:1]) is Encoding.ONNX:
        raise HostError(Errno.INVALID_ARGUMENT, f"{host} reads no ONNX models as openvino")


def admit_named(
    dialect: RowDialect, session: Session, say: Callable[[str], None], graph: int
) -> Encoding:
    """The encoding of a graph that was loaded by its name, which is unloaded if `admit` raises."""
    encoding, _ = session.graph(graph)
    try:
        admit(dialect, encoding, say, is_named=True)
    except HostError:
        session.unload(graph)
        raise
    return encoding


def answering(function: Callable[..., int], dialect: RowDialect) -> Callable[..., int]:
    """A function that returns the errors of the host, or ends where that does."""
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
                raise HostHarm(
                    f"{host} would have ended its whole process: {error.reason}"
                ) from error
            is_unknown = isinstance(error, UnknownHandle)
            other = rules.unknown_handle if is_unknown else rules.instead.get(error.errno)
            if other is None and error.errno in _OF_WASMEDGE and error.errno not in known:
                other = _OF_WASMEDGE[error.errno]
            if other is None:
                raise
            raise HostError(other, *error.args[1:]) from error

    return call
