"""The table, as a parser of GitHub's tables reads it."""

from __future__ import annotations

from markdown_it import MarkdownIt
from markdown_it.token import Token

from nnshim.render.reports.report import Shown
from nnshim.render.values import FileReport
from rewriter.errors import InputError
from rewriter.terminal import shown
from tests.support.reports import HOSTILE_NAMES, rendered


def rows(text: str) -> list[list[str]]:
    """The text of each cell; only what formats it is allowed in it."""
    found: list[list[str]] = []
    for token in MarkdownIt("gfm-like", {"linkify": False}).parse(text):
        if token.type == "tr_open":
            found.append([])
        elif token.type == "inline" and found and token.level > 2:
            found[-1].append("".join(map(plain, token.children or ())))
    return found[1:]


def plain(token: Token) -> str:
    if token.type == "html_inline":
        assert token.content in ("<code>", "</code>")
        return ""
    assert token.type in ("text", "text_special", "code_inline", "strong_open", "strong_close")
    return token.content


def test_what_does_not_pass_has_a_row(all_kinds: list[FileReport]) -> None:
    text = rendered("markdown", all_kinds)
    assert [row[:4] for row in rows(text)] == [
        ["rewrite.wasm", "wasmedge", "needs a rewrite", "NN201"],
        ["only_if.wasm", "wasmedge", "runs only if conditions hold", "NN222"],
        ["cannot.wasm", "wasmedge", "cannot run", "NN212"],
        ["no_verdict.wasm", "", "no verdict", "NN108"],
    ]
    assert text.splitlines()[-1] == (
        "6 files: 1 runs, 1 needs a rewrite, 1 runs only if conditions hold, 1 cannot run,"
        " 1 has no verdict, 1 has nothing to do"
    )


def test_names_stay_in_their_cells_and_mean_nothing(hostile: list[FileReport]) -> None:
    found = rows(rendered("markdown", hostile))
    assert [row[0] for row in found] == [*map(shown, HOSTILE_NAMES)]
    assert {len(row) for row in found} == {5}
    assert {row[4] for row in found} == {
        "the host does not define env.f]]>&|`x`</td>@team %0A::error::x,\\n\\x1b[2J"
    }


def test_a_long_table_ends_and_says_how_much_is_left_out() -> None:
    error = InputError("cannot read it" + "x" * 1000)
    text = rendered("markdown", (FileReport(f"{number}", error=error) for number in range(1000)))
    assert len(text) < 65_536
    kept = len(rows(text))
    assert kept > 50
    assert f"the table would be too long: {1000 - kept}." in text
    assert "1000 files: 1000 have no verdict" in text


def test_quiet_says_nothing_if_all_pass(all_kinds: list[FileReport]) -> None:
    assert rendered("markdown", all_kinds[:1]) == "1 file: 1 runs\n"
    assert rendered("markdown", all_kinds[:1], Shown(quiet=True)) == ""
