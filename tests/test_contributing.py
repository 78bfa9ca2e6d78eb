from __future__ import annotations

import re

from tests.tools.tree import ROOT, tree


def test_the_table_of_folders_is_what_there_is() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    (table,) = re.findall(
        r"<!-- python -m tests\.tools\.tree -->\n(.*?)\n<!-- end -->", text, re.DOTALL
    )
    assert table == tree(), "python -m tests.tools.tree"
