"""A profile of what was measured has nothing that was not."""

from __future__ import annotations

from nnshim.render.profile import probed
from rewriter.hosts.profiles.probed import profile_of
from rewriter.hosts.profiles.profile import ProfiledHost
from rewriter.probing.command import End
from rewriter.probing.measured import Answer, Entries, Interface, Layout, Measured, Unknown

HOST = ProfiledHost("ours")


def measured(faults: dict[str, Answer], *, signals: bool = False) -> Measured:
    """A host that has `load`, refuses all models, and has no backend."""
    refused: dict[int, Answer] = dict.fromkeys(range(16), 1)
    interface = Interface(
        module="wasi_nn",
        functions=("load",),
        signatures=None,
        layouts=((Layout.WITX,) * 3,),
        encodings={"openvino": refused, "onnx": refused, "tensorflowlite": refused},
        names=None,
        faults=faults,
        backends=(),
    )
    return Measured(
        prints=True,
        codes=True,
        unknown_imports=Unknown.REFUSED,
        features={},
        entries=Entries(None, None, False, None, None, None, None, False, None, None, None),
        wasi=None,
        placed=None,
        in_first=None,
        in_shared=None,
        interfaces=(interface,),
        signals=signals,
        processes=1,
    )


def test_no_encoding_is_refused_where_no_model_runs() -> None:
    profile = profile_of(measured({}), HOST)
    assert profile.encodings == {}
    assert any("no model ran" in line and "probe it again" in line for line in probed(profile))


def test_a_trap_that_may_be_an_abort_is_one_where_aborts_are_signals_and_else_left_out() -> None:
    faults: dict[str, Answer] = {"load_encoding": End.UNCLEAR, "load_pointer": End.ABORTS}
    assert profile_of(measured(faults), HOST).faults == {"load_pointer": "aborts"}
    assert profile_of(measured(faults, signals=True), HOST).faults == {
        "load_encoding": "traps",
        "load_pointer": "aborts",
    }
