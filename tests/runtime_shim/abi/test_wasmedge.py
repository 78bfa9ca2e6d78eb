"""What a guest sees of WasmEdge's extensions."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from rewriter.abi.dialects import WASMEDGE, Encoding, Errno, Target, TensorType
from runtime_shim import NamedGraph, NNHost
from tests.support.guest import DATA, HANDLE, OUTPUT, WRITTEN, Guest
from tests.support.models import identity

VALUE = struct.pack("<f", 2.5)
CONFIG = DATA + 4096


@pytest.fixture
def guest(tmp_path: Path) -> Guest:
    (tmp_path / "model.onnx").write_bytes(identity(dims=(1,)))
    graph = NamedGraph("one", Encoding.ONNX, Target.CPU, (str(tmp_path / "model.onnx"),))
    return Guest(NNHost(graphs=[graph]), module="wasi_ephemeral_nn", dialect=WASMEDGE)


def load(guest: Guest, config: bytes, name: bytes = b"one") -> int:
    guest.put(DATA, name)
    guest.put(CONFIG, config)
    return guest.load_by_name_with_config(DATA, len(name), CONFIG, len(config), HANDLE)


def infer(guest: Guest, context: int) -> bytes:
    assert guest.feed(context, 0, TensorType.F32, (1,), VALUE) == Errno.SUCCESS
    assert guest.compute(context) == Errno.SUCCESS
    return guest.output(context, 0)


def test_a_context_outlives_the_unloading_of_its_graph(guest: Guest) -> None:
    context = guest.context_for(identity(dims=(1,)))
    graph = context - 1
    assert guest.unload(graph) == Errno.SUCCESS
    assert infer(guest, context) == VALUE
    assert guest.unload(graph) == Errno.INVALID_ARGUMENT
    assert guest.init_execution_context(graph, HANDLE) == Errno.INVALID_ARGUMENT


def test_a_finalized_context_is_gone_and_its_graph_is_not(guest: Guest) -> None:
    context = guest.context_for(identity(dims=(1,)))
    assert guest.finalize_execution_context(context) == Errno.SUCCESS
    assert guest.compute(context) == Errno.INVALID_ARGUMENT
    assert guest.finalize_execution_context(context) == Errno.INVALID_ARGUMENT
    assert guest.init_execution_context(context - 1, HANDLE) == Errno.SUCCESS
    assert guest.u32(HANDLE) == context + 1


@pytest.mark.parametrize("config", [b"", b"{}", b'{"temp": 0.5}'])
def test_a_named_graph_is_loaded_with_its_configuration(guest: Guest, config: bytes) -> None:
    assert load(guest, config) == Errno.SUCCESS
    assert guest.init_execution_context(guest.u32(HANDLE), HANDLE) == Errno.SUCCESS
    assert infer(guest, guest.u32(HANDLE)) == VALUE


@pytest.mark.parametrize("config", [b"{", b"[]", b"7", b"\xff", b"[" * 60_000], ids=len)
def test_a_configuration_that_is_no_json_object_is_an_invalid_argument(
    guest: Guest, config: bytes
) -> None:
    assert load(guest, config) == Errno.INVALID_ARGUMENT


def test_an_unknown_name_is_not_found(guest: Guest) -> None:
    assert load(guest, b"{}", b"two") == Errno.NOT_FOUND


def test_streaming_is_unsupported_where_the_backend_does_not_stream(guest: Guest) -> None:
    context = guest.context_for(identity(dims=(1,)))
    unsupported = Errno.UNSUPPORTED_OPERATION
    assert guest.compute_single(context) == unsupported
    assert guest.get_output_single(context, 0, OUTPUT, 4, WRITTEN) == unsupported
    assert guest.fini_single(context) == unsupported
    for handle in (0, context - 1, context + 1):
        assert guest.compute_single(handle) == Errno.INVALID_ARGUMENT
        assert guest.fini_single(handle) == Errno.INVALID_ARGUMENT


@pytest.mark.parametrize(("encoding", "errno"), [(5, 0), (6, 0), (8, 2), (14, 2), (15, 2)])
def test_encodings_have_wasmedges_numbers(guest: Guest, encoding: int, errno: int) -> None:
    assert guest.load_model(identity(), encoding) == errno


def test_handles_cycle_without_leaving_anything_behind(guest: Guest) -> None:
    for _ in range(500):
        context = guest.context_for(identity(dims=(1,)))
        assert guest.unload(context - 1) == Errno.SUCCESS
        assert guest.finalize_execution_context(context) == Errno.SUCCESS
    assert not guest.session.contexts
    assert not guest.session._graphs
