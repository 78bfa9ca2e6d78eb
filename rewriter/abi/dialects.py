"""The wasi-nn binary interfaces as data: names, signatures, structures and constants.

All integers are little-endian; every pointer and length is a 32-bit offset or count in the
guest's memory; every function returns one i32, the errno.

Sources:
- witx: https://github.com/WebAssembly/wasi-nn/blob/71320d9/wasi-nn.witx
- wamr: https://github.com/bytecodealliance/wasm-micro-runtime/tree/646b5a9 (in
  core/iwasm/libraries/wasi-nn: include/wasi_nn.h, include/wasi_nn_types.h, src/wasi_nn.c)
- wasmedge: https://github.com/WasmEdge/WasmEdge/tree/d516c5d/plugins/wasi_nn (wasinntypes.h,
  wasinnfunc.cpp)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from rewriter.abi.dialect import (
    BY_NAME,
    FINALIZE,
    LAYOUTS,
    MODULE_NAMES,
    WAMR_LAYOUT,
    WASI_EPHEMERAL_NN,
    WASI_NN,
    WASMEDGES,
    WITH_CONFIG,
    WITX_LAYOUT,
    Dialect,
    Layout,
    functions_of,
)
from rewriter.abi.numbers import (
    ELEMENT_SIZE,
    ENCODINGS_2020,
    ENCODINGS_2021,
    ENCODINGS_2022,
    ENCODINGS_WAMR,
    ENCODINGS_WAMR_1_1,
    ENCODINGS_WASMEDGE,
    ENCODINGS_WASMEDGE_0_11_1,
    ENCODINGS_WITX,
    ERRNO_2020,
    ERRNO_2022,
    ERRNO_NAMES_WIT,
    ERRNO_WASMEDGE,
    ERRNO_WIT,
    ERRNO_WITX,
    TYPES_2020,
    TYPES_WIT,
    TYPES_WITX,
    Encoding,
    Errno,
    Target,
    TensorType,
)
from rewriter.errors import UsageError
from rewriter.suggestions import did_you_mean

__all__ = [
    "DIALECTS",
    "ELEMENT_SIZE",
    "LAYOUTS",
    "MODULE_NAMES",
    "WAMR",
    "WAMR_1",
    "WAMR_1_1",
    "WAMR_2_0",
    "WAMR_2_1",
    "WAMR_2_1_LEGACY",
    "WAMR_2_2",
    "WAMR_2_4_LEGACY",
    "WAMR_EPHEMERAL",
    "WAMR_MAIN",
    "WAMR_MAIN_LEGACY",
    "WASI_EPHEMERAL_NN",
    "WASI_NN",
    "WASMEDGE",
    "WASMEDGE_0_11",
    "WASMEDGE_0_12",
    "WASMEDGE_0_13",
    "WASMEDGE_0_14",
    "WITX",
    "WITX_2020",
    "WITX_2021",
    "WITX_2022",
    "WITX_2023",
    "Dialect",
    "Encoding",
    "Errno",
    "Layout",
    "Target",
    "TensorType",
    "find_dialect",
]

WITX = Dialect(
    name="witx",
    layout=WITX_LAYOUT,
    functions=functions_of(WITX_LAYOUT, BY_NAME),
    encodings=ENCODINGS_WITX,
    tensor_types=TYPES_WITX,
    errnos=ERRNO_WITX,
    implementation="witx",
)
"""The specification since August 2023."""

WITX_2023 = Dialect(
    name="witx-2023",
    layout=WITX_LAYOUT,
    functions=WITX.functions,
    encodings=ENCODINGS_WITX,
    tensor_types=TYPES_2020,
    errnos=ERRNO_WITX,
    implementation="witx",
)
"""The specification for two weeks of August 2023: Wasmtime 13 and 14."""

WITX_2022 = Dialect(
    name="witx-2022",
    layout=WITX_LAYOUT,
    functions=functions_of(WITX_LAYOUT),
    encodings=ENCODINGS_2022,
    tensor_types=TYPES_2020,
    errnos=ERRNO_2022,
    implementation="witx",
)
"""The specification from August 2022 to August 2023: guests built with crate wasi-nn 0.2 to 0.5 or
for WasmEdge 0.13.0 to 0.13.3.

