;; If there is no context at all, every context is an error, even 0.
;; source: witx:57 "(typename $graph_execution_context (handle))"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: set_input=error:1
;; avoid: Load a graph and make a context first: some hosts have no state before that, but use it
;; anyway.

(func $case
  (call $number (i32.const "set_input")
    (call $set_input (i32.const 0) (i32.const 0) (i32.const $TENSOR))))
