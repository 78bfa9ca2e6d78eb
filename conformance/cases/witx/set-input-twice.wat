;; If an input is set twice, the second tensor is computed.
;; source: wit:109 "An inference "session" is encapsulated by a `graph-execution-context`. This
;; structure binds a `graph` to input tensors before `compute`-ing an inference"
;; expect: get_output=0 out=f32:11,21,31,41

(func $case
  (call $ready)
  (i32.store offset=12 (i32.const $TENSOR) (i32.const $DATA_2))
  (call $set (i32.const 0))
  (call $run)
  (call $show_output (i32.const 0)))
