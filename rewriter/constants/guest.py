"""Finds the tensor types, encodings and lengths that a guest passes to wasi-nn's functions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from itertools import takewhile
from math import prod
from typing import NamedTuple

from rewriter.abi.dialects import WAMR, Layout
from rewriter.abi.structures import TENSOR, WAMR_BUILDERS, WAMR_TENSOR
from rewriter.constants.callers import Calls, Functions, Imported, StandIn
from rewriter.constants.constant import Constant, Constants, Subject
from rewriter.constants.decoding import NotFollowed
from rewriter.constants.found import Reached, Wanted, reached
from rewriter.constants.state import Effect
from rewriter.errors import ModuleError
from rewriter.wasm.custom import NAMES
from rewriter.wasm.imports import ExternKind, imports_of
from rewriter.wasm.module import Module
from rewriter.wasm.names import function_names
from rewriter.wasm.types import FuncType

__all__ = ["Function", "follow_arguments", "follow_constants", "passed_on"]


class Function(NamedTuple):
    """A wasi-nn function as the guest calls it. For an adapter, `before` is the index of its
    import, and `exports` are the end offsets, in bytes, of exports through which no guest calls
    it."""

    name: str
    layout: Layout
    before: int | None = None
    exports: Collection[int] = ()


_EFFECTS: Mapping[str, Effect] = {
    "load": Effect.HANDLE,
    "load_by_name": Effect.HANDLE,
    "load_by_name_with_config": Effect.HANDLE,
    "init_execution_context": Effect.HANDLE,
    "set_input": Effect.NOTHING,
    "compute": Effect.NOTHING,
    "compute_single": Effect.NOTHING,
    "fini_single": Effect.NOTHING,
    "get_output": Effect.OUTPUT,
    "get_output_single": Effect.OUTPUT,
    "unload": Effect.NOTHING,
    "finalize_execution_context": Effect.NOTHING,
}
"""The effects of wasi-nn's functions on a guest's memory."""

_MOST_DIMENSIONS = 8

_TENSOR_ARGUMENT = 2
"""The parameter of `set_input` that is the address of the tensor."""


def follow_constants(module: Module, functions: Mapping[int, Function], memory: int) -> Constants:
    """Find the constants that reach `functions`, which are wasi-nn's functions by index. `memory`
    is the index of the memory that the guest shares with hosts. It must have 32-bit addresses.

    If something cannot be followed or read, its numbers are unknown. No error is raised.
    """
    wanted = {
        index: asked
        for index, function in functions.items()
        if (asked := _asked(function.name, function.layout))
    }
    found = follow_arguments(module, functions, memory, wanted)
    return Constants(tuple(_constants(found, functions)))


def follow_arguments(
    module: Module,
    functions: Mapping[int, Function],
    memory: int,
    wanted: Mapping[int, Sequence[Wanted]],
) -> list[Reached]:
    """Find the `wanted` numbers at the calls of each of these `functions`. Everything else is as
    for `follow_constants`."""
    try:
        stand_ins = dict(_stand_ins(functions))
        imported, number_of_globals = _imported(module, functions)
        all_functions = Functions(module, imported, number_of_globals, memory, stand_ins)
        found = [*reached(all_functions, wanted), *_passed_by(all_functions, stand_ins, wanted)]
    except (ModuleError, NotFollowed):
        found = [_hidden(index, wanted) for index in wanted]
    names = _names(module, {one.place.function for one in found if one.place})
    return [_named(one, names) for one in found]


def passed_on(
    module: Module, imported: int, by: int, given: Mapping[int, int]
) -> list[tuple[int | None, ...]] | None:
    """The arguments with which function `by` calls the `imported` one where it gets the numbers
    `given` for parameters, None for each that is not one number. Functions are given by index.

    None if something else may call it, or if that cannot be followed or read."""
    try:
        functions = Functions(module, *_imported(module, {}), 0, {})
        calls = functions.calls_of((imported,))
        if imported in calls.open or calls.callers.get(imported) != [by]:
            return None
        found = functions.follow_given(by, given, {imported})
    except (ModuleError, NotFollowed):
        return None
    return [
        tuple(value if isinstance(value, int) else None for value in one.arguments)
        for one in found.calls.values()
    ]


def _stand_ins(functions: Mapping[int, Function]) -> Iterator[tuple[int, StandIn]]:
    for index, one in functions.items():
        if one.before is not None:
            yield index, StandIn(one.before, _EFFECTS.get(one.name, Effect.ANY), one.exports)


def _passed_by(
    functions: Functions, stand_ins: Mapping[int, StandIn], wanted: Mapping[int, Sequence[Wanted]]
) -> Iterator[Reached]:
    """Calls that bypass an adapter. No rewrite makes such calls. Their arguments go directly to the
    host, so their numbers are unknown."""
    before = {one.before: index for index, one in stand_ins.items() if index in wanted}
    calls = functions.calls_of(before.keys()) if before else Calls({}, ())
    for slot, index in before.items():
        if slot in calls.open or set(calls.callers.get(slot, ())) - {index}:
            yield _hidden(index, wanted)


def _hidden(index: int, wanted: Mapping[int, Sequence[Wanted]]) -> Reached:
    return Reached(index, None, (None,) * len(wanted[index]))


def _named(one: Reached, names: Mapping[int, str]) -> Reached:
    if one.place is None or one.place.function not in names:
        return one
    return one._replace(place=one.place._replace(name=names[one.place.function]))


def _names(module: Module, wanted: Set[int]) -> Mapping[int, str]:
    """The names of these functions in the name section."""
    section = module.custom(NAMES)
    names = function_names(section)[0] if section and wanted else ()
    return {index: raw.decode(errors="replace") for index, raw in names if index in wanted}


def _asked(name: str, layout: Layout) -> tuple[Wanted, ...]:
    """The numbers to find at the calls of a function, in the order that `_constants` expects."""
    if name == "load":
        encoding = len(layout.load) - 3  # before the target and the address for the graph
        counted = (0, WAMR_BUILDERS.offsets["count"]) if layout is WAMR.layout else (1,)
        return Wanted((encoding,)), Wanted((encoding + 1,)), Wanted(counted)
    if name == "load_by_name_with_config":
        return (Wanted((3,)),)
    if name == "get_output" and layout is not WAMR.layout:
        return (Wanted((3,)),)
    if name != "set_input":
        return ()
    first, structure = _TENSOR_ARGUMENT, TENSOR
    if layout is WAMR.layout:
        structure = WAMR_TENSOR
    kind = Wanted((first, structure.offsets["type"]), 1)
    if layout is WAMR.layout:
        return (kind,)
    dimensions = structure.offsets["dimensions"]
    return (
        kind,
        Wanted((first, structure.offsets["length"])),
        Wanted((first, structure.offsets["rank"])),
        *(Wanted((first, dimensions, 4 * place)) for place in range(_MOST_DIMENSIONS)),
    )


def _constants(found: Iterable[Reached], functions: Mapping[int, Function]) -> Iterator[Constant]:
    for one in found:
        name = functions[one.imported].name
        if name == "load":
            encoding, target, parts = one.numbers
            yield Constant(Subject.ENCODING, name, one.place, encoding)
            yield Constant(Subject.TARGET, name, one.place, target)
            yield Constant(Subject.PARTS, name, one.place, parts)
        elif name == "set_input":
            yield Constant(Subject.TYPE, name, one.place, one.numbers[0], _element(one.numbers[1:]))
        else:
            config = name == "load_by_name_with_config"
            subject = Subject.CONFIG_LENGTH if config else Subject.OUTPUT_SIZE
            yield Constant(subject, name, one.place, one.numbers[0])


def _element(numbers: tuple[tuple[int, ...] | None, ...]) -> int | None:
    """The bytes of data per element. None unless the length, the rank and the dimensions are each
    one number, and the length is a multiple of the number of elements. None also for a tensor of
    one element, which can be a text."""
    singles = [n[0] for n in takewhile(lambda n: n is not None and len(n) == 1, numbers) if n]
    if len(singles) < 3:
        return None
    length, rank, *dimensions = singles
    if not 0 < rank <= len(dimensions):
        return None
    elements = prod(dimensions[:rank])
    return length // elements if elements > 1 and not length % elements else None


def _imported(module: Module, functions: Mapping[int, Function]) -> tuple[list[Imported], int]:
    """The imported functions, and the number of imported globals."""
    found: list[Imported] = []
    number_of_globals = 0
    for group, item in imports_of(module):
        extern = item.extern
        number_of_globals += extern.kind is ExternKind.GLOBAL
        if not extern.is_func or extern.type_index is None:
            continue
        func_type = module.types.of_function(extern.type_index, item.extern_start)
        called = functions.get(len(found))
        taken = _EFFECTS.get(called.name, Effect.ANY) if called else Effect.ANY
        if (group.module.text, item.name.text) == ("wasi_snapshot_preview1", "proc_exit"):
            taken = Effect.NOTHING
        found.append(Imported(func_type or FuncType((), ()), taken))
    return found, number_of_globals
