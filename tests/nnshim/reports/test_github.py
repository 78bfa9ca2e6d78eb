"""Annotations, read as GitHub's runner reads them."""

from __future__ import annotations

from typing import NamedTuple

from nnshim.render.values import FileReport
from rewriter.terminal import shown
from tests.support.reports import HOSTILE_NAMES, rendered


class Command(NamedTuple):
    name: str
    properties: dict[str, str]
    message: str


def parsed(line: str) -> Command:
    """By https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs: the second
    `::` ends the properties, which commas part; `%25` is put back last."""
    line = line.lstrip()
    assert line.startswith("::")
    info, _, data = line[2:].partition("::")
    name, _, rest = info.partition(" ")
    pairs = (each.split("=", 1) for each in rest.strip().split(",") if each)
    return Command(
        name,
        {key: _unescaped(value, "\r\n:,%") for key, value in pairs},
        _unescaped(data, "\r\n%"),
    )


def _unescaped(text: str, chars: str) -> str:
    for char in chars:
        text = text.replace(f"%{ord(char):02X}", char)
    return text


def test_what_does_not_pass_has_an_annotation(all_kinds: list[FileReport]) -> None:
    found = [parsed(line) for line in rendered("github", all_kinds).splitlines()]
    assert [(each.name, each.properties["file"], each.properties["title"]) for each in found] == [
        ("warning", "rewrite.wasm", "NN201"),
        ("warning", "only_if.wasm", "NN222"),
        ("error", "cannot.wasm", "NN212"),
        ("error", "no_verdict.wasm", "NN108"),
    ]
    lead, helps = found[0].message.split("\n")
    assert lead.startswith("runs on wasmedge after a rewrite: it imports wasi_nn")
    assert helps == "help: nnshim rewrite --for wasmedge rewrite.wasm OUT"


def test_no_name_ends_a_property_or_starts_a_command(hostile: list[FileReport]) -> None:
    lines = rendered("github", hostile).splitlines()
    found = [parsed(line) for line in lines]
    assert {each.name for each in found} == {"error"}
    assert {each.properties["title"] for each in found} == {"NN212"}
    told = [each.properties["file"] for each in found]
    assert len(told) == len(HOSTILE_NAMES)
    for name, file in zip(HOSTILE_NAMES, told, strict=True):
        assert file.replace("\n", "\\n").replace("\r", "\\r") == shown(name)
    assert all(each.message.endswith("%0A::error::x,\\n\\x1b[2J") for each in found)
