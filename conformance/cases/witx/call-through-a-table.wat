;; An import can be called through a table.
;; source: witx:88 "(@interface func (export "compute")"
;; expect: compute=0 get_output=0 written=16 out=f32:2,3,4,5

(table $table 1 funcref)
(elem $first (table $table) (i32.const 0) func $compute)
(func $case
  (call $ready)
  (call $number (i32.const "compute")
    (call_indirect (param i32) (result i32) (call $context) (i32.const 0)))
  (call $show_output (i32.const 0)))
