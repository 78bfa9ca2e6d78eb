;; A name that is not UTF-8 is an error.
;; source: witx:68 "(param $name string)"
;; expect: load_by_name=error
;; trap
;; avoid: Pass names in ASCII.

(func $case
  (call $number (i32.const "load_by_name")
    (call $load_by_name (i32.const $OUT) (i32.const 4) (i32.const $GRAPH))))
