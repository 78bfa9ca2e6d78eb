"""What the sources of hosts and libraries say at their tags, written down from them by hand, and
from nothing of the product: the test of the table compares the two.

Where each stands:
- WAMR (bytecodealliance/wasm-micro-runtime): core/iwasm/libraries/wasi-nn: wasi_nn_types.h, in 1.1
  wasi_nn_common.h; src/wasi_nn.c, in 1.1 wasi_nn_native.c; core/iwasm/common/wasm_native.c
- WasmEdge (WasmEdge/WasmEdge): plugins/wasi_nn: wasinnenv.h, since 0.13.0 types.h, since 0.15.0
  wasinntypes.h; wasinnmodule.cpp
- Wasmtime (bytecodealliance/wasmtime): crates/wasi-nn/spec, a commit of WebAssembly/wasi-nn; since
  21.0.0 crates/wasi-nn/witx/wasi-nn.witx
- the crate wasi-nn and as-wasi-nn (bytecodealliance/wasi-nn): rust/src/generated.rs,
  assemblyscript/assembly/as-wasi-nn.ts
- the crate wasmedge-wasi-nn (second-state/wasmedge-wasi-nn): rust/src/generated.rs, error.rs and
  graph.rs
- the specification (WebAssembly/wasi-nn) at d681fa2, whose numbers no release of a host took up
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["FACTS", "SPECIFICATION", "Fact"]

SPECIFICATION = "the specification"


class Fact(NamedTuple):
    """`releases` are tags of `name`. Enumerations are in their order, from 0, or from the number
    that stands before one; a type that the host refuses is not in it. `functions` are those that it
    registers, or declares."""

    name: str
    releases: str
    module: str
    layout: str
    types: str
    encodings: str
    errno: str
    functions: str


_FIVE = "load init_execution_context set_input compute get_output"
_SIX = f"{_FIVE} load_by_name"
_SEVEN = f"{_SIX} load_by_name_with_config"
_WASMEDGES = f"{_SEVEN} get_output_single compute_single fini_single unload"

_OLD_TYPES = "f16 f32 u8 i32"
_NEW_TYPES = "f16 f32 f64 u8 i32 i64"
_WIT_TYPES = "f16 f32 f64 bf16 u8 i32 i64"

_2020 = "success invalid_argument missing_memory busy"
_2022 = "success invalid_argument invalid_encoding missing_memory busy runtime_error"
_2023 = f"{_2022} unsupported_operation too_large not_found"
_WIT = (
    "success invalid_argument invalid_encoding timeout runtime_error unsupported_operation"
    " too_large not_found security unknown"
)
_AND_100 = "100 end_of_sequence context_full prompt_too_long model_not_found"

_FOUR_FORMATS = "openvino onnx tensorflow pytorch"
_FIVE_FORMATS = f"{_FOUR_FORMATS} tensorflowlite"
_AND_AUTO = f"{_FIVE_FORMATS} autodetect"
_WAMRS = f"{_FIVE_FORMATS} ggml autodetect"

_WITX, _WAMR = ("wasi_ephemeral_nn", "witx"), ("wasi_nn", "wamr")

_1_X = "1.2.0 1.2.1 1.2.2 1.2.3 1.3.0 1.3.1 1.3.2 1.3.3"
_2_4 = "2.4.0 2.4.1 2.4.2 2.4.3 2.4.4 2.4.5 main"
_2_2 = "2.2.0 2.3.0 2.3.1"

_LEGACY = "wamr-legacy"
_EPHEMERAL = "wamr-ephemeral"

_UNTIL_12 = " ".join(map(str, range(1, 13)))
_SINCE_15 = " ".join(map(str, range(15, 50)))

FACTS = (
    Fact(SPECIFICATION, "d681fa2", *_WITX, _OLD_TYPES, "openvino tensorflow onnx", _2020, _FIVE),
    # In 1.1, load takes the number of tensorflow, and reads a TensorFlow Lite model.
    Fact(
        *(_LEGACY, "1.1.1 1.1.2", *_WAMR, _OLD_TYPES),
        *("openvino onnx tensorflowlite pytorch", _2022, _FIVE),
    ),
    Fact(_LEGACY, f"{_1_X} 2.0.0 2.1.0", *_WAMR, _OLD_TYPES, _FIVE_FORMATS, _2022, _FIVE),
    Fact(_LEGACY, "2.1.1 2.1.2", *_WAMR, _OLD_TYPES, _WAMRS, _WIT, _FIVE),
    Fact(_LEGACY, _2_2, *_WAMR, _OLD_TYPES, _WAMRS, f"{_WIT} {_AND_100}", _FIVE),
    Fact(_LEGACY, _2_4, *_WAMR, _OLD_TYPES, _WAMRS, f"{_2023} {_AND_100}", _SIX),
    Fact(_EPHEMERAL, "2.0.0 2.1.0", *_WITX, _OLD_TYPES, _FIVE_FORMATS, _2022, _FIVE),
    Fact(_EPHEMERAL, "2.1.1 2.1.2", *_WITX, _WIT_TYPES, _WAMRS, _WIT, _SIX),
    Fact(_EPHEMERAL, _2_2, *_WITX, _WIT_TYPES, _WAMRS, f"{_WIT} {_AND_100}", _SEVEN),
    Fact(_EPHEMERAL, _2_4, *_WITX, _NEW_TYPES, _WAMRS, f"{_2023} {_AND_100}", _SEVEN),
    # Until 0.11.1 there is no enumeration of types: set_input compares with 1.
    Fact("wasmedge", "0.10.1 0.11.0", *_WITX, "1 f32", "openvino", _2020, _FIVE),
    Fact("wasmedge", "0.11.1", *_WITX, "1 f32", "openvino pytorch", _2020, _FIVE),
    Fact("wasmedge", "0.11.2 0.12.0 0.12.1", *_WITX, _OLD_TYPES, _FIVE_FORMATS, _2020, _FIVE),
    Fact(
        *("wasmedge", "0.13.0 0.13.1 0.13.2 0.13.3", *_WITX),
        *(_OLD_TYPES, _FIVE_FORMATS, _2022, _FIVE),
    ),
    Fact("wasmedge", "0.13.4 0.13.5", *_WITX, _OLD_TYPES, f"{_AND_AUTO} ggml", _2023, _SIX),
    Fact(
        *("wasmedge", "0.14.0", *_WITX),
        *(_OLD_TYPES, f"{_AND_AUTO} ggml", f"{_2023} {_AND_100}", _WASMEDGES),
    ),
    Fact(
        *("wasmedge", "0.14.1", *_WITX),
        *(_OLD_TYPES, f"{_AND_AUTO} ggml neuralspeed 9 whisper 11 piper chattts"),
        *(f"{_2023} {_AND_100}", _WASMEDGES),
    ),
    Fact(
        *("wasmedge", "0.15.0 0.15.1", *_WITX),
        *(_NEW_TYPES, f"{_AND_AUTO} ggml neuralspeed 9 whisper mlx piper chattts openvinogenai"),
        *(f"{_2023} {_AND_100}", f"{_WASMEDGES} finalize_execution_context"),
    ),
    Fact(
        *("wasmedge", "0.16.0 0.16.1 0.16.2 0.16.3 0.16.4 0.17.0 0.17.1", *_WITX, _NEW_TYPES),
        f"{_AND_AUTO} ggml neuralspeed 9 whisper mlx piper chattts openvinogenai bitnet",
        *(f"{_2023} {_AND_100}", f"{_WASMEDGES} finalize_execution_context"),
    ),
    Fact("wasmtime", _UNTIL_12, *_WITX, _OLD_TYPES, "openvino", _2020, _FIVE),
    Fact("wasmtime", "13 14", *_WITX, _OLD_TYPES, _AND_AUTO, _2023, _SIX),
    Fact("wasmtime", _SINCE_15, *_WITX, _NEW_TYPES, _AND_AUTO, _2023, _SIX),
    Fact("wasi-nn", "0.1.0", *_WITX, _OLD_TYPES, "openvino", _2020, _FIVE),
    Fact("wasi-nn", "0.2.1", *_WITX, _OLD_TYPES, _FOUR_FORMATS, _2022, _FIVE),
    Fact("wasi-nn", "0.3.0 0.4.0", *_WITX, _OLD_TYPES, _FIVE_FORMATS, _2022, _FIVE),
    Fact("wasi-nn", "0.5.0", *_WITX, _OLD_TYPES, _AND_AUTO, _2023, _SIX),
    Fact("wasi-nn", "0.6.0", *_WITX, _NEW_TYPES, _AND_AUTO, _2023, _SIX),
    # It tells errnos apart by nothing but success.
    Fact("as-wasi-nn", "0.1.0 0.2.1", *_WITX, _OLD_TYPES, "openvino", "success", _FIVE),
    Fact("as-wasi-nn", "0.3.0", *_WITX, _OLD_TYPES, _FIVE_FORMATS, "success", _FIVE),
    Fact(
        *("wasmedge-wasi-nn", "0.7.0", *_WITX, _NEW_TYPES, f"{_AND_AUTO} ggml"),
        f"{_2023} 100 end_of_sequence context_full prompt_too_long",
        f"{_SEVEN} get_output_single compute_single fini_single",
    ),
    Fact(
        *("wasmedge-wasi-nn", "0.8.0", *_WITX, _NEW_TYPES),
        f"{_AND_AUTO} ggml neuralspeed burn whisper mlx piper",
        *(f"{_2023} {_AND_100}", _WASMEDGES),
    ),
)
