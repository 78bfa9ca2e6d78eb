;; An empty name is an error.
;; source: witx:68 "(param $name string)"
;; expect: load_by_name=error

(func $case
  (call $number (i32.const "load_by_name")
    (call $load_by_name (i32.const "nowhere") (i32.const 0) (i32.const $GRAPH))))
