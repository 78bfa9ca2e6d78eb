"""What hosts do with tensors, names and errors beyond what their ABI says, as data.

A row of hosts is looked up by its last release. What holds since a release holds until the next
that stands here. Backends that a host does not have, and that run here all the same, have its
`usual` rules.

Sources, at the tags of the releases: WAMR's core/iwasm/libraries/wasi-nn/src (wasi_nn.c,
wasi_nn_tensorflowlite.cpp, wasi_nn_openvino.c, wasi_nn_llamacpp.c, utils/wasi_nn_app_native.c),
WasmEdge's plugins/wasi_nn (wasinnfunc.cpp, and a file for each backend), Wasmtime's
crates/wasi-nn/src/witx.rs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import Enum
from typing import NamedTuple

from rewriter.abi.dialects import Encoding, Errno, TensorType
from rewriter.abi.structures import WAMR_OUTPUT_UNIT
from rewriter.hosts.host import Host

__all__ = ["Ends", "Names", "Rules", "Small", "Tensors", "rules_of"]


class Small(Enum):
    """What becomes of an output that is larger than the guest's buffer."""

    REFUSED = "refused"
    CUT = "cut"
    OVERRUN = "overrun"


class Names(Enum):
    """How the host finds the end of a name, and of a configuration."""

    BY_LENGTH = "by its length"
    """A NUL in it is an error only to WAMR."""
    NUL_NEEDED = "by its length, and a NUL has to follow"
    BY_NUL = "by a NUL, wherever that is"


class Ends(Enum):
    """Which errors end the guest or the whole process of the host."""

    NOTHING = "none"
    OUTSIDE = "pointers outside the memory"
    """The guest traps, rather than the host's process."""
    UNREADABLE = "numbers that mean nothing, and those"
    EVERYTHING = "all"


class Tensors(NamedTuple):
    """How a backend of the host takes tensors, and gives them.

    `types` are those that set_input takes, None for all; others are refused with `refused`. A
    backend that `takes_floats` reads 32-bit floats, whatever the type says, and however long the
    data is; to one that `has_floats`, quantised tensors are such floats, too. `rank` is the only
    number of dimensions that it takes, and then it has its own order for them.

    `written` are the bytes that get_output counts by what it has written. `room` are those by which
    it counts the guest's buffer where it compares, and `buffer` those by which the guest has meant
    it. What is larger is `small`, and if that is refused, with `too_small`. A backend that `copies`
    only into a buffer whose count is that of all bytes says that it has copied all the same.
    """

    types: Collection[TensorType] | None = None
    refused: Errno = Errno.INVALID_ARGUMENT
    takes_floats: bool = False
    has_floats: bool = False
    rank: int | None = None
    written: int = 1
    room: int = 1
    buffer: int = 1
    small: Small = Small.REFUSED
    too_small: Errno = Errno.TOO_LARGE
    copies_by_bytes: bool = False


class Rules(NamedTuple):
    """`usual` holds for each backend that is not in `of`. With `checks_buffer`, the whole buffer
    that the guest declares has to be inside its memory; with `echoes_room`, its size is what is
    stored as written where it is too small; with `wide_types`, a tensor's type is 32 bits.
    `configures` are the models that can be named with a configuration: with others the host's
    process ends. `unknown_handle` is returned for one, and `instead` has what is returned for other
    errors."""

    usual: Tensors = Tensors()
    of: Mapping[Encoding, Tensors] = {}
    names: Names = Names.BY_LENGTH
    refuses_nul: bool = False
    configures: Collection[Encoding] | None = None
    checks_buffer: bool = True
    echoes_room: bool = False
    wide_types: bool = False
    unknown_handle: Errno = Errno.INVALID_ARGUMENT
    instead: Mapping[Errno, Errno] = {}
    ends: Ends = Ends.NOTHING

    def for_encoding(self, encoding: Encoding) -> Tensors:
        """Those of the backend of an encoding."""
        return self.of.get(encoding, self.usual)


_F32 = frozenset((TensorType.F32,))
_FOUR = frozenset((TensorType.F16, TensorType.F32, TensorType.U8, TensorType.I32))

_IN_FLOATS = Tensors(
    takes_floats=True, has_floats=True, written=WAMR_OUTPUT_UNIT, room=WAMR_OUTPUT_UNIT
)
"""WAMR's TensorFlow Lite until 2.3.1: it compares the guest's number with its count of floats, and
then copies them all."""

_AS_NHWC = Tensors(rank=4, small=Small.OVERRUN)
"""WAMR's OpenVINO from 2.1.2 to 2.3.1."""

_UNBOUNDED = Tensors(small=Small.OVERRUN)

_WAMR = Rules(checks_buffer=False, unknown_handle=Errno.RUNTIME_ERROR, ends=Ends.OUTSIDE)

