"""The features of WebAssembly that were added after its first release, as engines enable them.

Source: https://github.com/WebAssembly/proposals
"""

from __future__ import annotations

from enum import Enum

__all__ = ["READABLE", "Feature"]


class Feature(Enum):
    """A feature that a host supports or refuses as a whole. The values complete the sentence "the
    module has ..." in messages."""

    BULK_MEMORY = "bulk memory operations"
    REFERENCE_TYPES = "reference types with their table features"
    SIMD = "vectors (SIMD)"
    RELAXED_SIMD = "relaxed vector operations"
    TAIL_CALLS = "tail calls"
    EXCEPTIONS = "exceptions"
    LEGACY_EXCEPTIONS = "legacy exceptions"
    EXTENDED_CONST = "extended constant expressions"
    ATOMICS = "atomic operations"
    FENCE = "an atomic fence"
    THREADS = "a shared memory"
    SHARED_IMPORT = "an imported shared memory"
    MEMORY_64 = "a 64-bit memory"
    TABLE_64 = "a 64-bit table"
    MEMORIES = "several memories"
    PAGE_SIZES = "a memory with a custom page size"
    FUNCTION_REFERENCES = "typed function references"
    FINAL_TYPES = "a type that is marked as final"
    OPEN_TYPES = "a type that is marked as not final"
    GC_TYPES = "garbage collection types"
    GC = "garbage collection"
    WIDE_ARITHMETIC = "128-bit arithmetic"
    STACK_SWITCHING = "stack switching"
    DESCRIPTORS = "custom descriptors"
    EXACT_IMPORTS = "an exact function import"
    COMPACT_IMPORTS = "a compact import section"
    SHARED_EVERYTHING = "shared values other than memories"
    MEMORY_CONTROL = "control of memory pages"
    MANY_LOCALS = "a function with more than 131064 bytes of parameters and local variables"
    MANY_OPERANDS = "a function with more than 256 KiB of operands at a time"
    MANY_SLOTS = "a function with more than 131064 bytes of variables and results at a time"
    MANY_LABELS = "a br_table with more than 65520 labels"
    DEEP_BLOCKS = "more than 65534 nested blocks"
    EQUAL_TYPES = "more than 65535 equal types"
    NUL_IN_NAME = "a name with a NUL in it"
    NAMELESS_SECTION = "a custom section with an empty name"
    UNKNOWN = "an instruction that nnshim does not know"


READABLE = tuple(feature for feature in Feature if feature is not Feature.UNKNOWN)
"""The features for which it can be known whether a host supports them."""
