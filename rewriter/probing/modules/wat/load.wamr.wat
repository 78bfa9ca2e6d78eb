;; Loading in WAMR's older ABI.
(import "$MODULE" "load" (func $load (param i32 i32 i32 i32) (result i32)))

(func $load_model (param $array i32) (param $encoding i32) (param $target i32) (result i32)
  (call $load
    (local.get $array) (local.get $encoding) (local.get $target) (i32.const $GRAPH)))