_LEGACY_1 = _WAMR._replace(
    usual=_IN_FLOATS._replace(takes_floats=False, buffer=WAMR_OUTPUT_UNIT),
    of={
        Encoding.TENSORFLOWLITE: _IN_FLOATS._replace(buffer=WAMR_OUTPUT_UNIT),
        Encoding.OPENVINO: _AS_NHWC,
        Encoding.GGML: _UNBOUNDED,
    },
)

_LEGACY_2_4 = _WAMR._replace(
    usual=Tensors(
        types=_F32,
        refused=Errno.RUNTIME_ERROR,
        has_floats=True,
        written=WAMR_OUTPUT_UNIT,
        room=WAMR_OUTPUT_UNIT,
        buffer=WAMR_OUTPUT_UNIT,
        copies_by_bytes=True,
    ),
    names=Names.NUL_NEEDED,
)
"""Only TensorFlow Lite builds."""

_EPHEMERAL_1 = _WAMR._replace(
    usual=_IN_FLOATS._replace(takes_floats=False),
    of={
        Encoding.TENSORFLOWLITE: _IN_FLOATS,
        Encoding.OPENVINO: _AS_NHWC,
        Encoding.GGML: _UNBOUNDED,
    },
    configures=(Encoding.GGML,),
    echoes_room=True,
    wide_types=True,
)

_EPHEMERAL_2_4 = _WAMR._replace(
    of={
        Encoding.TENSORFLOWLITE: Tensors(types=_F32, refused=Errno.RUNTIME_ERROR, has_floats=True),
        Encoding.GGML: _UNBOUNDED,
    },
    names=Names.NUL_NEEDED,
    configures=(Encoding.GGML,),
)

_EPHEMERAL_MAIN = _WAMR._replace(
    of={
        Encoding.TENSORFLOWLITE: Tensors(
            types=frozenset((TensorType.F32, TensorType.U8)), refused=Errno.RUNTIME_ERROR
        ),
    },
    refuses_nul=True,
    configures=(Encoding.GGML,),
)

_CUT_FLOATS = Tensors(types=_F32, small=Small.CUT)
_REFUSED_AS_ARGUMENT = Tensors(types=_FOUR, too_small=Errno.INVALID_ARGUMENT)

_WASMEDGE_0_10 = Rules(usual=_CUT_FLOATS, wide_types=True)

_WASMEDGE_0_11_2 = Rules(
    usual=Tensors(types=_FOUR, small=Small.CUT),
    of={Encoding.OPENVINO: _CUT_FLOATS, Encoding.PYTORCH: _CUT_FLOATS},
)
"""Until 0.11.2 types are 32 bits, and since 0.12.0 the lowest byte of these."""

_WASMEDGE_0_13 = Rules(
    usual=Tensors(types=_FOUR),
    of={
        Encoding.OPENVINO: _CUT_FLOATS,
        Encoding.PYTORCH: _CUT_FLOATS,
        Encoding.TENSORFLOWLITE: _REFUSED_AS_ARGUMENT,
        Encoding.GGML: Tensors(types=_FOUR, small=Small.OVERRUN),
    },
)

_WASMEDGE_0_14 = _WASMEDGE_0_13._replace(
    of={**_WASMEDGE_0_13.of, Encoding.OPENVINO: Tensors(types=_F32, small=Small.OVERRUN)}
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

_SINCE: Mapping[str, tuple[tuple[str, Rules], ...]] = {
    "wasmtime": (("1", Rules(ends=Ends.EVERYTHING)), ("23", _WASMTIME_23)),
    "wamr-legacy": (
        ("1", _LEGACY_1),
        ("2.4", _LEGACY_2_4),
        ("main", _LEGACY_2_4._replace(names=Names.BY_LENGTH, refuses_nul=True)),
    ),
    "wamr-ephemeral": (
        ("2.0", _EPHEMERAL_1._replace(names=Names.BY_NUL)),
        ("2.2", _EPHEMERAL_1._replace(names=Names.NUL_NEEDED)),
        ("2.4", _EPHEMERAL_2_4),
        ("main", _EPHEMERAL_MAIN),
    ),
    "wasmedge": (
        ("0.10", _WASMEDGE_0_10),
        ("0.11.2", _WASMEDGE_0_11_2),
        ("0.13", _WASMEDGE_0_13),
        ("0.14", _WASMEDGE_0_14),
    ),
}


def rules_of(row: Host) -> Rules:
    """Those of a row; the ABI's own for a host that is not here."""
    since = reversed(_SINCE.get(row.name, ()))
    return next((rules for first, rules in since if _numbers(first) <= _numbers(row.last)), Rules())


def _numbers(release: str) -> tuple[float, ...]:
    return (float("inf"),) if release == "main" else tuple(map(int, release.split(".")))
