"""Whether a host can run a guest's models: their formats, the types and shapes of inputs and
outputs, and where the weights are. Operators are not checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from pathlib import PurePath

from rewriter.abi.dialects import Encoding, TensorType
from rewriter.analysis.inspect import ModuleInfo
from rewriter.analysis.modelled.shapes import shapes_for
from rewriter.analysis.modelled.unseen import (
    backend_unseen,
    habits_unseen,
    not_measured,
    openvino_unseen,
    output_unseen,
)
from rewriter.analysis.seen.asked import read_as
from rewriter.analysis.seen.formats import Loaded, loaded
from rewriter.analysis.sources import guest_functions
from rewriter.diagnostics import Diagnostic
from rewriter.hosts.host import Backend, Host, Quirk, TooSmall, Unit
from rewriter.hosts.parts import TWO
from rewriter.models.model import Model, Port, listed, names_of

__all__ = ["counting_models", "of_models", "of_models_anyhow"]

_F32 = frozenset((TensorType.F32,))
_NOT_NUMBERS = ("string", "sequence", "map", "opaque", "sparse tensor", "resource", "variant")
_CONFIGURED = "load_by_name_with_config"
_NAMED = ("load_by_name", _CONFIGURED)
_ANYTHING = Loaded({}, False)
_MOST_BYTES = 1 << 32
"""The size of a memory with 32-bit addresses."""


def of_models(info: ModuleInfo, host: Host, models: Sequence[Model]) -> Iterator[Diagnostic]:
    """Diagnostics about each model, for a guest that runs all of them on the host."""
    formats = loaded(info, host) if models else _ANYTHING
    for model in models if info.abis else ():
        name = PurePath(model.path).name
        for found in _of_model(info, host, model, formats):
            yield found._replace(message=f"{name}: {found.message}")
    if models and info.abis:
        yield Diagnostic("NN744", "whether the host has the models' operators is not checked")


def of_models_anyhow(host: Host, models: Sequence[Model]) -> Iterator[Diagnostic]:
    """What each of these says of a host, for a guest whose calls are not followed."""
    for model in models:
        name = PurePath(model.path).name
        for found in (*_format(host, model, _ANYTHING), *_operators(model)):
            yield found._replace(message=f"{name}: {found.message}")
    if models:
        yield Diagnostic("NN744", "whether the host has the models' operators is not checked")


def counting_models(
    said: Iterable[Diagnostic], host: Host, models: Sequence[Model]
) -> Iterator[Diagnostic]:
    """The diagnostics about a host and guest, without those that the models decide."""
    encodings = {model.encoding for model in models}
    for found in said:
        if not models or not _is_decided(found.code, host, encodings):
            yield found


def _is_decided(code: str, host: Host, encodings: Set[Encoding | None]) -> bool:
    """Whether the models make a diagnostic more exact, or show that it does not apply."""
    if code == "NN240":
        return not any(
            backend.encoding in encodings and backend.too_small is TooSmall.OVERRUN
            for backend in host.backends
        )
    if code == "NN249":
        return not any(b.encoding in encodings and Quirk.BORROWS in b.quirks for b in host.backends)
    if code in ("NN238", "NN309"):
        return encodings == {Encoding.GGML}
    if code == "NN306":
        return len(encodings) == 1
    if code == "NN307":
        return Encoding.OPENVINO not in encodings
    return code in ("NN231", "NN235", "NN241", "NN264", "NN304", "NN305", "NN308")


def _of_model(info: ModuleInfo, host: Host, model: Model, formats: Loaded) -> Iterator[Diagnostic]:
    if not host.backends and host.measured is None:
        yield Diagnostic("NN746", "it is unknown which formats the host reads")
        return
    yield from _format(host, model, formats)
    yield from _operators(model)
    backend = _backend(host, model, formats)
    yield from _weights(info, backend, model)
    if backend is None:
        return
    if model.encoding is not Encoding.GGML:
        yield from habits_unseen(backend, model)
        yield from _inputs(info, backend, model)
        yield from _outputs(backend, model)
    configured = any(one.name == _CONFIGURED for one in guest_functions(info))
    if configured and Quirk.UNCONFIGURED in backend.quirks:
        title = model.title
        message = f"{title} takes no configuration: {_CONFIGURED} fails, unless it is empty"
        yield Diagnostic("NN747", message)


def _operators(model: Model) -> Iterator[Diagnostic]:
    if model.custom:
        message = f"only if the host's NN runtime has its custom operators: {listed(model.custom)}"
        yield Diagnostic("NN752", message)


def _own(host: Host, model: Model, formats: Loaded) -> Backend | None:
    """The backend for the model's own format, unless the guest never loads that format."""
    if model.encoding is None or not formats.may_be(model.encoding):
        return None
    return next((b for b in host.backends if b.encoding is model.encoding), None)


def _backend(host: Host, model: Model, formats: Loaded) -> Backend | None:
    """The backend that runs a model on the host."""
    own = _own(host, model, formats)
    return own if own and not own.extra else _onnx_too(host, model, formats) or own


