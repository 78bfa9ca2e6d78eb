;; The imports of a guest with WAMR's layout: calls through a table, which first leads to the host.
(import "host" "set_input" (func $set_input (param i32 i32 i32) (result i32)))
(import "host" "get_output" (func $get_output (param i32 i32 i32 i32) (result i32)))
(table $calls (export "table") funcref (elem $set_input $get_output))

(func (export "set_input") (param $context i32) (param $index i32) (param $tensor i32) (result i32)
  (call_indirect $calls (param i32 i32 i32) (result i32)
    (local.get $context) (local.get $index) (local.get $tensor)
    (i32.const 0)))

(func (export "get_output") (param $context i32) (param $index i32) (param $out_buffer i32)
    (param $size_inout i32) (result i32)
  (call_indirect $calls (param i32 i32 i32 i32) (result i32)
    (local.get $context) (local.get $index) (local.get $out_buffer) (local.get $size_inout)
    (i32.const 1)))
