"""Guests as a host that was measured would run them: by its numbers, functions and errnos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rewriter import RewriteOptions, UsageError, rewrite
from rewriter.abi.dialects import (
    WAMR_2_4_LEGACY,
    WASI_EPHEMERAL_NN,
    WASI_NN,
    WITX,
    Dialect,
    Encoding,
    TensorType,
)
from rewriter.hosts.host import TooSmall, Unit
from rewriter.hosts.profiles.file import write
from rewriter.hosts.profiles.of_row import from_row
from rewriter.hosts.profiles.profile import BackendProfile, Linking, ModuleProfile, Profile
from rewriter.hosts.table import HOSTS, find_host
from runtime_shim import CAPTURED, LinkError, NNHost, Outcome, RunOptions, run
from runtime_shim.errors import HostHarm
from runtime_shim.testing import FakeBackend
from tests.support.played import UNTOUCHED, Played
from tests.support.profiles import COMMON, OTHER, WAMR_2_3_LEGACY
from tests.support.programs import FLOATS, program
from tests.support.wasm import assemble

SHAPE = (1, 3, 2, 2)


def played(guest: bytes, as_host: str | None) -> Outcome:
    with NNHost(backends={encoding: FakeBackend() for encoding in Encoding}) as host:
        return run(guest, host, RunOptions(stdout=CAPTURED, as_host=as_host))


def saved(profile: Profile, folder: Path) -> str:
    path = folder / "ours.toml"
    path.write_text(write(profile))
    return str(path)


def own(path: str) -> Dialect:
    (dialect,) = find_host(path).dialects
    return dialect


OTHER_IN_FLOATS = OTHER._replace(
    modules={"wasi_nn": ModuleProfile(("wamr",), COMMON)},
    backends=(OTHER.backends[0]._replace(unit=Unit.FLOATS),),
)
"""The same in the other layout."""


def test_a_guest_of_the_hosts_own_numbers_gives_its_answer(tmp_path: Path) -> None:
    path = saved(OTHER, tmp_path)
    guest = program(own(path), WASI_EPHEMERAL_NN, Encoding.ONNX, unit=1)
    outcome = played(guest, path)
    assert (outcome.exit_code, outcome.stdout) == (0, FLOATS), outcome.refused


@pytest.mark.parametrize("profile", [OTHER, OTHER_IN_FLOATS, WAMR_2_3_LEGACY])
@pytest.mark.parametrize(
    ("dialect", "module", "unit"), [(WITX, WASI_EPHEMERAL_NN, 1), (WAMR_2_4_LEGACY, WASI_NN, 4)]
)
def test_a_guest_that_was_rewritten_for_a_profile_gives_its_answer(
    dialect: Dialect, module: str, unit: int, profile: Profile, tmp_path: Path
) -> None:
    path = saved(profile, tmp_path)
    encoding = Encoding[profile.backends[0].encoding.upper()]
    guest = program(dialect, module, encoding, unit=unit)
    adapted = rewrite(guest, RewriteOptions(host=path, guest_abi=dialect.name))
    for as_host in (path, None):  # its adapters tell nnshim what they lead to
        outcome = played(adapted, as_host)
        assert (outcome.exit_code, outcome.stdout) == (0, FLOATS), outcome.refused


@pytest.mark.parametrize("kind", [TensorType.U8, TensorType.I32])
@pytest.mark.parametrize("profile", [OTHER, OTHER_IN_FLOATS])
@pytest.mark.parametrize("dialect", [WITX, WAMR_2_4_LEGACY])
def test_types_have_the_numbers_that_were_measured(
    dialect: Dialect, profile: Profile, kind: TensorType, tmp_path: Path
) -> None:
    path, layout = saved(profile, tmp_path), dialect.layout
    unit = layout.output_unit
    guest = program(dialect, layout.module, Encoding.ONNX, unit=unit, tensor_type=kind)
    adapted = rewrite(guest, RewriteOptions(host=path, guest_abi=dialect.name))
    outcome = played(adapted, path)
    assert (outcome.exit_code, outcome.stdout) == (0, FLOATS), outcome.refused


def test_errors_have_the_numbers_that_were_measured(tmp_path: Path) -> None:
    guest = Played(saved(OTHER, tmp_path))
    context = guest.context_of(Encoding.ONNX)
    assert guest.feed(context, 0, guest.types[TensorType.F32], SHAPE, FLOATS) == 0
    assert guest.compute(context) == 0
    assert guest.read(context, 0, 48) == (0, 48, 48)
    assert guest.read(context, 0, 47) == (42, UNTOUCHED, 0)
    assert guest.load_model(b"model", 77) == 43


@pytest.mark.parametrize("answer", ["traps", "aborts"])
def test_a_fault_that_ended_the_guest_ends_it(answer: str, tmp_path: Path) -> None:
    faults: Any = {"load_pointer": answer}
    guest = Played(saved(OTHER._replace(faults=faults), tmp_path))
    with pytest.raises(HostHarm, match=r"ours\.toml would have trapped the guest"):
        guest.load(0xFFFF0000, 1, 7, 0, 0)
    assert Played(saved(OTHER, tmp_path)).load(0xFFFF0000, 1, 7, 0, 0) != 0


def test_what_was_seen_to_write_beyond_a_buffer_stops_the_guest(tmp_path: Path) -> None:
    backend = OTHER.backends[0]._replace(too_small=TooSmall.OVERRUN)
    guest = Played(saved(OTHER._replace(backends=(backend,)), tmp_path))
    context = guest.context_of(Encoding.ONNX)
    assert guest.feed(context, 0, guest.types[TensorType.F32], SHAPE, FLOATS) == 0
    assert guest.compute(context) == 0
    with pytest.raises(HostHarm, match="would have written 1 bytes beyond the buffer"):
        guest.read(context, 0, 47)


def test_a_type_that_the_backend_refused_is_refused(tmp_path: Path) -> None:
    types: Any = {"f32": 17, **dict.fromkeys(("f16", "f64", "u8", "i32", "i64"), "refused")}
    only_floats = BackendProfile("openvino", types, unit=Unit.BYTES)
    guest = Played(saved(OTHER._replace(backends=(*OTHER.backends, only_floats)), tmp_path))
    context = guest.context_of(Encoding.OPENVINO)
    assert guest.feed(context, 0, guest.types[TensorType.U8], (48,), FLOATS) != 0
    assert guest.feed(context, 0, guest.types[TensorType.F32], SHAPE, FLOATS) == 0


FORK = '(module (import "env" "fork" (func)) (func (export "_start")))'


@pytest.mark.parametrize("traps", [False, True])
def test_what_was_not_looked_for_is_defined_by_nobody_here(traps: bool, tmp_path: Path) -> None:
    for linking in (Linking(traps=traps), Linking(traps=traps, complete=True)):
        path = saved(OTHER._replace(linking=linking), tmp_path)
        if traps and linking.complete:
            assert played(assemble(FORK), path).exit_code == 0
        else:
            with pytest.raises(LinkError):
                played(assemble(FORK), path)


def test_a_host_of_two_layouts_under_one_name_is_not_played(tmp_path: Path) -> None:
    both = {"wasi_nn": ModuleProfile(("witx", "wamr"), COMMON)}
    path = saved(OTHER._replace(modules=both), tmp_path)
    with pytest.raises(UsageError, match="has functions of several layouts under one name"):
        played(assemble("(module)"), path)


def test_a_host_that_goes_by_the_guest_is_nnshim(tmp_path: Path) -> None:
    path = saved(from_row(HOSTS["nnshim"]), tmp_path)
    guest = program(WITX, WASI_NN, Encoding.ONNX, unit=1)
    assert played(guest, path).stdout == FLOATS
