;; A handle that init_execution_context never returned is an error.
;; source: witx:57 "(typename $graph_execution_context (handle))"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: set_input=error:1

(func $case
  (call $opened)
  (call $number (i32.const "set_input")
    (call $set_input (i32.const 99) (i32.const 0) (i32.const $TENSOR))))
