;; The handle of a graph that has been unloaded is not used again.
;; source: wasmedge-design:17 "Handles are allocated monotonically and **never reused**"
;; expect: unload=0 same=0
;; avoid: Forget a handle when its graph is unloaded.

(func $case
  (call $load_base)
  (i32.store (i32.const $GRAPH_2) (call $graph))
  (call $number (i32.const "unload") (call $unload (call $graph)))
  (call $load_base)
  (call $number (i32.const "same") (i32.eq (call $graph) (call $graph_2))))
