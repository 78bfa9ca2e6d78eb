;; The highest number as a graph is an error.
;; source: witx:39 "(typename $graph (handle))"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: init=error:1
;; avoid: Do not mark "no graph" by a handle of -1 that is passed on.

(func $case
  (call $load_base)
  (call $number (i32.const "init")
    (call $init_execution_context (i32.const -1) (i32.const $CONTEXT))))
