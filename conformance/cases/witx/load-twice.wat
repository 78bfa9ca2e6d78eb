;; A model can be loaded twice, and both graphs work.
;; source: witx:39 "(typename $graph (handle))"
;; expect: load=0 init=0 init=0

(func $case
  (call $load_base)
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const $BASE_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH_2)))
  (call $number (i32.const "init")
    (call $init_execution_context (call $graph) (i32.const $CONTEXT)))
  (call $number (i32.const "init")
    (call $init_execution_context (call $graph_2) (i32.const $CONTEXT_2))))
