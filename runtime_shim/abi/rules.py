"""How hosts treat tensors, names and errors beyond what their ABI says, as data.

What a backend accepts and returns is in rewriter.hosts. The rest is here, by release: an entry
holds from its release until the next entry. A backend without an entry of its own follows `usual`.

Sources, at the tags of the releases: WAMR's core/iwasm/libraries/wasi-nn/src (wasi_nn.c, a file for
each backend, utils/wasi_nn_app_native.c), WasmEdge's plugins/wasi_nn (wasinnfunc.cpp, a file for
each backend), Wasmtime's crates/wasi-nn/src/witx.rs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import Enum
from typing import NamedTuple

from rewriter.abi.dialects import WAMR, Encoding, Errno, TensorType
from rewriter.abi.structures import WAMR_OUTPUT_UNIT
from rewriter.hosts.host import Backend, Host, Measured, Quirk, TooSmall, Unit
from runtime_shim.errors import HostError, HostHarm

__all__ = ["Ends", "Names", "Rules", "Tensors", "check_image", "rules_of"]


class Names(Enum):
    """How the host finds the end of a name, and of a configuration."""

    BY_LENGTH = "by its length"
    NUL_NEEDED = "by a NUL, which must be where its length ends"
    BY_NUL = "by a NUL, wherever that is"


class Ends(Enum):
    """Which errors end the guest or the whole process of the host."""

    NOTHING = "none"
    OUTSIDE = "pointers outside the memory"
    """The guest traps, but the host's process survives."""
    UNREADABLE = "pointers outside the memory, and numbers without a meaning"
    EVERYTHING = "all"


class Tensors(NamedTuple):
    """How a backend of the host takes and returns tensors.

    `types` are the types that set_input accepts (None: all); for others it returns `refused`. A
    backend that `takes_floats` reads 32-bit floats, whatever the type says and however long the
    data is. To a backend that `has_floats`, quantised tensors are also such floats. `images` is set
    if it treats inputs as images, whose values it then reads in its own order.

    `written` is the unit, in bytes, in which get_output counts what it has written. `room` is the
    unit in which it counts the guest's buffer (0: it ignores the buffer's size), and `buffer` the
    unit that the guest meant. `too_small` says what happens to a larger output.
    """

    types: Collection[TensorType] | None = None
    refused: Errno = Errno.INVALID_ARGUMENT
    takes_floats: bool = False
    has_floats: bool = False
    images: Quirk | None = None
    written: int = 1
    room: int = 1
    buffer: int = 1
    too_small: TooSmall = TooSmall.REFUSED


class Rules(NamedTuple):
    """The rules of one host.

    `of` has the host's backends by encoding; those that compute with tensors return `refused` for a
    type that they do not accept. `too_small` is returned for a buffer that is too small. With
    `checks_buffer`, the whole buffer that the guest declares must be inside its memory. With
    `echoes_room`, an error stores the buffer's size as the number of bytes written. With
    `wide_types`, a tensor's type has 32 bits. With `floats`, quantised tensors of TensorFlow Lite
    are floats. With `refuses_nul`, a name may not contain a NUL. `configures` are the encodings of
    models that can be named with a configuration; the host's process ends for others.

    `no_backend` is returned for a model for which the host has no backend, and an invalid argument
    for encodings in `stubs`. Models of the encodings in `only_named` can only be loaded by name.

    `unknown_handle` is returned for an unknown handle, `bad_index` for an input or output that the
    model does not have, and `autodetect` if `load` is asked to detect the encoding, which no host
    does. `misfits` has what backends return for a tensor that does not fit the model, if that is
    not an invalid argument. `instead` maps other errors to what is returned.
    """

    usual: Tensors = Tensors()
    of: Mapping[Encoding, Tensors] = {}
    refused: Errno = Errno.INVALID_ARGUMENT
    too_small: Errno = Errno.TOO_LARGE
    checks_buffer: bool = True
    echoes_room: bool = False
    wide_types: bool = False
    floats: bool = False
    names: Names = Names.BY_LENGTH
    refuses_nul: bool = False
    configures: Collection[Encoding] | None = None
    no_backend: Errno = Errno.INVALID_ENCODING
    stubs: Collection[Encoding] = ()
    only_named: Collection[Encoding] = ()
    unknown_handle: Errno = Errno.INVALID_ARGUMENT
    bad_index: Errno = Errno.INVALID_ARGUMENT
    autodetect: Errno = Errno.INVALID_ENCODING
    misfits: Mapping[Encoding, Errno] = {}
    instead: Mapping[Errno, Errno] = {}
    ends: Ends = Ends.NOTHING

    def for_encoding(self, encoding: Encoding) -> Tensors:
        """The rules of the backend of an encoding."""
        return self.of.get(encoding, self.usual)


_F32 = frozenset((TensorType.F32,))
_FOUR = frozenset((TensorType.F16, TensorType.F32, TensorType.U8, TensorType.I32))

