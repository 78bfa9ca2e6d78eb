;; A name with a zero byte in it is an error if no graph has that name.
;; source: witx:68 "(param $name string)"
;; expect: load_by_name=error

(func $case
  (i32.store (i32.const $OUT) (i32.const 0x65006162))
  (call $number (i32.const "load_by_name")
    (call $load_by_name (i32.const $OUT) (i32.const 4) (i32.const $GRAPH))))
