;; A name that extends beyond the end of memory is an error.
;; source: witx:68 "(param $name string)"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: load_by_name=error:1
;; trap

(func $case
  (call $number (i32.const "load_by_name")
    (call $load_by_name (i32.sub (i32.const $END) (i32.const 4)) (i32.const 8) (i32.const $GRAPH))))
