"""What `check` says of guests of many toolchains, against what builds of real hosts did with them.

The environment variable WILD names the folder in which tests.heavy.wild_guests has built them.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.heavy.peer_cases import WILD, WILD_FORMS, write_files
from tests.heavy.verdicts import Outcome, disagreeing, judged_all, results
from tests.heavy.wild_guests import BAKED

BUILT = Path(os.environ["WILD"])


def test_no_verdict_is_falsely_green_or_red(tmp_path: Path) -> None:
    write_files(tmp_path, BUILT)
    judged = list(judged_all(tmp_path, results(), wild=True))
    built = {f"{name}.classify.wasm" for name in (*WILD, *WILD_FORMS, *BAKED)}
    assert built <= {one.guest for one in judged}
    assert [one for one in disagreeing(judged) if one.guest in built] == []
    open_ = [one for one in judged if "NN146" in one.codes]
    assert open_
    assert [one for one in open_ if one.outcome is Outcome.RIGHT] == []  # which their models tell
