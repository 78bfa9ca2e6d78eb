;; If nothing has been loaded, get_output is an error.
;; source: witx:57 "(typename $graph_execution_context (handle))"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: get_output=error:1
;; avoid: Load a graph and make a context first: some hosts have no state before that, but use it
;; anyway.

(func $case
  (call $number (i32.const "get_output")
    (call $get_output (i32.const 0) (i32.const 0) (i32.const $OUT) (i32.const 64)
      (i32.const $WRITTEN))))
