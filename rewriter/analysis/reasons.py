"""Diagnostics about adapters: why they are needed, and what they cannot do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rewriter.abi.dialect import BY_NAME, WITH_CONFIG
from rewriter.abi.dialects import WASMEDGE, Dialect
from rewriter.abi.numbers import ENCODINGS_WAMR, ENCODINGS_WASMEDGE, ERRNO_WIT
from rewriter.adapters.adapter import Adapter, adapter_for, same_adapter
from rewriter.adapters.needs import Need, counts_otherwise
from rewriter.analysis.inspect import ImportedItem, ModuleInfo
from rewriter.diagnostics import Diagnostic

__all__ = [
    "HIDDEN_NUMBERS",
    "HIDDEN_NUMBERS_THERE",
    "HIDDEN_TYPES",
    "hidden_encodings",
    "hidden_nul",
    "lacking",
    "lost",
    "no_loader",
    "unfit_memory",
    "whatever_it_is",
    "why",
    "why_another",
]


def why(
    needed: Need,
    item: ImportedItem,
    function: str,
    source: Dialect,
    target: Dialect,
    spoken: Sequence[Dialect],
) -> Diagnostic:
    """Why a function of a guest with the dialect `source` needs an adapter on a host with the
    dialects `spoken`."""
    remedy = None
    if source.layout == target.layout and source.name == WASMEDGE.name:
        remedy = f"if it was built for that release, pass `--guest-abi {target.name}`"
    if needed is Need.ERRNOS:
        return Diagnostic("NN207", "the host numbers errors differently", help=remedy)
    if source.layout != target.layout:
        theirs = " or ".join(dialect.layout.name for dialect in spoken)
        message = f"its {item.module} has the {source.layout} ABI, but the host speaks {theirs}"
        return Diagnostic("NN202", message, item.offset)
    if needed is Need.FUNCTION:
        return Diagnostic("NN205", f"the host lacks {function}", item.offset, function)
    if needed is Need.NAMES:
        message = "the host needs a NUL after names"
        return Diagnostic("NN208", message, item.offset, function)
    if needed is Need.UNITS:
        message = "the host counts outputs of TensorFlow Lite models in floats"
        return Diagnostic("NN209", message, item.offset, function)
    if needed is Need.ENCODINGS:
        message = "the host numbers encodings differently"
        return Diagnostic("NN203", message, item.offset, function, remedy)
    message = "the host numbers tensor types differently"
    if source.tensor_types == target.tensor_types and counts_otherwise(source, target):
        message = "the host treats tensors of TensorFlow Lite models as floats, whatever their type"
        return Diagnostic("NN209", message, item.offset, function)
    if source.tensor_types is target.tensor_types:
        message = "the host may number tensor types differently than the guest"
    return Diagnostic("NN204", message, item.offset, function)


def why_another(
    standing: Adapter, adapter: Adapter | None, target: Dialect, item: ImportedItem
) -> Diagnostic:
    """Why an existing adapter does not fit a host with the dialect `target`, which needs another
    adapter or none."""

    def is_that(**as_there: Any) -> bool:
        """Whether the adapter would fit if its target had these fields."""
        other = replace(standing.target, **as_there)
        return same_adapter(
            adapter_for(standing.function, standing.source, other, told=standing.told), adapter
        )

    if is_that(errnos=target.errnos):
        return Diagnostic("NN207", "its functions were adapted to a different numbering of errors")
    function = standing.function
    if is_that(errnos=target.errnos, encodings=target.encodings):
        message = f"its {function} was adapted to a different numbering of encodings"
        return Diagnostic("NN203", message, item.offset, function)
    message = f"its {function} was adapted to a different host"
    return Diagnostic("NN206", message, item.offset, function)


def lost(function: str, source: Dialect, target: Dialect) -> Iterator[Diagnostic]:
    """What an adapter cannot do, or what depends on the model."""
    if function not in target.functions:
        yield _STAND_INS[function]
    across = _ACROSS_LAYOUTS.get((source.layout.name, target.layout.name))
    if across and function in ("set_input", "get_output"):
        yield across
    if counts_otherwise(source, target):
        if function in ("set_input", "get_output"):
            yield _ONLY_FLOATS
        if target.errnos is ERRNO_WIT and function in _OF_OPENVINO:  # the same hosts' OpenVINO
            yield _OF_OPENVINO[function]


def whatever_it_is(function: str, target: Dialect) -> Iterator[Diagnostic]:
    """What depends on the model, with or without an adapter."""
    of_wamr = target.encodings is ENCODINGS_WAMR
    if of_wamr and function in WITH_CONFIG and function in target.functions:
        yield _LLAMA_CPP


HIDDEN_TYPES = Diagnostic(
    "NN137",
    "imports do not show how it numbers tensor types: the numbers since August 2023 are assumed",
    help="if that is wrong, use `--guest-abi`, or `nnshim rewrite --from unknown`, which uses each"
    " tensor's length",
)

_RELEASE = (
    "imports do not show which release of WAMR it was built for, but releases number errors and"
    " encodings differently: the numbers of {} are assumed"
)
HIDDEN_NUMBERS = Diagnostic(
    "NN140",
    _RELEASE.format("2.4.0"),
    help="`--guest-abi wamr-2.1-legacy` means 2.1.1 to 2.3.1, `--guest-abi wamr-1` 1.2.0 to 2.1.0",
)
HIDDEN_NUMBERS_THERE = HIDDEN_NUMBERS._replace(message=_RELEASE.format("the host"))
"""For a host with the guest's layout."""


