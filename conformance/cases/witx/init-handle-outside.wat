;; An address for the context's handle that is not entirely inside memory is an error.
;; source: witx:73 "(result $error (expected $graph_execution_context (error $nn_errno)))"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: init=error:1
;; trap
;; avoid: Keep the handle in a variable of the right size.

(func $case
  (call $load_base)
  (call $number (i32.const "init")
    (call $init_execution_context (call $graph) (i32.sub (i32.const $END) (i32.const 2)))))
