"""The adapter from wasi_ephemeral_nn to wasi:nn, on a model of Wasmtime's two backends."""

from __future__ import annotations

import struct

import pytest

from rewriter.abi.numbers import Errno
from rewriter.rewriting.making.adapter import Names
from tests.support.component_host import Adapted, Tensor

THREE = Tensor((1, 3), 1, b"abcdefghijkl")


@pytest.mark.parametrize("empties", [True, False], ids=["onnx", "openvino"])
def test_inputs_stay_set_on_hosts_that_keep_them_and_that_empty_them(empties: bool) -> None:
    host = Adapted(("0", "1"), empties=empties)
    context = host.start()
    assert host.set_input(context, 0, THREE) == 0
    for word in (b"first", b"second"):
        assert host.set_input(context, 1, Tensor((len(word),), 1, word)) == 0
        assert host.call("compute", context) == 0
        assert host.output(context, 0)[1].startswith(THREE.data)
        assert host.output(context, 1)[1].startswith(word)
    assert host.call("compute", context) == 0
    assert host.output(context, 1)[1].startswith(b"second")


@pytest.mark.parametrize("index", [0, 12, 4294967295])
def test_an_input_without_a_name_is_called_by_its_index(index: int) -> None:
    host = Adapted((str(index),))
    context = host.start()
    assert host.set_input(context, index, THREE) == 0
    assert host.call("compute", context) == 0
    assert list(host.seen[0]) == [str(index)]


def test_inputs_and_outputs_get_their_names() -> None:
    long = "a name of more than sixteen bytes / größe"
    names = Names({0: "data", 1: long}, {0: "scores", 2: "data"})
    scores = {"boxes": Tensor((1,), 1, b"boxes"), "scores": Tensor((1,), 1, b"scores")}
    host = Adapted(("data", long, "2"), names, outputs=scores)
    context = host.start()
    for index in range(3):
        assert host.set_input(context, index, Tensor((1,), 1, b"%d" % index)) == 0
    assert host.call("compute", context) == 0
    assert sorted(host.seen[0]) == sorted(("data", long, "2"))
    by_name, by_place, other = (host.output(context, index)[1] for index in (0, 1, 2))
    assert by_name.startswith(b"scores")
    assert by_place.startswith(b"scores")
    assert other.startswith(b"0")


def test_a_name_that_no_output_has_is_an_error() -> None:
    host = Adapted(names=Names({}, {0: "scores"}))
    context = host.start()
    assert host.set_input(context, 0, THREE) == 0
    assert host.call("compute", context) == 0
    assert host.output(context, 0)[0] == Errno.INVALID_ARGUMENT


def test_types_from_3_on_are_one_more() -> None:
    for witx, wit in enumerate((0, 1, 2, 4, 5, 6)):
        host = Adapted()
        context = host.start()
        assert host.set_input(context, 0, Tensor((2, 1), witx, b"12345678")) == 0
        assert host.call("compute", context) == 0
        assert host.seen[0]["0"] == Tensor((2, 1), wit, b"12345678")
    assert host.set_input(context, 0, Tensor((1,), 6, b"")) == Errno.INVALID_ARGUMENT


def test_autodetect_and_ggml_change_places() -> None:
    host = Adapted()
    host.write(0x10, struct.pack("<4I", 0x200, 3, 0x210, 4))
    host.write(0x200, b"xml")
    host.write(0x210, b"bins")
    for encoding in range(7):
        assert host.call("load", 0x10, 2, encoding, 1, 0x40) == 0
        assert host.number(0x40) == encoding
    assert [encoding for _, encoding, _ in host.loaded] == [0, 1, 2, 3, 4, 6, 5]
    assert host.loaded[0] == ([b"xml", b"bins"], 0, 1)
    assert host.call("load", 0x10, 2, 7, 0, 0x40) == Errno.INVALID_ENCODING
    assert host.call("load", 0x10, 2, 0, 3, 0x40) == Errno.INVALID_ARGUMENT
    assert len(host.loaded) == 7


def test_every_error_has_an_errno_and_is_dropped() -> None:
    host = Adapted()
    context = host.start()
    there = dict(host.live)
    found = []
    for host.fails in range(9):
        found.append(host.call("load_by_name", 0, 5, 0x40))
        assert host.call("init_execution_context", 0, 0x40) == found[-1]
        assert host.call("compute", context) == found[-1]
    assert found == [1, 2, 5, 5, 6, 7, 8, 6, 5]
    assert host.live == there


