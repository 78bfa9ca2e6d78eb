"""Programs from text that make inferences by wasi:nn, a step a call.

Names of inputs and outputs are one letter: what a program takes as a name is its code.
"""

from __future__ import annotations

from pathlib import Path

from onnx import TensorProto, helper

from rewriter.abi.snapshots import JUNE, OCTOBER, PACKAGE, Snapshot
from rewriter.inlining.shims.types import ERROR_CODES
from tests.rewriter.inlining.guests import MEMORY
from tests.support.wasm import assemble

__all__ = [
    "ADDED",
    "FINE",
    "STAYED",
    "composed",
    "got",
    "imports",
    "program",
    "program_text",
    "save_model",
]

FINE = 100
"""What a step returns that has worked. Otherwise it is the code of an error."""

_STEPS = """
  (export "[method]graph-execution-context.set-input"
    (func (param "self" $self) (param "name" string) (param "tensor" $own) (result $nothing)))
  (export "[method]graph-execution-context.compute" (func (param "self" $self) (result $nothing)))
  (export "[method]graph-execution-context.get-output"
    (func (param "self" $self) (param "name" string) (result (result $own (error $failed)))))
"""
_COMPUTE = """
  (type $pair (tuple string $own))
  (export "named-tensor" (type $named (eq $pair)))
  (type $list (list $named))
  (export "[method]graph-execution-context.compute" (func (param "self" $self)
    (param "inputs" $list) (result (result $list (error $failed)))))
"""


def imports(snapshot: Snapshot) -> str:
    version = snapshot.version
    made = '(export "[constructor]error" (func (param "code" $c) (param "data" string)'
    return f"""
  (import "{PACKAGE}/tensor@{version}" (instance $tensor
    (type $t (enum "FP16" "FP32" "FP64" "BF16" "U8" "I32" "I64"))
    (export "tensor-type" (type $type (eq $t)))
    (export "tensor" (type $tensor (sub resource)))
    (export "[constructor]tensor" (func (param "dimensions" (list u32))
      (param "ty" $type) (param "data" (list u8)) (result (own $tensor))))
    (export "[method]tensor.data" (func (param "self" (borrow $tensor)) (result (list u8))))))
  (import "{PACKAGE}/errors@{version}" (instance $errors
    (type $code (enum {" ".join(f'"{code}"' for code in ERROR_CODES)}))
    (export "error-code" (type $c (eq $code)))
    (export "error" (type $error (sub resource)))
    {made + "(result (own $error))))" if snapshot is JUNE else ""}
    (export "[method]error.code" (func (param "self" (borrow $error)) (result $c)))
    (export "[method]error.data" (func (param "self" (borrow $error)) (result string)))))
  (alias export $tensor "tensor" (type $a-tensor))
  (alias export $errors "error" (type $an-error))
  (import "{PACKAGE}/inference@{version}" (instance $inference
    (export "graph-execution-context" (type $context (sub resource)))
    (alias outer 1 $a-tensor (type $outer-tensor))
    (export "tensor" (type $tensor (eq $outer-tensor)))
    (alias outer 1 $an-error (type $outer-error))
    (export "error" (type $error (eq $outer-error)))
    (type $self (borrow $context))
    (type $own (own $tensor))
    (type $failed (own $error))
    (type $nothing (result (error $failed)))
    {_COMPUTE if snapshot is OCTOBER else _STEPS}))
  (alias export $inference "graph-execution-context" (type $a-context))
  (import "{PACKAGE}/graph@{version}" (instance $graph
    (export "graph" (type $graph (sub resource)))
    (alias outer 1 $a-context (type $outer-context))
    (export "graph-execution-context" (type $context (eq $outer-context)))
    (alias outer 1 $an-error (type $outer-error))
    (export "error" (type $error (eq $outer-error)))
    (export "[method]graph.init-execution-context"
      (func (param "self" (borrow $graph)) (result (result (own $context) (error (own $error))))))
    (export "load-by-name" (func (param "name" string)
      (result (result (own $graph) (error (own $error))))))))
"""


_CALLS = (
    ("new", "tensor", "[constructor]tensor", "i32 i32 i32 i32 i32", True),
    ("data", "tensor", "[method]tensor.data", "i32 i32", False),
    ("code", "errors", "[method]error.code", "i32", True),
    ("text", "errors", "[method]error.data", "i32 i32", False),
    ("init", "graph", "[method]graph.init-execution-context", "i32 i32", False),
    ("load", "graph", "load-by-name", "i32 i32 i32", False),
)
_CONTEXT = "[method]graph-execution-context."
_STEP_CALLS = (
    ("set", "inference", f"{_CONTEXT}set-input", "i32 i32 i32 i32 i32", False),
    ("compute", "inference", f"{_CONTEXT}compute", "i32 i32", False),
    ("get", "inference", f"{_CONTEXT}get-output", "i32 i32 i32 i32", False),
)
_COMPUTE_CALLS = (("compute", "inference", f"{_CONTEXT}compute", "i32 i32 i32 i32", False),)
_MADE_CALLS = (("made", "errors", "[constructor]error", "i32 i32 i32", True),)
_DROPS = (
    ("drop-tensor", "$a-tensor"),
    ("drop-error", "$an-error"),
    ("drop-context", "$a-context"),
)

