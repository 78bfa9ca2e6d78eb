"""How iwasm of each WAMR release links imports, which WebAssembly features it reads, and how it
starts a module, with the defaults of the CMake files for Linux on x86-64.

Source: https://github.com/bytecodealliance/wasm-micro-runtime, core/iwasm/interpreter
(wasm_loader.c, wasm_runtime.c), core/iwasm/common/wasm_application.c,
product-mini/platforms/linux/CMakeLists.txt and build-scripts/config_common.cmake (defaults). All of
this was tested with a build of each of RELEASES: tests/heavy/engines.json.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rewriter.abi.wasi import WASI, WASI_UNSTABLE
from rewriter.functions.feature import READABLE
from rewriter.hosts.host import ANY, Feature

__all__ = ["ENGINES", "RELEASES"]

RELEASES = (
    *("1.1.1", "1.1.2", "1.2.0", "1.2.1", "1.2.2", "1.2.3", "1.3.0", "1.3.1", "1.3.2", "1.3.3"),
    *("2.0.0", "2.1.0", "2.1.1", "2.1.2", "2.2.0", "2.3.0", "2.3.1"),
    *("2.4.0", "2.4.1", "2.4.2", "2.4.3", "2.4.4", "2.4.5", "main"),
)
"""The releases with wasi-nn, the oldest first."""

_OF_1_1_1 = {
    **dict.fromkeys(READABLE, False),
    Feature.NUL_IN_NAME: True,
    Feature.MANY_OPERANDS: True,
    Feature.MANY_LABELS: True,
    Feature.SHARED_IMPORT: True,  # it creates an ordinary memory
}
_OF_1_1_2 = {**_OF_1_1_1, Feature.BULK_MEMORY: True, Feature.MANY_OPERANDS: False}
_OF_1_3 = {**_OF_1_1_2, Feature.NUL_IN_NAME: False, Feature.NAMELESS_SECTION: True}
_OF_2_0 = {**_OF_1_3, Feature.SHARED_IMPORT: False}
_OF_2_3 = {**_OF_2_0, Feature.REFERENCE_TYPES: True, Feature.SIMD: True}

_OWN = frozenset(("env", WASI, WASI_UNSTABLE))
_MEMORIES = dict.fromkeys(("memory", "table"), frozenset((ANY,)))

_SINCE_1_1_1: Mapping[str, Any] = {
    "features": _OF_1_1_1,
    "makes": {**_MEMORIES, "global": frozenset((ANY,))},
    "most_pages": 65535,  # its heap for the guest takes one more
    "spare_bytes": 65536,  # that heap
    "most_elements": (1 << 30) - 1,  # four bytes each, in less than 4 GiB
    "stack_bytes": 16384,
    "calls_first": ("__post_instantiate",),
    "entries": ("_start",),
    "mains": ("main", "__main_argc_argv", "_main"),
    "strict_start": True,
    "strict_main": True,
    "names_function": "with iwasm --function NAME",
    "without_memory": frozenset(("proc_exit", "sched_yield")),
}
_SINCE_1_1_2 = {
    **_SINCE_1_1_1,
    "features": _OF_1_1_2,
    "stack_bytes": 65536,
    "calls_first_without_wasi": ("__wasm_call_ctors",),
}
_SINCE_1_2_0 = {
    **_SINCE_1_1_2,
    "makes": _MEMORIES,
    "initializes": True,
    "initializes_alone": True,  # without WASI imports, it only checks the type
    "initializes_with_wasi": True,
    "exits_early": False,
    "wants_memory": True,
    "one_beginning": True,
}
_SINCE_1_2_3 = {**_SINCE_1_2_0, "most_pages": 65536, "spare_bytes": 0}
_SINCE_1_3_0 = {**_SINCE_1_2_3, "features": _OF_1_3}
_SINCE_1_3_1 = {**_SINCE_1_3_0, "one_beginning": False}
_SINCE_2_0_0 = {**_SINCE_1_3_1, "features": _OF_2_0, "most_elements": (1 << 29) - 1}
_SINCE_2_1_1 = {**_SINCE_2_0_0, "makes": dict.fromkeys(("memory", "table"), _OWN)}
_SINCE_2_3_0 = {**_SINCE_2_1_1, "features": _OF_2_3}

ENGINES: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("1.1.1", _SINCE_1_1_1),
    ("1.1.2", _SINCE_1_1_2),
    ("1.2.0", _SINCE_1_2_0),
    ("1.2.3", _SINCE_1_2_3),
    ("1.3.0", _SINCE_1_3_0),
    ("1.3.1", _SINCE_1_3_1),
    ("2.0.0", _SINCE_2_0_0),
    ("2.1.1", _SINCE_2_1_1),
    ("2.3.0", _SINCE_2_3_0),
)
"""Fields of rewriter.hosts.host.Host, each with the first release that they apply to."""
