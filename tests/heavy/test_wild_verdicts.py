"""What `check` says of guests of many toolchains, against what builds of real hosts did with them.

The environment variable WILD names the folder in which tests.heavy.wild_guests has built them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rewriter import RewriteOptions, inspect_module, rewrite
from rewriter.analysis.compatibility import Answer, assess
from rewriter.analysis.seen.numbering import shown_abi
from rewriter.hosts.table import find_host
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


@pytest.mark.parametrize("name", [*WILD, *WILD_FORMS, *BAKED])
def test_a_rewrite_leaves_open_what_it_was_said_to_leave_open(name: str) -> None:
    """Compilers' code is followed through adapters as it is without them."""
    module = (BUILT / "guests" / f"{name}.classify.wasm").read_bytes()
    info = inspect_module(module)
    for label in ("wasmedge@0.14.1", "wamr-legacy@2.3.1"):
        before = assess(info, find_host(label)).weighed(strict=True)
        if before.answer is not Answer.REWRITE:
            continue
        options = RewriteOptions(host=label, guest_abi=shown_abi(info), validate=False)
        after = assess(inspect_module(rewrite(module, options)), find_host(label))
        left = {(d.code, d.message) for d in after.weighed(strict=True).counted}
        assert left == {(d.code, d.message) for d in before.counted}, label
        assert not after.reasons, label
