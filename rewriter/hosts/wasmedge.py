"""WasmEdge's releases, with its plugin wasi_nn.

Source: https://github.com/WasmEdge/WasmEdge: plugins/wasi_nn, lib/host/wasi, lib/vm/vm.cpp
(registered plugins), lib/executor/instantiate/import.cpp (which form of a socket function is used),
include/common/configure.h (enabled features), lib/loader/ast (features that are read although they
are disabled), lib/driver/runtimeTool.cpp (how a module is started). Imports and the engine were
tested with builds of 0.14.1 and d516c5d: tests/heavy/engines.json.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rewriter.abi.dialects import (
    WASI_EPHEMERAL_NN,
    WASMEDGE,
    WASMEDGE_0_11,
    WASMEDGE_0_12,
    WASMEDGE_0_13,
    WASMEDGE_0_14,
    WITX_2020,
    WITX_2022,
    Dialect,
    Encoding,
    TensorType,
)
from rewriter.abi.wasi import WASI
from rewriter.abi.wasi_extensions import WASMEDGE_WASI, WASMEDGE_WASI_0_10, WASMEDGE_WASI_0_11_2
from rewriter.diagnostics import Diagnostic
from rewriter.functions.feature import READABLE
from rewriter.hosts.host import (
    CPU,
    CPU_GPU,
    EVERY_TARGET,
    GPU,
    Backend,
    Feature,
    Host,
    Quirk,
    Start,
    TooSmall,
    dangers,
)
from rewriter.hosts.parts import ONE, with_parts
from rewriter.wasm.types import FuncType

__all__ = ["PRELOADED", "ROWS"]

_WIDE_TYPE = Diagnostic("NN237", "a tensor's type is read as 32 bits", function="set_input")

_UNPLACED = Diagnostic(
    "NN245",
    "fd_pwrite to standard output or standard error fails with notcapable on this host: a guest"
    " that prints with it has to fall back to fd_write",
    function="fd_pwrite",
)
"""include/host/wasi/vinode.h: fdPwrite, which requires the right to seek."""

_F32 = frozenset((TensorType.F32,))
_FOUR = frozenset((TensorType.F16, TensorType.F32, TensorType.U8, TensorType.I32))
"""The types that the plugin passes on. It refuses other types before a backend sees them."""


def _plugin(
    encoding: Encoding,
    takes: frozenset[TensorType] | None = None,
    too_small: TooSmall | None = None,
    *quirks: Quirk,
) -> Backend:
    """`takes` and `too_small` are None if they have not been looked up in the source. The plugin
    itself refuses targets other than cpu, gpu and tpu; most backends ignore the target."""
    name = "openvino-genai" if encoding is Encoding.OPENVINOGENAI else encoding.name.lower()
    return Backend(
        encoding,
        takes,
        too_small=too_small,
        built=f"the plugin wasi_nn-{name}",
        quirks=frozenset(quirks),
        targets=EVERY_TARGET,
    )


def _on_gpu(backend: Backend) -> Backend:
    return backend._replace(targets=CPU_GPU, devices=GPU)


def _on_cpu(*backends: Backend) -> tuple[Backend, ...]:
    return tuple(backend._replace(targets=CPU) for backend in backends)


_OPENVINO_CUT = _on_gpu(
    _plugin(Encoding.OPENVINO, _F32, TooSmall.CUT, Quirk.CHANNELS_LAST, Quirk.CONVERTS)
)
_IN_PARTS = Quirk.ONNX_TOO, Quirk.UNCONFIGURED
_OPENVINO_0_14 = _plugin(
    *(Encoding.OPENVINO, _F32, TooSmall.OVERRUN),
    *(Quirk.LARGE_IMAGES, Quirk.CONVERTS, Quirk.BORROWS, *_IN_PARTS),
)
"""It runs on the CPU whatever the target is."""
_OPENVINO = _on_gpu(
    _plugin(
        *(Encoding.OPENVINO, _F32, TooSmall.OVERRUN),
        *(Quirk.LAST_INPUT, Quirk.BORROWS, *_IN_PARTS),
    )
)
_TORCH = _on_gpu(_plugin(Encoding.PYTORCH, _F32, TooSmall.CUT, Quirk.UNCONFIGURED))
_TFLITE_0_12 = _plugin(Encoding.TENSORFLOWLITE, _FOUR, TooSmall.FORGOTTEN, Quirk.HELD_SHAPES)
(_TFLITE,) = _on_cpu(
    _plugin(
        *(Encoding.TENSORFLOWLITE, _FOUR, TooSmall.REFUSED),
        *(Quirk.HELD_SHAPES, Quirk.UNCONFIGURED),
    )
)
_GGML = _plugin(Encoding.GGML, _FOUR, TooSmall.OVERRUN)._replace(ignores_types=True)


def _others(*encodings: Encoding) -> tuple[Backend, ...]:
    """Backends whose types and bounds have not been looked up in the source."""
    return tuple(map(_plugin, encodings))


_OF_0_11 = _on_cpu(_OPENVINO_CUT, _TORCH)
_OF_0_12 = (*_OF_0_11, *_on_cpu(_TFLITE_0_12))
_OF_0_13 = (_OPENVINO_CUT, _TORCH, _TFLITE)
_OF_0_13_4 = (*_OF_0_13, _GGML._replace(parts=ONE))
_OF_0_14 = (_OPENVINO_0_14, _TORCH, _TFLITE, _GGML)
_SPEECH = _others(Encoding.NEURALSPEED, Encoding.WHISPER, Encoding.PIPER, Encoding.CHATTTS)
_OF_0_14_1 = (*_OF_0_14, *_SPEECH)
_GENAI = map(_on_gpu, _others(Encoding.OPENVINOGENAI))
_OF_0_15 = (_OPENVINO, *_OF_0_14_1[1:], *_others(Encoding.MLX), *_GENAI)
_OF_0_16 = (*_OF_0_15, *_others(Encoding.BITNET))

_A_PLUGIN = "its plugin (without it, the module is refused)"
_OR_TRAPS = "its plugin (without it, a call traps)"

_PLUGINS_0_10 = {"wasmedge_*": _A_PLUGIN, "wasi_ephemeral_crypto_*": _A_PLUGIN}
_PLUGINS_0_12 = {
    "wasmedge_process": _OR_TRAPS,
    "wasmedge_httpsreq": _OR_TRAPS,
    "wasi_ephemeral_crypto_*": _OR_TRAPS,
    "wasm_bpf": _A_PLUGIN,
    "wasmedge_*": _A_PLUGIN,
}
_PLUGINS_0_13 = {
    **dict.fromkeys(
        (
            *("wasmedge_process", "wasmedge_image", "wasmedge_tensorflow"),
            *("wasmedge_tensorflowlite", "wasi:logging/logging", "wasi_ephemeral_crypto_*"),
        ),
        _OR_TRAPS,
    ),
    "wasm_bpf": _A_PLUGIN,
    "wasmedge_*": _A_PLUGIN,
}
_PLUGINS_0_14_1 = {"wasmedge_stablediffusion": _OR_TRAPS, **_PLUGINS_0_13}

_OFF: Mapping[Feature, bool] = dict.fromkeys(READABLE, False)
_UNTIL_0_13: Mapping[Feature, bool] = MappingProxyType(
    {
        **_OFF,
        Feature.BULK_MEMORY: True,
        Feature.REFERENCE_TYPES: True,
        Feature.SIMD: True,
        Feature.MANY_LOCALS: True,
        Feature.EQUAL_TYPES: True,
        Feature.MANY_OPERANDS: True,
        Feature.MANY_SLOTS: True,
        Feature.DEEP_BLOCKS: True,
        Feature.MANY_LABELS: True,
        Feature.NUL_IN_NAME: True,
        Feature.NAMELESS_SECTION: True,
        Feature.FENCE: True,  # whether threads are enabled or not
        Feature.SHARED_IMPORT: True,
        Feature.THREADS: True,  # it creates an ordinary memory
    }
)
_SINCE_0_14: Mapping[Feature, bool] = MappingProxyType(
    {
        **_UNTIL_0_13,
        Feature.FINAL_TYPES: True,
        Feature.OPEN_TYPES: True,
        Feature.GC_TYPES: True,  # no instruction can use them
    }
)
_SINCE_0_15: Mapping[Feature, bool] = MappingProxyType(
    {**_SINCE_0_14, Feature.THREADS: False, Feature.SHARED_IMPORT: False}
)
_SINCE_0_16: Mapping[Feature, bool] = MappingProxyType(
    {
        **_SINCE_0_15,
        Feature.TAIL_CALLS: True,
        Feature.EXTENDED_CONST: True,
        Feature.FUNCTION_REFERENCES: True,
        Feature.GC: True,
        Feature.MEMORIES: True,
        Feature.RELAXED_SIMD: True,
        Feature.EXCEPTIONS: True,
    }
)
_SINCE_0_17: Mapping[Feature, bool] = MappingProxyType(
    {**_SINCE_0_16, Feature.MEMORY_64: True, Feature.TABLE_64: True}
)

_NO_NAMES = "this host cannot load graphs by name"
PRELOADED = "--nn-preload NAME:ENCODING:TARGET:PATH"


_STARTED = Start(("wasmedge",), ("--dir", ".:."))
_PRELOADING = _STARTED._replace(graph=("--nn-preload", "NAME:ENCODING:CPU:FILES"))


def _row(
    releases: tuple[str, str],
    dialect: Dialect,
    backends: tuple[Backend, ...],
    plugins: Mapping[str, str],
    *limits: Diagnostic,
    wasi: Mapping[str, FuncType] = WASMEDGE_WASI,
    features: Mapping[Feature, bool] = _UNTIL_0_13,
    graphs: str = PRELOADED,
) -> Host:
    first, last = releases
    return Host(
        takes_no_components=True,
        name="wasmedge",
        title="WasmEdge's wasi_nn plugin",
        first=first,
        last=last,
        modules=(WASI_EPHEMERAL_NN,),
        dialects=(dialect,),
        limits=(*limits, *dangers(backends), _UNPLACED),
        backends=with_parts(backends),
        graphs=graphs,
        needs=("the plugin libwasmedgePluginWasiNN.so, built for the model's encoding",),
        source=f"https://github.com/WasmEdge/WasmEdge/tree/{last}/plugins/wasi_nn",
        others={WASI: wasi},
        optional=plugins,
        second_form="_v2" if wasi is WASMEDGE_WASI else "",
        mixes_forms=wasi is WASMEDGE_WASI and features is not _SINCE_0_17,
        features=features,
        in_first_memory=True,
        start=_PRELOADING if graphs == PRELOADED else _STARTED,
        exits_early=False,
        entries=("_start",),
        gives_arguments=True,
        calls_imported=True,
        names_function="with wasmedge --reactor MODULE NAME",
        passes=_FOUR,
    )


ROWS = (
    _row(
        ("0.10.1", "0.11.0"),
        WITX_2020,
        (_OPENVINO_CUT,),
        _PLUGINS_0_10,
        _WIDE_TYPE,
        wasi=WASMEDGE_WASI_0_10,
        graphs=_NO_NAMES,
    ),
    _row(
        ("0.11.1", "0.11.1"),
        WASMEDGE_0_11,
        _OF_0_11,
        _PLUGINS_0_10,
        _WIDE_TYPE,
        wasi=WASMEDGE_WASI_0_10,
        graphs=_NO_NAMES,
    ),
    _row(
        ("0.11.2", "0.11.2"),
        WASMEDGE_0_12,
        _OF_0_12,
        _PLUGINS_0_10,
        _WIDE_TYPE,
        wasi=WASMEDGE_WASI_0_11_2,
        graphs=_NO_NAMES,
    ),
    _row(("0.12.0", "0.12.1"), WASMEDGE_0_12, _OF_0_12, _PLUGINS_0_12, graphs=_NO_NAMES),
    _row(("0.13.0", "0.13.3"), WITX_2022, _OF_0_13, _PLUGINS_0_13, graphs=_NO_NAMES),
    _row(("0.13.4", "0.13.5"), WASMEDGE_0_13, _OF_0_13_4, _PLUGINS_0_13),
    _row(("0.14.0", "0.14.0"), WASMEDGE_0_14, _OF_0_14, _PLUGINS_0_13, features=_SINCE_0_14),
    _row(("0.14.1", "0.14.1"), WASMEDGE_0_14, _OF_0_14_1, _PLUGINS_0_14_1, features=_SINCE_0_14),
    _row(("0.15.0", "0.15.1"), WASMEDGE, _OF_0_15, _PLUGINS_0_14_1, features=_SINCE_0_15),
    _row(("0.16.0", "0.16.4"), WASMEDGE, _OF_0_16, _PLUGINS_0_14_1, features=_SINCE_0_16),
    _row(("0.17.0", "0.17.1"), WASMEDGE, _OF_0_16, _PLUGINS_0_14_1, features=_SINCE_0_17),
)