def _onnx_too(host: Host, model: Model, formats: Loaded) -> Backend | None:
    """The OpenVINO backend, if it reads ONNX and the guest may load the model as OpenVINO's. Models
    in ONNX Runtime's own format, whose inputs are unknown, do not count."""
    if model.encoding is not Encoding.ONNX or model.inputs is None:
        return None
    if not formats.may_be(Encoding.OPENVINO) or _lacks_a_part(host, formats):
        return None
    return next((b for b in host.backends if Quirk.ONNX_TOO in b.quirks), None)


def _lacks_a_part(host: Host, formats: Loaded) -> bool:
    """Whether the host is known to require two parts for OpenVINO, but the guest never passes
    two."""
    wants_two = any(
        backend.encoding is Encoding.OPENVINO and backend.parts == TWO for backend in host.backends
    )
    return wants_two and host.measured is None and not formats.in_two


def _format(host: Host, model: Model, formats: Loaded) -> Iterator[Diagnostic]:
    if model.encoding is None:
        message = f"no host reads {model.title}, because `load` takes bytes and this is a folder"
        yield Diagnostic("NN711", message)
        return
    own, other = _own(host, model, formats), _onnx_too(host, model, formats)
    if own is not None and not own.extra:
        if own.built:
            yield Diagnostic("NN714", f"{model.title} needs {own.built}")
        return
    word = model.encoding.name.lower()
    as_openvino = "the guest loads it as openvino, with an empty part for weights"
    if own is not None:
        or_so = f", or {as_openvino}" if other else ""
        yield Diagnostic(
            "NN713",
            f"the released host has no backend for {word}: it runs if the host is built "
            f"differently ({own.built}){or_so}",
        )
    elif not formats.may_be(model.encoding):
        yield from _as_another(host, model, formats, other)
    elif other is not None:
        yield Diagnostic("NN712", f"the host has no backend for {word}: it runs if {as_openvino}")
    elif unseen := _unseen(host, model.encoding, formats):
        yield unseen
    else:
        has = ", ".join(b.encoding.name.lower() for b in host.backends if not b.extra)
        yield Diagnostic("NN711", f"the host has no {word} backend, only {has}")


def _unseen(host: Host, encoding: Encoding, formats: Loaded) -> Diagnostic | None:
    """A diagnostic if the host may have a backend for a format, or may read it as OpenVINO's."""
    as_openvino = encoding is Encoding.ONNX and formats.may_be(Encoding.OPENVINO)
    return backend_unseen(host, encoding) or (openvino_unseen(host) if as_openvino else None)


def _as_another(
    host: Host, model: Model, formats: Loaded, other: Backend | None
) -> Iterator[Diagnostic]:
    """Diagnostics about a model that the guest loads only under another encoding. If no encoding
    fits, another diagnostic says so about the guest."""
    if other is not None:
        if other.built:
            title = f"{model.title}, which the guest loads as openvino,"
            yield Diagnostic("NN714", f"{title} needs {other.built}")
    elif model.encoding is Encoding.ONNX and formats.may_be(Encoding.OPENVINO):
        missing = _lacks_a_part(host, formats)
        why = (
            "but not with an empty part for weights"
            if missing
            else "but the host's OpenVINO does not read it"
        )
        message = f"the guest loads it as openvino, {why}"
        yield openvino_unseen(host) or Diagnostic("NN711", message)
    elif model.encoding is not None and read_as(model.encoding) & formats.formats:
        message = (
            f"it is unknown whether the host takes {model.title} under the encoding that "
            "the guest passes"
        )
        yield Diagnostic("NN746", message)


def _weights(info: ModuleInfo, own: Backend | None, model: Model) -> Iterator[Diagnostic]:
    named = any(item.name in _NAMED for item in info.wasi_nn.values())
    only_by_name = "it can only be loaded by name"
    if model.elsewhere and model.encoding is not None:
        first, more = model.elsewhere[0], len(model.elsewhere) - 1
        files = f"{first} and {more} more" if more else first
        message = f"its weights are in {files}, but `load` takes only bytes"
        if own and Quirk.WHOLE_BY_NAME in own.quirks:
            code = "NN742" if named else "NN743"
            yield Diagnostic(code, f"{message}: {only_by_name}")
        else:
            yield Diagnostic("NN742", f"{message}: whether the host finds them is not certain")
    if model.size >= _MOST_BYTES and not any(memory.is_64 for memory in info.memories):
        message = f"it has {model.size} bytes, which no 32-bit memory holds"
        yield Diagnostic("NN742" if named else "NN743", f"{message}: {only_by_name}")
    if model.missing:
        message = f"only if its weights match it: {model.missing} is missing and was not checked"
        yield Diagnostic("NN745", message)


