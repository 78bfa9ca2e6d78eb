"""A registry that is busy, or breaks off: which requests are made again, and how often."""

from __future__ import annotations

import socket
import struct
import time
from collections import Counter
from collections.abc import Callable
from email.utils import formatdate

import pytest

from nnshim.registries import again
from rewriter.errors import OutputError
from tests.nnshim.registries.using import guest, pull, put, refused
from tests.support.artifacts import GUEST
from tests.support.played_registry import Asked, Played


def reset(asked: Asked) -> bool:
    """Send half of a layer, and end the connection as a crash does."""
    asked.send_response(200)
    asked.send_header("Content-Length", str(len(GUEST)))
    asked.end_headers()
    asked.wfile.write(GUEST[: len(GUEST) // 2])
    asked.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    asked.connection.shutdown(socket.SHUT_RDWR)
    asked.connection.close()
    return True


def cut_off(asked: Asked) -> bool:
    asked.send_response(200)
    asked.send_header("Content-Length", str(len(GUEST)))
    asked.end_headers()
    asked.wfile.write(GUEST[: len(GUEST) // 2])
    asked.close_connection = True
    return True


def silent(asked: Asked) -> bool:
    asked.close_connection = True
    asked.connection.shutdown(socket.SHUT_RDWR)
    return True


def times(number: int, what: Callable[[Asked], bool], part: str = "") -> Callable[[Asked], bool]:
    """Do this with the first requests for a part, and answer the others."""
    done: Counter[str] = Counter()

    def first(asked: Asked) -> bool:
        if part not in asked.path or done[""] == number:
            return False
        done[""] += 1
        return what(asked)

    return first


def busy(status: int, **headers: str) -> Callable[[Asked], bool]:
    return lambda asked: asked.answer(status, b"", **headers)


FAULTS = {
    "429": busy(429, Retry_After="0"),
    "429 until a date": busy(429, Retry_After=formatdate(time.time() - 5, usegmt=True)),
    "429 for no time": busy(429, Retry_After="soon"),
    "502": busy(502),
    "503": busy(503),
    "504": busy(504),
    "reset": reset,
    "cut off": cut_off,
    "no answer": silent,
}


@pytest.mark.parametrize("part", ["/manifests/", "/blobs/"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_what_passes_is_tried_again(
    fault: Callable[[Asked], bool], part: str, registry: Played
) -> None:
    reference = guest(registry)
    registry.first = times(2, fault, part)
    assert pull(reference).data == GUEST
    assert len(registry.asked) == 5


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (busy(429, Retry_After="0"), "answers 429 (too many requests) for manifests/1, after 3"),
        (busy(503), "answers 503 (it is not available) for manifests/1, after 3 attempts"),
        (reset, "(3 attempts)"),
        (silent, "(3 attempts)"),
    ],
    ids=["429", "503", "reset", "no answer"],
)
def test_what_does_not_pass_is_an_error_after_three_attempts(
    fault: Callable[[Asked], bool], said: str, registry: Played
) -> None:
    reference = guest(registry)
    registry.first = fault
    assert said in refused(reference, "NN022")
    assert len(registry.asked) == 3


def test_a_long_wait_is_said_and_not_waited_for(
    registry: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    reference = guest(registry)
    registry.first = busy(429, Retry_After="3600")
    assert "it asks to wait 3600 s" in refused(reference, "NN022")
    assert (len(registry.asked), waited) == (1, [])
    registry.first = busy(503, Retry_After="7")
    refused(reference, "NN022")
    assert waited == [7, 7]
    registry.first = busy(503)
    refused(reference, "NN022")
    assert waited[2:] == [again.FIRST, again.FIRST * 2]


@pytest.mark.parametrize("status", [400, 403, 404, 416, 500])
def test_other_answers_are_not_asked_for_again(status: int, registry: Played) -> None:
    reference = guest(registry)
    registry.first = busy(status)
    refused(reference, {403: "NN023", 404: "NN024"}.get(status, "NN022"))
    assert len(registry.asked) == 1


def test_an_upload_is_not_started_again_and_a_tag_is_set_again(registry: Played) -> None:
    for command, part in (("POST", "/uploads/"), ("PUT", "/uploads/")):
        registry.asked.clear()
        registry.first = lambda asked, command=command, part=part: (
            asked.command == command and part in asked.path and asked.answer(503)
        )
        with pytest.raises(OutputError) as raised:
            put(f"oci://{registry.host}/some/guest:1")
        assert raised.value.code == "NN027"
        assert [method for method, _, _ in registry.asked].count(command) == 1
        assert registry.manifests == {}
    registry.asked.clear()
    registry.first = times(2, busy(503), "/manifests/")
    put(f"oci://{registry.host}/some/guest:1")
    assert pull(f"oci://{registry.host}/some/guest:1").data == GUEST


def test_a_registry_that_is_not_there_is_asked_once(
    registry: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    refused("oci://127.0.0.1:1/some/guest:1", "NN022")
    assert waited == []
