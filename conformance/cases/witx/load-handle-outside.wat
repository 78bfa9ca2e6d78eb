;; An address for the handle that is not entirely inside memory is an error.
;; source: witx:65 "(result $error (expected $graph (error $nn_errno)))"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: load=error:1
;; trap
;; avoid: Keep the handle in a variable of the right size.

(func $case
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const $BASE_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.sub (i32.const $END) (i32.const 2)))))
