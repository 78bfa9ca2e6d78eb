;; Output in the specification's ABI. The earlier value of WRITTEN shows whether a host stores
;; there.
(import "$MODULE" "get_output" (func $get_output (param i32 i32 i32 i32 i32) (result i32)))

(func $get (param $context i32) (param $index i32) (param $out i32) (param $room i32) (result i32)
  (i32.store (i32.const $WRITTEN) (i32.const $UNTOUCHED))
  (call $get_output
    (local.get $context) (local.get $index)
    (local.get $out) (local.get $room) (i32.const $WRITTEN)))
