"""Reports what a profile does not say about a host's backends if a model depends on it."""

from __future__ import annotations

from collections.abc import Iterator

from rewriter.abi.dialects import Encoding, TensorType
from rewriter.diagnostics import Diagnostic
from rewriter.hosts.host import Backend, Host, Quirk
from rewriter.models.model import Model, Port

__all__ = ["backend_unseen", "habits_unseen", "not_measured", "openvino_unseen", "output_unseen"]

_IMAGES = frozenset((Quirk.COLOUR_IMAGES, Quirk.LARGE_IMAGES, Quirk.CHANNELS_LAST))
_ONE_INPUT = frozenset((Quirk.COLOUR_IMAGES, Quirk.LARGE_IMAGES, Quirk.LAST_INPUT))


def not_measured(what: str) -> Diagnostic:
    return Diagnostic("NN271", f"it was not measured {what}")


def backend_unseen(host: Host, encoding: Encoding) -> Diagnostic | None:
    """A diagnostic if it was not measured whether the host has a backend for an encoding."""
    if host.measured is not None and encoding in host.measured.backends:
        return not_measured(f"whether the host has a backend for {encoding.name.lower()}")
    return None


def openvino_unseen(host: Host) -> Diagnostic | None:
    """A diagnostic if it was not measured whether the host's OpenVINO reads ONNX."""
    unseen = host.measured.backends if host.measured is not None else frozenset()
    openvino = (b for b in host.backends if b.encoding is Encoding.OPENVINO)
    if Encoding.OPENVINO in unseen or any(Quirk.ONNX_TOO in b.unseen.quirks for b in openvino):
        return not_measured(
            "whether the host's OpenVINO reads ONNX models that are loaded as openvino"
        )
    return None


def habits_unseen(backend: Backend, model: Model) -> Iterator[Diagnostic]:
    """Diagnostics about habits of a backend that matter for this model and were not measured."""
    word = backend.encoding.name.lower()
    for quirks, concerns, what in _HABITS:
        looked_for = quirks.isdisjoint(backend.unseen.quirks)
        if not looked_for and quirks.isdisjoint(backend.quirks) and concerns(backend, model):
            yield not_measured(f"whether the host's {word} {what}")


def output_unseen(backend: Backend, port: Port) -> Iterator[Diagnostic]:
    gives = backend.unseen.gives
    if gives is not None and port.tensor_type not in gives:
        title = backend.encoding.name.lower()
        yield not_measured(f"whether the host's {title} returns its output {port} correctly")


def _is_openvino(backend: Backend, model: Model) -> bool:
    """Whether it is OpenVINO, the only backend known to have such habits."""
    return backend.encoding is Encoding.OPENVINO


def _has_several(_: Backend, model: Model) -> bool:
    return model.inputs is None or len(model.inputs) > 1


def _is_held(_: Backend, model: Model) -> bool:
    return any(port.held and port.is_free for port in model.inputs or ())


def _is_quantised(_: Backend, model: Model) -> bool:
    return any(port.quantised for port in model.ports)


def _has_other_types(backend: Backend, model: Model) -> bool:
    return _is_openvino(backend, model) and any(
        port.tensor_type is not TensorType.F32 for port in model.ports
    )


def _has_scalars(_: Backend, model: Model) -> bool:
    return any(port.dims == () for port in model.outputs or ())


def _has_empty(_: Backend, model: Model) -> bool:
    return any(0 in (port.dims or ()) for port in model.outputs or ())


_HABITS = (
    (_IMAGES, _is_openvino, "treats inputs as images"),
    (_ONE_INPUT, _has_several, "keeps several inputs"),
    (frozenset((Quirk.HELD_SHAPES,)), _is_held, "takes shapes other than the one in the file"),
    (frozenset((Quirk.QUANTISED_AS_FLOATS,)), _is_quantised, "quantises inputs and outputs"),
    (frozenset((Quirk.CONVERTS,)), _has_other_types, "converts inputs and outputs"),
    (frozenset((Quirk.NO_SCALARS,)), _has_scalars, "returns outputs without dimensions"),
    (frozenset((Quirk.NO_EMPTY,)), _has_empty, "returns outputs without elements"),
    (frozenset((Quirk.BORROWS,)), _has_several, "copies inputs, or reads them only at compute"),
)
"""Habits, any of which suffices, the models that they concern, and words for messages."""
