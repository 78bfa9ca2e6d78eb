;; A handle that init_execution_context never returned is an error.
;; source: witx:57 "(typename $graph_execution_context (handle))"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: get_output=error:1

(func $case
  (call $computed)
  (call $number (i32.const "get_output")
    (call $get_output (i32.const 99) (i32.const 0) (i32.const $OUT) (i32.const 64)
      (i32.const $WRITTEN))))
