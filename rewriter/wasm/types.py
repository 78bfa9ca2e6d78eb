"""Value types, function types and limits, spelled as in the text format.

Specification: https://webassembly.github.io/spec/core/binary/types.html, with the type codes of
the proposals for threads, custom page sizes, stack switching and custom descriptors.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import NamedTuple

from rewriter.errors import MalformedModule
from rewriter.wasm.limits import MOST_VALUES, check_number
from rewriter.wasm.reader import Cursor, Data
from rewriter.wasm.sections import Section

__all__ = [
    "NUMBERS",
    "PAGE_SIZE",
    "FuncType",
    "MemoryType",
    "TableType",
    "Types",
    "memory_type",
    "skip_recursive_types",
    "table_type",
    "value_type",
]

NUMBERS = frozenset(("i32", "i64", "f32", "f64"))
"""The value types that a host can pass and receive as numbers."""

PAGE_SIZE = 65536
"""The default page size of memories, in bytes."""

_NUMBER_TYPES = {0x7F: "i32", 0x7E: "i64", 0x7D: "f32", 0x7C: "f64", 0x7B: "v128"}
_PACKED_TYPES = {0x78: "i8", 0x77: "i16"}
_HEAP_TYPES = {
    0x75: "nocont",
    0x74: "noexn",
    0x73: "nofunc",
    0x72: "noextern",
    0x71: "none",
    0x70: "func",
    0x6F: "extern",
    0x6E: "any",
    0x6D: "eq",
    0x6C: "i31",
    0x6B: "struct",
    0x6A: "array",
    0x69: "exn",
    0x68: "cont",
}
_NULL_SHORTHANDS = {
    "none": "nullref",
    "nofunc": "nullfuncref",
    "noextern": "nullexternref",
    "noexn": "nullexnref",
    "nocont": "nullcontref",
}
_SHARED, _EXACT, _REF, _REF_NULL = 0x65, 0x62, 0x64, 0x63
_FUNC, _STRUCT, _ARRAY, _CONT = 0x60, 0x5F, 0x5E, 0x5D
_SUB, _SUB_FINAL, _REC = 0x50, 0x4F, 0x4E
_DESCRIBES, _DESCRIPTOR = 0x4C, 0x4D

_HAS_MAX, _IS_SHARED, _IS_64, _HAS_PAGE_SIZE = 0x01, 0x02, 0x04, 0x08


class FuncType(NamedTuple):
    """Parameter and result types, spelled as in the text format: `i32`, `(ref null 3)`.

    `plain` is false if equal parameters and results are not enough to make two types equal: for a
    type with supertypes or subtypes, or in a group of several types that may refer to each other.
    """

    params: tuple[str, ...]
    results: tuple[str, ...]
    plain: bool = True

    def __str__(self) -> str:
        clauses = (("param", self.params), ("result", self.results))
        return " ".join(f"({word} {' '.join(types)})" for word, types in clauses if types) or "()"


class MemoryType(NamedTuple):
    """The limits of a memory in pages. `page_size` is in bytes."""

    minimum: int
    maximum: int | None
    shared: bool
    is_64: bool
    page_size: int

    def __str__(self) -> str:
        words = ["i64"] if self.is_64 else []
        words.append(str(self.minimum))
        if self.maximum is not None:
            words.append(str(self.maximum))
        if self.shared:
            words.append("shared")
        if self.page_size != PAGE_SIZE:
            words.append(f"(pagesize {self.page_size})")
        return " ".join(words)


class TableType(NamedTuple):
    """The limits of a table in elements."""

    minimum: int
    maximum: int | None
    is_64: bool


class AdapterMemory(NamedTuple):
    """The memory that a guest shares with the host. `page_size` is in bytes. `global_index` is the
    index of the adapters' global (rewriter.analysis.adapted.adapter_global)."""

    memory_index: int
    page_size: int
    global_index: int = 0


