;; Loading a name again returns the same handle.
;; source: wasmedge-env:307 "bool mdGet(std::string_view Name, uint32_t &GraphId) noexcept {"
;; needs: graph
;; expect: load_by_name=0 load_by_name=0 same=1 unload=0
;; avoid: Count how often a name was loaded: unload ends the graph for all of them.

(func $case
  (call $number (i32.const "load_by_name")
    (call $load_by_name (i32.const "base") (i32.const 4) (i32.const $GRAPH)))
  (call $number (i32.const "load_by_name")
    (call $load_by_name (i32.const "base") (i32.const 4) (i32.const $GRAPH_2)))
  (call $number (i32.const "same") (i32.eq (call $graph) (call $graph_2)))
  (call $number (i32.const "unload") (call $unload (call $graph))))
