"""The parts of WebAssembly that a module is said to use, against what wasm-tools says of it."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from rewriter import InvalidModule
from rewriter.analysis.features import SIZES, WEBASSEMBLY_2, features, features_for
from rewriter.files import wasm_tools
from rewriter.files.validating import Valid, valid_together
from rewriter.functions.feature import Feature
from rewriter.wasm.module import Module
from tests.heavy.engine_cases import assembled
from tests.support.smith import smith

BASE = "wasm1,mutable-global,saturating-float-to-int,sign-extension,multi-value,floats,gc-types"
"""What all hosts of the table read."""

SWITCHES = {
    Feature.BULK_MEMORY: "bulk-memory",
    Feature.REFERENCE_TYPES: "reference-types,bulk-memory,call-indirect-overlong",
    Feature.SIMD: "simd",
    Feature.RELAXED_SIMD: "relaxed-simd",
    Feature.TAIL_CALLS: "tail-call",
    Feature.EXCEPTIONS: "exceptions,reference-types",
    Feature.LEGACY_EXCEPTIONS: "legacy-exceptions",
    Feature.EXTENDED_CONST: "extended-const",
    Feature.ATOMICS: "threads",
    Feature.FENCE: "threads",
    Feature.THREADS: "threads",
    Feature.SHARED_IMPORT: "threads",
    Feature.MEMORY_64: "memory64",
    Feature.TABLE_64: "memory64",
    Feature.MEMORIES: "multi-memory",
    Feature.PAGE_SIZES: "custom-page-sizes",
    Feature.FUNCTION_REFERENCES: "function-references,reference-types",
    Feature.FINAL_TYPES: "gc,function-references,reference-types",
    Feature.OPEN_TYPES: "gc,function-references,reference-types",
    Feature.GC_TYPES: "gc,function-references,reference-types",
    Feature.GC: "gc,function-references,reference-types",
    Feature.WIDE_ARITHMETIC: "wide-arithmetic",
    Feature.STACK_SWITCHING: "stack-switching",
    Feature.DESCRIPTORS: "custom-descriptors",
    Feature.EXACT_IMPORTS: "custom-descriptors",
    Feature.COMPACT_IMPORTS: "compact-imports",
    Feature.SHARED_EVERYTHING: "shared-everything-threads",
    Feature.MEMORY_CONTROL: "memory-control",
}
"""What wasm-tools calls each, with what it takes to be a part of it."""

NO_PARTS = {
    *(Feature.MANY_LOCALS, Feature.MANY_OPERANDS, Feature.MANY_SLOTS, Feature.MANY_LABELS),
    *(Feature.DEEP_BLOCKS, Feature.EQUAL_TYPES),
    *(Feature.NUL_IN_NAME, Feature.NAMELESS_SECTION),
}
"""Which the specification has had from the beginning, and some engine does not take."""

OWN = {
    Feature.REFERENCE_TYPES: SWITCHES[Feature.REFERENCE_TYPES],
    Feature.FUNCTION_REFERENCES: "function-references,gc",
}
"""Those without which wasm-tools refuses the part, where it is more than the first."""


def is_valid(module: bytes, switches: str) -> bool:
    try:
        wasm_tools.validate(module, switches)
    except InvalidModule:
        return False
    return True


def check_needs(module: bytes, found: Iterable[Feature]) -> None:
    """Nothing is missing in `found`, and nothing in it could be left out."""
    needed = {f: SWITCHES[f] for f in found if f not in NO_PARTS}
    assert is_valid(module, ",".join((BASE, *needed.values())))
    for feature, switches in needed.items():
        own = OWN.get(feature, switches.split(",")[0])
        assert not is_valid(module, "all,-" + own.replace(",", ",-")), feature


CASES = [name for name in assembled() if not name.startswith("invalid")]


@pytest.mark.parametrize("name", CASES)
def test_a_module_has_the_features_that_it_needs_to_be_valid(name: str) -> None:
    module = assembled()[name]
    check_needs(module, features(Module(module)))


def test_what_is_valid_in_webassembly_2_has_nothing_newer() -> None:
    """What reads less of such a module finds all the same."""
    seen: set[Feature] = set()
    for name in CASES:
        data = assembled()[name]
        if valid_together([data, data])[0] is not Valid.IN_2:
            continue
        module = Module(data)
        module.is_valid_2 = True
        whole = features(Module(data))
        for taken in (WEBASSEMBLY_2, WEBASSEMBLY_2 | SIZES):
            found = {f: at for f, at in features_for(module, taken).items() if f not in taken}
            assert found == {f: at for f, at in whole.items() if f not in taken}, name
            assert found.keys() <= NO_PARTS, name
        seen.update(whole)
    assert seen >= WEBASSEMBLY_2 | SIZES


def test_what_a_host_lacks_of_webassembly_2_is_found_all_the_same() -> None:
    data = assembled()["simd-memory"]
    module = Module(data)
    module.is_valid_2 = True
    assert Feature.SIMD in features_for(module, SIZES | WEBASSEMBLY_2 - {Feature.SIMD})


def test_random_modules_have_the_features_that_they_need(tmp_path: Path) -> None:
    seeds = random.Random(20261126)
    seen: set[Feature] = set()
    for _ in range(25):
        module = smith(seeds.randbytes(4000), tmp_path, None, None, **SMITH)
        if module is not None:
            found = features(Module(module))
            needed = (SWITCHES[feature] for feature in found if feature not in NO_PARTS)
            assert is_valid(module, ",".join((BASE, *needed)))
            seen.update(found)
    assert len(seen) > 12


SMITH: dict[str, object] = {
    f"{name}-enabled": True
    for name in (
        *("bulk-memory", "compact-imports", "custom-page-sizes", "exceptions", "extended-const"),
        *("gc", "memory64", "reference-types", "relaxed-simd", "simd", "tail-call", "threads"),
        "wide-arithmetic",
    )
}
