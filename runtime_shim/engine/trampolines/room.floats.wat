;; Whether an output, of `count` floats or parts of one, is one for `room`, counted in floats:
;; get_output in runtime_shim/abi/wamr.py.
(func $fits (param $size i32) (param $count i32) (param $room i32) (result i32)
  (i32.le_u (local.get $count) (local.get $room)))