def _inputs(info: ModuleInfo, backend: Backend, model: Model) -> Iterator[Diagnostic]:
    if model.inputs is None:
        yield Diagnostic(
            "NN746", f"{model.title} does not state the types and shapes of its inputs"
        )
        return
    floats = list[Port]()
    for port in model.inputs:
        if port.quantised and Quirk.QUANTISED_AS_FLOATS in backend.quirks:
            if port.type == "u8":
                floats.append(port)
            else:
                message = f"its input {port} crashes the host, which quantises only to u8"
                yield Diagnostic("NN721", message)
        elif port.quantised and Quirk.QUANTISED_AS_FLOATS in backend.unseen.quirks:
            yield not_measured(f"how the host treats its input {port}")
        else:
            yield from _input(info, backend, port)
    if floats:
        message = f"its quantised inputs ({names_of(floats)}) must be passed as floats on this host"
        yield Diagnostic("NN724", message)
    yield from shapes_for(backend, model.inputs)
    if Quirk.BORROWS in backend.quirks and len(model.inputs) > 1:
        message = f"its {len(model.inputs)} inputs are read at compute: none may change before that"
        yield Diagnostic("NN751", message)


def _input(info: ModuleInfo, backend: Backend, port: Port) -> Iterator[Diagnostic]:
    title, kind = backend.encoding.name.lower(), port.tensor_type
    taken = _taken(backend)
    words = None if taken is None else _words(taken)
    if not port.type:
        yield Diagnostic("NN746", f"the file does not state the type of its input {port.name!r}")
    elif port.type in _NOT_NUMBERS:
        yield Diagnostic("NN721", f"its input {port} cannot be a wasi-nn tensor")
    elif Quirk.CONVERTS in backend.quirks:
        if taken is not None and kind not in taken:
            message = f"the host takes its input {port} only as {words}, and converts it"
            yield Diagnostic("NN725", message)
    elif kind is None and Quirk.AS_BYTES in backend.quirks:
        yield Diagnostic("NN725", f"its input {port} must be passed as u8, with the same bytes")
    elif kind is None and Quirk.AS_BYTES in backend.unseen.quirks:
        yield not_measured(
            f"whether the host takes its input {port}, for which wasi-nn has no type"
        )
    elif kind is None:
        yield Diagnostic("NN721", f"its input {port} has a type that wasi-nn lacks")
    elif taken is None and (known := backend.unseen.types) is not None:
        if kind not in known:
            yield not_measured(f"whether {title} takes its input {port}")
        elif not known[kind]:
            yield Diagnostic("NN721", f"its input {port} has a type that {title} does not take")
        elif not _can_name(info, kind):
            yield _nameless(port)
    elif taken is None:
        yield Diagnostic("NN746", f"it is unknown whether {title} takes its input {port}")
    elif kind not in taken:
        message = f"its input {port} has a type that {title} does not take: it takes {words}"
        yield Diagnostic("NN721", message)
    elif not _can_name(info, kind):
        yield _nameless(port)


def _nameless(port: Port) -> Diagnostic:
    message = f"its input {port} has a type for which the guest's ABI has no number"
    return Diagnostic("NN722", message)


def _taken(backend: Backend) -> frozenset[TensorType] | None:
    """The types of model inputs that a backend passes on correctly."""
    if backend.ignores_types and backend.unit is Unit.FLOATS:
        return _F32
    return backend.takes


def _can_name(info: ModuleInfo, kind: TensorType) -> bool:
    """Whether one of the guest's ABIs has a number for a type, or its ABI is unknown."""
    dialects = [one.dialect for one in guest_functions(info)]
    return not dialects or any(kind in one.tensor_types.values() for one in dialects)


def _outputs(backend: Backend, model: Model) -> Iterator[Diagnostic]:
    floats = list[Port]()
    for port in model.outputs or ():
        word = f"its output {port}"
        if port.type in _NOT_NUMBERS:
            yield Diagnostic("NN727", f"get_output cannot return {word}")
        elif not port.type:
            continue
        elif port.quantised and Quirk.QUANTISED_AS_FLOATS in backend.quirks:
            floats.append(port)
        elif Quirk.CONVERTS in backend.quirks:
            if port.type != "f32":
                yield Diagnostic("NN725", f"{word} is returned as 32-bit floats")
        elif port.type == "bf16" and Quirk.GIVES_BF16 in backend.quirks:
            continue
        elif backend.gives is not None and port.tensor_type not in backend.gives:
            title = backend.encoding.name.lower()
            yield Diagnostic("NN723", f"the host's {title} does not return {word} correctly")
        else:
            yield from output_unseen(backend, port)
        if 0 in (port.dims or ()) and Quirk.NO_EMPTY in backend.quirks:
            yield Diagnostic("NN723", f"{word} has no elements, so get_output fails on this host")
        if port.dims == () and Quirk.NO_SCALARS in backend.quirks:
            yield Diagnostic("NN723", f"{word} has no dimensions, so get_output fails on this host")
    if floats:
        message = f"its quantised outputs ({names_of(floats)}) are returned as floats on this host"
        yield Diagnostic("NN724", message)


def _words(types: Iterable[TensorType]) -> str:
    return ", ".join(kind.name.lower() for kind in sorted(types))
