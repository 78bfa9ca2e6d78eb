;; A buffer whose address and size add up to more than 32 bits is an error, or the output is copied;
;; the host survives.
;; source: witx:85 "(param $out_buffer_max_size $buffer_size)"
;; expect: get_output=any
;; trap
;; avoid: Pass the buffer's real size, not the highest number.

(func $case
  (call $computed)
  (call $number (i32.const "get_output") (call $get (i32.const 0) (i32.const -1))))