def value_type(cursor: Cursor) -> str:
    """Read a value type: a number, vector or reference type."""
    start = cursor.pos
    code = cursor.byte()
    if code in _NUMBER_TYPES:
        return _NUMBER_TYPES[code]
    if code in (_REF, _REF_NULL):
        null = "null " if code == _REF_NULL else ""
        return f"(ref {null}{_heap_type(cursor)})"
    cursor.pos = start
    heap = _abstract_heap_type(cursor)
    if heap.startswith("(shared"):
        return f"(ref null {heap})"
    return _NULL_SHORTHANDS.get(heap, f"{heap}ref")


def _heap_type(cursor: Cursor) -> str:
    start = cursor.pos
    if cursor.byte() == _EXACT:
        return f"(exact {cursor.u32()})"
    cursor.pos = start
    index = cursor.s33()
    if index >= 0:
        return str(index)
    cursor.pos = start
    return _abstract_heap_type(cursor)


def _abstract_heap_type(cursor: Cursor) -> str:
    start = cursor.pos
    code = cursor.byte()
    shared = code == _SHARED
    if shared:
        code = cursor.byte()
    try:
        heap = _HEAP_TYPES[code]
    except KeyError:
        raise MalformedModule(f"unknown value type {code:#04x}", start) from None
    return f"(shared {heap})" if shared else heap


_KEPT_TYPES = 1000
"""The number of types that are kept in memory. Most modules have fewer."""


class Types:
    """The types of a type section by index. An item is a function type, or None for any other type.
    Types after the first thousand are read again on every access."""

    def __init__(self, section: Section | None) -> None:
        """Raises MalformedModule for an invalid type, and UnsupportedModule for too many types."""
        self._data: Data = section.data if section else b""
        self._first = section.content if section else 0
        self._end = section.end if section else 0
        self._starts = array("I")
        """Offsets from the first type in bytes, which fit into 32 bits."""
        self._plain = bytearray()
        """One bit per type, starting with the lowest."""
        self._kept: list[FuncType | None] = []
        self.beyond_functions = False
        """Whether any type is not a function type, or is not plain."""
        self.newer_form: int | None = None
        """The position of the first type that is written in a group, even of one, or with
        supertypes."""
        self.said_final: int | None = None
        """The position of the first type that is marked as final and does not have supertypes. It
        means the same as a type without a mark."""
        self.said_open: int | None = None
        """The position of the first type that is marked as not final and does not have
        supertypes."""
        if section is not None:
            self._find()

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, index: int) -> FuncType | None:
        if index < len(self._kept):
            return self._kept[index]
        cursor = Cursor(self._data, self._first + self._starts[index], self._end)
        return _sub_type(cursor, plain=bool(self._plain[index >> 3] >> (index & 7) & 1))

    def start(self, index: int) -> int:
        """The position of a type in bytes, or the end of the last type for an index past it."""
        return self._first + self._starts[index] if index < len(self) else self._end

    def of_function(self, index: int, offset: int) -> FuncType | None:
        """The type of a function whose type index at `offset` is `index`.

        Raises MalformedModule if there is no type with this index.
        """
        if index >= len(self):
            reason = f"a function has type index {index}, but the number of types is {len(self)}"
            raise MalformedModule(reason, offset)
        return self[index]

    def __iter__(self) -> Iterator[FuncType | None]:
        return map(self.__getitem__, range(len(self)))

    def _find(self) -> None:
        cursor = Cursor(self._data, self._first, self._end)
        for _ in range(cursor.items("types")):
            start = cursor.pos
            count = 1
            code = cursor.byte()
            self._see_form(code, cursor, start)
            if code == _REC:
                count = cursor.items("types in a group")
            else:
                cursor.pos = start
            for _ in range(count):
                place = len(self) & 7
                if not place:
                    self._plain.append(0)
                self._plain[-1] |= (count == 1) << place
                self._starts.append(cursor.pos - self._first)
                found = _sub_type(cursor, plain=count == 1)
                self.beyond_functions |= found is None or not found.plain
                if len(self._kept) < _KEPT_TYPES:
                    self._kept.append(found)
            check_number(len(self), "types", start)
        cursor.finish("the types")

    def _see_form(self, code: int, cursor: Cursor, start: int) -> None:
        """Note the form of a type that begins with `code`. The cursor is after `code`."""
        if code not in (_REC, _SUB, _SUB_FINAL):
            return
        if code == _REC or cursor.data[cursor.pos : cursor.pos + 1] != bytes([_NONE]):
            self.newer_form = start if self.newer_form is None else self.newer_form
        elif code == _SUB_FINAL:
            self.said_final = start if self.said_final is None else self.said_final
        else:
            self.said_open = start if self.said_open is None else self.said_open


