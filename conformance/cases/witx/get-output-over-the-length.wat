;; What is in a buffer that contains the variable for the length.
;; source: witx:86 "(result $error (expected $buffer_size (error $nn_errno)))"
;; unspecified
;; avoid: Keep the variable for the length outside of the buffer.

(func $case
  (call $computed)
  (call $number (i32.const "get_output")
    (call $get_output
      (call $context) (i32.const 0) (i32.const $OUT) (i32.const 16)
      (i32.add (i32.const $OUT) (i32.const 4))))
  (call $bytes (i32.const "out") (i32.const $OUT) (i32.const 16)))