_COUNTED = Tensors(written=WAMR_OUTPUT_UNIT, room=WAMR_OUTPUT_UNIT, too_small=TooSmall.OVERRUN)
_IN_FLOATS = _COUNTED._replace(buffer=WAMR_OUTPUT_UNIT, has_floats=True)

_WAMR = Rules(
    checks_buffer=False,
    refused=Errno.RUNTIME_ERROR,
    floats=True,
    configures=(Encoding.GGML,),
    only_named=(Encoding.GGML,),
    unknown_handle=Errno.RUNTIME_ERROR,
    bad_index=Errno.RUNTIME_ERROR,
    autodetect=Errno.INVALID_ARGUMENT,
    misfits={Encoding.OPENVINO: Errno.RUNTIME_ERROR},
    instead={Errno.NOT_FOUND: Errno.RUNTIME_ERROR},
    ends=Ends.OUTSIDE,
)
"""A name is a path, which is tried with OpenVINO first, so a missing file is an error of OpenVINO.
Builds with only TensorFlow Lite return the error for a model that they cannot read."""

_BY_TFLITE = {Errno.NOT_FOUND: Errno.TOO_LARGE}

_LEGACY = _WAMR._replace(usual=_IN_FLOATS, instead=_BY_TFLITE)


def _of_one(rules: Rules) -> Rules:
    """The rules without backends' detection: TensorFlow Lite's backend notices by itself if another
    encoding is asked for."""
    return rules._replace(no_backend=Errno.INVALID_ARGUMENT)


_LEGACY_2_4 = _LEGACY._replace(
    usual=_IN_FLOATS._replace(
        types=_F32, refused=Errno.RUNTIME_ERROR, too_small=TooSmall.FORGOTTEN
    ),
    names=Names.NUL_NEEDED,
)

_EPHEMERAL = _WAMR._replace(usual=_COUNTED, echoes_room=True, wide_types=True, names=Names.BY_NUL)

_EPHEMERAL_MAIN = _WAMR._replace(
    floats=False,
    refuses_nul=True,
    misfits={
        Encoding.OPENVINO: Errno.RUNTIME_ERROR,
        Encoding.TENSORFLOWLITE: Errno.RUNTIME_ERROR,
    },
)

_WASMTIME_23 = Rules(
    unknown_handle=Errno.UNSUPPORTED_OPERATION,
    instead={
        Errno.INVALID_ENCODING: Errno.UNSUPPORTED_OPERATION,
        Errno.NOT_FOUND: Errno.UNSUPPORTED_OPERATION,
        Errno.INVALID_ARGUMENT: Errno.RUNTIME_ERROR,
    },
    ends=Ends.UNREADABLE,
)
"""Its own errors are unsupported_operation, those of backends runtime_error."""

_WASMEDGE = Rules(
    usual=Tensors(types=_FOUR),
    too_small=Errno.INVALID_ARGUMENT,
    stubs=(Encoding.ONNX, Encoding.TENSORFLOW),
)

_WASMEDGE_0_10 = _WASMEDGE._replace(
    usual=Tensors(types=_F32, too_small=TooSmall.CUT), wide_types=True
)

_SINCE: Mapping[str, tuple[tuple[str, Rules], ...]] = {
    "wasmtime": (("1", Rules(ends=Ends.EVERYTHING)), ("23", _WASMTIME_23)),
    "wamr-legacy": (
        ("1", _of_one(_LEGACY)),
        ("1.2", _LEGACY),
        ("2.1.1", _of_one(_LEGACY)),
        ("2.1.2", _LEGACY),
        ("2.4", _LEGACY_2_4),
        ("main", _LEGACY_2_4._replace(names=Names.BY_LENGTH, refuses_nul=True)),
    ),
    "wamr-ephemeral": (
        ("2.0", _EPHEMERAL._replace(instead=_BY_TFLITE)),
        ("2.1.1", _of_one(_EPHEMERAL)._replace(instead=_BY_TFLITE)),
        ("2.1.2", _EPHEMERAL),
        ("2.2", _EPHEMERAL._replace(names=Names.NUL_NEEDED)),
        ("2.4", _WAMR._replace(names=Names.NUL_NEEDED)),
        ("main", _EPHEMERAL_MAIN),
    ),
    "wasmedge": (
        ("0.10", _WASMEDGE_0_10),
        ("0.11.2", _WASMEDGE._replace(wide_types=True)),
        ("0.12", _WASMEDGE),
    ),
}


_READS_32_BITS = "NN237"

_NAMES = {"length": Names.BY_LENGTH, "nul needed": Names.NUL_NEEDED, "nul": Names.BY_NUL}

_POINTERS = (
    *("load_pointer", "load_result", "name_pointer", "init_result"),
    *("input_tensor", "input_pointer", "output_pointer"),
)
_MEANINGLESS = ("load_encoding", "load_target", "input_type")
_HARMLESS = ("output_small", "output_index", "input_index", "compute_context", "init_graph")
"""Faults, grouped by what they have in common: see rewriter.hosts.profiles.profile."""


