"""A layout is a row in rewriter.abi.dialects, and a file in each of three places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

import runtime_shim.abi
from rewriter.abi.dialects import DIALECTS, LAYOUTS, WASI_NN, WITX, Dialect, Layout
from rewriter.adapters.adapter import adapter_for
from rewriter.adapters.bodies.text import FOLDER as BODIES
from rewriter.adapters.bodies.text import file_name
from runtime_shim.engine.trampolines.text import FOLDER as TRAMPOLINES
from runtime_shim.engine.trampolines.text import calls, copies

NEW = Layout(name="new", module=WASI_NN, load=(), get_output=(), output_unit=1)


def wanted(layout: Layout, dialects: tuple[Dialect, ...]) -> Iterator[Path]:
    """The files that it takes, of which the adapters' are for every two dialects."""
    yield Path(runtime_shim.abi.__file__).with_name(f"{layout.name}.py")
    for source, target in product(dialects, repeat=2):
        if layout not in (source.layout, target.layout):
            continue
        yield from (TRAMPOLINES / name for name in (*calls(target), *copies(target)))
        for function in source.functions:
            if function in target.functions and adapter_for(function, source, target):
                yield BODIES / file_name(function, source, target)


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_a_layout_has_its_files_and_a_dialect(layout: Layout) -> None:
    missing = {path for path in wanted(layout, tuple(DIALECTS.values())) if not path.is_file()}
    assert missing == set()
    assert any(dialect.layout is layout for dialect in DIALECTS.values())


def test_what_a_new_layout_takes_is_listed() -> None:
    dialects = (*DIALECTS.values(), replace(WITX, name="new", layout=NEW))
    missing = {path.name for path in wanted(NEW, dialects) if not path.is_file()}
    assert missing == {
        *("new.py", "calls.new.wat", "copies.new.wat"),
        *(
            f"{function}.{pair}.wat"
            for function in ("load", "set_input", "get_output")
            for pair in ("new-to-witx", "witx-to-new", "new-to-wamr", "wamr-to-new")
        ),
    }
