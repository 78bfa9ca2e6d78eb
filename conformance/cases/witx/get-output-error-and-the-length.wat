;; Whether the required length is written if the buffer is too small.
;; source: witx:86 "(result $error (expected $buffer_size (error $nn_errno)))"
;; unspecified
;; avoid: Do not rely on it: the length is valid only after success.

(func $case
  (call $computed)
  (call $number (i32.const "get_output") (call $get (i32.const 0) (i32.const 15)))
  (call $bytes (i32.const "written") (i32.const $WRITTEN) (i32.const 4)))
