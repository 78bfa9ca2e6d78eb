;; A null pointer with a length of 0 is an error as a name.
;; source: witx:68 "(param $name string)"
;; expect: load_by_name=error

(func $case
  (call $number (i32.const "load_by_name")
    (call $load_by_name (i32.const 0) (i32.const 0) (i32.const $GRAPH))))