_BODY = """
  (data (i32.const 60) "m")
  (func $fine (result i32)
    (local $error i32)
    (if (i32.eqz (i32.load8_u (i32.const 64))) (then (return (i32.const 100))))
    (local.set $error (i32.load (i32.const 68)))
    (call $text (local.get $error) (i32.const 96))
    (call $code (local.get $error))
    (call $drop-error (local.get $error)))
  (func (export "text") (result i32) (i32.const 96))
  (func (export "drop") (param i32) (call $drop-context (local.get 0)))
  (func $do-context (export "context") (result i32)
    (call $load (i32.const 60) (i32.const 1) (i32.const 64))
    (if (i32.load8_u (i32.const 64)) (then unreachable))
    (call $init (i32.load (i32.const 68)) (i32.const 64))
    (if (i32.load8_u (i32.const 64)) (then unreachable))
    (i32.load (i32.const 68)))
  (func $tensor (param $byte i32) (result i32)
    (i32.store (i32.const 32) (i32.const 1))
    (i32.store8 (i32.const 36) (local.get $byte))
    (call $new (i32.const 32) (i32.const 1) (i32.const 4) (i32.const 36) (i32.const 1)))
  (func $byte (param $tensor i32) (result i32)
    (call $data (local.get $tensor) (i32.const 80))
    (call $drop-tensor (local.get $tensor))
    (i32.load8_u (i32.load (i32.const 80))))
"""
_STEP_BODY = """
  (func $do-set (export "set")
    (param $context i32) (param $name i32) (param $value i32) (result i32)
    (i32.store8 (i32.const 40) (local.get $name))
    (call $set (local.get $context) (i32.const 40) (i32.const 1)
      (call $tensor (local.get $value)) (i32.const 64))
    (i32.store8 (i32.const 40) (i32.const 0))
    (call $fine))
  (func $do-compute (export "compute") (param $context i32) (result i32)
    (call $compute (local.get $context) (i32.const 64))
    (call $fine))
  (func $do-get (export "get") (param $context i32) (param $name i32) (result i32)
    (i32.store8 (i32.const 40) (local.get $name))
    (call $get (local.get $context) (i32.const 40) (i32.const 1) (i32.const 64))
    (if (i32.load8_u (i32.const 64)) (then (return (call $fine))))
    (i32.add (i32.const 1000) (call $byte (i32.load (i32.const 68)))))
"""
_COMPUTE_BODY = """
  (global $count (mut i32) (i32.const 0))
  (func $do-set (export "set")
    (param $context i32) (param $name i32) (param $value i32) (result i32)
    (local $at i32)
    (i32.store8 (i32.add (i32.const 512) (global.get $count)) (local.get $name))
    (local.set $at (i32.add (i32.const 256) (i32.mul (global.get $count) (i32.const 12))))
    (i32.store (local.get $at) (i32.add (i32.const 512) (global.get $count)))
    (i32.store offset=4 (local.get $at) (i32.const 1))
    (i32.store offset=8 (local.get $at) (call $tensor (local.get $value)))
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (i32.const 100))
  (func $do-compute (export "compute") (param $context i32) (result i32)
    (call $compute (local.get $context) (i32.const 256) (global.get $count) (i32.const 64))
    (global.set $count (i32.const 0))
    (call $fine))
  (func $do-get (export "get") (param $context i32) (param $name i32) (result i32)
    (local $at i32) (local $end i32)
    (local.set $at (i32.load (i32.const 68)))
    (local.set $end
      (i32.add (local.get $at) (i32.mul (i32.load (i32.const 72)) (i32.const 12))))
    (loop $next
      (if (i32.eq (local.get $at) (local.get $end)) (then (return (i32.const 99))))
      (if (i32.and
            (i32.eq (i32.load8_u (i32.load (local.get $at))) (local.get $name))
            (i32.eq (i32.load offset=4 (local.get $at)) (i32.const 1)))
        (then (return (i32.add (i32.const 1000) (call $byte (i32.load offset=8 (local.get $at)))))))
      (local.set $at (i32.add (local.get $at) (i32.const 12)))
      (br $next))
    unreachable)
"""
_MADE_BODY = """
  (data (i32.const 48) "made")
  (func (export "made") (param $code i32) (result i32)
    (i32.store8 (i32.const 64) (i32.const 1))
    (i32.store (i32.const 68) (call $made (local.get $code) (i32.const 48) (i32.const 4)))
    (call $fine))
"""


_COMMAND = """
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command))
"""


def program(snapshot: Snapshot, run: str = "") -> bytes:
    """The component of `program_text`."""
    return assemble(program_text(snapshot, run))


