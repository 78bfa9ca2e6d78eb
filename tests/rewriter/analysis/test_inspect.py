from __future__ import annotations

import pytest

from rewriter import Abi, MalformedModule, UsageError, inspect_module
from rewriter.diagnostics import Diagnostic
from rewriter.wasm.sections import SectionId
from rewriter.wasm.types import FuncType
from tests.support.wasm import (
    HEADER,
    TYPES,
    assemble,
    custom,
    import_module,
    imported,
    imports,
    section,
    vector,
)

LOAD = {
    "witx": '(import "{}" "load" (func (param i32 i32 i32 i32 i32) (result i32)))',
    "wamr": '(import "{}" "load" (func (param i32 i32 i32 i32) (result i32)))',
    "unknown": '(import "{}" "load" (func (param i64) (result i32)))',
}
GET_OUTPUT = {
    "witx": '(import "{}" "get_output" (func (param i32 i32 i32 i32 i32) (result i32)))',
    "wamr": '(import "{}" "get_output" (func (param i32 i32 i32 i32) (result i32)))',
}
COMPUTE = '(import "{}" "compute" (func (param i32) (result i32)))'


UNLOAD = '(import "{}" "unload" (func (param i32) (result i32)))'


def abi_of(*imports: str, module: str = "wasi_nn") -> Abi:
    text = "".join(text.format(module) for text in imports)
    return inspect_module(assemble(f"(module {text})")).abis[module]


@pytest.mark.parametrize("module", ["wasi_nn", "wasi_ephemeral_nn"])
@pytest.mark.parametrize(
    ("imports", "expected"),
    [
        pytest.param([LOAD["witx"]], "witx", id="load of witx"),
        pytest.param([LOAD["wamr"]], "wamr", id="load of wamr"),
        pytest.param([GET_OUTPUT["witx"], COMPUTE], "witx", id="get_output of witx"),
        pytest.param([GET_OUTPUT["wamr"], COMPUTE], "wamr", id="get_output of wamr"),
        pytest.param([LOAD["witx"], UNLOAD], "wasmedge", id="witx and an extension"),
        pytest.param([COMPUTE, UNLOAD], "wasmedge", id="an extension alone"),
        pytest.param([LOAD["unknown"]], None, id="load of none"),
        pytest.param([LOAD["witx"], GET_OUTPUT["wamr"]], None, id="one of each"),
        pytest.param([LOAD["wamr"], UNLOAD], "wamr", id="wamr and an unknown function"),
    ],
)
def test_the_abi_is_told_by_types_and_extensions_under_either_name(
    module: str, imports: list[str], expected: str | None
) -> None:
    abi = abi_of(*imports, module=module)
    assert (abi.name, abi.certain) == (expected, True)


def test_where_the_imports_cannot_tell_the_module_name_decides() -> None:
    message = "neither load nor get_output is imported from wasi_ephemeral_nn"
    assert abi_of(COMPUTE, module="wasi_ephemeral_nn") == Abi(
        "witx", False, (Diagnostic("NN134", message),)
    )
    assert abi_of(COMPUTE, module="wasi_nn").name == "wamr"


def test_where_only_the_other_name_can_tell_that_one_decides() -> None:
    text = LOAD["witx"].format("wasi_ephemeral_nn") + COMPUTE.format("wasi_nn")
    abis = inspect_module(assemble(f"(module {text})")).abis
    assert (abis["wasi_nn"].name, abis["wasi_nn"].certain) == ("witx", False)
    assert [found.code for found in abis["wasi_nn"].evidence] == ["NN133"]


def test_the_abi_can_be_given_from_outside() -> None:
    module = assemble(f"(module {COMPUTE.format('wasi_nn')})")
    abi = inspect_module(module, "witx").abis["wasi_nn"]
    assert (abi.name, [found.code for found in abi.evidence]) == ("witx", ["NN135"])
    with pytest.raises(UsageError, match=r"'wit' is not a known ABI; did you mean witx\?"):
        inspect_module(module, "wit")


def test_each_module_name_has_an_abi_of_its_own_and_others_have_none() -> None:
    text = LOAD["witx"].format("wasi_ephemeral_nn") + LOAD["wamr"].format("wasi_nn")
    info = inspect_module(assemble(f"(module {text} {LOAD['witx'].format('env')})"))
    assert {module: abi.name for module, abi in info.abis.items()} == {
        "wasi_ephemeral_nn": "witx",
        "wasi_nn": "wamr",
    }


