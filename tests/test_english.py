"""Plain English in what people read, without phrases that are translated word for word."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

STILTED = re.compile(
    r"(?<!there )\b(is|are|was|be) no (?!longer\b|more\b|less\b)\w"  # "is not a"
    r"|\bunless given\b"  # "by default"
    r"|\bwhat there can\b"
    r"|, as (it|its|there)\b",  # "because"
    re.IGNORECASE,
)

PACKAGES = ("nnshim", "rewriter", "runtime_shim")
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
    assert STILTED.search(text)


@pytest.mark.parametrize("text", ["There is no file", "it is no longer valid", "as it is"])
def test_plain_words_are_not(text: str) -> None:
    assert not STILTED.search(text)


def test_messages_help_and_docstrings_are_in_plain_english() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {match[0]}"
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for line, text in strings(path.read_text())
        if (match := STILTED.search(text))
    ]
    assert not found


def test_pages_are_in_plain_english() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in PAGES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if (match := STILTED.search(line))
    ]
    assert not found
