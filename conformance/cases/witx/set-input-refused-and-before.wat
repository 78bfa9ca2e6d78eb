;; Whether a refused tensor leaves the previous one in place.
;; source: wit:109 "An inference "session" is encapsulated by a `graph-execution-context`. This
;; structure binds a `graph` to input tensors before `compute`-ing an inference"
;; unspecified
;; avoid: After an error of set_input, set the input again before compute.

(func $case
  (call $ready)
  (i32.store offset=12 (i32.const $DIMS) (i32.const 5))
  (i32.store offset=16 (i32.const $TENSOR) (i32.const 20))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR)))
  (call $number (i32.const "compute") (call $compute (call $context)))
  (call $show_output (i32.const 0)))
