"""Where outputs go, and what is refused before anything is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rewriter.errors import UsageError
from rewriter.trees.output import Output
from rewriter.trees.targets import Planned, plan_targets
from tests.rewriter.trees.test_archives import tar_of
from tests.support.trees import ADDED, WASM, rewritten


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("in/a.wasm", "in/d/a.wasm", "in/d/b.wasm", "other/a.wasm", "b.wasm", "is/x"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(WASM)
    Path("t.tar").write_bytes(tar_of(("a", WASM)))
    Path("link").symlink_to("in")


@pytest.mark.parametrize(
    ("inputs", "out", "targets"),
    [
        (["b.wasm"], "c.wasm", ["c.wasm"]),
        (["b.wasm"], "is", ["is/b.wasm"]),
        (["b.wasm"], "new/", ["new/b.wasm"]),
        (["b.wasm"], None, ["b.wasm"]),
        (["in"], "out", ["out"]),
        (["in/"], "in", ["in"]),
        (["link"], "in", ["in"]),
        (["in"], None, ["in"]),
        (["t.tar"], "u.tar", ["u.tar"]),
        (["in", "b.wasm"], "out", ["out/in", "out/b.wasm"]),
        (["in", "b.wasm"], ".", ["./in", "./b.wasm"]),
        (["in/d/b.wasm", "b.wasm"], None, ["in/d/b.wasm", "b.wasm"]),
        (["in/**/?.wasm"], "out", ["out/a.wasm", "out/d/a.wasm", "out/d/b.wasm"]),
        (["in/d/b*"], "out", ["out/b.wasm"]),
        (["-"], "c.wasm", ["c.wasm"]),
        (["t.tar", "in/a.wasm"], "is", ["is/t.tar", "is/a.wasm"]),
    ],
)
def test_each_input_has_its_place(inputs: list[str], out: str | None, targets: list[str]) -> None:
    planned = plan_targets(inputs, out, ())
    assert [each.target for each in planned if isinstance(each, Planned)] == targets


@pytest.mark.parametrize(
    ("inputs", "out", "words"),
    [
        (["in"], "in/out", "in/out cannot be written: it is in the input in"),
        (["in"], "link/out", "it is in the input in"),
        (["."], "out", "it is in the input"),
        (["in/d"], "in", "in/d is in the output in, and would be written over"),
        (["in/a.wasm", "other/a.wasm"], "out", "would both be written to out/a.wasm"),
        (["in", "link/../in/d"], "out", "is in the input in|are in another input"),
        (["in", "link"], None, "would both be written"),
        (["in", "in/a.wasm"], None, "it is in the input in"),
        (["b.wasm", "in"], "in", "is in the input in"),
        (["in/a.wasm", "other"], "other", "it is in the input other"),
        (["t.tar"], "out.zip", "the same kind"),
        (["t.tar"], "out", "the same kind"),
        (["b.wasm"], "b.wasm.gz", "the same kind"),
        (["-"], None, "standard input"),
        (["-", "b.wasm"], "out", "standard input has no name"),
    ],
)
def test_outputs_that_would_be_in_the_way_are_refused_before_anything_is_written(
    inputs: list[str], out: str | None, words: str
) -> None:
    before = sorted(str(path) for path in Path().rglob("*"))
    with pytest.raises(UsageError, match=words):
        Output(inputs, out)
    assert sorted(str(path) for path in Path().rglob("*")) == before


def test_outputs_of_a_pattern_keep_their_tree() -> None:
    assert rewritten(["in/**/*.wasm"], "out") == []
    files = [path for path in sorted(Path("out").rglob("*")) if path.is_file()]
    assert [str(path) for path in files] == ["out/a.wasm", "out/d/a.wasm", "out/d/b.wasm"]
    assert all(path.read_bytes() == WASM + ADDED for path in files)


def test_several_inputs_of_all_kinds_are_written_to_a_folder() -> None:
    assert rewritten(["in", "b.wasm", "t.tar"], "out") == []
    assert sorted(os.listdir("out")) == ["b.wasm", "in", "t.tar"]
    assert Path("out/in/d/a.wasm").read_bytes() == WASM + ADDED
