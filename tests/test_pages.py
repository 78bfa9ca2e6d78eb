"""The commands and programs of the pages for newcomers print what the pages show, in an empty
folder with nnshim from a wheel."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

PAGES = Path(__file__).resolve().parent.parent / "docs" / "start"

_BLOCK = re.compile(r"^```(\w+)(?: title=\"([^\"]*)\")?\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.stem)
def test_every_block_of_a_page_does_what_is_shown_below_it(
    page: Path, installed: dict[str, str], tmp_path: Path
) -> None:
    """Blocks of `sh` and `python` are run in order, and one with a title is that file. Lines of
    `text` are in the output of the block before, in their order. A `console` needs another host."""
    blocks = _BLOCK.findall(page.read_text())
    assert any(language == "sh" for language, _, _ in blocks)
    printed = ""
    for language, title, body in blocks:
        if title:
            (tmp_path / title).write_text(body)
        elif language in ("sh", "python"):
            command = ["bash", "-e", "-c", body] if language == "sh" else ["python", "-c", body]
            done = subprocess.run(
                command, cwd=tmp_path, env=installed, text=True, check=False,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            printed = done.stdout
            assert done.returncode == 0, (body, printed)
        elif language == "text":
            lines = iter(printed.splitlines())
            assert all(line in lines for line in body.splitlines()), (body, printed)
        else:
            assert language == "console"
            assert "iwasm" in body
