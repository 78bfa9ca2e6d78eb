;; Whether an output of `size` bytes fits into `room` bytes and is a whole number of floats: see
;; get_output in runtime_shim/abi/adapted.py.
(func $fits (param $size i32) (param $count i32) (param $room i32) (result i32)
  (i32.and
    (i32.eqz (i32.rem_u (local.get $size) (i32.const $WAMR_OUTPUT_UNIT)))
    (i32.le_u (local.get $size) (local.get $room))))
