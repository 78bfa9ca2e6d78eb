"""WAMR's releases, as iwasm for Linux on x86-64, built with and without WASI_EPHEMERAL_NN.

Source: https://github.com/bytecodealliance/wasm-micro-runtime, core/iwasm/libraries/wasi-nn
(src/wasi_nn.c, include/wasi_nn_types.h, and a file for each backend).
"""

from __future__ import annotations

from rewriter.abi.dialects import (
    WAMR_1,
    WAMR_1_1,
    WAMR_2_0,
    WAMR_2_1,
    WAMR_2_1_LEGACY,
    WAMR_2_2,
    WAMR_2_4_LEGACY,
    WAMR_EPHEMERAL,
    WAMR_MAIN,
    WAMR_MAIN_LEGACY,
    WASI_EPHEMERAL_NN,
    WASI_NN,
    Dialect,
    Encoding,
    TensorType,
)
from rewriter.abi.wasi import WASI, WASI_UNSTABLE
from rewriter.abi.wasi_extensions import WAMR_LIBC, WAMR_WASI
from rewriter.diagnostics import Diagnostic
from rewriter.hosts.engines import parted
from rewriter.hosts.host import (
    CPU,
    CPU_GPU,
    EVERY_TARGET,
    Backend,
    Host,
    Quirk,
    Start,
    TooSmall,
    Unit,
    dangers,
)
from rewriter.hosts.parts import with_parts
from rewriter.hosts.wamr_engine import ENGINES, RELEASES

__all__ = ["DEFAULT", "EPHEMERAL", "LEGACY", "OLD_EPHEMERAL"]

_SOURCE = (
    "https://github.com/bytecodealliance/wasm-micro-runtime/tree/{}"
    "/core/iwasm/libraries/wasi-nn (src/wasi_nn.c, include/wasi_nn_types.h)"
)

_ENCODINGS = Diagnostic("NN233", "ggml is encoding 5 and autodetect 6")
_WIT_TYPES = Diagnostic("NN234", "tensors of u8, i32 and i64 have types 4, 5 and 6")
_TFLITE_ALONE = Diagnostic(
    "NN235",
    "only the TensorFlow Lite backend can be built this way, and it takes only 32-bit floats",
)
_FOUR_TIMES = Diagnostic(
    "NN236",
    "an output is copied only into a buffer that is declared four times as large as the output",
    function="get_output",
)
_WIDE_TYPE = Diagnostic("NN237", "a tensor's type is read as 32 bits", function="set_input")
_FLOATS = Diagnostic(
    "NN241",
    "TensorFlow Lite treats any tensor as 32-bit floats, and returns outputs as 32-bit floats",
)
_FORGETS_NAMED = Diagnostic(
    "NN242",
    "load_by_name succeeds, but init_execution_context always fails for the graph, because the"
    " host's TensorFlow Lite backend does not register the model as loaded",
    function="load_by_name",
)
_ONE_MODEL = Diagnostic("NN243", "each load replaces the previous model")
"""1.1 keeps one model in the whole process; 2.1.2 to 2.3.1 create a new backend context on each
load. All others keep ten TensorFlow Lite models and, since 2.4.0, four OpenVINO models, and refuse
a second language model."""
_NO_BACKEND_YET = Diagnostic(
    "NN244",
    "load_by_name ends the host's process unless load has succeeded before",
    function="load_by_name",
)

_EVERY = frozenset(TensorType)
_F32 = frozenset((TensorType.F32,))
_U8 = frozenset((TensorType.U8,))
_TFLITE, _OPENVINO, _LLAMA_CPP, _ONNX = (
    f"libwasi_nn_{name}.so" for name in ("tflite", "openvino", "llamacpp", "onnx")
)


_BUILT = "WAMR_BUILD_WASI_NN_{}=1"
_IN_FLOATS = frozenset((Quirk.HELD_SHAPES, Quirk.QUANTISED_AS_FLOATS))


def _tflite(library: str = _TFLITE, built: str = _BUILT.format("TFLITE")) -> Backend:
    """The TensorFlow Lite backend of all releases before 2.4.0, which copies floats as soon as
    there are enough elements. Like that of all releases, it falls back to the CPU if it is not
    built for another target."""
    return Backend(
        Encoding.TENSORFLOWLITE,
        unit=Unit.FLOATS,
        too_small=TooSmall.OVERRUN,
        library=library,
        ignores_types=True,
        gives=_F32,
        built=built,
        quirks=_IN_FLOATS,
        targets=EVERY_TARGET,
    )


