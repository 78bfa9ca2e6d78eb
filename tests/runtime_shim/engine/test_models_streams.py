"""What models print, as the output of the guest that computes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rewriter.abi.dialects import Encoding, Target
from runtime_shim import (
    CAPTURED,
    Limits,
    NamedGraph,
    NNHost,
    Reason,
    RunOptions,
    run,
)
from runtime_shim.backends.common import guest_output
from runtime_shim.testing import FakeBackend
from tests.runtime_shim.engine.test_streams import MIB
from tests.support.spies import install
from tests.support.wasm import assemble

PRINTS = """(module
  (import "wasi_nn" "load_by_name" (func $load (param i32 i32 i32) (result i32)))
  (import "wasi_nn" "init_execution_context" (func $init (param i32 i32) (result i32)))
  (import "wasi_nn" "compute" (func $compute (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 64) "model") (data (i32.const 72) "<>")
  (func $put (param $at i32)
    (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (i32.const 1))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func (export "_start")
    (if (call $load (i32.const 64) (i32.const 5) (i32.const 16)) (then unreachable))
    (if (call $init (i32.load (i32.const 16)) (i32.const 16)) (then unreachable))
    (call $put (i32.const 72))
    (drop (call $compute (i32.load (i32.const 16))))
    (call $put (i32.const 73))))"""

PRINTER = """
from runtime_shim.backends.common import guest_output
from runtime_shim.testing import FakeBackend

def infer(inputs):
    guest_output.write(b"model")
    return inputs

def create(settings):
    return FakeBackend(infer)
"""


@pytest.mark.parametrize("isolate", [False, True])
def test_what_a_named_graph_prints_is_in_the_output_of_the_guest_that_computes(
    isolate: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    install(tmp_path, PRINTER, "mlx")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "model").write_bytes(b"any")
    graph = NamedGraph("model", Encoding.MLX, Target.CPU, (str(tmp_path / "model"),))
    with NNHost(graphs=[graph], isolate=isolate) as host:
        module = assemble(PRINTS)

        def printed(_: int) -> bytes | None:
            return run(module, host, RunOptions(stdout=CAPTURED), check=True).stdout

        with ThreadPoolExecutor(3) as pool:
            assert list(pool.map(printed, range(9))) == [b"<model>"] * 9
        assert capfd.readouterr().out == ""
        run(module, host, check=True)
    assert capfd.readouterr().out == "<model>"


def test_a_model_that_prints_without_an_end_is_stopped_by_the_limit(tmp_path: Path) -> None:
    def infer(_: object) -> list[bytes]:
        while True:
            guest_output.write(bytes(1000))

    (tmp_path / "model").write_bytes(b"any")
    graph = NamedGraph("model", Encoding.ONNX, Target.CPU, (str(tmp_path / "model"),))
    host = NNHost(
        backends={Encoding.ONNX: FakeBackend(infer)}, graphs=[graph], limits=Limits(output=MIB)
    )
    outcome = run(assemble(PRINTS), host, RunOptions(stdout=CAPTURED))
    assert (outcome.reason, len(outcome.stdout or b"")) == (Reason.TOO_MUCH_OUTPUT, MIB)
