"""Which ABI measurements show: one of the table, or the host's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewriter.abi.dialects import DIALECTS, Dialect, Encoding, Errno, TensorType
from rewriter.abi.measured import OF_RELEASES, dialect_named, functions_in, same_dialect
from rewriter.abi.numbers import ERRNO_WIT, ERRNO_WITX, TYPES_WITX
from rewriter.analysis.adapted.existing_adapters import StandingAdapter
from rewriter.analysis.inspect import inspect_module
from rewriter.errors import UsageError
from rewriter.hosts.host import Host
from rewriter.hosts.profiles.file import write
from rewriter.hosts.profiles.numbers import dialects_of
from rewriter.hosts.profiles.profile import (
    Answer,
    Profile,
)
from rewriter.hosts.profiles.row import row_of
from rewriter.options import RewriteOptions
from rewriter.rewriting.pipeline import rewrite
from tests.support.profiles import (
    COMMON,
    OTHER,
    WAMR_2_0_LEGACY,
    WAMR_2_3_LEGACY,
    WAMR_2_4,
    WASMEDGE_0_14,
    WASMTIME_49,
    found,
)
from tests.support.wasm import assemble


@pytest.mark.parametrize(
    ("profile", "abi"),
    [
        (WASMTIME_49, "witx"),
        (WAMR_2_4, "wamr-ephemeral"),
        (WAMR_2_3_LEGACY, "wamr-2.1-legacy"),
        (WAMR_2_0_LEGACY, "wamr-1"),
        (WASMEDGE_0_14, "wasmedge-0.14"),
    ],
)
def test_what_was_measured_of_hosts_shows_their_abi(profile: Profile, abi: str) -> None:
    (module,) = profile.modules.values()
    assert dialects_of(profile, module) == (DIALECTS[abi],)


def own(profile: Profile) -> Dialect:
    (module,) = profile.modules.values()
    (dialect,) = dialects_of(profile, module)
    return dialect


def test_numbers_that_no_release_has_are_the_hosts_own() -> None:
    dialect = own(OTHER)
    assert dialect.tensor_types == {17: TensorType.F32, 0: TensorType.U8, 1: TensorType.I32}
    assert dialect.encodings == {7: Encoding.ONNX, 1: Encoding.OPENVINO}
    assert dialect.errnos == {
        0: Errno.SUCCESS,
        42: Errno.TOO_LARGE,  # of two faults with one number, the first
        43: Errno.INVALID_ENCODING,
        9: Errno.RUNTIME_ERROR,
    }
    assert dialect.wants_nul
    assert not dialect.counts_floats
    assert dialect.functions.keys() == COMMON | {"load_by_name"}
    assert dialect_named(dialect.name) is dialect


def test_numbers_of_which_one_is_another_leave_the_rest_as_a_release_has_it() -> None:
    dialect = own(WASMTIME_49._replace(encodings={"openvino": 3}))
    assert dialect.encodings == {3: Encoding.OPENVINO}
    assert dialect.tensor_types is TYPES_WITX
    assert dialect.errnos is ERRNO_WITX


def test_a_host_that_wants_a_nul_has_another_abi_than_one_that_does_not() -> None:
    assert own(WASMTIME_49._replace(names="nul needed")).wants_nul
    assert own(WASMTIME_49._replace(names="nul")).wants_nul
    assert own(WASMTIME_49._replace(names=None)) is DIALECTS["witx"]
    assert not own(WAMR_2_4._replace(names="length")).wants_nul


def test_the_numbers_of_errors_can_be_said() -> None:
    said = {number: meaning.name.lower() for number, meaning in ERRNO_WIT.items()}
    dialect = own(WASMTIME_49._replace(errnos=said))
    assert dialect.errnos is ERRNO_WIT
    assert dialect.encodings == {0: Encoding.OPENVINO}


@pytest.mark.parametrize("known", OF_RELEASES, ids=lambda known: str(known.name))
def test_an_abi_of_the_table_is_found_by_all_that_it_has(known: Dialect) -> None:
    assert same_dialect(known) is known
    assert known.functions.keys() <= functions_in(known.layout).keys()


@pytest.mark.parametrize(
    "name",
    [
        "measured-witx-1f-A0B1-A0-A0",  # not a name that is written, but of nothing but numbers
        "measured-wamr-1f---",
    ],
)
def test_a_name_with_few_numbers_is_that_of_an_abi(name: str) -> None:
    dialect = dialect_named(name)
    assert dialect is not None
    assert dialect_named(name) is dialect
    assert dialect.name == name


@pytest.mark.parametrize(
    "name",
    [
        "measured",
        "measured-witz-1f-A0-A0-A0",
        "measured-witx-1f-B1A0-A0-A0",  # in another order
        "measured-witx-1f-A0A0-A0-A0",
        "measured-witx-01f-A0-A0-A0",
        "measured-witx-ffff-A0-A0-A0",  # more functions than there are
        "measured-witx-1f-Z0-A0-A0",  # more encodings
        "measured-witx-1f-Azzzzzzz-A0-A0",  # more than 32 bits
        "measured-witx-1f-A00-A0-A0",
        "measured-witx-1f-A0-A0-A0-floats-nul",
        "measured-witx-1f-A0-A0-A0" + "-" * 200,
    ],
)
def test_a_name_that_would_not_be_written_is_not_that_of_an_abi(name: str) -> None:
    assert dialect_named(name) is None


def test_too_many_large_numbers_are_refused() -> None:
    types = {each.name.lower(): 10**9 + each for each in TensorType}
    encodings = {each.name.lower(): 10**9 + each for each in Encoding}
    faults: dict[str, Answer] = {"output_small": 10**9, "load_garbage": 10**9 + 1}
    with pytest.raises(
        UsageError, match="the host's numbers do not fit into the name of an adapter"
    ):
        own(found(types=types, encodings=encodings, faults=faults))


def standing(module: bytes) -> list[StandingAdapter]:
    return [*inspect_module(module).adapters.values()]


GUEST = assemble(
    "(module "
    + " ".join(
        f'(import "wasi_ephemeral_nn" "{name}" (func {DIALECTS["witx"].signature(name)}))'
        for name in DIALECTS["witx"].functions
    )
    + ' (memory (export "memory") 1))'
)


def row(profile: Profile) -> Host:
    return row_of(profile, "ours.toml")[0]


def test_adapters_to_own_numbers_are_found_again_without_the_profile(tmp_path: Path) -> None:
    path = tmp_path / "ours.toml"
    path.write_text(write(OTHER))
    options = RewriteOptions(host=str(path))
    adapted = rewrite(GUEST, options)
    assert {each.adapter.target for each in standing(adapted)} == {own(OTHER)}
    assert len(standing(adapted)) == len(DIALECTS["witx"].functions)
    assert rewrite(adapted, options) == adapted
    assert standing(rewrite(adapted, RewriteOptions(host="wasmtime"))) == []


def test_names_that_hostile_modules_give_to_exports_are_only_looked_at() -> None:
    for target in ("measured-wamr-1f---", "measured-witx-0---", "measured-witx-fff---A0-floats"):
        for function in ("load", "set_input", "get_output", "load_by_name", "unload"):
            name = f"nnshim.{function}.wasmedge-to-{target}.0.0"
            text = GUEST_WITH_EXPORT.replace("NAME", name)
            assert standing(assemble(text)) == []


LOAD = DIALECTS["witx"].signature("load")
GUEST_WITH_EXPORT = (
    f'(module (import "wasi_ephemeral_nn" "load" (func {LOAD})) (memory (export "memory") 1)'
    f' (func (export "NAME") {LOAD} unreachable))'
)
