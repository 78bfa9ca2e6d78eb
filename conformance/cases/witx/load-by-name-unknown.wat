;; An unknown name is an error, not_found.
;; source: wit:144 "Graph not found."
;; expect: load_by_name=error:8
;; avoid: Treat any error of load_by_name as "not found".

(func $case
  (call $number (i32.const "load_by_name")
    (call $load_by_name (i32.const "nowhere") (i32.const 7) (i32.const $GRAPH))))
