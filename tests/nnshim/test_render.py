"""Renderers, where a value has more to it than the golden outputs show."""

from __future__ import annotations

import shlex

import pytest

from nnshim.render import json, text
from nnshim.render.values import rewrite_command
from rewriter.diagnostics import Diagnostic
from rewriter.errors import HostMismatch, UsageError


@pytest.mark.parametrize("path", ["a.wasm", "a b.wasm", "a';rm -r x.wasm", "$HOME.wasm"])
def test_the_command_that_helps_is_one_for_a_shell(path: str) -> None:
    command = rewrite_command("wamr", "witx", path)
    expected = ["nnshim", "rewrite", "--for", "wamr", "--guest-abi", "witx", path, "OUT"]
    assert shlex.split(command) == expected


def test_a_line_says_where_an_error_is_and_of_others_only_what_is_so() -> None:
    found = Diagnostic("NN211", "the host does not have unload", 16, "unload")
    assert text.line(found) == ("error[NN211]: the host does not have unload (at byte offset 0x10)")
    assert text.line(found._replace(code="NN205")) == (
        "warning[NN205]: the host does not have unload"
    )


def test_a_mismatch_is_a_line_for_each_reason_and_an_object_for_each() -> None:
    found = Diagnostic("NN141", "no memory"), Diagnostic("NN322", "64-bit", help="use wasm32")
    error = HostMismatch("a.wasm cannot run on x", found)
    assert text.failed(error) == [
        "error: a.wasm cannot run on x",
        "  error[NN141]: no memory",
        "  error[NN322]: 64-bit; use wasm32",
    ]
    assert [item["code"] for item in json.failed(error, "a.wasm")["errors"]] == ["NN141", "NN322"]


def test_an_error_about_no_module_has_no_code() -> None:
    assert text.failed(UsageError("no")) == ["error: no"]