def _old(*taken: TensorType) -> tuple[Backend, ...]:
    """The backends of 2.1.2 to 2.3.1."""
    openvino = Backend(
        Encoding.OPENVINO,
        frozenset(taken),
        too_small=TooSmall.OVERRUN,
        library=_OPENVINO,
        built=_BUILT.format("OPENVINO"),
        quirks=frozenset((Quirk.COLOUR_IMAGES, Quirk.CONVERTS, Quirk.ONNX_TOO, Quirk.BORROWS)),
        targets=CPU,
    )
    return (openvino, _tflite())


_LLAMA_CPP_2_2 = Backend(
    Encoding.GGML,
    too_small=TooSmall.OVERRUN,
    library=_LLAMA_CPP,
    ignores_types=True,
    built=_BUILT.format("LLAMACPP"),
)
_LEGACY_TYPES = tuple(WAMR_2_1_LEGACY.tensor_types.values())

_LEGACY_2_4 = (
    Backend(
        Encoding.TENSORFLOWLITE,
        _F32,
        Unit.FLOATS,
        TooSmall.FORGOTTEN,
        _TFLITE,
        built=_BUILT.format("TFLITE"),
        quirks=_IN_FLOATS,
        targets=EVERY_TARGET,
    ),
)


def _backend(
    encoding: Encoding, library: str, taken: frozenset[TensorType], *quirks: Quirk
) -> Backend:
    """A backend of 2.4.0 and later, built with WASI_EPHEMERAL_NN."""
    return Backend(
        encoding,
        taken,
        too_small=TooSmall.REFUSED,
        library=library,
        built=_BUILT.format(library.removeprefix("libwasi_nn_").removesuffix(".so").upper()),
        quirks=frozenset(quirks),
        targets=_TARGETS.get(encoding),
    )


_TARGETS = {
    Encoding.OPENVINO: CPU,
    Encoding.ONNX: CPU,
    Encoding.TENSORFLOWLITE: EVERY_TARGET,
}
"""The llama.cpp backend ignores the target."""

_EPHEMERAL_2_4 = (
    _backend(Encoding.OPENVINO, _OPENVINO, _EVERY, Quirk.ONNX_TOO, Quirk.BORROWS),
    _backend(Encoding.TENSORFLOWLITE, _TFLITE, _F32, *_IN_FLOATS),
    _backend(Encoding.GGML, _LLAMA_CPP, _U8)._replace(too_small=TooSmall.OVERRUN),
)
_EPHEMERAL_MAIN = (
    _backend(Encoding.OPENVINO, _OPENVINO, _EVERY, Quirk.ONNX_TOO, Quirk.BORROWS),
    _backend(Encoding.ONNX, _ONNX, _EVERY, Quirk.BORROWS, Quirk.NO_EMPTY)._replace(gives=_EVERY),
    _backend(Encoding.TENSORFLOWLITE, _TFLITE, _F32 | _U8, Quirk.HELD_SHAPES),
    _backend(Encoding.GGML, _LLAMA_CPP, _U8),
)

_NO_NAMES = "this host cannot load graphs by name"
_A_PATH = "a path on the device, followed by a NUL"
_ANY_PATH = "a path on the device"

_STARTED = Start(
    ("iwasm",),
    ("--dir=.",),
    build="cmake -S product-mini/platforms/linux -B build OPTIONS && cmake --build build",
)
_WITH_LIBRARY = _STARTED._replace(program=("iwasm", "--native-lib=./libwasi-nn-tflite.so"))
"""2.1.1 loads no backend by itself."""


def _row(
    name: str,
    releases: tuple[str, str],
    dialect: Dialect,
    backends: tuple[Backend, ...],
    *limits: Diagnostic,
    graphs: str,
) -> Host:
    first, last = releases
    ephemeral = name == "wamr-ephemeral"
    since = "since" if ephemeral else "until"
    without = "with" if ephemeral else "without"
    option = f"WAMR_BUILD_WASI_EPHEMERAL_NN={int(ephemeral)}"
    tag = "646b5a9" if last == "main" else f"WAMR-{last}"
    return Host(
        takes_no_components=True,
        name=name,
        title=f"WAMR built {without} WASI_EPHEMERAL_NN, the default {since} "
        + ("2.4.0" if ephemeral else "2.3.x"),
        first=first,
        last=last,
        modules=(WASI_EPHEMERAL_NN if ephemeral else WASI_NN,),
        dialects=(dialect,),
        limits=(*limits, *dangers(backends)),
        backends=with_parts(backends),
        graphs=graphs,
        needs=("WAMR_BUILD_WASI_NN=1", *(() if first < "2" else (option,))),
        source=_SOURCE.format(tag),
        others={WASI: WAMR_WASI, WASI_UNSTABLE: WAMR_WASI, "env": WAMR_LIBC},
        links_all=True,
        start=_WITH_LIBRARY if last == "2.1.1" else _STARTED,
    )


