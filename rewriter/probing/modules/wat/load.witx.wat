;; Loading in the specification's ABI. `array` is the address of a pointer to the builders and their
;; number. WAMR's older ABI takes it as it is.
(import "$MODULE" "load" (func $load (param i32 i32 i32 i32 i32) (result i32)))

(func $load_model (param $array i32) (param $encoding i32) (param $target i32) (result i32)
  (call $load
    (i32.load (local.get $array)) (i32.load offset=4 (local.get $array))
    (local.get $encoding) (local.get $target) (i32.const $GRAPH)))
