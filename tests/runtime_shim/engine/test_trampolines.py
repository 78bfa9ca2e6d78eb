"""The .wat files of the modules that stand between a guest and the host."""

from __future__ import annotations

import pytest

from rewriter.abi.dialects import DIALECTS, Dialect
from rewriter.files import wasm_tools
from rewriter.functions.wat import named_in
from runtime_shim.abi.adapted import adapted
from runtime_shim.engine.trampolines.text import FOLDER, VALUES, calls, copies, module_text

FILES = {file.name: file.read_text() for file in FOLDER.iterdir() if file.suffix == ".wat"}
EVERY_DIALECT = [*DIALECTS.values(), *map(adapted, DIALECTS.values())]
MODULES = {files(dialect) for dialect in EVERY_DIALECT for files in (calls, copies)}


def test_every_file_is_a_part_of_a_module() -> None:
    assert {file for files in MODULES for file in files} == set(FILES)


def test_every_name_has_a_value_and_every_value_is_named() -> None:
    assert set().union(*map(named_in, FILES.values())) == set(VALUES)


@pytest.mark.parametrize("files", sorted(MODULES), ids=" ".join)
def test_what_files_are_together_is_a_valid_module(files: tuple[str, ...]) -> None:
    wasm_tools.validate(wasm_tools.assemble(module_text(files).encode()))


@pytest.mark.parametrize("dialect", EVERY_DIALECT, ids=lambda it: it.name)
def test_a_guest_gets_the_functions_of_its_dialect(dialect: Dialect) -> None:
    for name in ("set_input", "get_output"):
        parameters = "i32 " * len(dialect.functions[name])
        imported = f'(import "host" "{name}" (func $host_{name} (param {parameters[:-1]})'
        assert imported in module_text(copies(dialect))
        assert imported.replace("host_", "") in module_text(calls(dialect))