def test_an_output_goes_to_the_buffer_or_nowhere() -> None:
    host = Adapted()
    context = host.start()
    assert host.output(context, 0)[0] == Errno.RUNTIME_ERROR
    assert host.set_input(context, 0, THREE) == 0
    assert host.call("compute", context) == 0
    assert host.output(context, 0, 12) == (0, THREE.data, 12)
    assert host.output(context, 0, 13) == (0, THREE.data + b"\xee", 12)
    assert host.output(context, 0, 11) == (Errno.TOO_LARGE, b"\xee" * 11, 12)
    assert host.output(context, 1)[0] == Errno.INVALID_ARGUMENT
    assert host.call("get_output", context, 0, 0, 12, 0x40) == 0
    assert host.read(0, 12) == THREE.data


def test_what_compute_has_failed_for_has_no_output() -> None:
    host = Adapted(empties=True)
    context = host.start()
    assert host.call("compute", context) == Errno.RUNTIME_ERROR
    assert host.set_input(context, 0, THREE) == 0
    assert host.call("compute", context) == 0
    host.fails = 3
    assert host.call("compute", context) == Errno.RUNTIME_ERROR
    assert host.output(context, 0)[0] == Errno.RUNTIME_ERROR


@pytest.mark.parametrize("name", ["unload", "finalize_execution_context", "compute"])
def test_a_handle_that_does_not_exist_is_an_error(name: str) -> None:
    assert Adapted().call(name, 0) == Errno.INVALID_ARGUMENT
    host = Adapted()
    host.start()
    for handle in (1, 5, 4294967295):
        assert host.call(name, handle) == Errno.INVALID_ARGUMENT
        assert host.call("init_execution_context", handle, 0x40) == Errno.INVALID_ARGUMENT
        assert host.set_input(handle, 0, THREE) == Errno.INVALID_ARGUMENT
        assert host.output(handle, 0)[0] == Errno.INVALID_ARGUMENT


def test_graphs_and_contexts_are_dropped_and_their_memory_is_used_again() -> None:
    host = Adapted()
    sizes = set()
    for turn in range(300):
        context = host.start()
        assert context == turn
        data = bytes(turn % 90)
        assert host.set_input(context, 0, Tensor((turn,), 1, data)) == 0
        for _ in range(2):
            assert host.call("compute", context) == 0
            assert host.output(context, 0, 64)[2] == len(data)
        assert host.call("finalize_execution_context", context) == 0
        assert host.call("finalize_execution_context", context) == Errno.INVALID_ARGUMENT
        assert host.call("unload", turn) == 0
        assert host.live == {}
        if turn > 90:
            sizes.add(host.memory.size(host.store))
    assert len(sizes) == 1


def test_a_context_in_the_middle_is_dropped() -> None:
    host = Adapted()
    contexts = [host.start() for _ in range(3)]
    assert host.call("finalize_execution_context", contexts[1]) == 0
    for context in (contexts[0], contexts[2]):
        assert host.set_input(context, 0, THREE) == 0
        assert host.call("compute", context) == 0
    assert host.call("compute", contexts[1]) == Errno.INVALID_ARGUMENT


def test_only_an_empty_configuration_is_taken() -> None:
    host = Adapted()
    host.write(0, b"model")
    assert host.call("load_by_name_with_config", 0, 5, 0x10, 0, 0x40) == 0
    assert host.loaded == [(b"model",)]
    unsupported = Errno.UNSUPPORTED_OPERATION
    assert host.call("load_by_name_with_config", 0, 5, 0x10, 2, 0x40) == unsupported
    assert len(host.loaded) == 1


def test_streaming_is_unsupported() -> None:
    host = Adapted()
    for name, arguments in (("compute_single", 1), ("get_output_single", 5), ("fini_single", 1)):
        assert host.call(name, *[0] * arguments) == Errno.UNSUPPORTED_OPERATION


def test_a_memory_that_cannot_grow_is_an_errno() -> None:
    host = Adapted(pages=2, most=2)
    assert host.call("load_by_name", host.write(0, b"model"), 5, 0x40) == Errno.MISSING_MEMORY
    assert host.live == {}


def test_an_input_that_memory_does_not_suffice_for_is_an_errno() -> None:
    host = Adapted(pages=2, most=6)
    context = host.start()
    assert host.set_input(context, 0, Tensor((1,), 1, bytes(200))) == 0
    large = host.write(0x80, struct.pack("<5I", 0x100, 1, 1, 0, 1 << 20))
    assert host.call("set_input", context, 0, large) == Errno.MISSING_MEMORY
    assert host.call("compute", context) == Errno.RUNTIME_ERROR  # the input is not set any more
    assert host.set_input(context, 0, THREE) == 0
    assert host.call("compute", context) == 0


def test_a_tensor_outside_of_the_memory_stops_the_guest() -> None:
    host = Adapted()
    context = host.start()
    parts = host.write(0x80, struct.pack("<5I", 0x100, 1, 1, 0x7FFF_0000, 64))
    with pytest.raises(Exception, match="out of bounds"):
        host.call("set_input", context, 0, parts)
