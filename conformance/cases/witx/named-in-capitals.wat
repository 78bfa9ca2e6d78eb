;; Whether names are case-sensitive.
;; source: wit:103 "How the host expects the names to be passed and how it stores the graphs for
;; retrieval via this function is **implementation-specific**."
;; needs: graph
;; unspecified
;; avoid: Use the name exactly as the host was given it.

(func $case
  (call $number (i32.const "load_by_name")
    (call $load_by_name (i32.const "BASE") (i32.const 4) (i32.const $GRAPH))))
