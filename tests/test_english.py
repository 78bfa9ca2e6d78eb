"""Plain English in what people read, without phrases that are translated word for word."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

RIDDLES = re.compile(
    r"(?<!there )\b(is|are|was|be) no (?!longer\b|more\b|less\b)\w"  # "is not a"
    r"|\bunless given\b"  # "by default"
    r"|\bwhat there can\b"
    r"|, as (it|its|there)\b"  # "because"
    r"|\b(what|of which) there\b"  # "the files that exist"
    r"|\bwhat is not there\b"  # "missing keys"
    r"|\b(that|those) which\b"  # "the last token"
    r"|\bto be had\b"  # "available"
    r"|\bto the byte\b"  # "byte for byte"
    r"|\b(has|have) not(?=[.,;:)])"  # "lacks"
    r"|[,:] (one|two) an? (call|core|file|guest|line|model|module)\b"  # "one per core"
    r"|\bheld against\b"  # "compared with"
    r"|\b(cannot|could not|can not) be told\b"  # "cannot tell"
    r"|\bof which nothing\b"  # "without details"
    r"|\w there\Z",  # "on this host"
    re.IGNORECASE,
)
PACKAGES = ("nnshim", "rewriter", "runtime_shim", "conformance")
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "*/README.md")
    for path in ROOT.glob(pattern)
    if path.name != "CHANGELOG.md"
)


def strings(source: str) -> Iterator[tuple[int, str]]:
    """Every string constant with its line: messages, help, docstrings, parts of f-strings."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


@pytest.mark.parametrize(
    "text",
    [
        "--options is no JSON",
        "what there can be millions of",
        "one a core, unless given",
        "it is refused, as it has no memory",
    ],
)
def test_stilted_words_are_found(text: str) -> None:
    assert RIDDLES.search(text)


@pytest.mark.parametrize(
    "text",
    [
        "functions of which there are three",
        "what there is of others",
        "What is not there was not measured",
        "of those which load",
        "no model is to be had",
        "the same to the byte",
        "functions that a host has not.",
        "contexts at once, one a core.",
        "lengths are held against the bytes",
        "which shell this is cannot be told",
        "other backends, of which nothing more is known",
        "unload has no effect there",
        "quantised tensors are floats there",
        "its input must be passed as floats there",
    ],
)
def test_riddles_are_found(text: str) -> None:
    assert RIDDLES.search(text)


@pytest.mark.parametrize(
    "text",
    [
        "There is no file",
        "it is no longer valid",
        "as it is",
        "a folder in which there is a file",
        "it has not changed",
        "whether the host has it or not.",
        "which one a guest has:",
        "byte for byte",
    ],
)
def test_plain_words_are_not(text: str) -> None:
    assert not RIDDLES.search(text)


def test_messages_help_and_docstrings_are_in_plain_english() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {match[0]}"
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for line, text in strings(path.read_text())
        if (match := RIDDLES.search(text))
    ]
    assert not found


def test_pages_are_in_plain_english() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in PAGES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if (match := RIDDLES.search(line))
    ]
    assert not found
