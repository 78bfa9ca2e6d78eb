;; Other contexts of a graph still work after one is finalized.
;; source: wasmedge-env:393 "Detach the handle; the destructor drops backend state and the graph
;; pin."
;; expect: finalize=0 get_output=0 out=f32:2,3,4,5

(func $case
  (call $ready)
  (call $must (i32.const "init_execution_context")
    (call $init_execution_context (call $graph) (i32.const $CONTEXT_2)))
  (call $number (i32.const "finalize") (call $finalize_execution_context (call $context_2)))
  (call $run)
  (call $show_output (i32.const 0)))