def hidden_encodings(source: Dialect, target: Dialect) -> Iterator[Diagnostic]:
    """A diagnostic if nnshim assumes the host's numbers for encodings, but guests with the same
    imports may have others."""
    if source.layout != target.layout:
        return
    others = [
        f"{number} is {meaning.name.lower()}"
        for number, meaning in sorted(target.encodings.items())
        if ENCODINGS_WASMEDGE.get(number, meaning) is not meaning  # these extend WITX's
    ]
    if others:
        message = (
            "imports do not show which numbers it uses for encodings: the host's are assumed, where"
            f" {' and '.join(others)}"
        )
        yield Diagnostic("NN138", message, None, "load", "if that is wrong, use `--guest-abi`")


def hidden_nul(function: str, source: Dialect, target: Dialect) -> Iterator[Diagnostic]:
    """A diagnostic if a guest with the host's own ABI may lack the NUL that the host needs after
    names."""
    if function in BY_NAME | WITH_CONFIG and target.wants_nul and source.name == target.name:
        message = (
            "imports do not show whether its names end with a NUL: without one, WAMR up to 2.4.5 "
            "refuses them"
        )
        help_ = "say what it was built for: `nnshim rewrite --from HOST`"
        yield Diagnostic("NN139", message, None, function, help_)


_ONLY_FLOATS = Diagnostic(
    "NN304",
    "the host's TensorFlow Lite uses only 32-bit floats: set_input refuses other inputs, and an "
    "output of another type is not what the guest expects",
)

_OF_OPENVINO = {
    "load": Diagnostic(
        "NN306",
        "on this host, a guest cannot load both OpenVINO models and others: the second load returns"
        " unsupported_operation",
        function="load",
    ),
    "get_output": Diagnostic(
        "NN307",
        "if an OpenVINO output is larger than the buffer, the host writes beyond the buffer, and"
        " the adapter then traps",
        function="get_output",
    ),
}
"""https://github.com/bytecodealliance/wasm-micro-runtime/blob/WAMR-2.3.1/core/iwasm/libraries/wasi-nn/src/wasi_nn_openvino.c
"""

_LLAMA_CPP = Diagnostic(
    "NN309",
    "load_by_name_with_config ends the host's process, unless the model's backend is llama.cpp",
    function="load_by_name_with_config",
)

_ACROSS_LAYOUTS = {
    ("wamr", "witx"): Diagnostic(
        "NN305",
        "WAMR's older build takes and returns floats for quantised TensorFlow Lite models: on a "
        "host that does not, set_input refuses floats for such a model, and its output is not "
        "floats",
    ),
}
"""What depends on the model, by the layouts of guest and host.

https://github.com/bytecodealliance/wasm-micro-runtime/blob/646b5a9/core/iwasm/libraries/wasi-nn/src/wasi_nn_tensorflowlite.cpp
"""

_STAND_INS = {
    "load_by_name_with_config": Diagnostic(
        "NN301",
        "load_by_name_with_config returns unsupported_operation, unless the configuration is empty",
        function="load_by_name_with_config",
    ),
    "unload": Diagnostic(
        "NN302",
        "unload has no effect on this host: graphs live as long as the guest",
        function="unload",
    ),
    "finalize_execution_context": Diagnostic(
        "NN303",
        "finalize_execution_context has no effect on this host: contexts live as long as the guest",
        function="finalize_execution_context",
    ),
}


def lacking(code: str, message: str, item: ImportedItem, function: str, linked: bool) -> Diagnostic:
    """A diagnostic for an import that the host does not define: an error with `code`, or NN248 if
    the host links it anyway."""
    if linked:
        return Diagnostic("NN248", f"{message}, and calling it traps", item.offset, function)
    return Diagnostic(code, message, item.offset, function)


_LOADERS = frozenset(("load", *BY_NAME, *WITH_CONFIG))


def no_loader(
    info: ModuleInfo, said: Mapping[int, Sequence[Diagnostic]], dialects: Sequence[Dialect]
) -> Iterator[tuple[int, Diagnostic]]:
    """An error for each function that loads models, if a host with `dialects` links all of them but
    has none. `said` has the diagnostics of each import. The result is keyed by import index."""
    loaders = {slot: item for slot, item in info.wasi_nn.items() if item.name in _LOADERS}
    known = {function for dialect in dialects for function in dialect.functions}
    if all(
        item.name not in known and "NN248" in {found.code for found in said[slot]}
        for slot, item in loaders.items()
    ):
        for slot, item in loaders.items():
            message = f"the host lacks {item.name}, and the guest has no other way to load a model"
            yield slot, Diagnostic("NN211", message, item.offset, item.name)


def unfit_memory(info: ModuleInfo) -> Iterator[Diagnostic]:
    """Errors if adapters cannot work in the module's memory."""
    if info.shared_memory is None:
        message = 'it exports no memory named "memory", which adapters need'
        yield Diagnostic("NN325", message, help="have the linker export it (--export-memory)")
    if info.shared_memory and info.shared_memory.shared:
        message = (
            "its memory is shared between threads, and another thread may be using the bytes "
            "that adapters borrow"
        )
        yield Diagnostic("NN321", message)
    if info.shared_memory and info.shared_memory.is_64:
        yield Diagnostic("NN322", "its memory is 64-bit, but adapters use 32-bit addresses")
