"""What is moved into an arena, and when its room is given back."""

from __future__ import annotations

from rewriter.abi.dialects import WITX, Encoding, Target, TensorType
from runtime_shim import NNHost
from runtime_shim.host.shared_tensors import Arena
from tests.support.models import identity

FIRST = 32768
"""Bytes, before which the entries are."""


class Context:
    """Has one input and one output, and writes down where they are moved to."""

    def __init__(self) -> None:
        self.inputs: list[memoryview] = []
        self.outputs: list[memoryview] = []
        self.moves = True

    def set_input(
        self, index: int, tensor_type: TensorType, shape: tuple[int, ...], data: memoryview
    ) -> None: ...

    def compute(self) -> None: ...

    def get_output(self, index: int) -> memoryview:
        return memoryview(b"")

    def move_input(self, index: int, buffer: memoryview) -> bool:
        self.inputs.append(buffer)
        return self.moves

    def move_output(self, index: int, buffer: memoryview) -> bool:
        self.outputs.append(buffer)
        if not self.moves:
            raise RuntimeError("not this one")
        return True


def arena(room: int) -> tuple[Arena, memoryview]:
    memory = memoryview(bytearray(FIRST + room))
    return Arena(memory, WITX), memory


def set_floats(tested: Arena, handle: int, count: int) -> None:
    tested.input_set(handle, 0, TensorType.F32, (count,), 4 * count, TensorType.F32)


def used(tested: Arena, handle: int, count: int) -> Context:
    """A context that was fed twice."""
    context = Context()
    tested.admit(handle, context)
    for _ in range(2):
        set_floats(tested, handle, count)
    return context


def test_a_tensor_is_moved_when_it_is_used_for_the_second_time() -> None:
    tested, _ = arena(4096)
    context = Context()
    tested.admit(1, context)
    set_floats(tested, 1, 10)
    output = memoryview(b"abcd")
    assert tested.output_read(1, 0, output) is output
    assert not context.inputs + context.outputs
    set_floats(tested, 1, 10)
    assert [len(buffer) for buffer in context.inputs] == [40]
    moved = tested.output_read(1, 0, output)
    assert [moved] == context.outputs
    set_floats(tested, 1, 10)
    tested.output_read(1, 0, moved)
    assert len(context.inputs) == len(context.outputs) == 1


def test_tensors_do_not_touch() -> None:
    tested, memory = arena(4096)
    contexts = [used(tested, handle, count) for handle, count in ((1, 1), (2, 16), (3, 17))]
    for number, context in enumerate(contexts, 1):
        context.inputs[0][:] = bytes([number]) * len(context.inputs[0])
    for number, context in enumerate(contexts, 1):
        assert set(context.inputs[0]) == {number}
    assert not any(memory[FIRST + 64 + 64 + 128 :])


def test_a_tensor_without_room_stays_until_another_context_goes() -> None:
    tested, _ = arena(128)
    used(tested, 1, 16)
    used(tested, 2, 16)
    third = used(tested, 3, 16)
    assert not third.inputs
    tested.dismiss(2)
    set_floats(tested, 3, 16)
    assert len(third.inputs) == 1


def test_another_shape_gives_the_room_back() -> None:
    tested, _ = arena(64)
    first = used(tested, 1, 16)
    set_floats(tested, 1, 4)
    second = used(tested, 2, 16)
    assert len(first.inputs) == len(second.inputs) == 1


def test_a_hundred_thousand_contexts_after_each_other_need_no_more_room() -> None:
    tested, _ = arena(64)
    for handle in range(1, 100_000):
        assert len(used(tested, handle, 16).inputs) == 1
        tested.dismiss(handle)


def test_a_tensor_that_cannot_be_moved_takes_no_room() -> None:
    tested, memory = arena(64)
    context = Context()
    context.moves = False
    tested.admit(1, context)
    for _ in range(3):
        set_floats(tested, 1, 16)
        output = memoryview(bytes(64))
        assert tested.output_read(1, 0, output) is output
    assert not any(memory)  # no entries
    assert len(used(tested, 2, 16).inputs) == 1


def test_another_shape_that_cannot_have_an_entry_takes_the_old_one_away() -> None:
    tested, memory = arena(4096)
    used(tested, 1, 1)
    assert memory[8 * 64] == 1
    for _ in range(2):
        tested.input_set(1, 0, TensorType.F32, (1,) * 9, 4, TensorType.F32)
    assert memory[8 * 64 : 8 * 64 + 4].tobytes() == bytes(4)  # of its entry, the context


def test_tensors_of_nothing_and_of_many_dimensions_stay() -> None:
    tested, memory = arena(4096)
    context = Context()
    tested.admit(1, context)
    for shape in ((0,), (1,) * 9):
        for _ in range(3):
            tested.input_set(1, 0, TensorType.F32, shape, 4 * sum(shape), TensorType.F32)
    assert not context.inputs
    assert not any(memory)


def test_a_context_that_is_dismissed_leaves_no_entry() -> None:
    tested, memory = arena(4096)
    context = used(tested, 7, 16)
    for _ in range(2):
        tested.output_read(7, 0, memoryview(bytes(4)))
    assert context.outputs
    assert memory[:FIRST].tobytes().count(b"\x07") == 2
    tested.dismiss(7)
    assert memory[:FIRST].tobytes().count(b"\x07") == 0


class Life:
    """Of a store."""

    is_over = False


def test_contexts_end_with_the_store_in_whichever_arena_their_tensors_are() -> None:
    data = memoryview(bytearray(16))
    life = Life()
    with NNHost() as host, host.session() as session:
        graph = session.load([identity()], Encoding.ONNX, Target.CPU)
        contexts = []
        for _ in range(2):
            tested, _ = arena(4096)
            session.use_arena(tested, life)
            contexts.append(session.init_execution_context(graph))
            for _ in range(2):
                session.set_input(contexts[-1], 0, TensorType.F32, (1, 4), data, WITX)
            assert tested.residents() == contexts[-1:]
        left = session.init_execution_context(graph)
        life.is_over = True
        assert not session.has_arena
        assert [*session.contexts] == [left]