def composed(snapshot: Snapshot, run: str = "") -> bytes:
    """A component that passes what it imports on to such a program, which is inside it."""
    given = " ".join(
        f'(with "{PACKAGE}/{name}@{snapshot.version}" (instance ${name}))'
        for name in ("tensor", "errors", "inference", "graph")
    )
    names = ["context", "set", "compute", "get", "drop", "text"]
    names += ["made"] if snapshot is JUNE else []
    exports = " ".join(f'(export "{name}" (func $program "{name}"))' for name in names)
    if run:
        exports += '(export "wasi:cli/run@0.2.0" (instance $program "wasi:cli/run@0.2.0"))'
    inner = program_text(snapshot, run).replace("(component", "(component $program", 1)
    return assemble(f"""(component {imports(snapshot)} {inner}
      (instance $program (instantiate $program {given})) {exports})""")


def program_text(snapshot: Snapshot, run: str = "") -> str:
    """A component of this version, whose functions make one step each.

    `set`, `compute` and `get` take a context from `context`; a value is the one byte of a tensor,
    and `get` returns 1000 more. An October program keeps inputs until `compute`, and `get` looks at
    what it has returned: 99 if there is no such name. `text` is that of the last error.

    It is a command if there are instructions to `run`, which call these functions as `$do-set` and
    so on, and whose result is 0 if all is well.
    """
    calls = [*_CALLS, *(_COMPUTE_CALLS if snapshot is OCTOBER else _STEP_CALLS)]
    body = _BODY + (_COMPUTE_BODY if snapshot is OCTOBER else _STEP_BODY)
    if snapshot is JUNE:
        calls += _MADE_CALLS
        body += _MADE_BODY
    body += f'(func (export "run") (result i32) (local $context i32) {run})' if run else ""
    result = {True: "(result i32)", False: ""}
    imported = [
        f'(import "nn" "{name}" (func ${name} (param {kinds}) {result[has]}))'
        for name, _, _, kinds, has in calls
    ]
    imported += [f'(import "nn" "{name}" (func ${name} (param i32)))' for name, _ in _DROPS]
    options = "(memory $memory) (realloc $realloc) string-encoding=utf8"
    lowered = [
        f'(core func ${name} (canon lower (func ${of} "{function}") '
        f"{'' if name == 'code' else options}))"
        for name, of, function, _, _ in calls
    ]
    lowered += [f"(core func ${name} (canon resource.drop {of}))" for name, of in _DROPS]
    names = [name for name, *_ in calls] + [name for name, _ in _DROPS]
    given = " ".join(f'(export "{name}" (func ${name}))' for name in names)
    lifted = [
        (name, " ".join(f'(param "p{at}" u32)' for at in range(count)))
        for name, count in (("context", 0), ("set", 3), ("compute", 1), ("get", 2), ("made", 1))
        if name != "made" or snapshot is JUNE
    ]
    functions = [
        f'(func (export "{name}") {parameters} (result u32) '
        f'(canon lift (core func $main "{name}")))'
        for name, parameters in lifted
    ]
    return f"""(component {imports(snapshot)} {MEMORY} {" ".join(lowered)}
      (core module $main (import "store" "memory" (memory 1)) {" ".join(imported)} {body})
      (core instance $nn {given})
      (core instance $main
        (instantiate $main (with "nn" (instance $nn)) (with "store" (instance $store))))
      {" ".join(functions)} {_COMMAND if run else ""}
      (func (export "drop") (param "p0" u32) (canon lift (core func $main "drop")))
      (func (export "text") (result string)
        (canon lift (core func $main "text") (memory $memory) string-encoding=utf8)))"""


ADDED = """
  (local.set $context (call $do-context))
  (if (i32.ne (call $do-set (local.get $context) (i32.const 97) (i32.const 3)) (i32.const 100))
    (then unreachable))
  (drop (call $do-set (local.get $context) (i32.const 98) (i32.const 4)))
  (if (i32.ne (call $do-compute (local.get $context)) (i32.const 100)) (then unreachable))
"""
"""Computes 3 + 4, in a context that it leaves in $context."""

STAYED = (
    ADDED
    + """
  (drop (call $do-set (local.get $context) (i32.const 98) (i32.const 5)))
  (if (i32.ne (call $do-compute (local.get $context)) (i32.const 100)) (then unreachable))
"""
)

"""And then 3 + 5, without setting the 3 again."""


def got(name: str, value: int) -> str:
    """Whether `get` returns something else."""
    return (
        f"(i32.ne (call $do-get (local.get $context) (i32.const {ord(name)})) (i32.const {value}))"
    )


def save_model(folder: Path) -> Path:
    """An ONNX model that adds a and b, and returns the sum as s and a as f."""
    nodes = [
        helper.make_node("Add", ["a", "b"], ["s"]),
        helper.make_node("Identity", ["a"], ["f"]),
    ]
    a, b, s, f = (helper.make_tensor_value_info(name, TensorProto.UINT8, [1]) for name in "absf")
    graph = helper.make_graph(nodes, "add", [a, b], [s, f])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    return folder / "model.onnx"
