;; A buffer that is one byte too small is an error, too_large.
;; source: witx:85 "(param $out_buffer_max_size $buffer_size)"
;; source: witx:14 "$too_large"
;; expect: get_output=error:7
;; avoid: Make buffers as large as the model's output; do not probe for its size.

(func $case
  (call $computed)
  (call $number (i32.const "get_output") (call $get (i32.const 0) (i32.const 15))))
