;; The highest number is an error as the handle of a context.
;; source: witx:57 "(typename $graph_execution_context (handle))"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: compute=error:1
;; avoid: Do not pass -1 as a handle that means "no context".

(func $case
  (call $ready)
  (call $number (i32.const "compute") (call $compute (i32.const -1))))
