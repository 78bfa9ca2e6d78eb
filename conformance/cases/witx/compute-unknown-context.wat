;; A handle that init_execution_context never returned is an error.
;; source: witx:57 "(typename $graph_execution_context (handle))"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: compute=error:1

(func $case
  (call $ready)
  (call $number (i32.const "compute") (call $compute (i32.const 99))))
