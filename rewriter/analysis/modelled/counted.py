"""What a guest's models mean for a host: their formats, the types and shapes of their inputs and
outputs, and where their weights are. What operators they have is not looked at."""

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
from rewriter.models.model import Model, Port, names_of

__all__ = ["counting_models", "of_models", "of_models_anyhow"]

_F32 = frozenset((TensorType.F32,))
_NOT_NUMBERS = ("string", "sequence", "map", "opaque", "sparse tensor", "resource", "variant")
_CONFIGURED = "load_by_name_with_config"
_NAMED = ("load_by_name", _CONFIGURED)
_ANYTHING = Loaded({}, False)
_MOST_BYTES = 1 << 32
"""Of a memory with 32-bit addresses."""


def of_models(info: ModuleInfo, host: Host, models: Sequence[Model]) -> Iterator[Diagnostic]:
    """What each of these says, for a guest that runs them all on the host."""
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
        for found in _format(host, model, _ANYTHING):
            yield found._replace(message=f"{name}: {found.message}")
    if models:
        yield Diagnostic("NN744", "whether the host has the models' operators is not checked")


def counting_models(
    said: Iterable[Diagnostic], host: Host, models: Sequence[Model]
) -> Iterator[Diagnostic]:
    """What is said of a host and guest without what models decide, each by itself."""
    encodings = {model.encoding for model in models}
    for found in said:
        if not models or not _is_decided(found.code, host, encodings):
            yield found


def _is_decided(code: str, host: Host, encodings: Set[Encoding | None]) -> bool:
    """Whether models say more of it, or that it is not so."""
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
        message = f"{title} takes no configuration: {_CONFIGURED} fails, unless that is empty"
        yield Diagnostic("NN747", message)


def _own(host: Host, model: Model, formats: Loaded) -> Backend | None:
    """The one for the model's own format, unless the guest never loads that."""
    if model.encoding is None or not formats.may_be(model.encoding):
        return None
    return next((b for b in host.backends if b.encoding is model.encoding), None)


def _backend(host: Host, model: Model, formats: Loaded) -> Backend | None:
    """The one that the host has for a model."""
    own = _own(host, model, formats)
    return own if own and not own.extra else _onnx_too(host, model, formats) or own


def _onnx_too(host: Host, model: Model, formats: Loaded) -> Backend | None:
    """OpenVINO, where it reads ONNX, and the guest may load it so. Of ONNX Runtime's own format,
    the inputs are not known."""
    if model.encoding is not Encoding.ONNX or model.inputs is None:
        return None
    if not formats.may_be(Encoding.OPENVINO) or _lacks_a_part(host, formats):
        return None
    return next((b for b in host.backends if Quirk.ONNX_TOO in b.quirks), None)


def _lacks_a_part(host: Host, formats: Loaded) -> bool:
    """Whether what the guest loads as OpenVINO's is not in two parts, and the host is known to want
    these."""
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
    """That the host may have a backend for a format, or read it as OpenVINO's."""
    as_openvino = encoding is Encoding.ONNX and formats.may_be(Encoding.OPENVINO)
    return backend_unseen(host, encoding) or (openvino_unseen(host) if as_openvino else None)


