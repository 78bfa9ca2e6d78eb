;; After compute, an input that is not set again keeps its tensor.
;; source: wit:109 "An inference "session" is encapsulated by a `graph-execution-context`. This
;; structure binds a `graph` to input tensors before `compute`-ing an inference"
;; unspecified
;; avoid: Set all inputs before each compute.

(func $case
  (call $two_ready)
  (call $run)
  (i32.store offset=12 (i32.const $TENSOR) (i32.const $DATA_2))
  (call $set (i32.const 0))
  (call $number (i32.const "compute") (call $compute (call $context)))
  (call $show_output (i32.const 0)))
