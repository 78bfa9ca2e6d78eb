;; A tensor in the specification's ABI: dimensions and their number, type, data and its length.
(import "$MODULE" "set_input" (func $set_input (param i32 i32 i32) (result i32)))

(func $set
  (param $context i32) (param $index i32) (param $type i32)
  (param $dims i32) (param $data i32) (param $length i32) (result i32)
  (i32.store (i32.const $TENSOR) (local.get $dims))
  (i32.store offset=4 (i32.const $TENSOR) (i32.const 4))
  (i32.store offset=8 (i32.const $TENSOR) (local.get $type))
  (i32.store offset=12 (i32.const $TENSOR) (local.get $data))
  (i32.store offset=16 (i32.const $TENSOR) (local.get $length))
  (call $set_input (local.get $context) (local.get $index) (i32.const $TENSOR)))
