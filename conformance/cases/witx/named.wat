;; A named graph of the host can be loaded and computed.
;; source: wit:103 "How the host expects the names to be passed and how it stores the graphs for
;; retrieval via this function is **implementation-specific**."
;; needs: graph
;; expect: load_by_name=0 get_output=0 out=f32:2,3,4,5

(func $case
  (call $number (i32.const "load_by_name")
    (call $load_by_name (i32.const "base") (i32.const 4) (i32.const $GRAPH)))
  (call $init)
  (call $set (i32.const 0))
  (call $run)
  (call $show_output (i32.const 0)))