https://github.com/WebAssembly/wasi-nn/commit/747d8df
"""

WITX_2021 = Dialect(
    name="witx-2021",
    layout=WITX_LAYOUT,
    functions=functions_of(WITX_LAYOUT),
    encodings=ENCODINGS_2021,
    tensor_types=TYPES_2020,
    errnos=ERRNO_2020,
    implementation="witx",
)
"""The specification from December 2021 to August 2022, with encodings that no host or crate
adopted. Only guests built directly from the specification use it.

https://github.com/WebAssembly/wasi-nn/commit/d681fa2
"""

WITX_2020 = Dialect(
    name="witx-2020",
    layout=WITX_LAYOUT,
    functions=WITX_2021.functions,
    encodings=ENCODINGS_2020,
    tensor_types=TYPES_2020,
    errnos=ERRNO_2020,
    implementation="witx",
)
"""The specification before December 2021: guests built with crate wasi-nn 0.1, or for Wasmtime up
to 12 and WasmEdge up to 0.11.0."""

WASMEDGE = Dialect(
    name="wasmedge",
    layout=WITX_LAYOUT,
    functions=functions_of(WITX_LAYOUT, BY_NAME, WITH_CONFIG, WASMEDGES, FINALIZE),
    encodings=ENCODINGS_WASMEDGE,
    tensor_types=TYPES_WITX,
    errnos=ERRNO_WASMEDGE,
    implementation="wasmedge",
)
"""WasmEdge since 0.15.0: the specification with additional functions."""

WASMEDGE_0_14 = Dialect(
    name="wasmedge-0.14",
    layout=WITX_LAYOUT,
    functions=functions_of(WITX_LAYOUT, BY_NAME, WITH_CONFIG, WASMEDGES),
    encodings=ENCODINGS_WASMEDGE,
    tensor_types=TYPES_2020,
    errnos=ERRNO_WASMEDGE,
    implementation="wasmedge",
)
"""WasmEdge 0.14.0 and 0.14.1."""

WASMEDGE_0_13 = Dialect(
    name="wasmedge-0.13",
    layout=WITX_LAYOUT,
    functions=functions_of(WITX_LAYOUT, BY_NAME),
    encodings=ENCODINGS_WASMEDGE,
    tensor_types=TYPES_2020,
    errnos=ERRNO_WITX,
    implementation="witx",
)
"""WasmEdge 0.13.4 and 0.13.5."""

WASMEDGE_0_12 = Dialect(
    name="wasmedge-0.12",
    layout=WITX_LAYOUT,
    functions=functions_of(WITX_LAYOUT),
    encodings=ENCODINGS_2022,
    tensor_types=TYPES_2020,
    errnos=ERRNO_2020,
    implementation="witx",
)
"""WasmEdge 0.11.2 to 0.12.1."""

WASMEDGE_0_11 = Dialect(
    name="wasmedge-0.11",
    layout=WITX_LAYOUT,
    functions=functions_of(WITX_LAYOUT),
    encodings=ENCODINGS_WASMEDGE_0_11_1,
    tensor_types=TYPES_2020,
    errnos=ERRNO_2020,
    implementation="witx",
)
"""WasmEdge 0.11.1."""

WAMR_2_4_LEGACY = Dialect(
    name="wamr-2.4-legacy",
    layout=WAMR_LAYOUT,
    functions=functions_of(WAMR_LAYOUT, BY_NAME),
    encodings=ENCODINGS_WAMR,
    tensor_types=TYPES_2020,
    errnos=ERRNO_WASMEDGE,
    implementation="wamr",
    wants_nul=True,
    counts_floats=True,
)
"""WAMR's older ABI in 2.4.0 to 2.4.5, for hosts that register `wasi_nn`."""

WAMR_MAIN_LEGACY = replace(WAMR_2_4_LEGACY, name="wamr-main-legacy", wants_nul=False)
"""WAMR's older ABI on the main branch, not released yet: names are copied by their length."""

WAMR = replace(WAMR_2_4_LEGACY, name="wamr", assumed=WAMR_2_4_LEGACY)
"""WAMR's older ABI of any release. Imports do not show which release a guest was built for, so
each host of this build is assumed to use the guest's numbers."""

WAMR_2_1_LEGACY = Dialect(
    name="wamr-2.1-legacy",
    layout=WAMR_LAYOUT,
    functions=functions_of(WAMR_LAYOUT),
    encodings=ENCODINGS_WAMR,
    tensor_types=TYPES_2020,
    errnos=ERRNO_WIT,
    own_errnos=ERRNO_NAMES_WIT,
    implementation="wamr",
    counts_floats=True,
)
"""WAMR's older ABI in 2.1.1 to 2.3.1, where it is the default."""

