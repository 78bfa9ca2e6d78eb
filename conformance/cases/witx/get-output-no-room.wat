;; A buffer of 0 bytes is an error, too_large.
;; source: witx:85 "(param $out_buffer_max_size $buffer_size)"
;; source: witx:14 "$too_large"
;; expect: get_output=error:7 out=aa*4

(func $case
  (call $computed)
  (call $number (i32.const "get_output") (call $get (i32.const 0) (i32.const 0)))
  (call $bytes (i32.const "out") (i32.const $OUT) (i32.const 4)))
