"""Models that come from the object store, where several workers of a machine want them."""

from __future__ import annotations

import hashlib
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

import nnshim
from nnshim.fleets.guests import guest_with
from nnshim.fleets.remote import placed
from nnshim.fleets.remote.placed import PlacedGuests, _File
from tests.support.fleets import NAMED
from tests.support.models import identity
from tests.support.wasm import assemble


def test_workers_that_start_together_write_a_model_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = identity(dims=(1, 2))
    path = str(tmp_path / "elsewhere" / "same.onnx")
    graph = nnshim.NamedGraph("same", nnshim.Encoding.ONNX, nnshim.Target.CPU, (path,))
    guest = guest_with(assemble(NAMED), nnshim.RunOptions(), {"graphs": [graph]})
    asked: list[bytes] = []

    def get(stored: bytes) -> bytes:
        asked.append(stored)
        time.sleep(0.2)  # in which the others begin
        return stored

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(get=get))
    monkeypatch.setattr(placed, "_session_folder", lambda: str(tmp_path / "session"))
    file = _File(hashlib.sha256(data).hexdigest(), data)
    found: list[str] = []

    def start() -> None:
        guests = PlacedGuests(guest, [[("same.onnx", path)]], {path: file}, [])
        found.extend(guests._placed(graph, [("same.onnx", path)]).paths)

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert Path(found[0]).read_bytes() == data
    assert asked == [data]
