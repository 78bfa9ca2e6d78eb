;; An address for the length that is not entirely inside memory is an error.
;; source: witx:86 "(result $error (expected $buffer_size (error $nn_errno)))"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: get_output=error:1
;; trap

(func $case
  (call $computed)
  (call $number (i32.const "get_output")
    (call $get_output
      (call $context) (i32.const 0) (i32.const $OUT) (i32.const 64)
      (i32.sub (i32.const $END) (i32.const 2)))))
