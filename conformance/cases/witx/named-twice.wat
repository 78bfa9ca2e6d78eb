;; A graph can be loaded by name twice.
;; source: wit:103 "How the host expects the names to be passed and how it stores the graphs for
;; retrieval via this function is **implementation-specific**."
;; needs: graph
;; expect: load_by_name=0 load_by_name=0 init=0

(func $case
  (call $number (i32.const "load_by_name")
    (call $load_by_name (i32.const "base") (i32.const 4) (i32.const $GRAPH)))
  (call $number (i32.const "load_by_name")
    (call $load_by_name (i32.const "base") (i32.const 4) (i32.const $GRAPH_2)))
  (call $number (i32.const "init")
    (call $init_execution_context (call $graph_2) (i32.const $CONTEXT))))
