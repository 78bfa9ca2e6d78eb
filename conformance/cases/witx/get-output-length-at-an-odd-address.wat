;; An address for the length that is not a multiple of four is used or is an error; the host
;; survives.
;; source: witx:86 "(result $error (expected $buffer_size (error $nn_errno)))"
;; expect: get_output=any
;; trap
;; avoid: Align the variable for the length.

(func $case
  (call $computed)
  (call $number (i32.const "get_output")
    (call $get_output
      (call $context) (i32.const 0) (i32.const $OUT) (i32.const 64)
      (i32.add (i32.const $DATA_2) (i32.const 1)))))
