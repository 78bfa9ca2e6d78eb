"""How hosts treat the shapes of a model's inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rewriter.diagnostics import Diagnostic
from rewriter.hosts.host import Backend, Quirk
from rewriter.models.model import Port

__all__ = ["shapes_for"]

_IMAGES = (Quirk.COLOUR_IMAGES, Quirk.LARGE_IMAGES, Quirk.CHANNELS_LAST)
_ONE_INPUT = (Quirk.COLOUR_IMAGES, Quirk.LARGE_IMAGES, Quirk.LAST_INPUT)

_COLOURS = 3
_DIMENSIONS = 4


def shapes_for(backend: Backend, inputs: Sequence[Port]) -> Iterator[Diagnostic]:
    """Diagnostics about the number of a model's inputs and the shape of each."""
    if len(inputs) > 1 and not backend.quirks.isdisjoint(_ONE_INPUT):
        word = backend.encoding.name.lower()
        message = f"it has {len(inputs)} inputs, but the host's {word} keeps only one"
        yield Diagnostic("NN731", message)
    for port in inputs:
        if not backend.quirks.isdisjoint(_IMAGES):
            yield from _of_image(backend, port)
        elif Quirk.HELD_SHAPES in backend.quirks and port.held and port.is_free:
            held = "x".join(map(str, port.held))
            message = f"its input {port} has open dimensions, but the host takes only {held}"
            yield Diagnostic("NN733", message)


def _of_image(backend: Backend, port: Port) -> Iterator[Diagnostic]:
    if port.dims is None:
        yield Diagnostic("NN733", f"its input {port} must have four dimensions on this host")
    elif not _is_image(backend, port.dims):
        only = "four dimensions" if Quirk.CHANNELS_LAST in backend.quirks else "1x3x?x?, an image"
        yield Diagnostic("NN731", f"its input {port} is not accepted by the host, only {only}")
    elif Quirk.LARGE_IMAGES in backend.quirks:
        message = f"its input {port} must be passed as 1x224x224x3 floats, whatever its shape"
        yield Diagnostic("NN732", message)
    else:
        message = (
            f"its input {port} is treated as an image: the guest must pass it channels-last (NHWC)"
        )
        yield Diagnostic("NN732", message)


def _is_image(backend: Backend, dims: Sequence[int | None]) -> bool:
    if len(dims) != _DIMENSIONS:
        return False
    return Quirk.CHANNELS_LAST in backend.quirks or dims[1] in (_COLOURS, None)
