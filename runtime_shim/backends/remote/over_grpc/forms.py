"""Answers that differ only in their ids and in their data, as most answers of a model do. Such an
answer is not parsed again, which takes as long as everything else that is done for a small one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from runtime_shim.backends.remote.interface import Answered
from runtime_shim.backends.remote.over_grpc.wire import RAW_OUTPUT, varint

__all__ = ["Form", "form_of"]

_LONGEST = 1 << 14
"""In bytes, of answers that have a form. A longer one takes so long that it makes no difference."""


class Form(NamedTuple):
    """What is before and after the id of an answer, up to the data of its one output."""

    before: bytes
    after: bytes
    output: Answered
    size: int

    def output_of(self, answer: bytes, request_id: bytes) -> Answered | None:
        """The output of an answer to a request with this id. None if it has another form."""
        if answer[: -self.size] != self.before + request_id + self.after:
            return None
        return self.output._replace(data=memoryview(answer)[-self.size :])


def form_of(answer: bytes, parsed: Any, outputs: Sequence[Answered]) -> Form | None:
    """The form of an answer that was parsed, and found to have these outputs. None if its one
    output is not in raw form at the end, or its id cannot be told from what else is in it."""
    if len(answer) > _LONGEST or len(outputs) != 1 or len(parsed.raw_output_contents) != 1:
        return None
    (output,), (data,) = outputs, parsed.raw_output_contents
    ends = RAW_OUTPUT + varint(len(data)) + data
    if not (data and parsed.id and answer.endswith(ends)):
        return None
    before, *others = answer[: -len(data)].split(parsed.id.encode())
    return Form(before, others[0], output, len(data)) if len(others) == 1 else None
