;; Whether an output of `count` floats, rounded up, fits into `room` floats: see get_output in
;; runtime_shim/abi/wamr.py.
(func $fits (param $size i32) (param $count i32) (param $room i32) (result i32)
  (i32.le_u (local.get $count) (local.get $room)))
