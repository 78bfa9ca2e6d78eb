"""A guest in text that can call every lowered function of wasi:nn as it likes."""

from __future__ import annotations

from functools import cache

from runtime_shim import CAPTURED, Limits, NNHost, Outcome, RunOptions, run
from tests.support.models import identity
from tests.support.wit import JUNE, OCTOBER, command

__all__ = ["core", "guest", "host", "outcome"]

_MODEL_AT = 4096

_FUNCTIONS = {
    "new": ("tensor", "[constructor]tensor", "i32 i32 i32 i32 i32", True),
    "dims": ("tensor", "[method]tensor.dimensions", "i32 i32", False),
    "ty": ("tensor", "[method]tensor.ty", "i32", True),
    "data": ("tensor", "[method]tensor.data", "i32 i32", False),
    "drop_tensor": ("tensor", "[resource-drop]tensor", "i32", False),
    "load": ("graph", "load", "i32 i32 i32 i32 i32", False),
    "load_by_name": ("graph", "load-by-name", "i32 i32 i32", False),
    "init": ("graph", "[method]graph.init-execution-context", "i32 i32", False),
    "drop_graph": ("graph", "[resource-drop]graph", "i32", False),
    "code": ("errors", "[method]error.code", "i32", True),
    "text": ("errors", "[method]error.data", "i32 i32", False),
    "drop_error": ("errors", "[resource-drop]error", "i32", False),
    "drop_context": ("inference", "[resource-drop]graph-execution-context", "i32", False),
}
_CONTEXT = "[method]graph-execution-context."
_AT_ONCE = {"compute": ("inference", f"{_CONTEXT}compute", "i32 i32 i32 i32", False)}
_IN_STEPS = {
    "set_input": ("inference", f"{_CONTEXT}set-input", "i32 i32 i32 i32 i32", False),
    "compute": ("inference", f"{_CONTEXT}compute", "i32 i32", False),
    "get_output": ("inference", f"{_CONTEXT}get-output", "i32 i32 i32 i32", False),
}
_MADE = {"error": ("errors", "[constructor]error", "i32 i32 i32", True)}


def core(
    body: str,
    version: str = OCTOBER,
    realloc: str = "",
    model: bytes = b"",
    encoding: int = 1,
) -> str:
    """A module whose `run` is `body`, and fails by `unreachable`. `realloc` runs in its realloc.
    With another encoding than ONNX (1), the model gets an empty second part.

    Bytes at 0: a list of one dimension, 4; at 16, of two, 1 and 4. 32: four floats, 1 to 4. 64: the
    name `x`. 72: `y`. 80: a byte that is not UTF-8. 96: a builder for the model, of 8 bytes. 128 to
    255: empty, for result areas and lists.
    """
    functions = {**_FUNCTIONS, **(_AT_ONCE if version == OCTOBER else _IN_STEPS)}
    functions |= _MADE if version == JUNE else {}
    imports = "".join(
        f'(import "wasi:nn/{interface}@{version}" "{name}"'
        f" (func ${short} (param {parameters}) {'(result i32)' * has_result}))"
        for short, (interface, name, parameters, has_result) in functions.items()
    )
    model = model or identity()
    escaped = "".join(f"\\{byte:02x}" for byte in model)
    return f"""(module {imports}
      (memory (export "memory") 2)
      (data (i32.const 0) "\\04\\00\\00\\00")
      (data (i32.const 16) "\\01\\00\\00\\00\\04\\00\\00\\00")
      (data (i32.const 32) "\\00\\00\\80\\3f\\00\\00\\00\\40\\00\\00\\40\\40\\00\\00\\80\\40")
      (data (i32.const 64) "x")
      (data (i32.const 72) "y")
      (data (i32.const 80) "\\ff")
      (data (i32.const {_MODEL_AT}) "{escaped}")
      (global $top (mut i32) (i32.const 65536))
      (global $kept (mut i32) (i32.const 0))
      (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
        {realloc}
        (global.set $top (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
        (global.set $top (i32.add (global.get $top) (local.get 3)))
        (i32.sub (global.get $top) (local.get 3)))
      (func $is (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
      ;; A tensor of four floats.
      (func $tensor (result i32)
        (call $new (i32.const 16) (i32.const 2) (i32.const 1) (i32.const 32) (i32.const 16)))
      (func $graph (result i32)
        (i32.store (i32.const 96) (i32.const {_MODEL_AT}))
        (i32.store (i32.const 100) (i32.const {len(model)}))
        (call $load (i32.const 96) (i32.const {1 + (encoding != 1)}) (i32.const {encoding})
          (i32.const 0) (i32.const 128))
        (call $is (i32.load8_u (i32.const 128)) (i32.const 0))
        (i32.load (i32.const 132)))
      (func $context (result i32)
        (call $init (call $graph) (i32.const 128))
        (call $is (i32.load8_u (i32.const 128)) (i32.const 0))
        (i32.load (i32.const 132)))
      ;; At 144: a list of one named tensor.
      (func $named (param $name i32) (param $length i32) (param $tensor i32)
        (i32.store (i32.const 144) (local.get $name))
        (i32.store (i32.const 148) (local.get $length))
        (i32.store (i32.const 152) (local.get $tensor)))
      ;; The error at 128 has this code. It is dropped.
      (func $failed (param $code i32)
        (call $is (i32.load8_u (i32.const 128)) (i32.const 1))
        (call $is (call $code (i32.load (i32.const 132))) (local.get $code))
        (call $drop_error (i32.load (i32.const 132))))
      (func (export "wasi:cli/run@0.2.0#run") (result i32)
        (local $a i32) (local $b i32)
        {body}
        (i32.const 0)))"""


@cache
def guest(
    body: str, version: str = OCTOBER, realloc: str = "", model: bytes = b"", encoding: int = 1
) -> bytes:
    """The component of such a module."""
    return command(core(body, version, realloc, model, encoding), version)


def host(limits: Limits = Limits()) -> NNHost:  # noqa: B008 - it cannot be changed
    return NNHost(limits=limits)


def outcome(
    body: str,
    version: str = OCTOBER,
    realloc: str = "",
    limits: Limits = Limits(),  # noqa: B008 - it cannot be changed
    model: bytes = b"",
    encoding: int = 1,
) -> Outcome:
    """How a guest with this body ends."""
    options = RunOptions(cache=False, stdout=CAPTURED, stderr=CAPTURED)
    return run(guest(body, version, realloc, model, encoding), host(limits), options)