_LEGACY = (
    _row(
        *("wamr-legacy", ("1.1.1", "1.1.2"), WAMR_1_1),
        (_tflite("", "")._replace(targets=CPU),),
        *(_FLOATS, _ONE_MODEL),
        graphs=_NO_NAMES,
    ),
    _row(
        *("wamr-legacy", ("1.2.0", "1.2.2"), WAMR_1),
        (_tflite("", "")._replace(targets=CPU_GPU),),
        _FLOATS,
        graphs=_NO_NAMES,
    ),
    _row(
        *("wamr-legacy", ("1.2.3", "2.1.0"), WAMR_1, (_tflite("", ""),)),
        _FLOATS,
        graphs=_NO_NAMES,
    ),
    _row(
        "wamr-legacy",
        ("2.1.1", "2.1.1"),
        WAMR_2_1_LEGACY,
        (_tflite("libwasi-nn-tflite.so, named with --native-lib", ""),),
        _FLOATS,
        graphs=_NO_NAMES,
    ),
    _row(
        "wamr-legacy",
        ("2.1.2", "2.1.2"),
        WAMR_2_1_LEGACY,
        _old(*_LEGACY_TYPES),
        *(_FLOATS, _ONE_MODEL),
        graphs=_NO_NAMES,
    ),
    _row(
        "wamr-legacy",
        ("2.2.0", "2.3.1"),
        WAMR_2_1_LEGACY,
        (*_old(*_LEGACY_TYPES), _LLAMA_CPP_2_2),
        *(_FLOATS, _ONE_MODEL),
        graphs=_NO_NAMES,
    ),
    _row(
        "wamr-legacy",
        ("2.4.0", "2.4.5"),
        WAMR_2_4_LEGACY,
        _LEGACY_2_4,
        *(_TFLITE_ALONE, _FOUR_TIMES),
        graphs=_A_PATH,
    ),
    _row(
        "wamr-legacy",
        ("main", "main"),
        WAMR_MAIN_LEGACY,
        _LEGACY_2_4,
        *(_TFLITE_ALONE, _FOUR_TIMES),
        graphs=_ANY_PATH,
    ),
)

_OLD_EPHEMERAL = (
    _row(
        "wamr-ephemeral",
        ("2.1.1", "2.1.1"),
        WAMR_2_1,
        (_tflite("libwasi-nn-tflite.so, named with --native-lib", ""),),
        *(_ENCODINGS, _WIT_TYPES, _WIDE_TYPE, _FLOATS, _FORGETS_NAMED),
        graphs=_A_PATH,
    ),
    _row(
        "wamr-ephemeral",
        ("2.1.2", "2.1.2"),
        WAMR_2_1,
        _old(*TensorType),
        *(_ENCODINGS, _WIT_TYPES, _WIDE_TYPE, _FLOATS, _ONE_MODEL, _NO_BACKEND_YET),
        graphs=_A_PATH,
    ),
    _row(
        "wamr-ephemeral",
        ("2.2.0", "2.3.1"),
        WAMR_2_2,
        (*_old(*TensorType), _LLAMA_CPP_2_2),
        *(_ENCODINGS, _WIT_TYPES, _WIDE_TYPE, _FLOATS, _ONE_MODEL),
        graphs=_A_PATH,
    ),
)

_EPHEMERAL = (
    _row(
        "wamr-ephemeral",
        ("2.0.0", "2.1.0"),
        WAMR_2_0,
        (_tflite("", ""),),
        *(_WIDE_TYPE, _FLOATS),
        graphs=_NO_NAMES,
    ),
    *_OLD_EPHEMERAL,
    _row(
        "wamr-ephemeral",
        ("2.4.0", "2.4.5"),
        WAMR_EPHEMERAL,
        _EPHEMERAL_2_4,
        _ENCODINGS,
        graphs=_A_PATH,
    ),
    _row(
        "wamr-ephemeral",
        ("main", "main"),
        WAMR_MAIN,
        _EPHEMERAL_MAIN,
        _ENCODINGS,
        graphs=_ANY_PATH,
    ),
)

LEGACY, OLD_EPHEMERAL, EPHEMERAL, DEFAULT = (
    tuple(parted(rows, RELEASES, ENGINES))
    for rows in (_LEGACY, _OLD_EPHEMERAL, _EPHEMERAL, (*_LEGACY[:6], *_EPHEMERAL[-2:]))
)
"""DEFAULT: what a release builds by default, with WASI_EPHEMERAL_NN since 2.4.0."""
