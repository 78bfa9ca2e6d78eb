;; Runs models that some backends treat differently. Each function returns whether the process has
;; to end there. The answers show which step came last.

;; A model with one input, loaded once, because some hosts take only a few in a process. The first
;; success ends the process.
(global $has_loaded (mut i32) (i32.const 0))
(func $try_model
  (param $array i32) (param $number i32) (param $data i32) (param $length i32)
  (param $expected i32) (param $room i32) (result i32)
  (local $errno i32)
  (if (i32.eqz (global.get $has_loaded))
    (then
      (local.set $errno (call $open_model (local.get $array)))
      (if (local.get $errno) (then (return (i32.const 1))))
      (global.set $has_loaded (i32.const 1))))
  (call $try_type
    (local.get $number) (local.get $data) (local.get $length)
    (local.get $expected) (local.get $room)))

(func $open_model (param $array i32) (result i32)
  (local $errno i32)
  (local.set $errno (call $load_model (local.get $array) (i32.const $ENCODING) (i32.const 0)))
  (call $tell (i32.const "load") (local.get $errno))
  (if (local.get $errno) (then (return (local.get $errno))))
  (local.set $errno (call $init_context (i32.load (i32.const $GRAPH)) (i32.const $CONTEXT)))
  (call $tell (i32.const "init") (local.get $errno))
  (local.get $errno))

;; A model with two inputs of one type and shape, set in their order.
(func $try_inputs (param $array i32) (param $second i32) (result i32)
  (local $errno i32)
  (local.set $errno (call $open_model (local.get $array)))
  (if (local.get $errno) (then (return (i32.const 1))))
  (local.set $errno (call $set_base))
  (call $tell (i32.const "set_input") (local.get $errno))
  (if (local.get $errno) (then (return (i32.const 1))))
  (local.set $errno
    (call $set
      (call $context) (i32.const 1) (i32.const $TYPE) (i32.const $DIMS)
      (local.get $second) (i32.const $LENGTH)))
  (call $tell (i32.const "set_other") (local.get $errno))
  (if (local.get $errno) (then (return (i32.const 1))))
  (local.set $errno (call $compute (call $context)))
  (call $tell (i32.const "compute") (local.get $errno))
  (if (local.get $errno) (then (return (i32.const 1))))
  (call $tell (i32.const "get_output") (call $fetch (i32.const 256)))
  (call $tell (i32.const "right")
    (i32.eq (call $agreeing (i32.const $EXPECTED) (i32.const $LENGTH)) (i32.const $LENGTH)))
  (i32.const 1))
