;; A name that the host does not know is an error, not_found.
;; source: wit:144 "Graph not found."
;; expect: load_by_name=error:8
;; avoid: Take any error of load_by_name as "not there".

(func $case
  (call $number (i32.const "load_by_name")
    (call $load_by_name (i32.const "nowhere") (i32.const 7) (i32.const $GRAPH))))
