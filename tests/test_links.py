"""Links between the Markdown files of the repository lead to files and headings that are there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.tools.site.links import ROOT, anchors, broken, links

PAGES = sorted(
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()
)  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    assert list(broken(page)) == []
    anchors(page.read_text())


def test_the_pages_are_found() -> None:
    assert {ROOT / "README.md", ROOT / "docs/index.md", ROOT / "conformance/README.md"} <= {*PAGES}


def test_what_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text("# One `--two`, [three](b.md)\n\n```sh\n# four\n```\n")
    page = tmp_path / "a.md"
    page.write_text(
        "[a](b.md) [`b`](b.md#one---two-three) ![c](c.svg) [d](b.md#four) [e\ne](#here)"
        " [f](../f.md) [g](https://a.example/#b) `[h](h.md)`\n\n```\n[i](i.md)\n```\n"
    )
    assert list(broken(page, tmp_path)) == ["c.svg", "b.md#four", "#here", "../f.md"]
    assert "".join(link.text for link in links(page.read_text())) == "a`b`cde\nefg"


def test_two_headings_of_one_text_are_refused() -> None:
    with pytest.raises(ValueError, match="#a-b"):
        anchors("# A b\n\n## A, b\n")
