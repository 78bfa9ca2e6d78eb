;; If nothing has been loaded, every graph is an error, even 0.
;; source: witx:39 "(typename $graph (handle))"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: init=error:1
;; avoid: Load a graph first: some hosts have no state before that, but use it anyway.

(func $case
  (call $number (i32.const "init")
    (call $init_execution_context (i32.const 0) (i32.const $CONTEXT))))
