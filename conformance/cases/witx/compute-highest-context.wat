;; The highest number as a context is an error.
;; source: witx:57 "(typename $graph_execution_context (handle))"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: compute=error:1
;; avoid: Do not mark "no context" by a handle of -1 that is passed on.

(func $case
  (call $ready)
  (call $number (i32.const "compute") (call $compute (i32.const -1))))
