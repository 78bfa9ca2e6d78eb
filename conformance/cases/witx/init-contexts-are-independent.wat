;; Each of two contexts of a graph has its own inputs and outputs.
;; source: wit:109 "An inference "session" is encapsulated by a `graph-execution-context`. This
;; structure binds a `graph` to input tensors before `compute`-ing an inference"
;; expect: get_output=0 out=f32:2,3,4,5 get_output=0 out=f32:11,21,31,41
;; avoid: If a host fails here, use one context, and read its output before setting the next input.

(func $case
  (call $opened)
  (call $must (i32.const "init_execution_context")
    (call $init_execution_context (call $graph) (i32.const $CONTEXT_2)))
  (call $set (i32.const 0))
  (i32.store offset=12 (i32.const $TENSOR) (i32.const $DATA_2))
  (call $must (i32.const "set_input")
    (call $set_input (call $context_2) (i32.const 0) (i32.const $TENSOR)))
  (call $run)
  (call $must (i32.const "compute") (call $compute (call $context_2)))
  (call $show_output (i32.const 0))
  (i32.store (i32.const $CONTEXT) (call $context_2))
  (call $show_output (i32.const 0)))
