"""Small modules that each use one feature of WebAssembly, for tests.heavy.engine_cases."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["FEATURES"]

_MEMORY = '(memory (export "memory") 1)'


def _uses(content: str, body: str = "", memory: str = _MEMORY) -> str:
    """A command that has `content`, and `body` in its only function."""
    return f'(module {content} {memory} (func (export "_start") {body}))'


FEATURES: Mapping[str, str] = {
    "nothing": _uses(""),
    "mutable-global-export": _uses('(global (export "g") (mut i32) (i32.const 0))'),
    "sign-extension": _uses("", "i32.const 1 i32.extend8_s drop"),
    "saturating-conversions": _uses("", "f32.const 1 i32.trunc_sat_f32_s drop"),
    "multi-value-results": _uses(
        "(func $two (result i32 i32) i32.const 1 i32.const 2)", "call $two drop drop"
    ),
    "multi-value-block": _uses(
        "(type $b (func (param i32) (result i32)))", "i32.const 1 block (type $b) end drop"
    ),
    "memory-copy": _uses("", "i32.const 0 i32.const 0 i32.const 0 memory.copy"),
    "memory-fill": _uses("", "i32.const 0 i32.const 0 i32.const 0 memory.fill"),
    "memory-init": _uses(
        '(data $d "a")', "i32.const 0 i32.const 0 i32.const 0 memory.init $d data.drop $d"
    ),
    "passive-data": _uses('(data "a")'),
    "table-copy": _uses("(table 1 funcref)", "i32.const 0 i32.const 0 i32.const 0 table.copy"),
    "table-init": _uses(
        "(table 1 funcref) (elem $e func)",
        "i32.const 0 i32.const 0 i32.const 0 table.init $e elem.drop $e",
    ),
    "passive-elements": _uses("(func $f) (elem func $f)"),
    "declared-elements": _uses("(func $f) (elem declare func $f)", "ref.func $f drop"),
    "expression-elements": _uses(
        "(table 2 funcref) (func $f) (elem (i32.const 0) funcref (ref.func $f) (ref.null func))"
    ),
    "two-tables": _uses("(table 1 funcref) (table 1 funcref)"),
    "elements-of-second-table": _uses(
        "(table 1 funcref) (table $t 1 funcref) (func $f) (elem (table $t) (i32.const 0) func $f)"
    ),
    "externref": _uses("(func $f (param externref))", "ref.null extern call $f"),
    "externref-table": _uses("(table 1 externref)"),
    "ref-null": _uses("", "ref.null func ref.is_null drop"),
    "funcref-global": _uses("(global funcref (ref.null func))"),
    "table-get": _uses("(table 1 funcref)", "i32.const 0 table.get 0 drop"),
    "table-grow": _uses("(table 1 funcref)", "ref.null func i32.const 0 table.grow 0 drop"),
    "table-size": _uses("(table 1 funcref)", "table.size 0 drop"),
    "table-fill": _uses("(table 1 funcref)", "i32.const 0 ref.null func i32.const 0 table.fill 0"),
    "typed-select": _uses("", "i32.const 1 i32.const 2 i32.const 0 select (result i32) drop"),
    "call-indirect": _uses(
        "(table 1 funcref) (func $f) (elem (i32.const 0) func $f)", "i32.const 0 call_indirect"
    ),
    "call-indirect-second-table": _uses(
        "(table 1 funcref) (table $t 1 funcref) (func $f) (elem (table $t) (i32.const 0) func $f)",
        "i32.const 0 call_indirect $t",
    ),
    "simd-instructions": _uses("", "i32.const 1 i8x16.splat i32x4.extract_lane 0 drop"),
    "simd-constant": _uses("", "v128.const i32x4 1 2 3 4 drop"),
    "simd-memory": _uses("", "i32.const 0 v128.load i64x2.extract_lane 0 drop"),
    "simd-local": _uses("", "(local v128)"),
    "simd-parameter": _uses("(func (param v128))"),
    "simd-global": _uses("(global v128 (v128.const i32x4 0 0 0 0))"),
    "relaxed-simd": _uses(
        "", "i32.const 1 i8x16.splat i32.const 1 i8x16.splat i8x16.relaxed_swizzle drop"
    ),
    "tail-call": _uses("(func $f)", "return_call $f"),
    "tail-call-indirect": _uses(
        "(table 1 funcref) (func $f) (elem (i32.const 0) func $f)",
        "i32.const 0 return_call_indirect",
    ),
    "tag": _uses("(tag)"),
    "throw": _uses("(tag $t)", "i32.const 0 if throw $t end"),
    "try-table": _uses(
        "(tag $t)", "block $caught try_table (catch $t $caught) throw $t end unreachable end"
    ),
    "exnref": _uses("", "(local exnref)"),
    "legacy-try": _uses("(tag $t)", "try throw $t catch $t end"),
    "legacy-catch-all": _uses("", "try catch_all end"),
    "legacy-delegate": _uses("", "try try delegate 0 end"),
    "atomic-rmw": _uses("", "i32.const 0 i32.const 1 i32.atomic.rmw.add drop"),
    "atomic-fence": _uses("", "atomic.fence"),
    "atomic-load": _uses("", "i32.const 0 i32.atomic.load drop"),
    "shared-memory": _uses("", "", '(memory (export "memory") 1 2 shared)'),
    "shared-atomic": _uses(
        "", "i32.const 0 i32.atomic.load drop", '(memory (export "memory") 1 2 shared)'
    ),
    "memory64": _uses("", "i64.const 0 i32.load drop", '(memory (export "memory") i64 1)'),
    "second-memory64": _uses("(memory $second i64 1)", "i64.const 0 i32.load $second drop"),
    "table64": _uses("(table i64 1 funcref)"),
    "two-memories": _uses("", "", _MEMORY + "(memory 1)"),
    "two-memories-used": _uses(
        "", "i32.const 0 i32.load $b drop memory.size $b drop", _MEMORY + "(memory $b 1)"
    ),
    "page-size": _uses("", "", '(memory (export "memory") 65536 (pagesize 1))'),
    "second-page-size": _uses("", "", _MEMORY + "(memory 1 (pagesize 1))"),
    "extended-const": _uses("(global i32 (i32.add (i32.const 1) (i32.const 2)))"),
    "extended-const-data": _uses('(data (i32.add (i32.const 1) (i32.const 2)) "a")'),
    "extended-const-elements": _uses(
        "(table 2 funcref) (func $f) (elem (i32.sub (i32.const 1) (i32.const 1)) func $f)"
    ),
    "constant-of-own-global": _uses("(global $a i32 (i32.const 1)) (global i32 (global.get $a))"),
    "wide-arithmetic": _uses(
        "", "i64.const 1 i64.const 2 i64.const 3 i64.const 4 i64.add128 drop drop"
    ),
    "function-reference-type": _uses("(type $t (func)) (func (param (ref null $t)))"),
    "call-ref": _uses(
        "(type $t (func)) (func $f (type $t)) (elem declare func $f)", "ref.func $f call_ref $t"
    ),
    "return-call-ref": _uses(
        "(type $t (func)) (func $f (type $t)) (elem declare func $f)",
        "ref.func $f return_call_ref $t",
    ),
    "br-on-null": _uses("", "block ref.null func br_on_null 0 drop end"),
    "ref-as-non-null": _uses(
        "(func $f) (elem declare func $f)", "ref.func $f ref.as_non_null drop"
    ),
    "table-with-initial-value": _uses("(func $f) (table 1 funcref (ref.func $f))"),
    "typed-table": _uses("(type $t (func)) (table 1 (ref null $t))"),
    "gc-struct-type": _uses("(type (struct (field i32)))"),
    "gc-packed-field": _uses("(type (struct (field i8)))"),
    "gc-packed-array": _uses("(type (array i16))"),
    "gc-struct": _uses("(type $s (struct (field i32)))", "i32.const 1 struct.new $s drop"),
    "gc-array": _uses("(type $a (array i32))", "i32.const 1 array.new_default $a drop"),
    "gc-i31": _uses("", "i32.const 1 ref.i31 drop"),
    "gc-subtype": _uses("(type $a (sub (func))) (type (sub $a (func)))"),
    "gc-group": _uses("(rec (type (func)) (type (func (param i32))))"),
    "gc-anyref": _uses("(func (param anyref))"),
    "gc-cast": _uses("", "ref.null any ref.test i31ref drop"),
    "gc-ref-eq": _uses("", "ref.null eq ref.null eq ref.eq drop"),
    "gc-extern": _uses("", "ref.null extern any.convert_extern drop"),
    "stack-switching": _uses("(type $f (func)) (type $c (cont $f))"),
    "stack-switching-new": _uses(
        "(type $f (func)) (type $c (cont $f)) (func $g) (elem declare func $g)",
        "ref.func $g cont.new $c drop",
    ),
    "shared-everything": _uses("(global (shared i32) (i32.const 0))"),
    "data-count-without-use": _uses('(data (i32.const 0) "a")'),
}
