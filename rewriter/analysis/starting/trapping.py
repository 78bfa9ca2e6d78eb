"""What certainly ends a module on startup: segments that do not fit, and functions that trap."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

from rewriter.abi.wasi import WASI, WASI_UNSTABLE
from rewriter.analysis.inspect import ExportedFunction, ModuleInfo
from rewriter.analysis.linking import imports_of_wasi
from rewriter.analysis.modelled.unseen import not_measured
from rewriter.diagnostics import Diagnostic
from rewriter.functions.code import defined_functions
from rewriter.functions.features import in_expression
from rewriter.functions.frames import wanted_stack
from rewriter.functions.storage import storage
from rewriter.functions.trapping import Does, does
from rewriter.hosts.host import Host
from rewriter.wasm.imports import ExternKind, imports_of
from rewriter.wasm.module import Module
from rewriter.wasm.reader import Cursor
from rewriter.wasm.sections import SectionId
from rewriter.wasm.types import table_type, value_type

__all__ = ["trapping"]


class _Segment(NamedTuple):
    """An active segment at a known address: the index `of` its memory or table, the address `at`
    which it begins, and its `size` in bytes or elements. `start` is its byte offset in the file."""

    of: int
    at: int
    size: int
    start: int


class _Segments(NamedTuple):
    data: Sequence[_Segment]
    elements: Sequence[_Segment]
    tables: Sequence[int]
    """The initial number of elements of each table."""
    imported_memories: int
    imported_tables: int


_READ: WeakKeyDictionary[Module, _Segments] = WeakKeyDictionary()
"""Cache: a module is compared with many hosts, but read once."""


def trapping(
    info: ModuleInfo, exported: dict[str, ExportedFunction], host: Host
) -> Iterator[Diagnostic]:
    """What certainly ends the module on startup. `exported` has the functions that the host may
    call, by name.

    Raises MalformedModule for unreadable sections.
    """
    yield from _outside(info, host)
    yield from _large_table(info, host)
    yield from _large_frame(info, host)
    for what, index, is_early in _called(info, exported, host):
        done = _does(info, index)
        if done is Does.TRAPS:
            yield Diagnostic("NN230", f"the host calls its {what}, which traps at once")
        elif done is Does.EXITS and is_early and not host.exits_early:
            message = f"its {what} ends the guest, and this host reports that as an error"
            yield Diagnostic("NN230", message)
        if done is not Does.RETURNS:
            return


_DONE: WeakKeyDictionary[Module, dict[int, Does]] = WeakKeyDictionary()


def _does(info: ModuleInfo, index: int) -> Does:
    known = _DONE.setdefault(info.module, {})
    if index not in known:
        _, bodies = defined_functions(info.module)
        known[index] = does(bodies, info.imported_functions, index, _exits(info))
    return known[index]


def _exits(info: ModuleInfo) -> frozenset[int]:
    """The indices of proc_exit."""
    if not any(item.name == _EXIT for item in imports_of_wasi(info)):
        return frozenset()
    functions = (item for item in info.imports if item.kind == "func")
    return frozenset(
        index
        for index, item in enumerate(functions)
        if item.name == _EXIT and item.module in (WASI, WASI_UNSTABLE)
    )


_EXIT, _INITIALIZE = "proc_exit", "_initialize"


def _called(
    info: ModuleInfo, exported: dict[str, ExportedFunction], host: Host
) -> Iterator[tuple[str, int, bool]]:
    """The functions that the host certainly calls, in order: a title, the function's index, and
    whether the call happens during instantiation."""
    section = info.module.find(SectionId.START)
    if section is not None:
        yield "start function", section.cursor().u32(), True
    wasi = bool(imports_of_wasi(info))
    names = [*host.calls_first, *(() if wasi else host.calls_first_without_wasi)]
    if _INITIALIZE in exported:
        if not (host.knows("initializes") and host.knows("initializes_alone")):
            return
        always = host.initializes and not host.initializes_alone
        if always or (wasi and host.initializes_with_wasi):
            names.insert(0, _INITIALIZE)
    for name in names:
        first = exported.get(name)
        if first is not None and not (first.type.params or first.type.results):
            yield name, first.place, name not in host.calls_first_without_wasi
    entry = next((name for name in host.entries if name in exported), None)
    if entry is not None and not exported[entry].type.params:
        yield entry or "function without a name", exported[entry].place, False


def _outside(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """A diagnostic for the first segment of each kind that does not fit."""
    read = _segments(info.module)
    sizes = [memory.minimum * memory.page_size + host.spare_bytes for memory in info.memories]
    for what, segments, ends, imported, kind in (
        ("data segment", read.data, sizes, read.imported_memories, "memory"),
        ("element segment", read.elements, read.tables, read.imported_tables, "table"),
    ):
        for at in segments:
            known = at.of < len(ends) and (at.of >= imported or kind in host.makes)
            if known and at.at + at.size > ends[at.of]:
                message = f"its {what} ends at {at.at + at.size}, beyond the end of its {kind}"
                yield Diagnostic("NN230", f"{message}, at {ends[at.of]}", at.start)
                break


_LARGE = 1 << 27
"""Number of elements. With eight bytes each, they take 1 GiB."""


def _large_table(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    largest = max(_segments(info.module).tables, default=0)
    if largest > host.most_elements:
        most = f"but the host allocates {host.most_elements} at most"
        yield Diagnostic("NN216", f"it has a table of {largest} elements, {most}")
    elif largest >= _LARGE:
        message = f"its table of {largest} elements takes at least {largest >> 27} GiB"
        yield Diagnostic("NN247", message)


_USUAL_STACK = 65536
"""Bytes, for hosts with a stack of their own. If the stack was not measured, functions that need
more than this are reported."""


def _large_frame(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    known = host.knows("stack_bytes")
    wanted = wanted_stack(info.module, host.stack_bytes if known else _USUAL_STACK)
    if wanted is None:
        return
    if not known:
        yield not_measured(f"whether the host's stack has {wanted.taken} bytes for a function")
    else:
        taken = f"a function takes {wanted.taken} bytes of the host's stack"
        message = f"{taken}, but the default allows only {host.stack_bytes // 2}"
        remedy = f"iwasm --stack-size={wanted.enough}"
        yield Diagnostic("NN250", message, wanted.start, help=remedy)


def _segments(module: Module) -> _Segments:
    if module not in _READ:
        _READ[module] = _read(module)
    return _READ[module]


def _read(module: Module) -> _Segments:
    defined = [table.minimum for table in storage(module).tables]
    if not any(module.find(id_) for id_ in (SectionId.DATA, SectionId.ELEMENT)):
        return _Segments((), (), defined, 0, 0)
    tables: list[int] = []
    memories = globals_ = 0
    for _, item in imports_of(module):
        memories += item.extern.memory is not None
        globals_ += item.extern.kind is ExternKind.GLOBAL
        if item.extern.kind is ExternKind.TABLE:
            cursor = Cursor(module.data, item.extern_start + 1, item.extern_end)
            tables.append(table_type(cursor).minimum)
    imported = len(tables)
    tables += defined
    values = _globals(module, globals_)
    data, elements = _data(module, values), _elements(module, values)
    return _Segments(data, elements, tables, memories, imported)


_I32_CONST, _I64_CONST, _GLOBAL_GET = 0x41, 0x42, 0x23
_CONTINUES, _NEGATIVE = 0x80, 0x40

_COMPUTES: dict[int, tuple[Callable[[int, int], int], int]] = {
    opcode + first: (operation, 1 << bits)
    for first, bits in ((0x6A, 32), (0x7C, 64))
    for opcode, operation in enumerate((operator.add, operator.sub, operator.mul))
}
"""The operations of extended constant expressions, each with its modulus: add, sub and mul of i32
and i64. Specification:
https://webassembly.github.io/spec/core/valid/instructions.html#constant-expressions
"""

_Values = Sequence[int | None]
"""The initial values of globals; None if unknown."""


def _globals(module: Module, imported: int) -> list[int | None]:
    """The initial values of all globals. The values of imported globals are unknown."""
    found: list[int | None] = [None] * imported
    section = module.find(SectionId.GLOBAL)
    if section is not None:
        cursor = section.cursor()
        for _ in range(cursor.items("globals")):
            value_type(cursor)
            cursor.byte()
            found.append(_value(cursor, found))
    return found


def _value(cursor: Cursor, globals_: _Values) -> int | None:
    """Skip an expression and return its unsigned value, or None if it is not a known integer."""
    start = cursor.pos
    in_expression(cursor, {}, 0)
    expression = Cursor(cursor.data, start, cursor.pos - 1)
    stack: list[int | None] = []
    while expression.pos < expression.end:
        opcode = expression.byte()
        if opcode in (_I32_CONST, _I64_CONST):
            stack.append(_constant(expression) % (1 << 32 if opcode == _I32_CONST else 1 << 64))
        elif opcode == _GLOBAL_GET:
            place = expression.u32()
            stack.append(globals_[place] if place < len(globals_) else None)
        elif opcode in _COMPUTES and len(stack) > 1:
            operation, modulus = _COMPUTES[opcode]
            right, left = stack.pop(), stack.pop()
            if left is None or right is None:
                stack.append(None)
            else:
                stack.append(operation(left, right) % modulus)
        else:
            return None  # another type, or invalid
    return stack[0] if len(stack) == 1 else None


def _constant(cursor: Cursor) -> int:
    """Read a signed LEB128 number of any width."""
    number = width = 0
    byte = _CONTINUES
    while byte & _CONTINUES:
        byte = cursor.byte()
        number |= (byte & 0x7F) << width
        width += 7
    return number - (1 << width) if byte & _NEGATIVE else number


_PASSIVE, _NAMES_MEMORY = 1, 2


def _data(module: Module, globals_: _Values) -> list[_Segment]:
    found: list[_Segment] = []
    section = module.find(SectionId.DATA)
    if section is None:
        return found
    cursor = section.cursor()
    for _ in range(cursor.count("data segments")):
        start = cursor.pos
        flags = cursor.u32()
        memory = cursor.u32() if flags == _NAMES_MEMORY else 0
        address = None if flags == _PASSIVE else _value(cursor, globals_)
        size = cursor.count("bytes of data")
        cursor.pos += size
        if address is not None:
            found.append(_Segment(memory, address, size, start))
    return found


# Bits of an element segment's flags.
_NOT_ACTIVE, _HAS_TABLE_OR_DECLARES, _HAS_EXPRESSIONS = 0x01, 0x02, 0x04


def _elements(module: Module, globals_: _Values) -> list[_Segment]:
    found: list[_Segment] = []
    section = module.find(SectionId.ELEMENT)
    if section is None:
        return found
    cursor = section.cursor()
    for _ in range(cursor.count("element segments")):
        start = cursor.pos
        flags = cursor.u32()
        table, address = 0, None
        if not flags & _NOT_ACTIVE:
            table = cursor.u32() if flags & _HAS_TABLE_OR_DECLARES else 0
            address = _value(cursor, globals_)
        expressions = flags & _HAS_EXPRESSIONS
        if flags & (_NOT_ACTIVE | _HAS_TABLE_OR_DECLARES):
            value_type(cursor) if expressions else cursor.byte()
        size = cursor.count("elements")
        for _ in range(size):
            in_expression(cursor, {}, 0) if expressions else cursor.u32()
        if address is not None:
            found.append(_Segment(table, address, size, start))
    return found
