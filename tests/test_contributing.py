from __future__ import annotations

import re

from tests.conftest import QUICK, SLOW, TESTS
from tests.tools.tree import ROOT, tree


def test_the_table_of_folders_is_what_there_is() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    (table,) = re.findall(
        r"<!-- python -m tests\.tools\.tree -->\n(.*?)\n<!-- end -->", text, re.DOTALL
    )
    assert table == tree(), "python -m tests.tools.tree"


def test_the_quick_tests_and_those_that_are_not_are_named_as_they_are_now() -> None:
    assert [name for name in (*QUICK, *SLOW) if not (TESTS / name).exists()] == []
    assert [name for name in SLOW if not name.startswith(QUICK)] == []
