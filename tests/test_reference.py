"""The reference pages are what their commands make of the source."""

from __future__ import annotations

import pydoc

import nnshim
import rewriter
import runtime_shim
from tests.tools.site import command_page, json_page, key_table
from tests.tools.site.links import ROOT


def test_the_page_of_commands_is_what_help_prints() -> None:
    command = "python -m tests.tools.site.command_page"
    assert command_page.PAGE.read_text() == command_page.page(), command


def test_the_page_of_json_is_what_the_schema_says() -> None:
    assert json_page.PAGE.read_text() == json_page.page(), "python -m tests.tools.site.json_page"


def test_the_table_of_keys_is_what_the_schema_says() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    assert key_table.table() in page, "python -m tests.tools.site.key_table"


def test_a_function_is_called_in_its_help_what_a_program_calls_it() -> None:
    assert pydoc.plain(pydoc.render_doc(nnshim.map)).startswith(
        "Python Library Documentation: function map in module nnshim.fleets.library\n\nmap(module"
    )


def test_the_page_of_python_has_every_public_name() -> None:
    """The site shows all that is public of each module that the page names."""
    page = (ROOT / "docs" / "reference" / "python.md").read_text()
    for module in ("rewriter", "runtime_shim", "runtime_shim.backends", "runtime_shim.testing"):
        assert f"\n::: {module}\n" in page
    others = {*nnshim.__all__} - {*rewriter.__all__} - {*runtime_shim.__all__}
    enums, named = (
        ["Encoding", "Errno", "Target", "TensorType"],
        {"__version__", "inspect", "map", "verify"},
    )
    of_map = {"GuestInput", "MapResult"}
    assert others == {*enums, *named, *of_map}
    assert all(f"::: nnshim.fleets.values.{name}\n" in page for name in of_map)
    assert all(f"::: rewriter.abi.dialects.{name}\n" in page for name in enums)
    assert all(f"`nnshim.{name}`" in page for name in named)
