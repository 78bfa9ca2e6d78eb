"""The files in rewriter/adapters/bodies, and the assembler's output for them."""

from __future__ import annotations

import subprocess

from rewriter.abi.dialects import WITX
from rewriter.adapters.adapter import Adapter
from rewriter.adapters.bodies.text import (
    FOLDER,
    PIECES_FOLDER,
    TELLS_TYPE,
    adapter_text,
    file_name,
    values,
)
from rewriter.adapters.generations import GENERATION
from rewriter.adapters.unmarked.text import FOLDER as UNMARKED_FOLDER
from rewriter.files.wasm_tools import find
from rewriter.functions.assembler import assemble, read_function
from rewriter.functions.wat import named_in
from rewriter.wasm.sections import SectionId, split
from rewriter.wasm.types import AdapterMemory
from tests.rewriter.adapters.every import all_adapters
from tests.support.wasm import assemble as parsed
from tests.support.wasm import section, sized, vector

MEMORY = AdapterMemory(0, 65536)
FILES = {file.name: file.read_text() for file in FOLDER.glob("*.wat")}
PIECES = {file.name: file.read_text() for file in PIECES_FOLDER.glob("*.wat")}
ADAPTERS = [adapter for adapter in all_adapters() if adapter.generation == GENERATION]


def file_of(adapter: Adapter) -> str:
    return file_name(adapter.function, adapter.source, adapter.target, told=adapter.told)


def text_of(adapter: Adapter) -> str:
    source, target = adapter.source, adapter.target
    return adapter_text(adapter.function, source, target, MEMORY, told=adapter.told)


def printed(module: bytes) -> str:
    """The instructions of a function, without names and without the alignments of loads and stores,
    which are only hints."""
    for arguments in (["strip", "--all"], ["print"]):
        command = [find(), *arguments, "-"]
        module = subprocess.run(command, input=module, capture_output=True, check=True).stdout
    return module.decode().replace(" align=1", "")


def test_every_file_is_the_text_of_an_adapter() -> None:
    assert {file_of(adapter) for adapter in ADAPTERS} == set(FILES) - {TELLS_TYPE}


def test_every_name_in_a_file_has_a_value_and_every_value_is_used() -> None:
    there = {*values("load", WITX, WITX, MEMORY)}
    old = [file.read_text() for file in UNMARKED_FOLDER.glob("*.wat")]
    texts = (*FILES.values(), *PIECES.values(), *old)
    named = {name for text in texts for name in named_in(text)}
    assert named == {*there, "ENCODING_KEPT"}


def test_every_piece_is_a_part_of_an_adapter_and_is_filled_in_completely() -> None:
    texts = [text_of(adapter) for adapter in ADAPTERS]
    for piece in PIECES.values():
        comment = piece.splitlines()[0]
        assert any(comment in text for text in texts)
    assert not any(named_in(text) for text in texts)


def test_an_adapter_has_the_parameters_of_its_function() -> None:
    for adapter in ADAPTERS:
        parameters = tuple(f"${name}" for name in adapter.source.functions[adapter.function])
        assert tuple(read_function(text_of(adapter)).parameters) == parameters, adapter.name


_OWN = ("(memory 1)", "(global $kept (mut i32) (i32.const 0))")


def test_the_assembler_writes_the_instructions_that_wasm_tools_reads() -> None:
    imports, functions, bodies = [], [], []
    for index, adapter in enumerate(ADAPTERS):
        text = text_of(adapter)
        imports.append(f'(import "m" "{index}" (func $host_{index} {adapter.imported_type}))')
        functions.append(text.replace("$host", f"$host_{index}"))
        bodies.append(assemble(read_function(text), functions={"$host": index}, memory=0))
    module = parsed("\n".join(("(module", *imports, *_OWN, *functions, ")")))
    (code,) = (each for each in split(module) if each.id is SectionId.CODE)
    ours = section(SectionId.CODE, vector(*map(sized, bodies)))
    assert printed(module[: code.start] + ours + module[code.end :]) == printed(module)