def rules_of(row: Host) -> Rules:
    """The rules of a row. A host that is not listed here follows the ABI."""
    if row.measured is not None:
        rules = _as_measured(row, row.measured)
    else:
        since = reversed(_SINCE.get(row.name, ()))
        found = (rules for first, rules in since if _numbers(first) <= _numbers(row.last))
        rules = next(found, Rules())
    unit = row.dialects[0].layout.output_unit
    return rules._replace(of={each.encoding: _tensors(each, rules, unit) for each in row.backends})


def _as_measured(row: Host, measured: Measured) -> Rules:
    """Rules from the measured effects of faults. What was not tried follows the ABI."""
    errnos, of_wamr = row.dialects[0].errnos, row.dialects[0].layout is WAMR.layout

    def errno(otherwise: Errno, *faults: str) -> Errno:
        """The errno for the number of the first of these faults that has one."""
        answers = (measured.answers.get(fault) for fault in faults)
        meanings = (errnos.get(answer) for answer in answers if isinstance(answer, int))
        return next((e for e in meanings if e not in (None, Errno.SUCCESS)), None) or otherwise

    return Rules(
        refused=errno(Errno.INVALID_ARGUMENT, "input_other_type", "input_type"),
        too_small=errno(Errno.TOO_LARGE, "output_small"),
        wide_types=not of_wamr and any(limit.code == _READS_32_BITS for limit in row.limits),
        floats=any(backend.unit is Unit.FLOATS for backend in row.backends),
        names=_NAMES[measured.names or "length"],
        no_backend=errno(Errno.INVALID_ENCODING, "load_missing", "load_encoding"),
        unknown_handle=errno(
            *(Errno.INVALID_ARGUMENT, "compute_context", "init_graph"),
            *("output_context", "input_context"),
        ),
        bad_index=errno(Errno.INVALID_ARGUMENT, "output_index", "input_index"),
        instead={
            Errno.INVALID_ENCODING: errno(Errno.INVALID_ENCODING, "load_encoding"),
            Errno.NOT_FOUND: errno(Errno.NOT_FOUND, "name_unknown"),
        },
        ends=_ends(measured),
    )


def _ends(measured: Measured) -> Ends:
    """Which errors end the host. If only some unreadable arguments ended the process, that is left
    to `check`."""

    def end(*faults: str) -> list[bool]:
        known = (measured.answers[fault] for fault in faults if fault in measured.answers)
        return [isinstance(answer, str) for answer in known]

    harmless = end(*_HARMLESS)
    if harmless and all(harmless):
        return Ends.EVERYTHING
    if any(end(*_MEANINGLESS)):
        return Ends.UNREADABLE
    return Ends.OUTSIDE if any(end(*_POINTERS)) else Ends.NOTHING


def _tensors(backend: Backend, rules: Rules, unit: int) -> Tensors:
    """The rules of a backend on its host, for guests that count outputs in `unit`."""
    counted, too_small = backend.unit is Unit.FLOATS, backend.too_small or rules.usual.too_small
    is_bounded = counted or too_small is not TooSmall.OVERRUN
    counts = WAMR_OUTPUT_UNIT if counted else 1
    return Tensors(
        types=None if backend.ignores_types else backend.takes,
        refused=Errno.INVALID_ARGUMENT if backend.encoding is Encoding.GGML else rules.refused,
        takes_floats=counted and backend.ignores_types,
        has_floats=rules.floats and backend.encoding is Encoding.TENSORFLOWLITE,
        images=next((quirk for quirk in _IMAGES if quirk in backend.quirks), None),
        written=counts,
        room=counts if is_bounded else 0,
        buffer=unit if counted else 1,
        too_small=too_small,
    )


_IMAGES: Mapping[Quirk, Errno] = {
    Quirk.COLOUR_IMAGES: Errno.RUNTIME_ERROR,
    Quirk.CHANNELS_LAST: Errno.INVALID_ARGUMENT,
    Quirk.LARGE_IMAGES: Errno.INVALID_ARGUMENT,
}
"""How backends treat inputs as images, and what they return for other numbers of dimensions: WAMR,
and WasmEdge before 0.14. Wasmtime before 23 ends with any error."""

_LARGE_IMAGE = 4 * 224 * 224 * 3
"""In bytes: see Quirk.LARGE_IMAGES."""


def check_image(title: str, shape: Collection[int], size: int, images: Quirk, host: str) -> None:
    """Raise HostError for an input of `size` bytes that is not accepted as an image, and HostHarm
    if the host reads beyond it."""
    if images is Quirk.LARGE_IMAGES:
        if size < _LARGE_IMAGE:
            raise HostHarm(
                f"{host} reads {_LARGE_IMAGE} bytes (1x224x224x3 floats) from {title}, "
                f"whatever its dimensions are, but it has {size} bytes"
            )
    elif len(shape) != 4:
        message = f"{title} has {len(shape)} dimensions, but {host} accepts only 4"
        raise HostError(_IMAGES[images], message)


def _numbers(release: str) -> tuple[float, ...]:
    return (float("inf"),) if release == "main" else tuple(map(int, release.split(".")))
