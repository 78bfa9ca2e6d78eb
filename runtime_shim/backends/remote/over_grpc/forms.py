"""Answers that differ only in their ids and in their data, as most answers of a model do. Such an
answer is not parsed again, which takes as long as everything else that is done for a small one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError

from runtime_shim.backends.remote.interface import Answered

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
    """The form of an answer that was parsed, and found to have these outputs. None if it has not
    one output, or does not end with its data in raw form."""
    if len(answer) > _LONGEST or len(outputs) != 1 or len(parsed.raw_output_contents) != 1:
        return None
    (output,), (data,), request_id = outputs, parsed.raw_output_contents, parsed.id.encode()
    parts = answer[: -len(data)].split(request_id) if data and request_id else []
    if len(parts) != 2 or not answer.endswith(data):
        return None
    form = Form(parts[0], parts[1], output, len(data))
    return form if _is_form(form, type(parsed), answer, request_id) else None


def _is_form(form: Form, message: Any, answer: bytes, request_id: bytes) -> bool:
    """Whether an answer with another id and other data in these places is the same otherwise."""
    another = request_id[::-1]
    data = bytes(0xFF - each for each in answer[-form.size :])
    try:
        read = message.FromString(answer)
        other = message.FromString(form.before + another + form.after + data)
    except (DecodeError, UnicodeDecodeError):
        return False
    differs = other.id == another.decode() and list(other.raw_output_contents) == [data]
    for each in (read, other):
        each.ClearField("id")
        each.ClearField("raw_output_contents")
    return differs and bool(read == other)