WAMR_1 = Dialect(
    name="wamr-1",
    layout=WAMR_LAYOUT,
    functions=functions_of(WAMR_LAYOUT),
    encodings=ENCODINGS_2022,
    tensor_types=TYPES_2020,
    errnos=ERRNO_2022,
    implementation="wamr",
    counts_floats=True,
)
"""WAMR's older ABI in 1.2.0 to 2.1.0."""

WAMR_1_1 = Dialect(
    name="wamr-1.1",
    layout=WAMR_LAYOUT,
    functions=WAMR_1.functions,
    encodings=ENCODINGS_WAMR_1_1,
    tensor_types=TYPES_2020,
    errnos=ERRNO_2022,
    implementation="wamr",
    counts_floats=True,
)
"""WAMR's older ABI in 1.1.1 and 1.1.2, where TensorFlow Lite had TensorFlow's number."""

WAMR_EPHEMERAL = Dialect(
    name="wamr-ephemeral",
    layout=WITX_LAYOUT,
    functions=functions_of(WITX_LAYOUT, BY_NAME, WITH_CONFIG),
    encodings=ENCODINGS_WAMR,
    tensor_types=TYPES_WITX,
    errnos=ERRNO_WASMEDGE,
    implementation="wasmedge",
    wants_nul=True,
)
"""WAMR 2.4.0 to 2.4.5, built with WASI_EPHEMERAL_NN: witx with different encodings."""

WAMR_MAIN = replace(WAMR_EPHEMERAL, name="wamr-main", wants_nul=False)
"""WAMR_EPHEMERAL on the main branch, not released yet: texts are copied by their length."""

WAMR_2_0 = Dialect(
    name="wamr-2.0",
    layout=WITX_LAYOUT,
    functions=WITX_2022.functions,
    encodings=ENCODINGS_2022,
    tensor_types=TYPES_2020,
    errnos=ERRNO_2022,
    implementation="witx",
    counts_floats=True,
)
"""WAMR_EPHEMERAL in 2.0.0 and 2.1.0: witx-2022, except for the unit of outputs."""

WAMR_2_2 = Dialect(
    name="wamr-2.2",
    layout=WITX_LAYOUT,
    functions=WAMR_EPHEMERAL.functions,
    encodings=ENCODINGS_WAMR,
    tensor_types=TYPES_WIT,
    errnos=ERRNO_WIT,
    own_errnos=ERRNO_NAMES_WIT,
    implementation="wasmedge",
    wants_nul=True,
    counts_floats=True,
    raw_types=MappingProxyType({3: "bf16"}),
)
"""WAMR_EPHEMERAL in 2.2.0 to 2.3.1, with different tensor types. Adapters refuse bf16, because
other ABIs do not have it."""

WAMR_2_1 = replace(WAMR_2_2, name="wamr-2.1", functions=WITX.functions)
"""WAMR_EPHEMERAL in 2.1.1 and 2.1.2: like 2.2.0, without load_by_name_with_config."""

_TABLE = {
    dialect.name: dialect
    for dialect in (
        *(WITX, WITX_2023, WITX_2022, WITX_2021, WITX_2020),
        *(WASMEDGE, WASMEDGE_0_14, WASMEDGE_0_13, WASMEDGE_0_12, WASMEDGE_0_11),
        *(WAMR, WAMR_MAIN_LEGACY, WAMR_2_4_LEGACY, WAMR_2_1_LEGACY, WAMR_1, WAMR_1_1),
        *(WAMR_MAIN, WAMR_EPHEMERAL, WAMR_2_2, WAMR_2_1, WAMR_2_0),
    )
}

DIALECTS: Mapping[str, Dialect] = MappingProxyType(_TABLE)
"""All ABIs by name. This is the only list of them.

The imports of a module show its layout and functions. Its numbers are assumed to be those of WITX,
WASMEDGE or WAMR unless the user names another ABI."""


def find_dialect(name: str) -> Dialect:
    """The ABI with this name. Raises UsageError if the name is unknown."""
    if name not in DIALECTS:
        meant = did_you_mean(name, DIALECTS) or ";"
        raise UsageError(f"{name!r} is not a known ABI{meant} `nnshim hosts --abis` lists all")
    return DIALECTS[name]