def _as_another(
    host: Host, model: Model, formats: Loaded, other: Backend | None
) -> Iterator[Diagnostic]:
    """Of a model that the guest never loads as what it is: whether what it loads it as takes it.
    That nothing does so is said of the guest."""
    if other is not None:
        if other.built:
            title = f"{model.title}, which the guest loads as openvino,"
            yield Diagnostic("NN714", f"{title} needs {other.built}")
    elif model.encoding is Encoding.ONNX and formats.may_be(Encoding.OPENVINO):
        missing = _lacks_a_part(host, formats)
        why = (
            "but not with an empty part for weights" if missing else "which does not read it there"
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
    only_by_name = "it can be loaded by its name only"
    if model.elsewhere and model.encoding is not None:
        first, more = model.elsewhere[0], len(model.elsewhere) - 1
        files = f"{first} and {more} more" if more else first
        message = f"its weights are in {files}, and `load` takes bytes only"
        if own and Quirk.WHOLE_BY_NAME in own.quirks:
            code = "NN742" if named else "NN743"
            yield Diagnostic(code, f"{message}: {only_by_name}")
        else:
            yield Diagnostic("NN742", f"{message}: whether the host finds them is not certain")
    if model.size >= _MOST_BYTES and not any(memory.is_64 for memory in info.memories):
        message = f"it has {model.size} bytes, which no 32-bit memory holds"
        yield Diagnostic("NN742" if named else "NN743", f"{message}: {only_by_name}")
    if model.missing:
        message = f"only if its weights fit it: {model.missing} is missing and was not checked"
        yield Diagnostic("NN745", message)


def _inputs(info: ModuleInfo, backend: Backend, model: Model) -> Iterator[Diagnostic]:
    if model.inputs is None:
        yield Diagnostic("NN746", f"{model.title} does not state types and shapes of its inputs")
        return
    floats = list[Port]()
    for port in model.inputs:
        if port.quantised and Quirk.QUANTISED_AS_FLOATS in backend.quirks:
            if port.type == "u8":
                floats.append(port)
            else:
                message = f"its input {port} ends the host, which quantises to u8 only"
                yield Diagnostic("NN721", message)
        elif port.quantised and Quirk.QUANTISED_AS_FLOATS in backend.unseen.quirks:
            yield not_measured(f"how its input {port} is taken")
        else:
            yield from _input(info, backend, port)
    if floats:
        message = f"its quantised inputs ({names_of(floats)}) must be passed as floats there"
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
            message = f"the host converts its input {port} from what it takes, {words}"
            yield Diagnostic("NN725", message)
    elif kind is None and Quirk.AS_BYTES in backend.quirks:
        yield Diagnostic("NN725", f"its input {port} must be passed as u8, in as many bytes")
    elif kind is None and Quirk.AS_BYTES in backend.unseen.quirks:
        yield not_measured(
            f"whether the host takes its input {port}, for which wasi-nn has no type"
        )
    elif kind is None:
        yield Diagnostic("NN721", f"its input {port} has a type that wasi-nn does not have")
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
        yield Diagnostic("NN721", f"its input {port} is not of a type that {title} takes: {words}")
    elif not _can_name(info, kind):
        yield _nameless(port)


def _nameless(port: Port) -> Diagnostic:
    message = f"its input {port} is of a type for which the guest's ABI has no number"
    return Diagnostic("NN722", message)


def _taken(backend: Backend) -> frozenset[TensorType] | None:
    """The types of a model's inputs that it feeds right."""
    if backend.ignores_types and backend.unit is Unit.FLOATS:
        return _F32
    return backend.takes


def _can_name(info: ModuleInfo, kind: TensorType) -> bool:
    """Whether one of the guest's ABIs has a number for a type, or none is known."""
    dialects = [one.dialect for one in guest_functions(info)]
    return not dialects or any(kind in one.tensor_types.values() for one in dialects)


def _outputs(backend: Backend, model: Model) -> Iterator[Diagnostic]:
    floats = list[Port]()
    for port in model.outputs or ():
        word = f"its output {port}"
        if port.type in _NOT_NUMBERS:
            yield Diagnostic("NN727", f"{word} cannot be had from get_output")
        elif not port.type:
            continue
        elif port.quantised and Quirk.QUANTISED_AS_FLOATS in backend.quirks:
            floats.append(port)
        elif Quirk.CONVERTS in backend.quirks:
            if port.type != "f32":
                yield Diagnostic("NN725", f"{word} is given as 32-bit floats")
        elif port.type == "bf16" and Quirk.GIVES_BF16 in backend.quirks:
            continue
        elif backend.gives is not None and port.tensor_type not in backend.gives:
            title = backend.encoding.name.lower()
            yield Diagnostic("NN723", f"{word} does not come back right from {title} there")
        else:
            yield from output_unseen(backend, port)
        if 0 in (port.dims or ()) and Quirk.NO_EMPTY in backend.quirks:
            yield Diagnostic("NN723", f"{word} has no elements, and get_output fails there")
        if port.dims == () and Quirk.NO_SCALARS in backend.quirks:
            yield Diagnostic("NN723", f"{word} has no dimensions, and get_output fails there")
    if floats:
        message = f"its quantised outputs ({names_of(floats)}) are given as floats there"
        yield Diagnostic("NN724", message)


def _words(types: Iterable[TensorType]) -> str:
    return ", ".join(kind.name.lower() for kind in sorted(types))
