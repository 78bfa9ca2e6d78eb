;; If nothing has been loaded, compute is an error.
;; source: witx:57 "(typename $graph_execution_context (handle))"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: compute=error:1
;; avoid: Load a graph and make a context first: some hosts have no state before that, but use it
;; anyway.

(func $case
  (call $number (i32.const "compute") (call $compute (i32.const 0))))
