;; The highest number is an error as the handle of a graph.
;; source: witx:39 "(typename $graph (handle))"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: init=error:1
;; avoid: Do not pass -1 as a handle that means "no graph".

(func $case
  (call $load_base)
  (call $number (i32.const "init")
    (call $init_execution_context (i32.const -1) (i32.const $CONTEXT))))
