;; A handle that load never returned is an error.
;; source: witx:39 "(typename $graph (handle))"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: init=error:1
;; avoid: Do not make up handles.

(func $case
  (call $load_base)
  (call $number (i32.const "init")
    (call $init_execution_context (i32.const 99) (i32.const $CONTEXT))))
