;; Whether capitals matter in a name.
;; source: wit:103 "How the host expects the names to be passed and how it stores the graphs for
;; retrieval via this function is **implementation-specific**."
;; needs: graph
;; unspecified
;; avoid: Use the name as the host was told it.

(func $case
  (call $number (i32.const "load_by_name")
    (call $load_by_name (i32.const "BASE") (i32.const 4) (i32.const $GRAPH))))