def test_the_evidence_for_an_abi_is_given() -> None:
    (found,) = abi_of(LOAD["wamr"]).evidence
    assert found.message == "load is (param i32 i32 i32 i32) (result i32)"
    assert (found.code, found.function) == ("NN131", "load")
    extended = abi_of(UNLOAD)
    assert [(found.code, found.function) for found in extended.evidence] == [("NN132", "unload")]


def test_imports_have_their_types_and_memories_their_limits() -> None:
    info = inspect_module(
        assemble(
            """(module
              (type (struct (field i8) (field (mut (ref null 0)))))
              (rec (type $f (sub final (func (param (ref 0) v128) (result externref))))
                   (type (array i16)))
              (import "env" "f" (func (type $f)))
              (import "env" "m" (memory 1 2 shared))
              (import "wasi_nn" "compute" (func (param i32) (result i32)))
              (import "env" "g" (global i32))
              (memory $own i64 3)
              (export "imported" (memory 0)) (export "own" (memory $own))
              (func (export "go")))"""
        )
    )
    assert [(i.module, i.name, i.kind, str(i.type or "")) for i in info.imports] == [
        ("env", "f", "func", "(param (ref 0) v128) (result externref)"),
        ("env", "m", "memory", "1 2 shared"),
        ("wasi_nn", "compute", "func", "(param i32) (result i32)"),
        ("env", "g", "global", ""),
    ]
    assert [i.name for i in info.imports if i.is_wasi_nn] == ["compute"]
    assert info.import_modules == ("env", "wasi_nn")
    assert [*info.exports] == ["imported", "own", "go"]
    assert [(name, str(memory)) for name, memory in info.exported_memories] == [
        ("imported", "1 2 shared"),
        ("own", "i64 3"),
    ]
    assert (len(info.imports), len(info.exports), len(info.exported_memories)) == (4, 3, 2)
    assert info.imported_functions == 2
    assert {index: item.name for index, item in info.wasi_nn.items()} == {1: "compute"}
    assert [str(func_type) for func_type in info.module.types] == [
        "None",
        "(param (ref 0) v128) (result externref)",
        "None",
        "(param i32) (result i32)",
        "()",
    ]


def test_every_one_of_many_types_is_read() -> None:
    groups = [b"\x4e\2" + b"\x60\1\x7f\0" + b"\x5f\0", b"\x60\0\1\x7e"]
    info = inspect_module(HEADER + section(SectionId.TYPE, vector(*groups * 1000)))
    expected = [FuncType(("i32",), (), plain=False), None, FuncType((), ("i64",))]
    assert [*info.module.types] == expected * 1000
    with pytest.raises(IndexError):
        info.module.types[3000]


def test_custom_sections_are_listed_with_place_and_size() -> None:
    module = HEADER + custom("name", b"12") + custom(".debug_line")
    info = inspect_module(module)
    assert [(s.name, s.offset, s.size) for s in info.custom_sections] == [
        ("name", 8, 7),
        (".debug_line", 17, 12),
    ]
    assert len(info.custom_sections) == 2
    assert info.debug_sections == (".debug_line",)
    assert not info.is_object_file


def test_an_object_file_is_known() -> None:
    text = '(module (import "env" "__linear_memory" (memory 0)))'
    unlinked = inspect_module(assemble(text) + custom("reloc.CODE") + custom("linking"))
    assert unlinked.is_object_file
    assert unlinked.linker_sections == ("reloc.CODE", "linking")
    assert not inspect_module(assemble(text)).is_object_file
    linked = inspect_module(import_module("wasi_nn") + custom("linking"))
    assert (linked.is_object_file, linked.linker_sections) == (False, ("linking",))


@pytest.mark.parametrize(
    ("module", "words"),
    [
        pytest.param(
            HEADER + imports(imported("a")),
            "type index 0, but the number of types is 0",
            id="function of a type that is not there",
        ),
        pytest.param(
            HEADER + section(SectionId.EXPORT, b"\x01\x01m\x02\x05"),
            "memory 5 of 0",
            id="export of a memory that is not there",
        ),
        pytest.param(
            HEADER + section(SectionId.TYPE, b"\x01\x60\xff\x01\x7f"),
            "255 parameters are declared",
            id="more parameters than bytes",
        ),
        pytest.param(HEADER + section(SectionId.TYPE, b"\x01\x3f"), "form 0x3f", id="unknown form"),
        pytest.param(HEADER + TYPES[:-1] + b"\x01", "declared", id="result list too long"),
        pytest.param(
            HEADER + section(SectionId.MEMORY, b"\xff\xff\xff\xff\x0f"), "declared", id="memories"
        ),
    ],
)
def test_what_cannot_be_read_is_refused(module: bytes, words: str) -> None:
    with pytest.raises(MalformedModule, match=words):
        inspect_module(module)