_NONE = 0


def skip_recursive_types(cursor: Cursor) -> None:
    """Read a type, or a group of types that may refer to each other."""
    start = cursor.pos
    if cursor.byte() == _REC:
        for _ in range(cursor.items("types in a group")):
            _sub_type(cursor)
    else:
        cursor.pos = start
        _sub_type(cursor)


def _sub_type(cursor: Cursor, plain: bool = True) -> FuncType | None:
    start = cursor.pos
    code = cursor.byte()
    if code in (_SUB, _SUB_FINAL):
        supertypes = cursor.count("supertypes")
        plain = plain and code == _SUB_FINAL and not supertypes  # the defaults
        for _ in range(supertypes):
            cursor.u32()
        start = cursor.pos
        code = cursor.byte()
    if code == _SHARED:
        plain = False
        code = cursor.byte()
    for prefix in (_DESCRIBES, _DESCRIPTOR):
        if code == prefix:
            plain = False
            cursor.u32()
            code = cursor.byte()
    if code == _FUNC:
        params = tuple(value_type(cursor) for _ in range(cursor.items("parameters", MOST_VALUES)))
        results = tuple(value_type(cursor) for _ in range(cursor.items("results", MOST_VALUES)))
        return FuncType(params, results, plain)
    if code == _STRUCT:
        for _ in range(cursor.count("fields")):
            _skip_field(cursor)
    elif code == _ARRAY:
        _skip_field(cursor)
    elif code == _CONT:
        cursor.s33()
    else:
        raise MalformedModule(f"unknown type form {code:#04x}", start)
    return None


def _skip_field(cursor: Cursor) -> None:
    start = cursor.pos
    if cursor.byte() not in _PACKED_TYPES:
        cursor.pos = start
        value_type(cursor)
    cursor.byte()


def table_type(cursor: Cursor) -> TableType:
    value_type(cursor)
    flags, minimum, maximum = _limits(cursor, known=_HAS_MAX | _IS_SHARED | _IS_64)
    return TableType(minimum, maximum, bool(flags & _IS_64))


def memory_type(cursor: Cursor) -> MemoryType:
    flags, minimum, maximum = _limits(cursor, known=_HAS_MAX | _IS_SHARED | _IS_64 | _HAS_PAGE_SIZE)
    page_size = PAGE_SIZE
    if flags & _HAS_PAGE_SIZE:
        start = cursor.pos
        log2 = cursor.u32()
        if log2 > 16:
            raise MalformedModule(f"a page size of 2^{log2} bytes is over 64 KiB", start)
        page_size = 1 << log2
    return MemoryType(minimum, maximum, bool(flags & _IS_SHARED), bool(flags & _IS_64), page_size)


def _limits(cursor: Cursor, *, known: int) -> tuple[int, int, int | None]:
    start = cursor.pos
    flags = cursor.byte()
    if flags & ~known:
        raise MalformedModule(f"unknown limits flags {flags:#04x}", start)
    is_64 = bool(flags & _IS_64)
    minimum = _size(cursor, is_64)
    return flags, minimum, _size(cursor, is_64) if flags & _HAS_MAX else None


def _size(cursor: Cursor, is_64: bool) -> int:
    """Read a limit, which takes up to ten bytes. Since release 3.0 of the specification, this is so
    for 32-bit addresses too: https://webassembly.github.io/spec/core/binary/types.html#limits"""
    start = cursor.pos
    size = cursor.u64()
    if not is_64 and size >> 32:
        raise MalformedModule(f"a size of {size} does not fit 32-bit addresses", start)
    return size
